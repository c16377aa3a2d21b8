#!lua flags=no-writes
-- Store::Journal and Store::ListAudit. ARGV: 'j' or 'a', after, the most entries, the bytes that end
-- a page. Returns {epoch, last sequence, last sequence that was trimmed, sequence, time, value, ...}
-- of the journal; of the audit trail without the first three.
if Importing() then return BEING_IMPORTED end
local stream, after = ARGV[1], tonumber(ARGV[2])
local limit, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local page = {}
if stream == 'j' then
  local meta = redis.call('HMGET', META, 'epoch', 'journal', 'trimmed')
  page = {meta[1], meta[2] or '0', meta[3] or '0'}
  if after > tonumber(page[2]) or after < tonumber(page[3]) then return page end
end

local kStep = 32
local bytes, rows = 0, 0
local from = '(' .. Text(after)
while rows < limit do
  local step = math.min(kStep, limit - rows)
  local found = redis.call('XRANGE', BASE .. stream, from, '+', 'COUNT', step)
  for _, entry in ipairs(found) do
    if bytes >= most_bytes then return page end
    local value = entry[2][4]
    page[#page + 1] = SequenceOf(entry)
    page[#page + 1] = entry[2][2]
    page[#page + 1] = value
    bytes = bytes + #value
    rows = rows + 1
    from = '(' .. entry[1]
  end
  if #found < step then break end
end
return page
