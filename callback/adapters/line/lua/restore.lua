-- Many promises into the line at once, each as `enter` would put it: a rebuild of a hundred thousand is some hundreds of
-- steps of a millisecond or two, between which callers are served.
--
-- KEYS[1]  the event stream
-- ARGV     now, then for each: queue, entry, score, joined, place (due or later), number hash ('' unknown)
-- Returns  OK
-- Time     ARGV, microseconds of the shared clock
-- @include _events.lua
-- @include _promising.lua

-- Told all in one event: a row each of queue, entry, place, score, and joined where it differs from the score.
local rows = {}
local function tell_row(queue, id, place, score, joined)
  local row = queue .. '\t' .. id .. '\t' .. place .. '\t' .. score
  rows[#rows + 1] = joined == score and row or row .. '\t' .. joined
end

local function tell_put(e, place)
  tell_row(e.queue, e.id, place, e.score, e.joined)
end

-- What newcomers need besides their own hash, gathered for one command each: by queue, scores and entries in their place,
-- and numbers and entries of open promises.
local newcomers = {}
local function newcomers_of(queue)
  local found = newcomers[queue]
  if not found then
    found = { due = {}, later = {}, open = {} }
    newcomers[queue] = found
  end
  return found
end

local function write_newcomers()
  for queue, of in pairs(newcomers) do
    redis.call('SADD', TAG .. 'lines', queue)
    for part, command in pairs({ due = 'ZADD', later = 'ZADD', open = 'HSET' }) do
      if #of[part] > 0 then
        redis.call(command, queue_key(queue, part), unpack(of[part]))
      end
    end
  end
  newcomers = {}
end

local any_booked = redis.call('EXISTS', BOOKED) == 1 -- hardly ever, in a rebuild

-- Somebody who stands nowhere yet, as almost everybody in a rebuild: what `put_promise` does, without its questions.
local function put_newcomer(queue, id, score, joined, place, number)
  if any_booked then
    local known = unbook(id)
    number = number ~= '' and number or known
  end
  tell_row(queue, id, place, score, joined)
  local of = newcomers_of(queue)
  local there, open = of[place], of.open
  local n = #there
  there[n + 1], there[n + 2] = score, id
  if number == '' then
    redis.call('HSET', entry_key(id), 'q', queue, 's', score, 'j', joined, 'p', place)
    return
  end
  number = string.sub(number, 1, OPEN_CHARACTERS)
  redis.call('HSET', entry_key(id), 'q', queue, 's', score, 'j', joined, 'p', place, 'n', number)
  n = #open
  open[n + 1], open[n + 2] = number, id
end

for i = 2, #ARGV, 6 do
  local queue, id, score, joined, place, number = unpack(ARGV, i, i + 5)
  if redis.call('EXISTS', entry_key(id)) == 0 then
    put_newcomer(queue, id, score, joined, place, number)
  else
    write_newcomers()
    put_promise(queue, id, score, joined, place, number, tell_put)
  end
end
write_newcomers()
if #rows > 0 then
  tell_setting('line', 'restored', ARGV[1], table.concat(rows, '\n'))
end
return { OK }
