-- The shared pace of an account, a token bucket of one: each caller of this gets the next free slot and keeps it, in order.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     bucket, microseconds between two slots, now
-- Returns  OK, microseconds from now until the slot that was given (0: act now)
-- Time     ARGV, microseconds of the shared clock
-- @include _keys.lua

local bucket, step, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local key = TAG .. 'pace:' .. bucket
local slot = math.max(now, tonumber(redis.call('GET', key) or 0))
redis.call('SET', key, string.format('%.0f', slot + step), 'PX', math.ceil((slot + step - now) / 1000) + 1000)
return { OK, slot - now }
