#!lua
-- Store::Ping: a write like any other. KEYS are the store's own.
redis.call('HSET', META, 'probe', Text(Now('')))
return 'OK'
