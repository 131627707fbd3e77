"""The webhooks that say how a leg or a dial ended, and what the leg that is still there hears next."""

from dataclasses import replace

from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.desk import Talk, Wish
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.domain.ids import AttemptId, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import CallState, State
from callback.flows import bridge, consult, hold, match, parted, settle, together, transfer
from callback.flows.hook import Hook, Place
from callback.flows.settle import Ending
from callback.flows.together import Met
from callback.ports import House, Reservation, Standing, Work

FINAL = {
    "completed": Outcome.HUNG_UP,  # only means ended; what it ended tells the row
    "busy": Outcome.BUSY,
    "failed": Outcome.FAILED,
    "no-answer": Outcome.NO_ANSWER,
    "canceled": Outcome.CANCELLED,
}
"""The carrier's last words on a leg."""
UNANSWERED = frozenset({"queued", "initiated", "ringing"})
GIVEN_UP = frozenset({Outcome.CANCELLED, Outcome.SUPERSEDED, Outcome.NEVER_PLACED})
"""Outcomes of attempts whose call, should there be one after all, must not go on."""


def dialled(house: House, hook: Hook) -> Script:
    """The Dial on the caller's leg ended: they talked, or the agent's side never came, or the caller is gone.

    `DialCallStatus` says `completed` whoever hung up and whether or not a key was pressed, so the line is asked
    instead. `DialBridged` says that a key which we took never reached the carrier's bridge (nothing of a conference).
    """
    place = Place.of(hook.query)
    pairing = house.line.reservation(Token(hook.query["r"]))
    there = hook.status == "in-progress"
    missed = False
    if pairing is None and "room" in hook.query:  # passed on out of that room, they go on with somebody else
        hook, pairing = consult.successor(house, hook)
        place = replace(place, entry=pairing.entry) if pairing is not None else place
    if pairing is not None and pairing.phase == "busy" and there:
        elsewhere = wanted_elsewhere(house, hook, pairing)
        if elsewhere is not None:
            return elsewhere
    if pairing is not None and pairing.phase == "busy":
        apart = hook.form.get("DialBridged") == "false" and "room" not in hook.query
        cause = f"call {hook.call}"
        settle.talk_over(
            house, pairing.token, caller_there=there, cause=cause, said_cut_off=apart, leg=hook.call, leg_asks=True
        )
    elif pairing is not None and pairing.entry == place.entry:
        missed = True
        never_bridged(house, pairing, hook, there)
    return next_for_caller(house, hook, place, there=there, missed=missed)


def wanted_elsewhere(house: House, hook: Hook, pairing: Reservation) -> Script | None:
    """What follows where the agent's side fell away because the agent put the caller on hold, or passes them on. While
    the record is away nobody can say; but an agent whose leg is up has not ended the talk. None: it is over."""
    try:
        with house.store.look() as work:
            talk = work.talk(pairing.token)
    except ConnectionError:
        parting = pairing.agent_leg is not None and settle.on_the_line(house, pairing.agent_leg)
        return parted.on_and_on(house, hook) if parting else None
    talks_on = talk is None or (talk.wish is Wish.NONE and not ended_for_three(hook, talk))
    return None if talks_on else transfer.caller(house, hook)


def ended_for_three(hook: Hook, talk: Talk) -> bool:
    """Whether the room that is over was one of three, so that agent and caller go on without the third. Whoever of the
    two asks first has moved the talk into the next room."""
    room = hook.query.get("room", "")
    return room.isdecimal() and (talk.together if talk.room == int(room) else talk.room > int(room))


def never_bridged(house: House, pairing: Reservation, hook: Hook, there: bool) -> None:
    """No key was pressed on the agent's side."""
    if there:
        settle.agent_missed(house, pairing, leg_asks=True)
    else:
        settle.caller_gone(house, pairing, hook.call)


def next_for_caller(house: House, hook: Hook, place: Place, *, there: bool, missed: bool) -> Script:
    """Back on hold at the front with an apology, or goodbye."""
    standing = house.line.standing(place.queue, place.entry)
    in_line = standing.place in ("hold", "menu", "reserved")
    if in_line and not there:
        if standing.reservation is not None:
            settle.caller_gone(house, standing.reservation, hook.call)
        else:
            hold.gone(house, place, hook.call)
        return Script(place.language)
    if not in_line:
        return Script(place.language, (HangUp(),))
    sorry = Speak((Prompt("agent_missed" if missed else "cut_off"),))
    if standing.reservation is not None:
        return bridge.connect(house, standing.reservation, place, before=(sorry,))
    return Script(place.language, (sorry, place.hold()), place.queue)


def agent_status(house: House, hook: Hook) -> None:
    """The agent's leg: its end frees the agent even if the caller's Dial never reports. Only `completed` can end a
    talk: every other last word is of a leg that nobody answered, such as the first of an agent who was rung twice.
    Where the first was answered, but an outage kept its key from us, the talk is on the second."""
    token = Token(hook.query["r"])
    if hook.status == "completed" and seen_first(house, hook) and not on_another_leg(house, token, hook.call):
        caller = CallSid(hook.form.get("ParentCallSid", "")) or None
        settle.talk_over(house, token, caller_there=None, cause=f"call {hook.call}", leg=caller, leg_asks=True)


