"""Asking the carrier to ring a caller, and what follows from each class of answer.

The attempt stands in the record before this, in a state in which a crash is found. Never dialable, refused (not
spent), or unknown: nothing is ever asked for twice on a guess.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.ids import AttemptId, CallSid, EntryId
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Queue
from callback.flows import account, match, reconcile, settle
from callback.flows.book import caller_id
from callback.ports import (
    CarrierBusy,
    CarrierError,
    CarrierStopped,
    House,
    NewCall,
    NumberUndialable,
    OutcomeUnknown,
    Tried,
)

PACE = "calls"
"""The bucket that all creations of calls share."""
NUMBER_BUSY = timedelta(seconds=30)
"""When to look again at a number that is being rung, or talks, for another queue."""
ASK_WITHIN = timedelta(seconds=1.5)
"""From the attempt's commit to the question to the carrier: less than a cancel waits (`cancel.LOOK_S * LOOKS`), so that
nobody asks who was held up for so long that the cancel has been acknowledged meanwhile."""
SOON_S = 0.02
"""A slot of the carrier's pace this near is not worth a second trip through the workers."""
SOON_AGAIN_S = 1
"""A call that could not be ended at once is ended after this."""


def ask_carrier(house: House, attempt: Attempt, number: str, queue: Queue, language: str) -> None:
    """Ask for the call; bind it, or settle what the carrier said instead."""
    if attempt.asked_at is not None and house.clock.now() - attempt.asked_at > ASK_WITHIN:
        settle.attempt_over(house, attempt.id, Outcome.NEVER_PLACED, cause="the worker was held up before it could ask")
        return
    own = caller_id(house, queue)
    call = NewCall(
        to=number,
        from_=own or "",
        url=house.urls.step("callback", a=attempt.id, l=language),
        status_url=house.urls.step("status", a=attempt.id),
        fallback_url=house.urls.step("fallback"),
        timeout=queue.policy.ring_timeout_s,
        detect_machine=queue.policy.confirm_human == "amd",
    )
    try:
        sid = house.carrier.create_call(call)
    except CarrierError as error:
        carrier_said_no(house, attempt.id, error, own)
        return
    bound(house, attempt.id, sid)
    account.accepted(house, own)


def pace_s(house: House) -> float:
    """Takes a slot of the carrier's pace. How many seconds from now it lies, 0 for one that is near enough."""
    knobs, now = house.knobs, house.clock.now()
    return unless_soon(house.line.take_pace(PACE, per_second=knobs.calls_per_second, now=now))


def unless_soon(wait_s: float) -> float:
    """The seconds until a slot of the carrier's pace, 0 for one that is near enough."""
    return wait_s if wait_s > SOON_S else 0.0


def carrier_said_no(house: House, id: AttemptId, error: CarrierError, own: str | None) -> None:
    """Each class of error has its consequence. `own` is the number the call was to come from."""
    cause, code = f"carrier error {error.code}", str(error.code or error)
    account.noticed(house, own, error)
    match error:
        case NumberUndialable():
            account.accepted(house, own)  # the carrier refused this number, and us not at all
            settle.attempt_over(house, id, Outcome.UNDIALABLE, cause=cause, error=code)
        case CarrierBusy():
            jitter = 1 + secrets.randbelow(1000) / 1000  # workers must not march in step
            wait = timedelta(seconds=error.retry_after_s * jitter)
            settle.attempt_over(house, id, Outcome.REFUSED, cause=cause, error=code, delay=wait)
        case CarrierStopped():
            settle.attempt_over(house, id, Outcome.REFUSED, cause=cause, error=code)
        case OutcomeUnknown():
            lost(house, id, cause=str(error))
        case _:
            settle.attempt_over(house, id, Outcome.FAILED, cause=cause, error=code)


def lost(house: House, id: AttemptId, *, cause: str) -> None:
    """The call may exist: reconcile with the carrier's record before anything else. The agent does not wait for
    that."""
    now = house.clock.now()
    with house.store.begin() as work:
        attempt = work.attempt(id)
        callback = work.callback(attempt.callback, lock=True)
        dialing = callback.attempt == id and callback.state is State.DIALING
        if dialing and attempt.call is None:
            work.move(callback, Event.LOST, reason="the carrier's answer is unknown", cause=cause, at=now)
    if not dialing:
        end_unheard(house, callback, attempt)
    if not dialing or attempt.call is not None:
        return
    settle.let_agent_go(house, attempt)
    house.line.expect(EntryId(callback.id), until=now)
    if attempt.token:
        pairing = house.line.reservation(attempt.token)
        house.line.release(attempt.token, entry_to="gone", agent_to=None, reason="unknown outcome", now=now)
        if pairing is not None:
            match.run_agent(house, pairing.agent)


def end_unheard(house: House, callback: Callback, attempt: Attempt) -> None:
    """Cancelled or superseded while the carrier was asked, and its answer was lost: should there be a call, it ends
    here. One that shows later is ended at its first report."""
    if callback.state is not State.CANCELLED and callback.attempt == attempt.id:
        return
    try:
        found = reconcile.find(house, callback.number, Tried(callback.queue, attempt))
    except CarrierError:  # as silent as before
        return
    if found is not None and found.status in reconcile.LIVE:
        house.dispatch.hang_up(found.sid)


def bound(house: House, id: AttemptId, sid: CallSid) -> None:
    """The carrier named the call. A cancel that came meanwhile could not end it: this does."""
    with house.store.begin() as work:
        attempt = work.attempt(id)
        if attempt.call is None:
            attempt = work.save_attempt(replace(attempt, call=sid))
        callback = work.callback(attempt.callback)
    if callback.attempt == id and callback.state is not State.CANCELLED:
        return
    try:
        house.carrier.hang_up(sid)
    except CarrierError:
        house.dispatch.hang_up(sid, SOON_AGAIN_S, tries=1)
