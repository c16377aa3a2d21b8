#!lua
-- Opens the store, and writes a practice down in it before its first batch. KEYS are the store's own:
-- its hash m (format, epoch), the zset p of all practices, the zset n of those that were registered
-- and not yet seen to serve. ARGV: this release's format, an epoch for a store that is new, practice
-- or ''. Returns {format, epoch}; when the format is another, nothing was changed.
local format, practice = ARGV[1], ARGV[3]
local meta = redis.call('HMGET', META, 'format', 'epoch')
redis.call('ZCARD', BASE .. 'p')
redis.call('ZCARD', BASE .. 'n')
if not meta[1] then
  meta = {format, ARGV[2]}
  redis.call('HSET', META, 'format', format, 'epoch', ARGV[2])
end
if practice ~= '' and meta[1] == format and
    redis.call('ZADD', BASE .. 'p', 'NX', 0, practice) == 1 then
  redis.call('ZADD', BASE .. 'n', 0, practice)
end
return meta
