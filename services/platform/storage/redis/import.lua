#!lua
-- Store::Import. ARGV: epoch of a registered practice or '', then the items, each behind its letter:
-- c journal, trimmed, audit (the counters); r record, version, value, index entries; j or a sequence,
-- time, value; i idempotency key, expire time, value; l lease, token.
-- Returns 'done'; or, without having changed anything, 'register', or 'exists' for a practice that is
-- not being imported.
local meta = redis.call('HMGET', META, 'epoch', 'importing')
if meta[1] and not meta[2] then return {'exists'} end
if not meta[1] and ARGV[1] == '' then return {'register'} end

local position = 1
local function Next()
  position = position + 1
  return ARGV[position]
end

local counters, idempotency, leases = nil, {}, {}
local records, streams = {}, {j = {}, a = {}}
for letter in Next do
  if letter == 'c' then
    counters = {Next(), Next(), Next()}
  elseif letter == 'r' then
    -- One that comes twice counts as it comes last.
    local record, version, value, index = Next(), Next(), Next(), Next()
    records[record] = {version = version, value = value, index = index}
  elseif letter == 'j' or letter == 'a' then
    local sequence, time, value = Next(), Next(), Next()
    streams[letter][tonumber(sequence)] = {time, value}
  elseif letter == 'i' then
    local key, expires, value = Next(), Next(), Next()
    idempotency[key] = {expires, value}
  else
    local name, token = Next(), Next()
    leases[name] = token
  end
end

for record, copy in pairs(records) do
  Plan:Put(record, copy.value, copy.index, tonumber(copy.version))
end
CheckStream('j')
CheckStream('a')
CheckStream('t')
CheckIdempotency()
CheckLeases()

-- Brings entries into a stream, which itself takes them at its end only.
local function Merge(stream, entries)
  local key, copy = BASE .. stream, BASE .. 't'
  local sequences = {}
  for sequence in pairs(entries) do table.insert(sequences, sequence) end
  table.sort(sequences)
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  local last = newest and tonumber(SequenceOf(newest)) or 0
  local append = true
  for _, sequence in ipairs(sequences) do
    if sequence <= last then
      local id = Text(sequence) .. '-0'
      local there = redis.call('XRANGE', key, id, id)[1]
      if there and there[2][2] == entries[sequence][1] and there[2][4] == entries[sequence][2] then
        entries[sequence] = nil  -- an import that is run again
      else
        append = false
      end
    end
  end
  local function Write(target, sequence)
    local entry = entries[sequence]
    if entry then
      redis.call('XADD', target, Text(sequence) .. '-0', 't', entry[1], 'v', entry[2])
    end
  end
  if append then
    for _, sequence in ipairs(sequences) do Write(key, sequence) end
    return
  end

  local kStep = 32
  local next_new, from = 1, '-'
  redis.call('DEL', copy)
  repeat
    local found = redis.call('XRANGE', key, from, '+', 'COUNT', kStep)
    for _, old in ipairs(found) do
      local sequence = tonumber(SequenceOf(old))
      while next_new <= #sequences and sequences[next_new] < sequence do
        Write(copy, sequences[next_new])
        next_new = next_new + 1
      end
      if not entries[sequence] then
        redis.call('XADD', copy, old[1], 't', old[2][2], 'v', old[2][4])
      end
      from = '(' .. old[1]
    end
  until #found < kStep
  for i = next_new, #sequences do Write(copy, sequences[i]) end
  redis.call('RENAME', copy, key)
end

if not meta[1] then redis.call('HSET', META, 'epoch', ARGV[1], 'importing', 1) end
if #ARGV > 1 then redis.call('HINCRBY', META, 'changes', 1) end
if counters then
  redis.call('HSET', META, 'journal', counters[1], 'trimmed', counters[2], 'audit', counters[3],
             'counted', 1)
end
Plan:Do()
Merge('j', streams.j)
Merge('a', streams.a)
for key, copy in pairs(idempotency) do WriteIdempotency(key, copy[1], copy[2]) end
for name, token in pairs(leases) do redis.call('HSET', BASE .. 'l', name, token .. ' 0 ') end
return {'done'}
