#!lua flags=no-writes
-- Store::Export, a page of one part. ARGV: now, part (an ExportPart), name after which it begins (of
-- records <kind>NUL<id>) or '', sequence after which it begins, the most items, the bytes that end a
-- page. Returns nil for an unknown practice, else {epoch, changes, 1 if that was the whole part, name
-- and sequence after which the next page begins, items...}: of counters journal, trimmed, audit; of
-- records name, stored; of journal and audit sequence, time, value; of idempotency keys key, stored;
-- of leases name, token.
local now, part, after_name, after = Now(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local limit, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local meta = redis.call('HMGET', META, 'epoch', 'changes', 'journal', 'trimmed', 'audit')
if not meta[1] then return false end
local page = {meta[1], meta[2] or '0', 0, after_name, Text(after)}
local bytes, rows = 0, 0

local function Add(...)
  for _, field in ipairs({...}) do
    page[#page + 1] = field
    bytes = bytes + #field
  end
  rows = rows + 1
end
local function Full() return rows >= limit or bytes >= most_bytes end

-- Everything stored as <letter><name> whose names are the zset `names`.
local kStep = 32
local function AddNamed(names, letter, keep)
  while not Full() do
    local least = page[4] == '' and '-' or '(' .. page[4]
    local found = redis.call('ZRANGEBYLEX', BASE .. names, least, '+', 'LIMIT', 0, kStep)
    for _, name in ipairs(found) do
      if Full() then return end
      local stored = redis.call('GET', BASE .. letter .. name)
      if keep(stored) then Add(name, stored) end
      page[4] = name
    end
    if #found < kStep then
      page[3] = 1
      return
    end
  end
end

local function AddEntries(stream)
  while not Full() do
    local found = redis.call('XRANGE', BASE .. stream, '(' .. page[5], '+', 'COUNT', kStep)
    for _, entry in ipairs(found) do
      if Full() then return end
      page[5] = SequenceOf(entry)
      Add(page[5], entry[2][2], entry[2][4])
    end
    if #found < kStep then
      page[3] = 1
      return
    end
  end
end

if part == '0' then
  Add(meta[3] or '0', meta[4] or '0', meta[5] or '0')
  page[3] = 1
elseif part == '1' then
  AddNamed('n', 'r', function() return true end)
elseif part == '2' then
  AddEntries('j')
elseif part == '3' then
  AddEntries('a')
elseif part == '4' then
  AddNamed('k', 'i', function(stored) return not HasExpired(stored, now) end)
else
  local names = redis.call('HKEYS', BASE .. 'l')
  table.sort(names)
  page[3] = 1
  for _, name in ipairs(names) do
    if name > after_name then
      if Full() then
        page[3] = 0
        break
      end
      Add(name, Text((ReadLease(name))))
      page[4] = name
    end
  end
end
return page
