"""What the carrier's own record says about a call that nobody reported on: the truth when a webhook is lost.

Redialling is allowed only once the ring timeout, the carrier's queue and a margin have passed and its record shows no
call.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.ids import AttemptId, CallSid, EntryId
from callback.domain.lifecycle import State
from callback.domain.policy import Queue
from callback.flows import ended, settle, together
from callback.flows.book import caller_id
from callback.flows.together import Met
from callback.ports import CarrierCall, CarrierError, House, Tried, Work

SKEW = timedelta(seconds=2)
"""Creation times at the carrier are whole seconds, so a call may seem to be older than our asking for it."""
BEFORE = timedelta(minutes=1)
"""A call may be younger than the end of the callback it was asked for, by less than this."""
LIVE = frozenset({"queued", "initiated", "ringing", "in-progress"})
UNWANTED = frozenset({Outcome.CANCELLED, Outcome.SUPERSEDED, Outcome.NEVER_PLACED})
"""Outcomes of attempts that were given up: their call, if there is one after all, should have been ended."""
EARLY = UNWANTED | {Outcome.LATER, Outcome.NOT_NEEDED, Outcome.VOICEMAIL, Outcome.NO_KEY}
"""And those that are over while a last sentence is still being spoken: their call may be up."""
NOT_TO_RING = UNWANTED | {None}
"""Of attempts that `rule_out` finds: one that was never closed belongs to a callback that was."""
SPOKEN_S = 30
"""The longest last sentence."""
STILL_UP = timedelta(seconds=5)
"""When to look again at a number on which such a call is up."""


class Unsure(Exception):
    """An earlier call to the number may still be up: the carrier knows. `tried` are the attempts it would belong to."""

    def __init__(self, number: str, tried: list[Tried]) -> None:
        super().__init__("an earlier call to this number may still be up")
        self.number, self.tried = number, tried


def bound_s(house: House, queue: Queue) -> float:
    """Within this many seconds of asking, a call that was accepted has rung and shows in the carrier's record."""
    return queue.policy.ring_timeout_s + house.knobs.carrier_queue_s + house.knobs.reconcile_margin_s


def resolve(house: House, callback: Callback) -> None:
    """A callback in `dialing`, `reconciling`, `answered` or `bridged` that has been silent: ask the carrier."""
    if callback.attempt is None:
        resolve_leg(house, callback)
        return
    with house.store.begin() as work:
        attempt = work.attempt(callback.attempt)
    found = find(house, callback.number, Tried(callback.queue, attempt))
    if found is None:
        never_placed(house, callback, attempt)
    elif found.status in LIVE:
        bind(house, attempt, found.sid)
        if callback.state is State.BRIDGED:
            beside(house, attempt, found.sid)
    else:
        with house.store.begin() as work:
            fresh = work.callback(callback.id)
        ended.customer_ended(house, attempt, fresh, ended.FINAL.get(found.status, Outcome.FAILED), found.sid)


def beside(house: House, attempt: Attempt, leg: CallSid) -> None:
    """agent_first: whether anybody is in the conference with the caller, where nothing has shown it yet. Whoever sits
    there alone is back at the front."""
    if attempt.token is None or together.met(house, attempt, attempt.bridged_at) is not Met.NO:
        return
    cause = f"call {attempt.agent_call}"
    settle.talk_over(house, attempt.token, caller_there=None, cause=cause, said_cut_off=True, leg=leg)


def resolve_leg(house: House, callback: Callback) -> None:
    """Rang in by themselves: is their leg still there?"""
    if callback.leg is None:
        return
    found = house.carrier.fetch(callback.leg)
    if found is not None and found.status in LIVE:
        return
    if callback.state is State.BRIDGED:
        ended.talker_gone(house, callback.id, callback.leg)
    else:
        ended.inbound_ended(house, callback.queue, callback.leg)
        settle.hung_up(house, EntryId(callback.id), callback.leg)


