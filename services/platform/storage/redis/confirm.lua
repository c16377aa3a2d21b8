#!lua
-- Remembers that a registered practice was seen to serve. KEYS are the store's own. ARGV: practice.
return redis.call('ZREM', BASE .. 'n', ARGV[1])
