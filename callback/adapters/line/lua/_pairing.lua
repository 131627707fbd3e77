-- @include _keys.lua
-- @include _entries.lua
-- @include _agents.lua
-- @include _reservations.lua
-- @include _rung.lua
-- Who takes whom. The one place where an agent and somebody in line are brought together. While the line may lack somebody
-- nobody is: whoever is missing might stand before them.

-- The first of a sorted set whose hash exists; a row without one is broken and is dropped, so that it stops nobody else.
local function first_of(key, load)
  while true do
    local row = redis.call('ZRANGE', key, 0, 0)
    if not row[1] then
      return nil
    end
    local found = load(row[1])
    if found then
      return found
    end
    redis.call('ZREM', key, row[1])
  end
end

-- The free agent of a queue who is next: the lower level first, then longest idle.
local function next_agent(queue)
  return first_of(queue_key(queue, 'idle'), load_agent)
end

-- Who stands first among all that this agent serves: on hold, or a due callback where the queue is dialling.
local function first_for(a)
  local best
  for queue in served(a) do
    local held = first_of(queue_key(queue, 'hold'), load_entry)
    if held and (not best or stands_before(held, best)) then
      best = held
    end
    local due = first_of(queue_key(queue, 'due'), load_entry)
    if due and (not best or stands_before(due, best)) and redis.call('HGET', queue_key(queue, 's'), 'd') == '1' then
      best = due
    end
  end
  return best
end

-- Whether a free agent is kept for phones that ring before `e`, whom they could take: in one of their queues, or in all of
-- those together, there are more of them than other agents who are idle there. Nobody who was rung themselves and has
-- answered waits for that.
local function is_kept(a, e, now)
  if e.place == 'hold' and is_callback(e.id) then
    return false
  end
  local phones, most, different, known = 0, 0, 0, { [a.key] = true }
  for queue in served(a) do
    local before = rung_before(queue, e, now)
    if before > 0 then
      local idle = queue_key(queue, 'idle')
      local others = redis.call('ZCARD', idle) - 1
      if before > others then
        return true
      end
      phones, most = phones + before, math.max(most, others)
      for _, key in ipairs(redis.call('ZRANGE', idle, 0, TRIED)) do
        different = different + (known[key] and 0 or 1)
        known[key] = true
      end
    end
  end
  return phones > math.max(most, different)
end

local function may_pair()
  return redis.call('EXISTS', UNSURE) == 0
end

-- The best pairing for this agent, made: the reservation and its entry. Nil where there is nobody, or the agent is kept.
local function pair_agent(a, token, now, lease)
  local e = may_pair() and first_for(a)
  if not e or is_kept(a, e, now) then
    return nil
  end
  return reserve(e, a, token, now, lease), e
end

-- The queue's next free agent with whoever is first for them; where that one is kept, the next who can be paired. Nil
-- where there is nobody.
local function pair_one(queue, token, now, lease)
  local a = next_agent(queue)
  local first = a and may_pair() and first_for(a)
  if not first then
    return nil
  end
  if not is_kept(a, first, now) then
    return reserve(first, a, token, now, lease), first
  end
  for _, key in ipairs(redis.call('ZRANGE', queue_key(queue, 'idle'), 1, TRIED - 1)) do
    local other = load_agent(key)
    if other then
      local r, e = pair_agent(other, token, now, lease)
      if r then
        return r, e
      end
    end
  end
  return nil
end

-- The one who just came is paired at once where an agent is free, not kept for a phone that rings before them, and nobody
-- that agent could take stands before them.
local function pair_newcomer(e, token, now, lease)
  if not next_agent(e.queue) or not may_pair() then
    return nil
  end
  for _, key in ipairs(redis.call('ZRANGE', queue_key(e.queue, 'idle'), 0, TRIED - 1)) do
    local a = load_agent(key)
    local first = a and first_for(a)
    local others_turn = first and first.id ~= e.id and stands_before(first, e)
    if a and not others_turn and not is_kept(a, e, now) then
      return reserve(e, a, token, now, lease)
    end
  end
  return nil
end

-- Whoever is on hold again, their pairing or talk being over, is paired at once under the token `again` ('' leaves them).
local function pair_again(e, again, now, lease)
  if again ~= '' and e.place == 'hold' then
    pair_newcomer(e, again, now, lease)
  end
end
