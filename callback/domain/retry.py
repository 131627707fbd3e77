"""After an attempt: ring again, when and from which place, or stop.

Only outcomes that the person called could have prevented (no answer, busy, voicemail, no key, hanging up) or that the
carrier could not mend (failed) spend one of the policy's attempts. What went wrong on our side or the carrier's, or
what the caller changed by ringing in, costs nothing; nor does a talk that was cut off, since the caller was reached.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from callback.domain import order
from callback.domain.callback import SPENT, Callback, Outcome
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Policy

REFUSED_FIRST_S = 1.0
"""Mean pause after the carrier refused the first attempt unprocessed; it doubles with each attempt made."""
REFUSED_LONGEST_S = 30.0


@dataclass(frozen=True)
class Verdict:
    """What follows an attempt.

    `event` moves the callback; `place` is where it stands in the line then: `due`, `later` (until `next_attempt_at`),
    `hold` (the caller is on the line) or `gone`. `score` is its place in the order.
    """

    event: Event
    next_attempt_at: datetime | None
    attempts_left: int
    score: int
    place: str
    reason: str


def after(callback: Callback, outcome: Outcome, policy: Policy, now: datetime) -> Verdict:
    """What follows when an attempt on `callback`, as it stood during it, ended with `outcome` at `now` (aware)."""
    if outcome in SPENT and callback.state is not State.BRIDGED:
        return _spent(callback, outcome, policy, now)
    if outcome in SPENT or outcome in _NOT_REACHED:
        return _again(callback, outcome, now)
    event, place = _SETTLED[outcome]
    return Verdict(event, None, callback.attempts_left, callback.score, place, outcome.value)


_SETTLED: dict[Outcome, tuple[Event, str]] = {
    Outcome.TALKED: (Event.COMPLETE, "gone"),
    Outcome.LATER: (Event.SCHEDULE, "gone"),  # the caller's own time follows, and takes the place of a retry time
    Outcome.NOT_NEEDED: (Event.CANCEL, "gone"),
    Outcome.CANCELLED: (Event.CANCEL, "gone"),
    Outcome.UNDIALABLE: (Event.UNDIALABLE, "gone"),
    Outcome.SUPERSEDED: (Event.CALL_IN, "hold"),  # the leg on which they rang in has the place already
}
_NOT_REACHED = frozenset({Outcome.REFUSED, Outcome.AGENT_MISSED, Outcome.NEVER_PLACED})
"""The caller's phone did not ring: the same attempt is made again."""


def _spent(callback: Callback, outcome: Outcome, policy: Policy, now: datetime) -> Verdict:
    left = max(callback.attempts_left - 1, 0)
    if left == 0:
        return Verdict(Event.EXHAUST, None, 0, callback.score, "gone", outcome.value)
    at = now + timedelta(seconds=retry_delay_s(policy, left))
    place = order.rejoin_score(
        callback.score,
        missed_place=policy.missed_place,
        at=at,
        credit_s=policy.priority_credit_s.get(callback.priority, 0),
    )
    return Verdict(Event.MISS, at, left, place, "later" if at > now else "due", outcome.value)


def retry_delay_s(policy: Policy, attempts_left: int) -> float:
    """Seconds from a spent attempt to the next, when `attempts_left` remain: the n-th value after the n-th attempt.

    The last value repeats, and no value at all is at once.
    """
    delays = policy.retry_delays_s
    if not delays:
        return 0
    spent = max(policy.attempts - attempts_left, 1)
    return delays[min(spent, len(delays)) - 1]


def _again(callback: Callback, outcome: Outcome, now: datetime) -> Verdict:
    """The same attempt once more: after a pause where the carrier was busy, at once otherwise."""
    pause = _pause_s(callback) if outcome is Outcome.REFUSED else 0
    return Verdict(
        _AGAIN.get((callback.state, outcome), Event.MISS),
        now + timedelta(seconds=pause),
        callback.attempts_left,
        callback.score,
        "later" if pause else "due",
        outcome.value,
    )


_AGAIN: dict[tuple[State, Outcome], Event] = {
    (State.DIALING, Outcome.REFUSED): Event.REFUSED,
    (State.DIALING, Outcome.NEVER_PLACED): Event.REFUSED,
    (State.RESERVED, Outcome.REFUSED): Event.RELEASE,
    (State.RESERVED, Outcome.NEVER_PLACED): Event.RELEASE,
    (State.RESERVED, Outcome.AGENT_MISSED): Event.RELEASE,
    (State.DIALING, Outcome.AGENT_MISSED): Event.REFUSED,
}
"""The move that says "surely not placed" from each state; from `reconciling` it is a miss that costs nothing."""


def _pause_s(callback: Callback) -> float:
    """Exponential with jitter between half and one and a half times, the same for the same attempt of a callback."""
    mean = min(REFUSED_FIRST_S * 2.0 ** min(max(callback.attempts_made - 1, 0), 10), REFUSED_LONGEST_S)
    dice = zlib.crc32(f"{callback.id}/{callback.attempts_made}".encode()) / 2**32
    return mean * (0.5 + dice)
