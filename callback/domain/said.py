"""What callers were told about their wait, and what happened then.

Every time a wait is told, or an offer decided, for somebody, that is a prediction: kept with what it was made from,
with what the simple rule would have said beside it, and with the decision. Later it is joined to what happened. A
call's prediction is of the moment in which an agent is with them; a promise's is of the moment in which their phone
rings, since that is what they were promised. How good predictions were is counted in `judged`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from callback.domain import spoken
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus, CallState, State
from callback.domain.offered import LONGEST_S
from callback.domain.wait import Measured, Wait


class Moment(StrEnum):
    """When somebody was told."""

    ARRIVAL = "arrival"
    MENU = "menu"  # the offer once more, in another language
    HOLD = "hold"
    PROMISE = "promise"
    REFUSED = "refused"  # they wanted a promise, and none could be made


class Fate(StrEnum):
    """What became of whoever was told."""

    CONNECTED = "connected"
    LEFT = "left"
    PROMISED = "promised"  # the call became a callback, which has predictions of its own
    CANCELLED = "cancelled"
    UNREACHED = "unreached"
    EXPIRED = "expired"
    FAILED = "failed"
    MOVED = "moved"  # they asked for another time, which is a promise of its own
    ENDED = "ended"  # in any other way


class Saying(NamedTuple):
    """What a step has just told somebody, or decided for them, as it stands in memory: made on the webhook's path, so
    nothing in it is computed."""

    at: datetime
    queue: QueueKey
    subject: str  # the call or the callback
    moment: Moment
    told: bool  # whether the wait was heard; else only the offer was decided
    position: int | None
    joined_at: datetime | None
    agents: Mapping[AgentStatus, int]
    measured: Measured
    live: int
    outstanding: int
    offering_before: bool
    wait: Wait
    offering: bool
    reason: str
    sentence: str
    policy_version: int
    promised: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Prediction:
    """One row of the record of what was said. Seconds; None where nobody could know.

    `actual_s` is what the prediction is judged by, `waited_s` the time until the agent was there or the caller was
    gone, `offered_s` the wait that would have been, where somebody left the line and it can be told (`parted`), and
    `seq` is 0 until saved.
    """

    at: datetime
    queue: QueueKey
    subject: str
    moment: Moment
    told: bool
    place: int | None
    joined_at: datetime | None
    mean: float | None
    p10: float | None
    p50: float | None
    p80: float | None
    p90: float | None
    simple_mean: float | None
    simple_p10: float | None
    simple_p50: float | None
    simple_p80: float | None
    simple_p90: float | None
    model: str
    basis: str
    low_min: int | None
    high_min: int | None
    promised_from: datetime | None
    promised_to: datetime | None
    offering: bool
    reason: str
    sentence: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fate: Fate | None = None
    fate_at: datetime | None = None
    waited_s: float | None = None
    since_joined_s: float | None = None
    offered_s: float | None = None
    actual_s: float | None = None
    rang_at: datetime | None = None
    talked_at: datetime | None = None
    seq: int = 0

    @property
    def kept(self) -> timedelta | None:
        """By how much a promise was missed: below 0 too early, above 0 too late, 0 within its window. None: no promise,
        or nobody has rung yet."""
        rang = self.rang_at or self.talked_at
        if self.promised_from is None or self.promised_to is None or rang is None:
            return None
        return min(rang - self.promised_from, timedelta(0)) or max(rang - self.promised_to, timedelta(0))


def prediction(said: Saying, closes_in_s: float | None = None) -> Prediction:
    """The row of what was said. `closes_in_s` is the one input that its maker did not have at hand."""
    simple = said.wait.simple or said.wait
    words = spoken.spoken_range(said.wait)
    known = words.kind != "unknown"
    ours, theirs = _announced(said.wait), _announced(simple)
    return Prediction(
        at=said.at,
        queue=said.queue,
        subject=said.subject,
        moment=said.moment,
        told=said.told,
        place=said.position,
        joined_at=said.joined_at,
        **ours,
        **{f"simple_{name}": value for name, value in theirs.items()},
        model=said.wait.model,
        basis=said.wait.basis,
        low_min=words.low_min if known else None,
        high_min=words.high_min if known else None,
        promised_from=said.promised[0] if said.promised else None,
        promised_to=said.promised[1] if said.promised else None,
        offering=said.offering,
        reason=said.reason,
        sentence=said.sentence,
        inputs=_inputs(said, closes_in_s),
    )


def _announced(wait: Wait) -> dict[str, Any]:
    found = {"mean": wait.mean, "p10": wait.p10, "p50": wait.p50, "p80": wait.p80, "p90": wait.p90}
    return {name: None if seconds is None else round(seconds, 2) for name, seconds in found.items()}


def _inputs(said: Saying, closes_in_s: float | None) -> dict[str, Any]:
    measured = said.measured
    handle = measured.handled_s / measured.handled if measured.handled else None
    patience = measured.waited_s / measured.abandoned if measured.abandoned else None
    return {
        "ahead": None if said.position is None else max(said.position - 1, 0),
        "agents": {str(status): count for status, count in said.agents.items() if count},
        "live": said.live,
        "outstanding": said.outstanding,
        "handle_s": None if handle is None else round(handle, 1),
        "handled": round(measured.handled, 1),
        "patience_s": None if patience is None else round(patience, 1),
        "abandoned": round(measured.abandoned, 1),
        "offering_before": said.offering_before,
        "closes_in_s": None if closes_in_s is None else round(closes_in_s),
        "policy_version": said.policy_version,
    }


# --- what happened ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Happened:
    """A state that a call or a callback came into, as the journal has it."""

    subject: str
    after: str
    at: datetime


_FATES: Mapping[str, Fate] = {
    CallState.ABANDONED: Fate.LEFT,
    CallState.CALLBACK: Fate.PROMISED,
    CallState.REFUSED: Fate.ENDED,
    CallState.COMPLETED: Fate.ENDED,  # without a talk since it was said, or that would have come before
    State.CANCELLED: Fate.CANCELLED,
    State.UNREACHED: Fate.UNREACHED,
    State.EXPIRED: Fate.EXPIRED,
    State.FAILED: Fate.FAILED,
}
"""Ends, after which nothing else happens: they count whenever they are dated, since two clocks may differ by a hair."""

TALKS = State.BRIDGED
"""The same word for a call and a callback."""
RINGS = State.DIALING
MOVES = State.SCHEDULED
TELLING = frozenset({*_FATES, TALKS, RINGS, MOVES})
"""The states that tell anything about a prediction."""


def settle(said: Prediction, news: Iterable[Happened]) -> Prediction:
    """The prediction with what happened to its subject, in order. What is known already stays as it is."""
    for happened in news:
        if said.fate is None:
            said = _step(said, happened)
    return said


def _step(said: Prediction, happened: Happened) -> Prediction:
    end = _FATES.get(happened.after)
    if end is not None:
        return _ended(said, end, max(happened.at, said.at))
    if happened.at < said.at:
        return said
    if happened.after == MOVES and happened.at > said.at:  # at that very moment, it is this promise itself
        return _ended(said, Fate.MOVED, happened.at)
    if happened.after == TALKS:
        talked = _ended(said, Fate.CONNECTED, happened.at)
        actual_s = talked.waited_s if said.actual_s is None else said.actual_s
        return replace(talked, actual_s=actual_s, talked_at=happened.at)
    if happened.after == RINGS and said.moment is Moment.PROMISE and said.rang_at is None:
        return replace(said, rang_at=happened.at, actual_s=(happened.at - said.at).total_seconds())
    return said


# --- what would have happened -----------------------------------------------------------------------------------

PARTED = frozenset({Fate.LEFT, Fate.PROMISED})
"""The fates of callers who left the line before an agent was there."""
OFFERED_WITHIN = timedelta(seconds=LONGEST_S)
"""When no agent is taken for their place, or one behind it, for so long, the line has stopped, and nothing is known."""


@dataclass(frozen=True)
class Taken:
    """An agent was taken for a place in line: at `at`, for whoever stood at `score`, and idle since `idle_since`."""

    queue: QueueKey
    score: int
    at: datetime
    idle_since: datetime


def parted(said: Prediction, score: int, taken: Taken) -> Prediction:
    """The prediction of a caller who left the place `score`, by the first agent who was taken in their queue for that
    place or one behind it: this agent would have been theirs, when it was free, or they would have had one before.

    The callback that has taken the caller's place has its score. Whoever was idle before they left would have been
    theirs at once: a wait that was over, and not one of somebody who gave up; it counts as what they did wait."""
    if said.fate not in PARTED or said.fate_at is None or said.offered_s is not None or taken.score < score:
        return said
    if not timedelta(0) <= taken.at - said.fate_at <= OFFERED_WITHIN:
        return said
    free = max(min(taken.at, taken.idle_since), said.fate_at)
    return replace(said, offered_s=(free - said.at).total_seconds())


def _ended(said: Prediction, fate: Fate, at: datetime) -> Prediction:
    joined = None if said.joined_at is None else (at - said.joined_at).total_seconds()
    return replace(said, fate=fate, fate_at=at, waited_s=(at - said.at).total_seconds(), since_joined_s=joined)
