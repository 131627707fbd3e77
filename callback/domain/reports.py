"""What reports count: sums that can be added up over hours, days, queues and agents, and every figure that follows.

All that is kept is a sum, a count, or a spread of seconds over fixed steps, so that a year is put together from its
days without looking at one call again. What is counted when, `tallying` says; what each figure means to people, and its
formula, stands in docs/reports.md.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import reduce
from itertools import accumulate
from math import ceil, log, sqrt
from operator import add, attrgetter

TARGETS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300)
"""Seconds within which a service level can ask for an answer: of each, the calls are counted exactly."""
SHORT_S = 5.0
"""Whoever hangs up sooner never waited: a wrong number, or a second thought."""
STEP = 1.1
LONGEST_S = 7 * 86_400


class What(StrEnum):
    """Seconds of which the spread is kept."""

    LIVE = "live"  # from joining the line to the agent, of whoever held
    BACK = "back"  # the same of whoever was called back as soon as possible
    LEFT = "left"  # until they hung up


class Part(StrEnum):
    """Of what parts, besides queues and days, spreads are kept."""

    HOUR = "hour"  # of the clock
    AGENT = "agent"  # who talked with them


class Grain(StrEnum):
    """Over what time a spread of a part is kept."""

    DAY = "day"
    MONTH = "month"


def _edges() -> tuple[float, ...]:
    """Whole seconds at first, then steps of at most a tenth that meet every target."""
    found = [float(at) for at in range(1, 21)]
    for low, high in zip(anchors := (20, 30, 45, 60, 90, 120, 180, 300, LONGEST_S), anchors[1:], strict=False):
        steps = ceil(log(high / low) / log(STEP))
        found += [low * (high / low) ** (at / steps) for at in range(1, steps)] + [float(high)]
    return tuple(found)


EDGES = _edges()
"""Upper ends of the steps of a spread, in seconds; each holds what is above the one before it."""


def step_of(seconds: float) -> int:
    """The step these seconds fall into."""
    return min(bisect_left(EDGES, seconds), len(EDGES) - 1)


def middle_of(step: int) -> float:
    """What stands for a step: off by at most 5 % of the truth, or by half a second below 20 s."""
    if EDGES[step] <= 20:
        return EDGES[step] - 0.5
    return sqrt(EDGES[step - 1] * EDGES[step])


Spread = Mapping[int, int]
"""How many fell into which step."""


class Ranked:
    """A spread in order, to look up any number of its quantiles."""

    def __init__(self, spread: Spread) -> None:
        self._steps = sorted(spread)
        self._passed = list(accumulate(map(spread.__getitem__, self._steps)))

    def quantile(self, share: float) -> float | None:
        """The seconds that so large a share of them did not exceed, as far as the steps tell. None of nothing."""
        if not self._passed or self._passed[-1] <= 0:
            return None
        rank = max(ceil(share * self._passed[-1]), 1)
        return middle_of(self._steps[bisect_left(self._passed, rank)])


def quantile(spread: Spread, share: float) -> float | None:
    """As `Ranked.quantile`."""
    return Ranked(spread).quantile(share)


def merged(spreads: Iterable[Spread]) -> Counter[int]:
    """All of them together."""
    found: dict[int, int] = {}
    for one in spreads:
        for step, count in one.items():
            found[step] = found.get(step, 0) + count
    return Counter(found)


@dataclass(frozen=True)
class Sums:
    """Counts and sums of seconds. What happens to a call counts in the hour in which its caller joined the line, to a
    promise in which it was made, in a talk in which it began; `work_s` and `free_s` in the hours in which they were
    spent. Counted of:

    - calls: offered, answered, abandoned (`short` of them within SHORT_S), took a callback, turned away (closed);
      shown an offer; `wait_s` of the answered, `left_s` of the abandoned, `in_N` answered within N seconds
    - promises: made, and each of their ends; `met` an agent; `back` of them without a time of the caller's own, after
      `back_s` from joining the line
    - agents: talks, `back_talks` of them with people whom we rang; means are over talks: ringing, talking with hold,
      hold, wrapping up; `work_s` at work, `free_s` available; rings missed and declined, callers passed on
      (`announced` of them after a talk with whoever took them); `said` whether the matter was settled, and `resolved`;
      of callbacks, `rated` by their callers, and `satisfied` of those
    """

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short: int = 0
    took: int = 0
    turned_away: int = 0
    shown: int = 0
    wait_s: float = 0.0
    left_s: float = 0.0
    in_5: int = 0
    in_10: int = 0
    in_15: int = 0
    in_20: int = 0
    in_30: int = 0
    in_45: int = 0
    in_60: int = 0
    in_90: int = 0
    in_120: int = 0
    in_180: int = 0
    in_300: int = 0
    promised: int = 0
    completed: int = 0
    unreached: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0
    met: int = 0
    back: int = 0
    back_s: float = 0.0
    talks: int = 0
    back_talks: int = 0
    ring_s: float = 0.0
    talk_s: float = 0.0
    hold_s: float = 0.0
    wrap_s: float = 0.0
    work_s: float = 0.0
    free_s: float = 0.0
    missed: int = 0
    declined: int = 0
    transfers: int = 0
    announced: int = 0
    said: int = 0
    resolved: int = 0
    rated: int = 0
    satisfied: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(add, _VALUES(self), _VALUES(other)))

    # --- callers

    def service_level(self, target: int) -> float | None:
        """Answered within so many seconds (one of TARGETS), of those answered and those who gave up waiting."""
        return ratio(getattr(self, f"in_{target}"), self.answered + self.abandoned - self.short)

    @property
    def abandonment(self) -> float | None:
        """Hung up after SHORT_S and before an agent, of those offered without the short ones."""
        return ratio(self.abandoned - self.short, self.offered - self.short)

    @property
    def asa_s(self) -> float | None:
        """Average speed of answer."""
        return ratio(self.wait_s, self.answered)

    @property
    def take_up(self) -> float | None:
        """Took a callback, of those to whom one was offered."""
        return ratio(min(self.took, self.shown), self.shown)

    # --- promises

    @property
    def open(self) -> int:
        """Promises that have not ended yet."""
        return self.promised - self.completed - self.unreached - self.cancelled - self.expired - self.failed

    @property
    def reached(self) -> float | None:
        """Talked with an agent, of those whom we were to ring to the end."""
        return ratio(self.completed, self.completed + self.unreached + self.expired + self.failed)

    @property
    def back_mean_s(self) -> float | None:
        """Mean time to an agent of those called back."""
        return ratio(self.back_s, self.back)

    # --- agents

    @property
    def aht_s(self) -> float | None:
        """Average handling time: talk, hold and wrap-up."""
        return ratio(self.talk_s + self.wrap_s, self.talks)

    @property
    def spoken_s(self) -> float | None:
        """Mean talk without hold."""
        return ratio(max(self.talk_s - self.hold_s, 0.0), self.talks)

    @property
    def mean_hold_s(self) -> float | None:
        """Mean time on hold."""
        return ratio(self.hold_s, self.talks)

    @property
    def mean_wrap_s(self) -> float | None:
        """Mean wrap-up."""
        return ratio(self.wrap_s, self.talks)

    @property
    def mean_ring_s(self) -> float | None:
        """Mean time from a call being theirs until they talked."""
        return ratio(self.ring_s, self.talks)

    @property
    def occupancy(self) -> float | None:
        """Time at work over that and the time available."""
        return ratio(self.work_s, self.work_s + self.free_s)

    @property
    def first_contact(self) -> float | None:
        """Settled at once, of the talks of which it was said."""
        return ratio(self.resolved, self.said)

    @property
    def satisfaction(self) -> float | None:
        """Rated 4 or 5 (`domain.rating`), of those who said how it was: CSAT."""
        return ratio(self.satisfied, self.rated)

    @property
    def rated_share(self) -> float | None:
        """Said how it was, of those whose callback was completed."""
        return ratio(min(self.rated, self.completed), self.completed)

    def cost_per_call(self, hourly: float) -> float | None:
        """What a talk costs in agents' time at work, at so much an hour."""
        cost = ratio(self.work_s, self.talks)
        return None if cost is None else cost / 3600 * hourly


NAMES = tuple(field.name for field in fields(Sums))
OF_AGENTS = NAMES[NAMES.index("talks") :]
"""What is counted of single agents; all else of an agent is 0."""
NOTHING = Sums()
_VALUES = attrgetter(*NAMES)


def sum_of(some: Iterable[Sums]) -> Sums:
    """All of them together."""
    return reduce(add, some, NOTHING)


def ratio(part: float, whole: float) -> float | None:
    """None of nothing."""
    return part / whole if whole > 0 else None