def on_another_leg(house: House, token: Token, leg: CallSid) -> bool:
    """Whether the agent of this pairing is known to talk on another leg than this one."""
    pairing = house.line.reservation(token)
    return pairing is not None and pairing.agent_leg not in (None, leg)


def seen_first(house: House, hook: Hook) -> bool:
    """Whether this carrier event is new."""
    with house.store.begin() as work:
        sequence = hook.form.get("SequenceNumber", "")
        return work.first_sight(hook.call, hook.status, sequence, house.clock.now())


def customer_status(house: House, hook: Hook) -> None:
    """The leg of somebody we called back. `answered` binds the call; an end settles the attempt, once."""
    with house.store.begin() as work:
        now = house.clock.now()
        work.first_sight(hook.call, hook.status, hook.form.get("SequenceNumber", ""), now)
        attempt = work.attempt(AttemptId(hook.query["a"]))
        callback = bind_early(work, attempt, hook)
    if hook.status in FINAL:
        customer_ended(house, attempt, callback, FINAL[hook.status], hook.call)
    elif hook.status in UNANSWERED and attempt.outcome in GIVEN_UP:
        house.dispatch.hang_up(hook.call)  # whoever gave the attempt up did not know yet which call to end


def bind_early(work: Work, attempt: Attempt, hook: Hook) -> Callback:
    """The first word about a call tells its sid, whichever word it is, and whatever became of the attempt meanwhile."""
    if attempt.call is None and hook.call:
        work.save_attempt(replace(attempt, call=hook.call))
    return work.callback(attempt.callback)


def customer_ended(house: House, attempt: Attempt, callback: Callback, outcome: Outcome, call: CallSid) -> None:
    """A called-back caller's leg is over. Whoever rang in meanwhile talks on another leg, which this one does not
    end."""
    if callback.state is State.BRIDGED and callback.attempt == attempt.id:
        talker_gone(house, attempt.callback, call)
    elif callback.state is State.ANSWERED:  # while a question was asked, on hold, or while the agent's phone rang
        settle.hung_up(house, EntryId(attempt.callback), call)
    else:
        settle.attempt_over(house, attempt.id, outcome, cause=f"call {call}")
    if callback.state is State.COMPLETED:  # and was passed on: since then a live caller
        inbound_ended(house, callback.queue, call)


def talker_gone(house: House, id: CallbackId, call: CallSid) -> None:
    """Somebody whose row says that they talk is off the line. The line knows under which token, since the first agent
    may have missed the ring; where it knows of no talk, a crash or an outage came between it and the record.
    """
    cause = f"call {call}"
    with house.store.begin() as work:
        callback = work.callback(id)
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    standing = house.line.standing(callback.queue, EntryId(id))
    pairing = standing.reservation
    if pairing is not None and pairing.phase == "busy":
        settle.talk_over(house, pairing.token, caller_there=False, cause=cause)
        return
    cut = back_in_line(standing, call)
    ending = Ending.CUT_OFF if cut else alone_or_over(house, attempt)
    settle.close_callback(house, id, ending, cause=cause, now=house.clock.now())
    if cut:
        settle.hung_up(house, EntryId(id), call)


def alone_or_over(house: House, attempt: Attempt | None) -> Ending:
    """Whether whoever is off the line now had talked, where only the record and the carrier can tell."""
    if attempt is None:
        return Ending.OVER
    met = together.met(house, attempt, attempt.bridged_at)
    return {Met.YES: Ending.OVER, Met.NO: Ending.ALONE, Met.UNKNOWN: Ending.UNKNOWN}[met]


def back_in_line(standing: Standing, call: CallSid) -> bool:
    """Whether a cut-off has put them back on hold with this leg, and they are gone before the record heard of it. Where
    a promise stands there instead, the line is older than the talk, as one that was restored from a dump."""
    pairing = standing.reservation
    return standing.place in {"menu", "hold"} or (pairing is not None and pairing.leg == call)


def inbound_status(house: House, hook: Hook) -> None:
    """The number's own status callback: an inbound leg ended, wherever it was."""
    if hook.status not in FINAL:
        return
    queue = house.book.find(hook.query.get("queue"), hook.form.get("To", ""))
    if queue is not None:
        inbound_ended(house, QueueKey(queue.key), hook.call)


def inbound_ended(house: House, queue: QueueKey, call: CallSid) -> None:
    """Out of the line, out of a talk, or off a promise that they had rung in about."""
    standing = house.line.standing(queue, EntryId(call))
    pairing = standing.reservation
    if pairing is not None and pairing.phase == "busy":
        settle.talk_over(house, pairing.token, caller_there=False, cause=f"call {call}")
    elif standing.place:
        house.line.leave(EntryId(call), reason=CallState.ABANDONED, now=house.clock.now())
        if pairing is not None:
            match.run_agent(house, pairing.agent)
