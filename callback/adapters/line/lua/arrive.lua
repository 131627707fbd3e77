-- A live caller joins the line, in the menu: they have a place, and cannot be matched before they hold. Where an agent is
-- free and nobody they could take stands before the caller, the two are paired at once. A repeat changes nothing, also when
-- the call has left the line: it is nowhere then.
--
-- KEYS[1]  the event stream
-- ARGV     queue, call, score, now, number hash ('' unknown), language, end of the lease, token
-- Returns  the standing (`_standing.lua`) with the number's open promise and remembered language
-- Time     ARGV, microseconds of the shared clock
-- @include _pairing.lua
-- @include _standing.lua

local queue, call, score, now, number, language, lease, token, sealed = unpack(ARGV)
local remembered, open = '', ''
if number ~= '' then
  remembered = redis.call('GET', TAG .. 'lang:' .. number) or ''
  open = redis.call('HGET', queue_key(queue, 'open'), string.sub(number, 1, OPEN_CHARACTERS)) or ''
end

local e, reservation = load_entry(call), nil
if not e and redis.call('EXISTS', gone_key(call)) == 1 then
  return standing(queue, nil, nil, open, remembered)
end
if not e then
  e = { id = call, queue = queue, score = score, joined = now, leg = call, token = '', number = '', measured = false,
    lang = remembered ~= '' and remembered or language }
  tell_call(e, 'arrived', now, 'arrived', nil, nil, sealed)
  e.place = 'menu'
  write_entry(e, 'p', 'menu', 'h', now, 'l', e.lang)
  step_into(e, 'menu')
  reservation = pair_newcomer(e, token, now, lease)
end
return standing(e.queue, e, reservation, open, remembered, now)
