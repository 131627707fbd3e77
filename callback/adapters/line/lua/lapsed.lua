-- What time has overtaken: reservations whose lease is over are listed (whoever releases one shows its token); wrap-ups that
-- are over end here, and their agents go where they wanted. At most 100 of each: the next sweep finds the rest.
--
-- KEYS[1]  the event stream
-- ARGV     now
-- Returns  OK, number of agents, each agent, then each reservation (`add_reservation`)
-- Time     ARGV, microseconds of the shared clock
-- @include _reservations.lua

local now = ARGV[1]
local wrapped = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', WRAPS, '-inf', now, 'LIMIT', 0, 100)) do
  local a = load_agent(key)
  if a and a.status == 'wrap_up' then
    move_agent(a, a.wanted, now, 'wrap_up_over', {})
    wrapped[#wrapped + 1] = key
  else
    redis.call('ZREM', WRAPS, key)
  end
end

local reply = { OK, #wrapped }
for i = 1, #wrapped do
  reply[2 + i] = wrapped[i]
end
for _, token in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, 100)) do
  local r = load_reservation(token)
  if r then
    add_reservation(reply, r, load_entry(r.entry))
  else
    redis.call('ZREM', LEASES, token)
  end
end
return reply
