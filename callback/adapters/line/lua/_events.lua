-- @include _keys.lua
-- The stream that tells the record what happened: every change of a live call and of an agent, and besides whatever the
-- order depends on, so that the whole line can be replayed from it. `events.py` describes the fields. The state of a
-- callback is the record's own and not told here; its place in line is.

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

-- The promise of entry `e`, still in its old place, now stands in place `to` (gone: nowhere), with `e.score`. Told of a
-- place taken or left without an agent: with one, the agent's own events name the entry.
local function tell_place(e, to, now, reason)
  if is_callback(e.id) then
    redis.call('XADD', EVENTS, '*', 'kind', 'place', 'subject', e.id, 'from', e.place or '', 'to', to, 'reason', reason,
      'at', now, 'queue', e.queue, 'joined', e.joined, 'score', e.score)
  end
end

-- What the order depends on, besides places: of a queue `dialing` or `resting`; of an agent `serves`, with the queues
-- (a line each: key, tab, level); of the line `clearing` and `cleared`; `restored`, with rows of `put_promise`.
local function tell_setting(subject, to, now, rows)
  redis.call('XADD', EVENTS, '*', 'kind', 'setting', 'subject', subject, 'to', to, 'at', now, 'rows', rows or '')
end

-- `about` names the queue, token and entry that the change is about; {} where there are none.
-- `why` is an agent's own reason for being away, '' where they gave none.
local function tell_agent(key, from, to, now, reason, about, why)
  local entry = about.entry or ''
  redis.call('XADD', EVENTS, '*', 'kind', 'agent', 'subject', key, 'from', from, 'to', to, 'reason', reason, 'at', now,
    'queue', about.queue or '', 'token', about.token or '', 'entry', entry,
    'callback', is_callback(entry) and '1' or '', 'why', why or '')
end
