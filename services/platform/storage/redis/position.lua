#!lua flags=no-writes
-- Store::GetPosition. Returns {epoch or nil for a practice never written to, last sequence}.
local meta = redis.call('HMGET', META, 'epoch', 'journal', 'importing')
if meta[3] then return BEING_IMPORTED end
return {meta[1], meta[2] or '0'}
