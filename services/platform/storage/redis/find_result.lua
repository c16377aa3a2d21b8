#!lua flags=no-writes
-- Store::FindResult. ARGV: now, idempotency key. Returns what Apply stored unless it has expired.
if Importing() then return BEING_IMPORTED end
local now = Now(ARGV[1])
local stored = redis.call('GET', BASE .. 'i' .. ARGV[2])
if stored and not HasExpired(stored, now) then return stored end
return false
