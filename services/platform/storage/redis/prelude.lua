-- Stands in every script behind its first line.
--
-- KEYS[1]  the practice's own hash, <prefix>:{<practice>}m: epoch; journal and audit: their last
--          sequences; trimmed: of the journal; changes: counts what an export would show; importing:
--          until the import is finished; counted: the import brought the counters
-- KEYS[2]  <prefix>:{<practice>}!, which never exists. While a Cluster moves the slot, a call with
--          several keys of which one is missing is refused (TRYAGAIN) on both sides: so no script
--          ever sees a part of a practice. Every other key is made from KEYS[1] and lies in the same
--          slot:
--   r<kind>NUL<id>  string   a record: version (8 bytes), length of its index entries (4), those
--                            (<index>NUL<sort key>NUL, sorted, each once), its value
--   n               zset     all records, <kind>NUL<id>
--   x<index>        zset     <sort key>NUL<kind>NUL<id>
--   j, a            streams  journal and audit trail; ids <sequence>-0, fields t (time), v (value)
--   i<key>          string   idempotency: expire time NUL, then what the store makes of it
--   k, e            zsets    idempotency keys; by their expire time
--   l               hash     leases: "<token> <expire time> <owner>"
--   ?                exists only while a read or write is confirmed (redis_node.cc)
-- Where not said otherwise all scores are 0, so that members order as bytes. Times are microseconds
-- since 1970. Whatever may fail (a key of another type) is read before the first write: an error
-- after it would leave half a batch.
local META = KEYS[1]
local BASE = string.sub(META, 1, -2)

-- Nobody is served from half of a copy.
local BEING_IMPORTED = {err = 'IMPORTING the practice is being imported'}
local function Importing() return redis.call('HEXISTS', META, 'importing') == 1 end

-- Lua itself writes numbers with 14 digits; versions and times have up to 16.
local function Text(number) return string.format('%.0f', number) end

-- The store's clock: the server's, unless the caller has one of its own.
local function Now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- The sequence of a stream's entry.
local function SequenceOf(entry) return string.match(entry[1], '^%d+') end

local function HasExpired(idempotency, now)
  return tonumber(string.match(idempotency, '^%-?%d+')) <= now
end

-- A lease's token (0: never held), expire time and owner.
local function ReadLease(name)
  local stored = redis.call('HGET', BASE .. 'l', name)
  if not stored then return 0, 0, '' end
  local token, expires, owner = string.match(stored, '^(%d+) (%-?%d+) (.*)$')
  return tonumber(token), tonumber(expires), owner
end

local function CheckLeases() redis.call('HLEN', BASE .. 'l') end
local function CheckStream(stream) redis.call('XLEN', BASE .. stream) end
local function CheckIdempotency()
  redis.call('ZCARD', BASE .. 'k')
  redis.call('ZCARD', BASE .. 'e')
end

-- A record's version (0: there is none) and index entries.
local function ReadHead(record)
  local key = BASE .. 'r' .. record
  local head = redis.call('GETRANGE', key, 0, 255)
  if head == '' then return 0, '' end
  local version, length = struct.unpack('>I8I4', head)
  if #head < 12 + length then head = redis.call('GETRANGE', key, 0, 11 + length) end
  return version, string.sub(head, 13, 12 + length)
end

-- What is to be done to records, once everything was checked.
local Plan = {removals = {}, additions = {}, deletes = {}, puts = {}, checked = {}}

function Plan:Check(zset)
  if not self.checked[zset] then
    redis.call('ZCARD', zset)
    self.checked[zset] = true
  end
end

function Plan:Index(record, old, new)
  if old == new then return end
  local function Entries(packed)
    local entries = {}
    for index, sort_key in string.gmatch(packed, '([^%z]+)%z([^%z]*)%z') do
      self:Check(BASE .. 'x' .. index)
      entries[index .. '\0' .. sort_key] = {BASE .. 'x' .. index, sort_key .. '\0' .. record}
    end
    return entries
  end
  local had, wanted = Entries(old), Entries(new)
  for name, entry in pairs(had) do
    if not wanted[name] then table.insert(self.removals, entry) end
  end
  for name, entry in pairs(wanted) do
    if not had[name] then table.insert(self.additions, entry) end
  end
end

function Plan:Delete(record)
  local version, index = ReadHead(record)
  if version == 0 then return end
  self:Check(BASE .. 'n')
  self:Index(record, index, '')
  table.insert(self.deletes, record)
end

-- At `version`, or at the next one if it is nil. Returns it.
function Plan:Put(record, value, index, version)
  local old_version, old_index = ReadHead(record)
  self:Check(BASE .. 'n')
  self:Index(record, old_index, index)
  version = version or old_version + 1
  table.insert(self.puts, {
    record = record,
    new = old_version == 0,
    stored = struct.pack('>I8I4', version, #index) .. index .. value
  })
  return version
end

function Plan:Do()
  for _, entry in ipairs(self.removals) do redis.call('ZREM', entry[1], entry[2]) end
  for _, entry in ipairs(self.additions) do redis.call('ZADD', entry[1], 0, entry[2]) end
  for _, record in ipairs(self.deletes) do
    redis.call('DEL', BASE .. 'r' .. record)
    redis.call('ZREM', BASE .. 'n', record)
  end
  for _, put in ipairs(self.puts) do
    redis.call('SET', BASE .. 'r' .. put.record, put.stored)
    if put.new then redis.call('ZADD', BASE .. 'n', 0, put.record) end
  end
end

local function WriteIdempotency(key, expires, value)
  redis.call('SET', BASE .. 'i' .. key, expires .. '\0' .. value)
  redis.call('ZADD', BASE .. 'k', 0, key)
  redis.call('ZADD', BASE .. 'e', expires, key)
end
