-- @include _keys.lua
-- @include _entries.lua
-- @include _agents.lua
-- Phones that ring before an agent is free, for which one is kept.

-- So many free agents of a queue are tried, where those before are kept for phones that ring; so many phones are counted.
local TRIED = 20

local function stands_before(e, other)
  local mine, theirs = tonumber(e.score), tonumber(other.score)
  if mine ~= theirs then
    return mine < theirs
  end
  return bytes_before(e.id, other.id)
end

-- How many are being rung ahead of an agent in this queue and stand before `e`.
local function rung_before(queue, e, now)
  local key, count = queue_key(queue, 'rung'), 0
  for _, id in ipairs(redis.call('ZRANGE', key, 0, TRIED - 1)) do
    local f = redis.call('HMGET', entry_key(id), 'p', 's', 'k')
    if f[1] ~= 'later' or tonumber(f[3] or '0') <= tonumber(now) then
      redis.call('ZREM', key, id)
    elseif stands_before({ id = id, score = f[2] }, e) then
      count = count + 1
    end
  end
  return count
end

-- How many free agents of this queue somebody in it could not have, since they are kept for phones that ring in other
-- queues of theirs and stand before `e` (nil: whoever comes now).
local function kept_elsewhere(queue, e, now)
  if e and e.place == 'hold' and is_callback(e.id) then
    return 0
  end
  local kept, known, who = 0, {}, e or { id = '', score = now }
  for _, key in ipairs(redis.call('ZRANGE', queue_key(queue, 'idle'), 0, TRIED - 1)) do
    local a, elsewhere = load_agent(key), false
    for other in served(a or { serves = '' }) do
      if other ~= queue and not elsewhere then
        if known[other] == nil then
          local before = rung_before(other, who, now)
          known[other] = before > 0 and before >= redis.call('ZCARD', queue_key(other, 'idle'))
        end
        elsewhere = known[other]
      end
    end
    kept = kept + (elsewhere and 1 or 0)
  end
  return kept
end
