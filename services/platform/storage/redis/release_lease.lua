#!lua flags=allow-oom
-- Store::ReleaseLease. ARGV: lease, token. The field stays, so that the next token is greater.
if Importing() then return BEING_IMPORTED end
local token, _, owner = ReadLease(ARGV[1])
if token > 0 and token == tonumber(ARGV[2]) then
  redis.call('HSET', BASE .. 'l', ARGV[1], Text(token) .. ' 0 ' .. owner)
end
return 0
