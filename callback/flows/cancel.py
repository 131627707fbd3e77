"""The caller, or somebody for them, changes their mind: not any more, or not now.

After a cancel is acknowledged nothing dials any more; a call that is ringing already is ended, and should somebody
answer it all the same, the document reads the row again, apologises and bridges nobody.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from callback.domain import hours
from callback.domain.callback import Callback, Outcome
from callback.domain.errors import AlreadyBridged, InvalidInput, NotAccepting
from callback.domain.ids import CallbackId, CallSid, EntryId
from callback.domain.lifecycle import ENDS, Event, State
from callback.flows import enrol, match, said, settle
from callback.ports import Along, House, Work

LOOK_S, LOOKS = 0.05, 40
"""While the carrier is asked for the call, nobody knows yet what to end: its answer is waited for, 2 s at most."""
ANSWERS_WITHIN = timedelta(seconds=10)
"""The carrier answers or is given up within this: whoever asked and has not said so by then has died."""
MOMENT = timedelta(seconds=2)
"""An agent's key has its answer within this."""
AGAIN_WITHIN = timedelta(minutes=1)
"""A cancel repeated within this also does what the first could not."""


def cancel(
    house: House,
    id: CallbackId,
    *,
    reason: str,
    cause: str,
    keep: CallSid | None = None,
    along: Along | None = None,
) -> Callback:
    """Cancel until the talk; again and again the same answer. `keep` is a leg on which a goodbye is being said. What
    `along` writes about a callback that is cancelled now is committed with that, or not at all.

    Raises NotFound, AlreadyBridged (talking, or over), and what `along` raises.
    """
    state, asked_for = look(house, id)
    for _ in range(LOOKS):
        if not asked_for:
            break
        house.pause(LOOK_S)
        state, asked_for = look(house, id)
    now, talks = house.clock.now(), state is State.ANSWERED and talking(house, id)
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if talks and callback.state is State.ANSWERED:
            raise AlreadyBridged("this callback is bridged: there is nothing left to cancel")
        if callback.state is State.CANCELLED:
            legs = left_over(work, callback, now)
        else:
            legs = end_attempt(work, still_to_cancel(callback), Outcome.NOT_NEEDED if keep else Outcome.CANCELLED, now)
            ended = replace(callback, leg=None)
            callback = work.move(ended, Event.CANCEL, reason=reason, cause=cause, at=now) or callback
            if along is not None:
                along(work, callback)
    out_of_line(house, callback, legs, keep, reason)
    return callback


def talking(house: House, id: CallbackId) -> bool:
    """Whether the line knows of a talk that the record missed, since it was away at that moment. In the moment itself
    the agent's key asks the record, and the cancel wins."""
    talk = settle.talk_of(house, EntryId(id))
    return talk is not None and talk.bridged_at is not None and house.clock.now() - talk.bridged_at > MOMENT


def still_to_cancel(callback: Callback) -> Callback:
    """Raises AlreadyBridged."""
    if callback.state is State.BRIDGED or callback.state in ENDS:
        raise AlreadyBridged(f"this callback is {callback.state}: there is nothing left to cancel")
    return callback


def left_over(work: Work, callback: Callback, now: datetime) -> list[CallSid]:
    """The legs that a cancel of a moment ago may have left: the line was away, or the call not known yet."""
    attempt = work.attempt(callback.attempt) if callback.attempt else None
    fresh = callback.ended_at is not None and now - callback.ended_at < AGAIN_WITHIN
    if not fresh or attempt is None or attempt.outcome is not Outcome.CANCELLED:
        return []
    return [leg for leg in (attempt.call, attempt.agent_call) if leg]


def look(house: House, id: CallbackId) -> tuple[State, bool]:
    """The state, and whether the carrier is asked for a call at this moment. Once it has answered there is something to
    end; before, a cancel would be acknowledged and the call placed all the same. Raises NotFound."""
    with house.store.begin() as work:
        callback = work.callback(id)
        if callback.state is not State.DIALING or callback.attempt is None:
            return callback.state, False
        attempt = work.attempt(callback.attempt)
    asked = attempt.asked_at
    recent = asked is not None and house.clock.now() - asked < ANSWERS_WITHIN
    return callback.state, attempt.call is None and recent


def end_attempt(work: Work, callback: Callback, outcome: Outcome, now: datetime) -> list[CallSid]:
    """Close the attempt in flight; returns the legs that exist because of it."""
    legs = [callback.leg] if callback.leg else []
    if callback.attempt:
        attempt = work.save_attempt(replace(work.attempt(callback.attempt), outcome=outcome, ended_at=now))
        legs += [leg for leg in (attempt.call, attempt.agent_call) if leg]
    return list(dict.fromkeys(legs))


def out_of_line(house: House, callback: Callback, legs: list[CallSid], keep: CallSid | None, reason: str) -> None:
    """The line follows the record: the reserved agent takes the next, and whatever rings is ended."""
    left = house.line.leave(EntryId(callback.id), reason=reason, now=house.clock.now())
    if callback.state is State.SCHEDULED:
        settle.book(house, callback)
    for leg in legs:
        if leg != keep:
            house.dispatch.hang_up(leg)
    if left.reservation is not None:
        match.run_agent(house, left.reservation.agent)


def reschedule(
    house: House,
    id: CallbackId,
    at: datetime,
    *,
    cause: str,
    along: Along | None = None,
) -> Callback:
    """Ring later: at `at`, or as soon after it as their place allows. The place is kept; who is served meanwhile
    overtakes by the caller's own wish. What `along` writes is committed with it.

    Raises NotFound, InvalidInput (past, too far), NotAccepting (closed then), AlreadyBridged (being dialled or over).
    """
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if callback.state not in (State.WAITING, State.SCHEDULED):
            raise AlreadyBridged(f"this callback is {callback.state}: it can no longer be moved")
        policy = house.book.queue(callback.queue).policy
        check_time(at, now, policy.hours)
        changed = at_time(callback, at)
        moved = work.move(changed, Event.SCHEDULE, reason="the caller asked for later", cause=cause, at=now) or callback
        if along is not None:
            along(work, moved)
    out_of_line(house, moved, [], None, "the caller asked for later")
    said.moved(house, moved, now)
    return moved


def at_time(callback: Callback, at: datetime) -> Callback:
    """To be rung at `at`, and promised anew: whatever window was promised before is no longer meant."""
    until = at + enrol.REQUESTED_WINDOW
    return replace(callback, requested_for=at, next_attempt_at=None, promised_from=at, promised_to=until)


def check_time(at: datetime, now: datetime, opening: dict[str, object] | None) -> None:
    """Raises InvalidInput or NotAccepting."""
    if at <= now:
        raise InvalidInput("at", "choose a time in the future")
    if (at - now).days > enrol.FURTHEST.days:
        raise InvalidInput("at", f"at most {enrol.FURTHEST.days} days ahead")
    if not hours.is_open(opening, at):
        raise NotAccepting("closed", "the queue is closed at that time: choose one within its hours")


def postpone(house: House, id: CallbackId, at: datetime, *, cause: str, keep: CallSid) -> None:
    """Pressed at the answer: not now. The attempt does not count."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if callback.state is not State.ANSWERED:
            return
        legs = end_attempt(work, callback, Outcome.LATER, now)
        later = at_time(replace(callback, attempt=None, leg=None, agent=None), at)
        moved = work.move(later, Event.SCHEDULE, reason="later, pressed at the answer", cause=cause, at=now) or callback
    out_of_line(house, moved, legs, keep, "later")
    said.moved(house, moved, now)
