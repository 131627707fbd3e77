-- The caller of one talk goes on with the agent of another, who was consulted: the first talk is over as any other, and the
-- second goes on with them under its own token. In one step, so that nobody has an agent who talks, and none is left behind.
--
-- KEYS[1]  the event stream
-- ARGV     token of the first talk, token of the second, the caller's leg, score, joined, language, seconds of wrap-up, now
-- Returns  OK and the first agent (`add_agent`), STALE where one of the two does not talk, or UNKNOWN_AGENT
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua

local token, to, leg, score, joined, lang, wrap_up_s, now = unpack(ARGV)
local first, second = load_reservation(token), load_reservation(to)
if not first or first.phase ~= 'busy' or not second or second.phase ~= 'busy' then
  return { STALE }
end

local a = end_talk(first, wrap_up_s, now, 'completed')
measure_talk(first.queue, first.bridged, now, wrap_up_s)

for _, over in ipairs({ first, second }) do
  local e = load_entry(over.entry)
  if e then
    tell_call(e, 'completed', now, 'completed', over.agent, over.token)
    forget_entry(e)
  end
end

local e = { id = leg, queue = second.queue, score = score, joined = joined, leg = leg, lang = lang }
redis.call('DEL', gone_key(leg))
write_entry(e, 'l', lang, 'h', now, 'm', 1, 'p', 'busy', 't', to)
tell_call(e, 'reserved', now, 'back_in_line', second.agent, to)
e.place = 'reserved'
tell_call(e, 'bridged', now, 'handed_on', second.agent, to)
redis.call('HSET', reservation_key(to), 'e', leg, 'b', now)
if not a then
  return { UNKNOWN_AGENT }
end
return add_agent({ OK }, a)
