#!lua flags=no-writes
-- Store::GetMany. ARGV: records. Returns what is stored for each, in their order.
if Importing() then return BEING_IMPORTED end
local keys = {}
for i, record in ipairs(ARGV) do keys[i] = BASE .. 'r' .. record end
return redis.call('MGET', unpack(keys))
