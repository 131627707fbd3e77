"""Whether to offer a callback, and why: the thresholds, the hysteresis, and the honesty about closing time.

Offered is who would wait too long (a quantile of their wait reaches `offer_at_wait_s`), who finds too many waiting, or
who finds nobody staffed in open hours. Once a queue offers, it goes on until the wait is below
`stop_offering_at_wait_s`. Never offered is whom a free agent could take now, and nobody gets a promise that the queue
could not keep before it closes.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from callback.domain.errors import NotAccepting
from callback.domain.policies import effective_stop
from callback.domain.policy import Policy
from callback.domain.wait import NOTHING_MEASURED, Measured, Wait, mean_handle


class Reason(StrEnum):
    """Why a callback is offered, or is not."""

    WAIT = "wait"
    WAITING = "waiting"
    NOBODY_STAFFED = "nobody_staffed"
    HYSTERESIS = "hysteresis"  # offering since before, and the wait is not below the stop value yet
    BELOW = "below"
    FREE_AGENT = "free_agent"
    SWITCHED_OFF = "switched_off"
    CLOSED = "closed"
    FULL = "full"
    NOT_BEFORE_CLOSING = "not_before_closing"
    CANNOT_RING = "cannot_ring"  # nobody dials, or the carrier lets nobody dial


@dataclass(frozen=True)
class Decision:
    """Whether to offer, the reason in one word, and a sentence for the people who watch the queue."""

    offering: bool
    reason: Reason
    sentence: str


_SOLVENCY_Z = 1.2816
"""The normal deviate of the 10th percentile."""


def decide(
    *,
    wait: Wait,
    waiting: int,
    free: int,
    staffed: int,
    is_open: bool,
    outstanding: int,
    offering_before: bool,
    policy: Policy,
    closes_in_s: float | None = None,
    measured: Measured = NOTHING_MEASURED,
    can_ring: bool = True,
    due_today: int | None = None,
) -> Decision:
    """Whether to offer a callback to a caller now.

    `wait` is theirs, `waiting` how many wait ahead of them, `free` how many agents could take them now, `staffed` how
    many count as capacity, `outstanding` how many promises are open, `due_today` how many of them have to be kept
    before closing (None: all), `offering_before` what `still_offering` said last time. `closes_in_s` is None for a
    queue that does not close soon; `measured` tells how long its conversations are; `can_ring` is whether anybody could
    be rung at the moment.
    """
    refusal = _refusal(is_open, outstanding, policy, can_ring)
    if refusal is not None:
        return refusal
    if free > 0:
        return Decision(False, Reason.FREE_AGENT, "not offering: an agent is free")
    wish = _wish(wait, waiting, staffed, offering_before, policy)
    today = outstanding if due_today is None else due_today
    if wish.offering and not _solvent(wait, staffed, today, policy, closes_in_s, measured):
        return _too_late(closes_in_s)
    return wish


def may_promise(
    *,
    is_open: bool,
    outstanding: int,
    policy: Policy,
    closes_in_s: float | None = None,
    staffed: int = 0,
    measured: Measured = NOTHING_MEASURED,
    wait: Wait | None = None,
    can_ring: bool = True,
    due_today: int | None = None,
) -> None:
    """The same guard for a promise that somebody asked for without an offer (the API, the console, a text).

    No threshold counts here: whoever asks shall have it. For a promise at a later time, `is_open` and `can_ring` speak
    of that time and `closes_in_s` is None.

    Raises:
        NotAccepting: `reason` is switched_off, closed, full, cannot_ring or not_before_closing.
    """
    refusal = _refusal(is_open, outstanding, policy, can_ring)
    if refusal is not None:
        _refuse(refusal)
    today = outstanding if due_today is None else due_today
    if not _solvent(wait, staffed, today, policy, closes_in_s, measured):
        _refuse(_too_late(closes_in_s))


def solvent(*, wait: Wait | None, staffed: int, outstanding: int, closes_in_s: float, handle_s: float) -> bool:
    """Whether one promise more can be kept before closing, with nine chances in ten. Both must hold:

    - in line: p90(wait) <= T, where T is the time left and everybody ahead, live or not, is in that wait;
    - in numbers: outstanding + 1 <= m - 1.2816 sqrt(m), where m = staffed T / handle_s is how many conversations the
      staff is expected to finish by then. The right side is the 10th percentile of a Poisson number with mean m.

    A queue that nobody staffs proves nothing either way and passes; without a `wait` the second alone decides.
    """
    if staffed <= 0:
        return True
    p90 = wait.p90 if wait is not None else None
    finished = surely_finished(staffed * max(closes_in_s, 0) / handle_s)
    return (p90 is None or p90 <= closes_in_s) and outstanding + 1 <= finished


def surely_finished(expected: float) -> float:
    """How many conversations are finished with nine chances in ten where `expected` are on average: the 10th percentile
    of a Poisson number by its normal approximation, below 0 for next to none."""
    return expected - _SOLVENCY_Z * math.sqrt(expected)


def still_offering(decision: "Decision", before: bool) -> bool:
    """What the queue remembers for the hysteresis, if it did (`before`): only the wait starts and stops an offer.
    Whatever forbids a promise meanwhile (closing, a full book, a carrier that is away) changes nothing in it."""
    if decision.offering:
        return True
    return before and decision.reason not in (Reason.BELOW, Reason.FREE_AGENT)


def _refusal(is_open: bool, outstanding: int, policy: Policy, can_ring: bool) -> Decision | None:
    """What forbids any promise, whatever the wait."""
    if not policy.accepting:
        return Decision(False, Reason.SWITCHED_OFF, "not offering: callbacks are switched off")
    if not is_open:
        return Decision(False, Reason.CLOSED, "not offering: the queue is closed")
    if not can_ring:
        return Decision(False, Reason.CANNOT_RING, "not offering: nobody can be rung at the moment")
    most = policy.max_outstanding
    if most is not None and outstanding >= most:
        return Decision(False, Reason.FULL, f"not offering: {outstanding} promises are open, and {most} is the most")
    return None


def _wish(wait: Wait, waiting: int, staffed: int, offering_before: bool, policy: Policy) -> Decision:
    """What the thresholds say."""
    if staffed <= 0:
        return Decision(True, Reason.NOBODY_STAFFED, "offering: nobody is staffed, so the wait is not known")
    seconds = wait.quantile(_PROBABILITY[policy.offer_quantile])
    start, stop = policy.offer_at_wait_s, effective_stop(policy)
    said = _said_wait(seconds, policy)
    if seconds is not None and start is not None and seconds >= start:
        return Decision(True, Reason.WAIT, f"offering: {said}, and offers start at {_span(start)}")
    if policy.offer_at_waiting is not None and waiting >= policy.offer_at_waiting:
        return Decision(
            True, Reason.WAITING, f"offering: {waiting} are waiting, and offers start at {policy.offer_at_waiting}"
        )
    if offering_before and seconds is not None and stop is not None and seconds >= stop:
        return Decision(True, Reason.HYSTERESIS, f"offering: {said}, and offers stop below {_span(stop)}")
    return Decision(False, Reason.BELOW, f"not offering: {said}, {_limits(policy)}")


def _solvent(
    wait: Wait | None, staffed: int, outstanding: int, policy: Policy, closes_in_s: float | None, measured: Measured
) -> bool:
    if not policy.closing_guard or closes_in_s is None:
        return True
    handle_s = mean_handle(measured, policy)
    return solvent(wait=wait, staffed=staffed, outstanding=outstanding, closes_in_s=closes_in_s, handle_s=handle_s)


def _too_late(closes_in_s: float | None) -> Decision:
    left = _span(closes_in_s or 0)
    sentence = f"not offering: the queue closes in {left}, too soon to keep another promise"
    return Decision(False, Reason.NOT_BEFORE_CLOSING, sentence)


def _refuse(decision: Decision) -> NoReturn:
    raise NotAccepting(decision.reason, _REFUSED[decision.reason])


_REFUSED: dict[Reason, str] = {
    Reason.SWITCHED_OFF: "this queue does not accept callbacks now; ask again later",
    Reason.CLOSED: "this queue is closed now; ask again in its opening hours, or ask for a time in them",
    Reason.FULL: "this queue has as many callbacks open as it may promise; ask again later",
    Reason.CANNOT_RING: "nobody can be rung at the moment; ask again later, or ask for a later time",
    Reason.NOT_BEFORE_CLOSING: "nobody can call back before this queue closes; ask for a later opening time",
}

_PROBABILITY = {"p50": 0.5, "p80": 0.8, "p90": 0.9}


def _said_wait(seconds: float | None, policy: Policy) -> str:
    if seconds is None:
        return "the wait is not known"
    return f"the wait ({policy.offer_quantile}) is {_span(seconds)}"


def _limits(policy: Policy) -> str:
    """Where offers would start, as the end of a sentence."""
    limits = []
    if policy.offer_at_wait_s is not None:
        limits.append(_span(policy.offer_at_wait_s))
    if policy.offer_at_waiting is not None:
        limits.append(f"{policy.offer_at_waiting} waiting")
    return f"and offers start at {' or '.join(limits)}" if limits else "and no threshold is set"


def _span(seconds: float) -> str:
    """Seconds up to two minutes, minutes above: exact enough to compare with a threshold."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min".replace(".0 min", " min")
