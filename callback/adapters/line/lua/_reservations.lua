-- @include _keys.lua
-- @include _entries.lua
-- @include _agents.lua
-- A pairing of one agent and one entry: a hash `r:TOKEN`, and a row in `leases` by the end of the lease until they talk.
--
-- Hash fields: e entry   a agent   q queue   p phase (reserved, ringing, busy)   at of the pairing   u end of the lease
--   b when they began to talk   l the agent's leg on which the key was pressed

local function reservation_key(token)
  return TAG .. 'r:' .. token
end

local function load_reservation(token)
  local f = redis.call('HMGET', reservation_key(token), 'e', 'a', 'q', 'p', 'at', 'u', 'b', 'l')
  if not f[1] then
    return nil
  end
  return { token = token, entry = f[1], agent = f[2], queue = f[3], phase = f[4], at = f[5], lease = f[6] or '',
    bridged = f[7] or '', leg = f[8] or '' }
end

-- `reason` is `matched` unless given.
local function reserve(e, a, token, now, lease, reason)
  reason = reason or 'matched'
  tell_call(e, 'reserved', now, reason, a.key, token)
  step_out(e)
  e.place, e.token = 'reserved', token
  redis.call('HSET', entry_key(e.id), 'p', 'reserved', 't', token)
  redis.call('HSET', reservation_key(token), 'e', e.id, 'a', a.key, 'q', e.queue, 'p', 'reserved', 'at', now, 'u', lease)
  redis.call('ZADD', LEASES, lease, token)
  a.token = token
  redis.call('HSET', agent_key(a.key), 't', token)
  move_agent(a, 'reserved', now, reason, { queue = e.queue, token = token, entry = e.id })
  return { token = token, entry = e.id, agent = a.key, queue = e.queue, phase = 'reserved', at = now, lease = lease,
    bridged = '', leg = '' }
end

-- What is over stays over: a rebuild that read the record a moment before does not bring it back.
local OVER_S = 600

local function over_key(token)
  return TAG .. 'over:' .. token
end

local function drop_reservation(r)
  redis.call('DEL', reservation_key(r.token))
  redis.call('ZREM', LEASES, r.token)
  redis.call('SET', over_key(r.token), '', 'EX', OVER_S)
end

-- Whether an entry may be put into `place`: a caller who never hung up is not dialled.
local function may_stand(e, place)
  return place == 'menu' or place == 'hold' or place == 'gone' or is_callback(e.id)
end

-- Back into the line after a pairing or a talk. Whoever is on no leg that we know of is not matchable on hold before
-- that leg has said so: until then they keep their place in the menu.
local function stand_again(e, place, now, reason)
  e.token = ''
  redis.call('HDEL', entry_key(e.id), 't')
  if place == 'hold' and e.leg == '' then
    place = 'menu'
  end
  tell_place(e, place, now, reason)
  if place == 'due' or place == 'later' then
    set_leg(e, '')
    redis.call('HDEL', entry_key(e.id), 'h')
  else
    redis.call('HSET', entry_key(e.id), 'h', now)
  end
  step_into(e, place)
end

-- The flat form of a reservation, appended to `reply`: token, entry, agent, queue, leg ('' nowhere), phase, at, lease,
-- bridged, of entry `e` (nil: it is gone) score, joined, language, and the agent's leg ('' unknown).
local function add_reservation(reply, r, e)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = r.token, r.entry, r.agent, r.queue
  reply[n + 5], reply[n + 6], reply[n + 7], reply[n + 8] = e and e.leg or '', r.phase, r.at, r.lease
  reply[n + 9], reply[n + 10], reply[n + 11], reply[n + 12], reply[n + 13] =
    r.bridged, e and e.score or '0', e and e.joined or '', e and e.lang or '', r.leg
  return reply
end
