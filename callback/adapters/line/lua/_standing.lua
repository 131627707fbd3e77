-- @include _keys.lua
-- @include _entries.lua
-- @include _reservations.lua
-- @include _rung.lua
-- Where somebody stands and what surrounds them, as one flat reply (`replies.standing` reads it):
--   OK, place, position (0: none), score, joined, live, callbacks, available, reserved, busy, wrap_up, away, offline,
--   handled, handled_s, abandoned, waited_s, offering, configuration, open callback, language, how many of those ahead are
--   promises that are due and that rest until later, how many free agents are kept for phones of other queues, and where
--   there is one their reservation (`add_reservation`). The configuration is 0 while the line may lack somebody: then no
--   number is to be relied on.

-- How many of the `card` members of sorted set `key` stand before (score, id). Among equal scores the place is found by
-- halving.
local function before_in(key, card, score, id)
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  if low == card then
    return low
  end
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if bytes_before(redis.call('ZRANGE', key, middle, middle)[1], id) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

-- How many stand before (score, id) in a queue, live and promised together; then how many of them are due, and later.
-- `cards` are the sizes of the four places.
local function ahead_of(queue, place, score, id, cards)
  local count, before = 0, {}
  for i = 1, 4 do
    local key = queue_key(queue, PLACES[i])
    local here = 0
    if PLACES[i] == place then
      here = redis.call('ZRANK', key, id) or 0
    elseif cards[i] > 0 then
      here = before_in(key, cards[i], score, id)
    end
    before[i] = here
    count = count + here
  end
  return count, before[3], before[4]
end

local function cards_of(queue)
  local cards = {}
  for i = 1, 4 do
    cards[i] = redis.call('ZCARD', queue_key(queue, PLACES[i]))
  end
  return cards
end

-- `e` is nil where there is nobody to tell about; a newcomer's position is then behind everybody. Without `now` nobody is
-- counted as kept.
local function standing(queue, e, reservation, open, language, now)
  local cards = cards_of(queue)
  local state = redis.call('HMGET', queue_key(queue, 's'), 'available', 'reserved', 'busy', 'wrap_up', 'away', 'offline',
    'h', 'hs', 'a', 'w', 'o', 'v')
  for i = 1, 11 do
    state[i] = state[i] or '0'
  end
  local reply = { OK, '', 0, '0', '', cards[1] + cards[2], cards[3] + cards[4], unpack(state, 1, 11) }
  reply[19] = redis.call('EXISTS', UNSURE) == 1 and '0' or state[12] or redis.call('GET', TAG .. 'version') or '0'
  reply[20], reply[21] = open or '', language or e and e.lang or ''
  reply[22], reply[23] = cards[3], cards[4]
  reply[24] = now and state[1] ~= '0' and kept_elsewhere(queue, e, now) or 0
  if e then
    reply[2], reply[4], reply[5] = e.place, e.score, e.joined
    if WAITS_IN[e.place] then
      local ahead
      ahead, reply[22], reply[23] = ahead_of(queue, e.place, e.score, e.id, cards)
      reply[3] = 1 + ahead
    end
  end
  if not reservation and e and e.token ~= '' then
    reservation = load_reservation(e.token)
  end
  if reservation then
    add_reservation(reply, reservation, e)
  end
  return reply
end
