-- @include _keys.lua
-- The stream that tells the record what happened: every change of a live call and of an agent. `events.py` describes
-- the fields. Callbacks are the record's own: their changes are not told here.

local CALL_STATES = { menu = 'arrived', hold = 'waiting', reserved = 'reserved', busy = 'bridged' }

-- The call of entry `e`, still in its old place `e.place` (nil: it was not in line), is now in the state `to`. `number`,
-- sealed, is told once, with the arrival.
local function tell_call(e, to, now, reason, agent, token, number)
  if is_callback(e.id) then
    return
  end
  redis.call('XADD', EVENTS, '*', 'kind', 'call', 'subject', e.id, 'from', CALL_STATES[e.place] or '', 'to', to,
    'reason', reason, 'at', now, 'queue', e.queue, 'joined', e.joined, 'score', e.score, 'lang', e.lang, 'leg', e.leg,
    'agent', agent or '', 'token', token or '', 'entry', e.id, 'number', number or '')
end

-- `about` names the queue, token and entry that the change is about; {} where there are none.
local function tell_agent(key, from, to, now, reason, about)
  local entry = about.entry or ''
  redis.call('XADD', EVENTS, '*', 'kind', 'agent', 'subject', key, 'from', from, 'to', to, 'reason', reason, 'at', now,
    'queue', about.queue or '', 'token', about.token or '', 'entry', entry,
    'callback', is_callback(entry) and '1' or '')
end
