#!lua
-- Store::FinishImport. Returns 'done', 'unknown' or 'incomplete'.
local meta =
    redis.call('HMGET', META, 'epoch', 'importing', 'counted', 'journal', 'trimmed', 'audit')
if not meta[1] then return 'unknown' end
if not meta[2] then return 'done' end
if not meta[3] then return 'incomplete' end
local last, trimmed, audit_last = tonumber(meta[4]), tonumber(meta[5]), tonumber(meta[6])
local function Sequence(entries) return entries[1] and tonumber(SequenceOf(entries[1])) end

local first = Sequence(redis.call('XRANGE', BASE .. 'j', '-', '+', 'COUNT', 1))
local newest = Sequence(redis.call('XREVRANGE', BASE .. 'j', '+', '-', 'COUNT', 1))
if redis.call('XLEN', BASE .. 'j') ~= last - trimmed then return 'incomplete' end
if first and (first <= trimmed or newest ~= last) then return 'incomplete' end
local audit = Sequence(redis.call('XREVRANGE', BASE .. 'a', '+', '-', 'COUNT', 1))
if audit and audit > audit_last then return 'incomplete' end
redis.call('HDEL', META, 'importing', 'counted')
return 'done'
