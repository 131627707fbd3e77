-- Agents as they last asked to be, in a line that is being rebuilt: with the time from which they have been so, by which they
-- are idle longest. Whoever has said something since they were configured stays as they are; whoever is in a pairing goes
-- there afterwards.
--
-- KEYS[1]  the event stream
-- ARGV     now, then for each: agent, status (available, away, offline), since, and the end of the wrap-up they are in, if
--          they asked to be available ('' none)
-- Returns  OK
-- Time     ARGV, microseconds of the shared clock
-- @include _agents.lua

local now = ARGV[1]
for i = 2, #ARGV, 4 do
  local a, status, since, wrap_until = load_agent(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if a and (a.token ~= '' or (a.status == 'offline' and a.reason == '')) then
    want(a, status)
    if a.token == '' and status ~= 'offline' then
      if status == 'available' and wrap_until ~= '' then
        status = 'wrap_up'
        redis.call('HSET', agent_key(a.key), 'u', wrap_until)
        redis.call('ZADD', WRAPS, wrap_until, a.key)
      end
      count_out(a)
      a.status, a.since, a.reason = status, since, 'rebuilt'
      count_in(a)
      redis.call('HSET', agent_key(a.key), 's', status, 'c', since, 'y', a.reason)
      tell_agent(a.key, 'offline', status, now, a.reason, {})
    end
  end
end
return { OK }
