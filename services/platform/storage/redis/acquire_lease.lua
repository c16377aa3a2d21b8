#!lua flags=allow-oom
-- Store::AcquireLease. ARGV: epoch of a registered practice or '', now, lease, owner, duration.
-- Returns {'done', token, expire time}; or, without having changed anything, {'held', for how long},
-- {'register'}: the practice is new and must be registered first.
local kLatest = 2 ^ 53  -- in the year 2255; above it numbers are not exact
local epoch, now, name, owner = ARGV[1], Now(ARGV[2]), ARGV[3], ARGV[4]
local meta = redis.call('HMGET', META, 'epoch', 'importing')
if meta[2] then return BEING_IMPORTED end
local token, expires, holder = ReadLease(name)
local free = expires <= now
if not free and holder ~= owner then return {'held', Text(expires - now)} end
if not meta[1] then
  if epoch == '' then return {'register'} end
  redis.call('HSET', META, 'epoch', epoch)
end
if free then
  token = token + 1
  redis.call('HINCRBY', META, 'changes', 1)
end
expires = math.min(now + tonumber(ARGV[5]), kLatest)
redis.call('HSET', BASE .. 'l', name, Text(token) .. ' ' .. Text(expires) .. ' ' .. owner)
return {'done', Text(token), Text(expires)}
