-- @include _keys.lua
-- @include _entries.lua
-- @include _agents.lua
-- @include _reservations.lua
-- @include _measure.lua
-- How somebody leaves the line for good, wherever they are: their pairing or talk ends and its agent goes where they wanted.

local CALL_ENDS = { completed = true, abandoned = true, callback = true, refused = true }

-- How a live call that leaves has ended: as `reason` if that is such a word; else they had talked, or they hung up.
local function end_of(e, reason)
  if CALL_ENDS[reason] then
    return reason
  end
  return e.place == 'busy' and 'completed' or 'abandoned'
end

-- The agent of a talk that is over wraps up, or goes where they wanted meanwhile. Returns them, nil where nobody knows them.
local function end_talk(r, wrap_up_s, now, reason)
  drop_reservation(r)
  local about = { queue = r.queue, token = r.token, entry = r.entry }
  local a = load_agent(r.agent)
  local status = a and a.wanted
  if status == 'available' and tonumber(wrap_up_s) > 0 then
    status = 'wrap_up'
    about.wrap_until = string.format('%.0f', now + wrap_up_s * 1e6)
  end
  return free_agent(r.agent, status, now, reason, about)
end

-- Returns the reservation that was dissolved, if there was one.
local function depart(e, reason, now)
  local state = end_of(e, reason)
  local r = e.token ~= '' and load_reservation(e.token) or nil
  tell_call(e, state, now, reason, r and r.agent, e.token)
  if WAITS_IN[e.place] then
    tell_place(e, 'gone', now, reason)
  end
  if e.place == 'busy' then
    if r then
      measure_talk(e.queue, r.bridged, now, 0)
    end
  else
    measure_wait(e, now, state == 'abandoned')
  end
  if r then
    drop_reservation(r)
    free_agent(r.agent, nil, now, reason, { queue = r.queue, token = r.token, entry = e.id })
  end
  forget_entry(e)
  return r
end
