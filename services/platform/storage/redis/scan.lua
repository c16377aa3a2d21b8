#!lua flags=no-writes
-- Store::Scan. ARGV: index, the places that it lies between, '1' for reverse, the most rows, the
-- bytes that end a page. Returns {whether more follow, member, record, member, record, ...}.
if Importing() then return BEING_IMPORTED end
local index, above, below, reverse = BASE .. 'x' .. ARGV[1], '(' .. ARGV[2], '(' .. ARGV[3], ARGV[4]
local limit, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local members
if reverse == '1' then
  members = redis.call('ZREVRANGEBYLEX', index, below, above, 'LIMIT', 0, limit + 1)
else
  members = redis.call('ZRANGEBYLEX', index, above, below, 'LIMIT', 0, limit + 1)
end

-- Records in steps, so that a page of large ones is not read whole to be cut.
local kStep = 32
local page, bytes, rows = {0}, 0, 0
while rows < #members do
  if rows >= limit then
    page[1] = 1
    return page
  end
  local keys = {}
  for i = rows + 1, math.min(rows + kStep, limit, #members) do
    local member = members[i]
    keys[#keys + 1] = BASE .. 'r' .. string.sub(member, string.find(member, '%z') + 1)
  end
  for _, value in ipairs(redis.call('MGET', unpack(keys))) do
    if bytes >= most_bytes then
      page[1] = 1
      return page
    end
    rows = rows + 1
    page[#page + 1] = members[rows]
    page[#page + 1] = value
    if value then
      local _, length = struct.unpack('>I8I4', value)
      bytes = bytes + #value - 12 - length
    end
  end
end
return page