def find(house: House, number: str, tried: Tried) -> CarrierCall | None:
    """The call of this attempt in the carrier's record: by sid, else the one between the two numbers since we asked."""
    attempt = tried.attempt
    if attempt.call is not None:
        return house.carrier.fetch(attempt.call)
    queue = house.book.queue(tried.queue)
    since = (attempt.asked_at or attempt.created_at) - SKEW
    calls = house.carrier.calls(to=number, from_=caller_id(house, queue) or "", since=since)
    others = calls_of_others(house, number, attempt.id, since) if calls else set()
    mine = [call for call in calls if call.sid not in others]
    return min(mine, key=lambda call: call.created_at or since, default=None)


def calls_of_others(house: House, number: str, id: AttemptId, since: datetime) -> set[CallSid]:
    """The calls to this number that other attempts are known to have become: one that was busy at once may be younger
    than our uncertainty about the carrier's clock."""
    with house.store.begin() as work:
        known = work.calls_to(number, since=since - BEFORE)
    return {call for call, attempt in known.items() if attempt != id}


def alive(house: House, leg: CallSid) -> bool:
    """Whether the carrier still has this leg up; unknown counts as up."""
    try:
        found = house.carrier.fetch(leg)
    except CarrierError:
        return True
    return found is not None and found.status in LIVE


def rule_out(work: Work, number: str, within_s: float, now: datetime) -> None:
    """Two calls never ring one number. The record keeps that for attempts in flight (`uq_callbacks_rung_number`); this
    looks at those that were over less than `within_s` and a sentence ago, or never closed. Raises Unsure."""
    tried = work.may_still_ring(number, EARLY, since=now - timedelta(seconds=within_s + SPOKEN_S))
    if tried:
        raise Unsure(number, tried)


def still_up(house: House, doubt: Unsure) -> bool:
    """Whether one of them is, as the carrier has it; also where it cannot say. One that rings although it was given up,
    because the task that should have ended it was lost, is ended now."""
    up = False
    for tried in doubt.tried:
        try:
            found = find(house, doubt.number, tried)
            if found is not None and found.status in LIVE:
                up = True
                if tried.attempt.outcome in NOT_TO_RING and found.status != "in-progress":
                    house.carrier.hang_up(found.sid)
        except CarrierError:
            up = True
    return up


def bind(house: House, attempt: Attempt, sid: CallSid) -> None:
    """Found: from here on its webhooks, or the next look, settle it."""
    if attempt.call is None:
        with house.store.begin() as work:
            fresh = work.attempt(attempt.id)
            if fresh.call is None:
                work.save_attempt(replace(fresh, call=sid))


def never_placed(house: House, callback: Callback, attempt: Attempt) -> None:
    """Not in the record. Once the bound has passed, it never will be: ring again, and the attempt is not spent."""
    queue = house.book.queue(callback.queue)
    asked = attempt.asked_at or attempt.created_at
    if house.clock.now() - asked > timedelta(seconds=bound_s(house, queue)):
        settle.attempt_over(house, attempt.id, Outcome.NEVER_PLACED, cause="the carrier's record shows no call")


def look_again(now: datetime, since: datetime, every: timedelta, before: datetime) -> bool:
    """Whether a thing in its state since `since` is looked at now, when it is looked at once in `every` and the last
    round of looking was at `before`: late as that may have been, nothing falls between two rounds."""
    age = now - since
    return age > every and age // every != max(before - since, timedelta(0)) // every


def bound_passed(house: House, callback: Callback, attempt: Attempt, now: datetime, before: datetime) -> bool:
    """Whether the carrier's bound for a call that nobody heard of ended since the last round: now it is decided."""
    if attempt.call is not None:
        return False
    bound = timedelta(seconds=bound_s(house, house.book.queue(callback.queue)))
    return before <= (attempt.asked_at or attempt.created_at) + bound < now
