-- @include _keys.lua
-- The shared pace of an account, a token bucket of one: each caller of this gets the next free slot and keeps it, in order.

-- Takes the next slot of the bucket, of which there is one in `step`. Microseconds from now until it, 0 for now.
local function take_slot(bucket, step, now)
  local key = TAG .. 'pace:' .. bucket
  local slot = math.max(now, tonumber(redis.call('GET', key) or 0))
  redis.call('SET', key, string.format('%.0f', slot + step), 'PX', math.ceil((slot + step - now) / 1000) + 1000)
  return slot - now
end
