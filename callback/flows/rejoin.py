"""Somebody who has an open promise rings us: recognised, told their place or their time, and free to keep the promise,
to hold on the line with it, or to cancel it. Whoever holds before the time they had asked for gives that time up in the
same act.

If we are dialling them at this very moment, one of the two legs is used: this one. The other is ended.
"""

from dataclasses import replace

from callback.domain.callback import Callback, Outcome
from callback.domain.dialogue import Ask, HangUp, Prompt, Script, Speak
from callback.domain.errors import AlreadyBridged, NotFound, Unreadable
from callback.domain.ids import AttemptId, CallbackId, CallSid, EntryId, QueueKey
from callback.domain.lifecycle import ENDS, CallState, Event, State
from callback.domain.policy import Queue
from callback.flows import bridge, cancel, hold, said, wishes
from callback.flows.book import zone
from callback.flows.hook import Hook, Place, micros
from callback.ports import House, Reservation, Standing, Work

REPEATS = 1
RANG_IN = "the caller rang in"
NOT_NEEDED = "no longer needed"


def recognise(house: House, queue: Queue, id: CallbackId, place: Place) -> Script | None:
    """Tell them what they have and what they may do: 1 keeps the callback, 2 waits on the line, 3 cancels. None: they
    talk, or nobody can say what they have, and they are served as anybody else is."""
    key, entry = QueueKey(queue.key), EntryId(id)
    in_line = bool(house.line.standing(key, entry).place)
    found = None if in_line else look_up(house, id)
    if not in_line and found is None:
        return None
    left = house.line.leave(place.entry, reason=CallState.CALLBACK, now=house.clock.now())
    if left.place not in ("menu", "hold", "reserved", ""):
        return None
    welcome = Prompt("welcome", {"queue": queue.name})
    if found is not None and found.state is State.SCHEDULED and found.requested_for is not None:
        return booked(place, id, found.requested_for.isoformat(), zone(queue, found.number), welcome)
    position = house.line.standing(key, entry).position  # without this call, which has just left
    told = Prompt("already_waiting", {"position": position or int(in_line)})
    return Script(
        place.language, (Ask((welcome, told, Prompt("already_keys")), place.step("already", cb=id)),), place.queue
    )


def look_up(house: House, id: CallbackId) -> Callback | None:
    """A promise that stands in no line. None: it has ended, and whoever ended it died before the line heard of it; or
    the record is away."""
    try:
        with house.store.look() as work:
            found = work.callback(id)
    except (ConnectionError, NotFound, Unreadable):
        return None
    if found.state not in ENDS:
        return found
    house.line.leave(EntryId(id), reason=found.state, now=house.clock.now())
    return None


def booked(place: Place, id: CallbackId, when: str, zone: str, *before: Prompt, tries: int = 0) -> Script:
    """The question to whoever has an appointment."""
    told = (*before, Prompt("booked_for", {"when": when, "zone": zone}), Prompt("booked_keys"))
    return Script(
        place.language, (Ask(told, place.step("already", cb=id, at=when, z=zone, t=str(tries))),), place.queue
    )


def chosen(house: House, hook: Hook) -> Script:
    """A key after being recognised. Silence waits on the line with the place they have; an appointment is given up by
    its key alone."""
    place, at = Place.of(hook.query), hook.query.get("at", "")
    match hook.digits:
        case "1":
            return kept(place)
        case "3":
            return given_up(house, hook, place)
        case "2":
            return stays(house, hook, place)
    if not at:
        return stays(house, hook, place)
    if hook.tries < REPEATS:
        again = Prompt("again")
        return booked(place, CallbackId(hook.query["cb"]), at, hook.query["z"], again, tries=hook.tries + 1)
    return kept(place)


def kept(place: Place) -> Script:
    """The callback stands."""
    return Script(place.language, (Speak((Prompt("already_kept"), Prompt("goodbye"))), HangUp()), place.queue)


def given_up(house: House, hook: Hook, place: Place) -> Script:
    """They need no callback any more, nor this call."""
    told = Prompt("not_needed_done")
    try:
        cancel.cancel(house, CallbackId(hook.query["cb"]), reason=NOT_NEEDED, cause=f"call {hook.call}", keep=hook.call)
    except AlreadyBridged:  # another leg of theirs talks at this moment, or it has ended meanwhile
        told = Prompt("superseded")
    return Script(place.language, (Speak((told,)), HangUp()), place.queue)


def stays(house: House, hook: Hook, place: Place) -> Script:
    """On the line, in the place that the promise has: of an appointment, the one that whoever joins now gets."""
    now_instead = house.line.standing(place.queue, None) if hook.query.get("at") else None
    callback, other = take_over(house, CallbackId(hook.query["cb"]), hook.call, now_instead)
    for leg in other:
        house.dispatch.hang_up(leg)
    told = Speak((Prompt("booked_now" if now_instead else "stay"),))
    if callback is None:
        return Script(place.language, (Speak((Prompt("stay"),)), place.hold()), place.queue)
    place = replace(place, entry=EntryId(callback.id), score=callback.score, joined=micros(callback.joined_at))
    pairing = on_hold(house, place, hook.call)
    if pairing is not None:
        return bridge.connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))
    return Script(place.language, (told, place.hold()), place.queue)


def on_hold(house: House, place: Place, call: CallSid) -> Reservation | None:
    """Stand on hold with this leg at once, so that nobody overtakes meanwhile and a third call would be recognised as
    well. Returns the pairing where an agent is free: also the one who was reserved for the leg that is given up."""
    now = house.clock.now()
    held = house.line.standing(place.queue, place.entry).reservation
    if held is not None:
        house.line.release(held.token, entry_to="menu", agent_to=None, reason="the caller rang in", now=now)
    return hold.in_place(house, place, call).reservation


def take_over(
    house: House, id: CallbackId, call: CallSid, now_instead: Standing | None = None
) -> tuple[Callback | None, list[CallSid]]:
    """The promise goes on with this leg; an appointment is given up for a place in the line as it is (`now_instead`).
    Returns the callback (None: they talk already, or it has ended) and the legs to end."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if callback.state is State.BRIDGED or callback.state in ENDS:
            return None, []
        if callback.leg == call:
            return callback, []
        other = drop_attempt(work, callback.attempt, house) if callback.attempt else []
        if callback.state is State.ANSWERED:  # on a leg that they gave up, or answered besides
            other += [callback.leg] if callback.leg and callback.leg not in other else []
            return work.save(replace(callback, leg=call, attempt=None, agent=None)), other
        before, reason = callback, RANG_IN
        if now_instead is not None and callback.state is State.SCHEDULED:
            queue = house.book.queue(callback.queue)
            callback, reason = wishes.as_if_now(house, queue, callback, now_instead, now)
        changed = replace(callback, leg=call, attempt=None, agent=None, next_attempt_at=None)
        moved = work.move(changed, Event.CALL_IN, reason=reason, cause=f"call {call}", at=now)
    if before.state is State.SCHEDULED and moved is not None and now_instead is not None:
        said.moved(house, moved, now)
    return moved, other


def drop_attempt(work: Work, id: AttemptId, house: House) -> list[CallSid]:
    """The attempt in flight is superseded; returns its legs."""
    attempt = work.attempt(id)
    work.save_attempt(replace(attempt, outcome=Outcome.SUPERSEDED, ended_at=house.clock.now()))
    return [leg for leg in (attempt.call, attempt.agent_call) if leg]
