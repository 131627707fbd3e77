-- A page of a queue in the order of its line, all four places together. Each place's first row of the page is found by
-- halving, so that a page far down costs no more than one at the top.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     queue, first row (0 is the head), number of rows
-- Returns  OK, then of each: entry, place, score, joined, leg ('' for nobody on the line)
-- Time     none
-- @include _standing.lua

local queue, offset, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local cards = cards_of(queue)

-- How many rows of `place` are among the first `offset` of the whole line.
local function rows_before(place, card)
  local key = queue_key(queue, place)
  local low, high = 0, math.min(offset, card)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local row = redis.call('ZRANGE', key, middle, middle, 'WITHSCORES')
    if ahead_of(queue, place, row[2], row[1], cards) < offset then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local rows = {}
for i = 1, 4 do
  local first = rows_before(PLACES[i], cards[i])
  local found = redis.call('ZRANGE', queue_key(queue, PLACES[i]), first, first + limit - 1)
  for j = 1, #found do
    local e = load_entry(found[j])
    if e then
      rows[#rows + 1] = e
    end
  end
end
table.sort(rows, function(a, b)
  local x, y = tonumber(a.score), tonumber(b.score)
  if x ~= y then
    return x < y
  end
  return bytes_before(a.id, b.id)
end)

local reply = { OK }
for i = 1, math.min(limit, #rows) do
  local e = rows[i]
  for _, value in ipairs({ e.id, e.place, e.score, e.joined, e.leg }) do
    reply[#reply + 1] = value
  end
end
return reply
