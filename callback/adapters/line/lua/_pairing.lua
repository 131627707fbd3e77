-- @include _keys.lua
-- @include _entries.lua
-- @include _agents.lua
-- @include _reservations.lua
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

local function stands_before(e, other)
  local mine, theirs = tonumber(e.score), tonumber(other.score)
  if mine ~= theirs then
    return mine < theirs
  end
  return bytes_before(e.id, other.id)
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

local function may_pair()
  return redis.call('EXISTS', UNSURE) == 0
end

-- The best pairing for this agent, made: the reservation and its entry. Nil where there is nobody.
local function pair_agent(a, token, now, lease)
  local e = may_pair() and first_for(a)
  if not e then
    return nil
  end
  return reserve(e, a, token, now, lease), e
end

-- The one who just came is paired at once where an agent is free and nobody that agent could take stands before them.
local function pair_newcomer(e, token, now, lease)
  local a = next_agent(e.queue)
  if not a or not may_pair() then
    return nil
  end
  local first = first_for(a)
  if first and first.id ~= e.id and stands_before(first, e) then
    return nil
  end
  return reserve(e, a, token, now, lease)
end
