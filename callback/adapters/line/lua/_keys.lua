-- What every script shares: where things are, and the names of the results.
--
-- KEYS[1] is always the event stream. It carries the hash tag that all keys of the line share, so it sends a script to
-- the right slot of a cluster. The other keys are built here from ids: which agent and which queues a pairing touches is
-- known only inside the script.

local TAG = '{cb}:'
local EVENTS = KEYS[1]
local LEASES = TAG .. 'leases'
local WRAPS = TAG .. 'wraps'
local UNSURE = TAG .. 'unsure' -- exists while the line may lack somebody (`_epoch.lua`)

-- The first element of every reply. `results.py` names the same numbers and maps them to errors.
local OK, STALE, NONE, UNKNOWN_AGENT, ILLEGAL = 0, 1, 2, 3, 4

local function queue_key(queue, part)
  return TAG .. 'q:' .. queue .. ':' .. part
end

-- A promise, rather than a call that never hung up: `callback.domain.ids.is_callback` says the same.
local function is_callback(id)
  return string.sub(id, 1, 2) == 'cb'
end

-- Byte order, as sorted sets have it. Lua's own `<` follows the server's locale.
local function bytes_before(a, b)
  local length = math.min(#a, #b)
  for i = 1, length do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end
