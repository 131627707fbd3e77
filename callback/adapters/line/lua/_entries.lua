-- @include _keys.lua
-- Somebody in line: a hash `e:ID` and, while they wait, one row in one of the four sorted sets of their queue.
--
-- Hash fields, one letter each because there may be a million of them:
--   q queue   p place   s score   j joined   g leg (only where it is not the id itself)   t token (reserved or busy)
--   n number hash (callbacks: to take the open promise out again)   l language (of a leg)   h last heard of (live)
--   m 1 when their wait was measured before they were cut off   k so long an agent is kept for them (rung ahead)
-- Whoever is rung before an agent is free stands in `later`, and besides in the sorted set `rung` by the same score.
-- Scores and times are microseconds since 1970, as decimal strings: Lua would print them in scientific notation.

local PLACES = { 'menu', 'hold', 'due', 'later' }
local WAITS_IN = { menu = true, hold = true, due = true, later = true }
local OPEN_CHARACTERS = 24 -- of a number's hash (96 bits): enough to tell the open promises of a queue apart

local GONE_S = 86400

local function entry_key(id)
  return TAG .. 'e:' .. id
end

local function gone_key(call)
  return TAG .. 'gone:' .. call
end

local function load_entry(id)
  local f = redis.call('HMGET', entry_key(id), 'q', 'p', 's', 'j', 'g', 't', 'n', 'l', 'm')
  if not f[1] then
    return nil
  end
  return { id = id, queue = f[1], place = f[2], score = f[3], joined = f[4], leg = f[5] or (is_callback(id) and '' or id),
    token = f[6] or '', number = f[7] or '', lang = f[8] or '', measured = f[9] and true or false }
end

-- Takes them out of the sorted set they wait in, if any.
local function step_out(e)
  if e.place == 'later' then
    redis.call('ZREM', queue_key(e.queue, 'rung'), e.id)
  end
  if WAITS_IN[e.place] then
    redis.call('ZREM', queue_key(e.queue, e.place), e.id)
  end
end

-- Puts them into one of the four places, by `e.score`, and out of the one before.
local function step_into(e, place)
  if e.place ~= place then
    step_out(e)
    e.place = place
    redis.call('HSET', entry_key(e.id), 'p', place)
  end
  redis.call('ZADD', queue_key(e.queue, place), e.score, e.id)
end

-- The hash of somebody whose queue or score is new, with further fields and values; `step_into` gives them their place in
-- the order. `lines` knows every queue in which somebody stood.
local function write_entry(e, ...)
  redis.call('HSET', entry_key(e.id), 'q', e.queue, 's', e.score, 'j', e.joined, ...)
  redis.call('SADD', TAG .. 'lines', e.queue)
end

-- Appointments stand in no line. So that whoever rings in before theirs is recognised all the same, `open` has their
-- number as well, and the hash `booked` the queue and the number of each: what `open` has to lose when they end.
local BOOKED = TAG .. 'booked'

-- An appointment is none any more. Returns the number by which it was known, '' where there was none.
local function unbook(id)
  local kept = redis.call('HGET', BOOKED, id)
  if not kept then
    return ''
  end
  local queue, number = string.match(kept, '^(.*)\t(.*)$')
  redis.call('HDEL', BOOKED, id)
  if redis.call('HGET', queue_key(queue, 'open'), number) == id then
    redis.call('HDEL', queue_key(queue, 'open'), number)
  end
  return number
end

-- The number's open promise, told to whoever rings in again.
local function open_promise(e, number)
  unbook(e.id)
  e.number = string.sub(number, 1, OPEN_CHARACTERS)
  redis.call('HSET', entry_key(e.id), 'n', e.number)
  redis.call('HSET', queue_key(e.queue, 'open'), e.number, e.id)
end

local function close_promise(e)
  if e.number ~= '' and redis.call('HGET', queue_key(e.queue, 'open'), e.number) == e.id then
    redis.call('HDEL', queue_key(e.queue, 'open'), e.number)
  end
end

local function set_leg(e, leg)
  if leg ~= e.leg then
    e.leg = leg
    if leg == '' or leg == e.id then
      redis.call('HDEL', entry_key(e.id), 'g')
    else
      redis.call('HSET', entry_key(e.id), 'g', leg)
    end
  end
end

-- Out of the line for good. A call that was here does not arrive again: a webhook that says so is a replay.
local function forget_entry(e)
  step_out(e)
  close_promise(e)
  redis.call('DEL', entry_key(e.id))
  if not is_callback(e.id) then
    redis.call('SET', gone_key(e.id), '1', 'EX', GONE_S)
  end
end
