-- Lets a queue's promises be paired, or rest for the moment whatever its policy says: the carrier refuses to dial. The
-- next configuration goes by the policy again.
--
-- KEYS[1]  the event stream
-- ARGV     queue, 1 or 0, now
-- Returns  OK where that is a change; NONE where it is so already, or there is no such queue
-- Time     ARGV, microseconds of the shared clock
-- @include _events.lua

local queue, on, now = ARGV[1], ARGV[2], ARGV[3]
local before = redis.call('HGET', queue_key(queue, 's'), 'd')
if not before or before == on then
  return { NONE }
end
redis.call('HSET', queue_key(queue, 's'), 'd', on)
tell_setting(queue, on == '1' and 'dialing' or 'resting', now)
return { OK }
