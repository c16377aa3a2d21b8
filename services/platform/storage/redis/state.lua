#!lua flags=no-writes
-- What a registered practice is: 'absent' (never written to), 'importing' or 'serving'.
local meta = redis.call('HMGET', META, 'epoch', 'importing')
return not meta[1] and 'absent' or meta[2] and 'importing' or 'serving'
