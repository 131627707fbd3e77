-- @include _keys.lua
-- @include _events.lua
-- Agents: a hash `a:KEY`, and in every queue they serve one row: in `idle` (a sorted set: the lower level first, then
-- whoever is idle longest) while available, else in the set `a:STATUS`. How many rows there are is noted in the queue's
-- state hash under the status, counted afresh at each change, so that it cannot drift.
--
-- Hash fields: s status   c since   w wanted   t token (reserved or busy)   u end of the wrap-up
--   y why they are in it   n why they wanted to be away ('' not said)
--   q the queues they serve, a line each: key, tab, level

-- `callback.domain.lifecycle.AGENT_MOVES` as words; a test compares the two.
local AGENT_MOVES = ' '
  .. 'available>away available>offline available>reserved '
  .. 'wrap_up>available wrap_up>away wrap_up>offline '
  .. 'away>available away>offline '
  .. 'offline>available offline>away '
  .. 'reserved>busy reserved>available reserved>away reserved>offline '
  .. 'busy>wrap_up busy>available busy>away busy>offline '
local LEVEL_STEP = 1e13 -- above any millisecond of this era, so that the level counts before the time

local function may_move(from, to)
  return string.find(AGENT_MOVES, ' ' .. from .. '>' .. to .. ' ', 1, true) ~= nil
end

local function agent_key(key)
  return TAG .. 'a:' .. key
end

local function load_agent(key)
  local f = redis.call('HMGET', agent_key(key), 's', 'c', 'w', 't', 'u', 'q', 'y', 'n')
  if not f[1] then
    return nil
  end
  return { key = key, status = f[1], since = f[2], wanted = f[3], token = f[4] or '', wrap_until = f[5] or '',
    serves = f[6] or '', reason = f[7] or '', why = f[8] or '' }
end

-- Iterates over the queues they serve: key, level.
local function served(a)
  return string.gmatch(a.serves, '([^\t\n]+)\t(%d+)')
end

local function note_count(queue, status)
  local count
  if status == 'available' then
    count = redis.call('ZCARD', queue_key(queue, 'idle'))
  else
    count = redis.call('SCARD', queue_key(queue, 'a:' .. status))
  end
  redis.call('HSET', queue_key(queue, 's'), status, count)
end

local function count_in(a)
  for queue, level in served(a) do
    if a.status == 'available' then
      redis.call('ZADD', queue_key(queue, 'idle'), level * LEVEL_STEP + math.floor(a.since / 1000), a.key)
    else
      redis.call('SADD', queue_key(queue, 'a:' .. a.status), a.key)
    end
    note_count(queue, a.status)
  end
end

local function count_out(a)
  for queue in served(a) do
    if a.status == 'available' then
      redis.call('ZREM', queue_key(queue, 'idle'), a.key)
    else
      redis.call('SREM', queue_key(queue, 'a:' .. a.status), a.key)
    end
    note_count(queue, a.status)
  end
end

-- Everything that changes an agent's status passes here. `about` as in `tell_agent`; with `wrap_until` for a wrap-up.
local function move_agent(a, to, now, reason, about)
  local from = a.status
  if from == to then
    return
  end
  if not may_move(from, to) then
    error('an agent who is ' .. from .. ' cannot become ' .. to)
  end
  count_out(a)
  a.status, a.since = to, now
  count_in(a)
  a.reason = reason
  redis.call('HSET', agent_key(a.key), 's', to, 'c', now, 'y', reason)
  if from == 'wrap_up' then
    a.wrap_until = ''
    redis.call('HDEL', agent_key(a.key), 'u')
    redis.call('ZREM', WRAPS, a.key)
  elseif to == 'wrap_up' then
    a.wrap_until = about.wrap_until
    redis.call('HSET', agent_key(a.key), 'u', a.wrap_until)
    redis.call('ZADD', WRAPS, a.wrap_until, a.key)
  end
  tell_agent(a.key, from, to, now, reason, about, to == 'away' and a.why or '')
end

-- `why` is said of being away alone, and forgotten with the next wish.
local function want(a, wanted, why)
  why = why or ''
  if a.wanted ~= wanted or a.why ~= why then
    a.wanted, a.why = wanted, why
    redis.call('HSET', agent_key(a.key), 'w', wanted, 'n', why)
  end
end

-- The end of a pairing or a talk for the agent, if they are still in it.
local function free_agent(key, to, now, reason, about)
  local a = load_agent(key)
  if not a or a.token ~= about.token then
    return a
  end
  a.token = ''
  redis.call('HDEL', agent_key(key), 't')
  move_agent(a, to or a.wanted, now, reason, about)
  return a
end

-- The flat form of an agent, appended to `reply`.
local function add_agent(reply, a)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = a.key, a.status, a.since
  reply[n + 4], reply[n + 5], reply[n + 6], reply[n + 7] = a.wanted, a.token, a.wrap_until, a.reason
  reply[n + 8] = a.why
  return reply
end
