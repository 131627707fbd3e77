-- Publishes the configuration. Agents who are new start offline; agents who are no longer there go offline, at once or when
-- their call ends, and serve nothing. Whoever stays keeps their status.
--
-- KEYS[1]  the event stream
-- ARGV     now, a random first version (so that a lost Redis never repeats one), the version that must be in force ("" any),
--          JSON of the own wordings, number of queues,
--          for each queue: key, JSON, 1 when dialling;  then for each agent: key, JSON,
--          queues served (a line each: key, tab, level)
-- Returns  OK, the new version; or STALE where another version is in force
-- Time     ARGV, microseconds of the shared clock
-- @include _agents.lua

local now, first_version, following, queues = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])

if following ~= '' and following ~= (redis.call('GET', TAG .. 'version') or '0') then
  return { STALE }
end

local dialed = {}
for _, queue in ipairs(redis.call('HKEYS', TAG .. 'queues')) do
  dialed[queue] = redis.call('HGET', queue_key(queue, 's'), 'd')
  redis.call('HDEL', queue_key(queue, 's'), 'd', 'v')
end
redis.call('DEL', TAG .. 'queues', TAG .. 'staff')
redis.call('SET', TAG .. 'wording', ARGV[4])
redis.call('SET', TAG .. 'version', first_version, 'NX')
local version = redis.call('INCR', TAG .. 'version')
local at = 6
for _ = 1, queues do
  redis.call('HSET', TAG .. 'queues', ARGV[at], ARGV[at + 1])
  redis.call('HSET', queue_key(ARGV[at], 's'), 'd', ARGV[at + 2], 'v', version)
  if dialed[ARGV[at]] ~= ARGV[at + 2] then
    tell_setting(ARGV[at], ARGV[at + 2] == '1' and 'dialing' or 'resting', now)
  end
  dialed[ARGV[at]] = nil
  at = at + 3
end
local taken_out = {}
for queue, dials in pairs(dialed) do
  if dials == '1' then
    taken_out[#taken_out + 1] = queue
  end
end
table.sort(taken_out, bytes_before)
for _, queue in ipairs(taken_out) do
  tell_setting(queue, 'resting', now)
end

-- The agent serves other queues, or at other levels, from now on.
local function serve(key, before, serves)
  if before ~= serves then
    redis.call('HSET', agent_key(key), 'q', serves)
    tell_setting(key, 'serves', now, serves)
  end
end

local configured = {}
while at <= #ARGV do
  local key, serves = ARGV[at], ARGV[at + 2]
  redis.call('HSET', TAG .. 'staff', key, ARGV[at + 1])
  at = at + 3
  configured[key] = true
  local a = load_agent(key)
  if a then
    local before = a.serves
    count_out(a)
    a.serves = serves
    serve(key, before, serves)
    count_in(a)
  else
    a = { key = key, status = 'offline', since = now, serves = serves }
    redis.call('HSET', agent_key(key), 's', 'offline', 'c', now, 'w', 'offline')
    redis.call('SADD', TAG .. 'agents', key)
    count_in(a)
    tell_agent(key, '', 'offline', now, 'configured', {})
    serve(key, '', serves)
  end
end

local known = redis.call('SMEMBERS', TAG .. 'agents')
table.sort(known, bytes_before)
for _, key in ipairs(known) do
  local a = not configured[key] and load_agent(key)
  if a then
    want(a, 'offline')
    if a.status ~= 'reserved' and a.status ~= 'busy' then
      move_agent(a, 'offline', now, 'configured', {})
    end
    count_out(a)
    serve(key, a.serves, '')
  end
end

return { OK, version }
