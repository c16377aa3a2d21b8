#!lua
-- Store::Apply. ARGV: epoch of a registered practice or '', now, idempotency key or '', its expire
-- time, its value, lease or '', its token; then, each after their number: expectations (record,
-- version), deletes (record), puts (record, value, index entries), journal, audit.
-- Returns {'done', epoch, journal's last sequence, versions...}; or, without having changed anything,
-- {'known', idempotency value, epoch, sequence}, {'lease'}, {'conflict', number of the expectation},
-- {'register'}: the practice is new and must be registered first.
local position = 0
local function Next()
  position = position + 1
  return ARGV[position]
end

local epoch, now = Next(), Now(Next())
local request, request_expires, request_value = Next(), Next(), Next()
local lease, token = Next(), Next()

local meta = redis.call('HMGET', META, 'epoch', 'journal', 'audit', 'importing')
if meta[4] then return BEING_IMPORTED end
local known = meta[1]
local journal_last = tonumber(meta[2] or 0)
local audit_last = tonumber(meta[3] or 0)

if request ~= '' then
  local stored = redis.call('GET', BASE .. 'i' .. request)
  if stored and not HasExpired(stored, now) then
    return {'known', stored, known, Text(journal_last)}
  end
  CheckIdempotency()
end

if lease ~= '' then
  local held, expires = ReadLease(lease)
  if held ~= tonumber(token) or expires <= now then return {'lease'} end
end

for i = 1, tonumber(Next()) do
  local record, version = Next(), Next()
  if ReadHead(record) ~= tonumber(version) then return {'conflict', i} end
end

for _ = 1, tonumber(Next()) do Plan:Delete(Next()) end
local versions = {}
for i = 1, tonumber(Next()) do
  local record, value, index = Next(), Next(), Next()
  versions[i] = Plan:Put(record, value, index)
end
local journal, audit = {}, {}
for i = 1, tonumber(Next()) do journal[i] = Next() end
for i = 1, tonumber(Next()) do audit[i] = Next() end
if #journal > 0 then CheckStream('j') end
if #audit > 0 then CheckStream('a') end

if not known then
  if #versions == 0 and #journal == 0 and #audit == 0 and request == '' then
    return {'done', false, '0'}  -- nothing to write, so the practice stays unknown
  end
  if epoch == '' then return {'register'} end
  known = epoch
  redis.call('HSET', META, 'epoch', epoch)
end

local time = Text(now)
for _, entry in ipairs(journal) do
  journal_last = journal_last + 1
  redis.call('XADD', BASE .. 'j', Text(journal_last) .. '-0', 't', time, 'v', entry)
end
for _, entry in ipairs(audit) do
  audit_last = audit_last + 1
  redis.call('XADD', BASE .. 'a', Text(audit_last) .. '-0', 't', time, 'v', entry)
end
if #journal > 0 then redis.call('HSET', META, 'journal', Text(journal_last)) end
if #audit > 0 then redis.call('HSET', META, 'audit', Text(audit_last)) end
redis.call('HINCRBY', META, 'changes', 1)
Plan:Do()
if request ~= '' then WriteIdempotency(request, request_expires, request_value) end

local done = {'done', known, Text(journal_last)}
for i, version in ipairs(versions) do done[i + 3] = Text(version) end
return done
