"""agent_first: whether agent and caller were in their conference together, or one of them sat alone in it.

An agent who hangs up in the moment before the caller joins leaves them in a conference that does not begin, and does
not end either. The carrier tells us when one begins, which is with the second who joins. Where that report is missing,
its own record of the agent's leg says whether it was still up by then; nothing else is asked for.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from callback.domain.callback import Attempt
from callback.domain.ids import AttemptId, CallbackId, is_callback
from callback.flows.hook import Hook
from callback.ports import CarrierError, House, Reservation

MOMENT = timedelta(seconds=2)
"""From the caller's key until they are in the conference, and what the carrier's clock may be off by."""

SECOND = timedelta(seconds=1)
"""The carrier tells times in whole ones."""


class Met(Enum):
    """Whether they talked, as far as it can be known."""

    YES = auto()
    NO = auto()
    UNKNOWN = auto()  # the carrier cannot be asked now


def began(house: House, hook: Hook) -> None:
    """The conference has begun: both are in it."""
    with house.store.begin() as work:
        attempt = work.attempt(AttemptId(hook.query["a"]))
        if attempt.answered_at is not None and attempt.met_at is None:
            work.save_attempt(replace(attempt, met_at=house.clock.now()))


def unproved(house: House, pairing: Reservation) -> Attempt | None:
    """The attempt in whose conference this pairing talks, where nothing has shown yet that both were in it. A record
    that is away keeps no agent in a talk: its row is looked at again when it is back (`ended.talker_gone`)."""
    if not is_callback(pairing.entry):
        return None
    try:
        with house.store.look() as work:
            callback = work.callback(CallbackId(pairing.entry))
            attempt = work.attempt(callback.attempt) if callback.attempt else None
    except ConnectionError:
        return None
    if attempt is None or attempt.token != pairing.token:  # another agent, whom the caller's own leg rang
        return None
    return attempt if is_unproved(attempt) else None


def is_unproved(attempt: Attempt) -> bool:
    """Whether all that is known of a conference is that the agent waited in it, and that the caller was sent there."""
    return attempt.agent_call is not None and attempt.met_at is None


def met(house: House, attempt: Attempt, joined: datetime | None) -> Met:
    """Whether the agent's leg outlived the caller's way into the conference, on which they were sent at `joined`."""
    if not is_unproved(attempt) or attempt.agent_call is None or joined is None:
        return Met.YES
    try:
        found = house.carrier.fetch(attempt.agent_call)
    except CarrierError:
        return Met.UNKNOWN
    now, ended = house.clock.now(), None if found is None else found.ended_at
    if (ended or now) > joined + MOMENT:
        note(house, attempt.id)
        return Met.YES
    short = ended is None or (ended + SECOND > joined and now - ended <= MOMENT + SECOND)  # both are gone just now
    return Met.YES if short else Met.NO


def note(house: House, id: AttemptId) -> None:
    """The carrier need not be asked again."""
    with house.store.begin() as work:
        attempt = work.attempt(id)
        if attempt.met_at is None:
            work.save_attempt(replace(attempt, met_at=house.clock.now()))
