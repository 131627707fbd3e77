"""Somebody who has an open promise rings us: recognised, told their place, and free to hold with it or keep the
promise.

If we are dialling them at this very moment, one of the two legs is used: this one. The other is ended.
"""

from dataclasses import replace

from callback.domain.callback import Callback, Outcome
from callback.domain.dialogue import Ask, HangUp, Prompt, Script, Speak
from callback.domain.ids import AttemptId, CallbackId, CallSid, EntryId, QueueKey
from callback.domain.lifecycle import ENDS, Event, State
from callback.domain.policy import Queue
from callback.flows import bridge, hold
from callback.flows.hook import Hook, Place, micros
from callback.ports import House, Reservation, Work


def recognise(house: House, queue: Queue, callback: CallbackId, place: Place) -> Script:
    """Tell them that they have a place: 1 keeps the callback, 2 (or silence) waits on the line with the same place."""
    standing = house.line.standing(QueueKey(queue.key), EntryId(callback))
    welcome = Prompt("welcome", {"queue": queue.name})
    told = (welcome, Prompt("already_waiting", {"position": standing.position or 1}), Prompt("already_keys"))
    return Script(place.language, (Ask(told, place.step("already", cb=callback)),), place.queue)


def chosen(house: House, hook: Hook) -> Script:
    """A key after being recognised."""
    place = Place.of(hook.query)
    if hook.digits == "1":
        return Script(place.language, (Speak((Prompt("already_kept"), Prompt("goodbye"))), HangUp()), place.queue)
    callback, other = take_over(house, CallbackId(hook.query["cb"]), hook.call)
    for leg in other:
        house.dispatch.hang_up(leg)
    if callback is None:
        return Script(place.language, (Speak((Prompt("stay"),)), place.hold()), place.queue)
    place = replace(place, entry=EntryId(callback.id), score=callback.score, joined=micros(callback.joined_at))
    pairing = on_hold(house, place, hook.call)
    if pairing is not None:
        return bridge.connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))
    return Script(place.language, (Speak((Prompt("stay"),)), place.hold()), place.queue)


def on_hold(house: House, place: Place, call: CallSid) -> Reservation | None:
    """Stand on hold with this leg at once, so that nobody overtakes meanwhile and a third call would be recognised as
    well. Returns the pairing where an agent is free: also the one who was reserved for the leg that is given up."""
    now = house.clock.now()
    held = house.line.standing(place.queue, place.entry).reservation
    if held is not None:
        house.line.release(held.token, entry_to="menu", agent_to=None, reason="the caller rang in", now=now)
    return hold.in_place(house, place, call).reservation


def take_over(house: House, id: CallbackId, call: CallSid) -> tuple[Callback | None, list[CallSid]]:
    """The promise goes on with this leg. Returns the callback (None: they talk already, or it has ended) and the legs
    to end."""
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
        moved = work.move(
            replace(callback, leg=call, attempt=None, agent=None, next_attempt_at=None),
            Event.CALL_IN,
            reason="the caller rang in",
            cause=f"call {call}",
            at=now,
        )
        return moved, other


def drop_attempt(work: Work, id: AttemptId, house: House) -> list[CallSid]:
    """The attempt in flight is superseded; returns its legs."""
    attempt = work.attempt(id)
    work.save_attempt(replace(attempt, outcome=Outcome.SUPERSEDED, ended_at=house.clock.now()))
    return [leg for leg in (attempt.call, attempt.agent_call) if leg]
