-- @include _keys.lua
-- What a queue's state hash `q:KEY:s` remembers of late, as sums that fade: each new observation weighs 1 and halves the
-- weight of what lies 200 observations back. Handled conversations and ended waits fade separately.
--
-- Hash fields: h handled   hs seconds they took   a abandoned   w seconds waited   o 1 while offering   d 1 when dialling
--   v version of the configuration; and how many agents there are, by their status's name (`_agents.lua`)

local KEEP = 0.5 ^ (1 / 200)

local function fade_in(queue, count_field, sum_field, count, seconds)
  local key = queue_key(queue, 's')
  local f = redis.call('HMGET', key, count_field, sum_field)
  redis.call('HSET', key,
    count_field, string.format('%.6f', (tonumber(f[1] or 0)) * KEEP + count),
    sum_field, string.format('%.6f', (tonumber(f[2] or 0)) * KEEP + seconds))
end

local function measure_talk(queue, began, now, wrap_up_s)
  fade_in(queue, 'h', 'hs', 1, math.max(0, (now - began) / 1e6) + wrap_up_s)
end

-- The wait of somebody live is over, by service or without it. Promises wait differently: they are not counted.
local function measure_wait(e, now, abandoned)
  if not is_callback(e.id) and not e.measured then
    fade_in(e.queue, 'a', 'w', abandoned and 1 or 0, math.max(0, (now - e.joined) / 1e6))
  end
end
