#!lua flags=allow-oom
-- Store::Trim. ARGV: now, time before which the journal goes, sequence through which the audit trail
-- goes, the most rows of each sort. Returns how many were removed. Also, as what it takes to do so
-- under a lease, when memory is full: it makes room.
if Importing() then return BEING_IMPORTED end
local now, before = Now(ARGV[1]), tonumber(ARGV[2])
local audit_through, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
local journal, audit = BASE .. 'j', BASE .. 'a'
CheckIdempotency()

-- Up to the first entry to keep, since clocks may step back and a gap must not come about.
local kStep = 32
local entries, through, from = 0, nil, '-'
while entries < limit do
  local step = math.min(kStep, limit - entries)
  local found = redis.call('XRANGE', journal, from, '+', 'COUNT', step)
  local last = #found < step
  for _, entry in ipairs(found) do
    if tonumber(entry[2][2]) >= before then
      last = true
      break
    end
    entries = entries + 1
    through = SequenceOf(entry)
    from = '(' .. entry[1]
  end
  if last then break end
end

local first = redis.call('XRANGE', audit, '-', '+', 'COUNT', 1)[1]
local expired =
    redis.call('ZRANGEBYSCORE', BASE .. 'e', '-inf', Text(now), 'LIMIT', 0, limit)

if through then
  redis.call('XTRIM', journal, 'MINID', '=', Text(tonumber(through) + 1))
  redis.call('HSET', META, 'trimmed', through)
end
local audits = 0
if first then
  local least = tonumber(SequenceOf(first))
  audit_through = math.min(audit_through, least + limit - 1)
  if audit_through >= least then
    audits = redis.call('XTRIM', audit, 'MINID', '=', Text(audit_through + 1))
  end
end
for _, request in ipairs(expired) do
  redis.call('DEL', BASE .. 'i' .. request)
  redis.call('ZREM', BASE .. 'k', request)
  redis.call('ZREM', BASE .. 'e', request)
end
local removed = entries + audits + #expired
if removed > 0 then redis.call('HINCRBY', META, 'changes', 1) end
return removed
