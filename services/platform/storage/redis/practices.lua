#!lua flags=no-writes
-- Store::ListPractices and Store::ListImports. KEYS are the store's own. ARGV: 'p' for all, 'n' for
-- those not yet seen to serve; after; the most practices. Returns {name, 1 if it was not yet seen to
-- serve, name, ...}.
local least = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local page = {}
for _, name in ipairs(redis.call('ZRANGEBYLEX', BASE .. ARGV[1], least, '+', 'LIMIT', 0, ARGV[3])) do
  page[#page + 1] = name
  page[#page + 1] = redis.call('ZSCORE', BASE .. 'n', name) and 1 or 0
end
return page
