"""How long things last, learnt from what was seen: a ring, the key press, a talk, its wrap-up.

Dialling ahead asks all the time how likely it is that something which has lasted so long ends within so many seconds
more. That is the hazard, so the hazard is what is learnt: for each stretch of age, how many ended in it over the
seconds spent in it. It takes any shape, what is still going on counts for the time it has lasted (censoring costs
nothing), two weeks add up, and the past fades by a factor. What was never seen is filled from a log-normal prior that
counts as a few observations, so a new house has an opinion from its first call on.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from callback.domain.policy import Policy

VERSION = 1
"""Of the stored form."""

TALK_EDGES = (0.0, 5, 10, 20, 30, 45, 60, 80, 100, 120, 150, 180, 220, 260, 320, 400, 500, 650, 850, 1200, 1800, 3600)
WRAP_EDGES = (*(2.0 * i for i in range(20)), 40, 45, 50, 60, 75, 90, 120, 180, 300, 600)
RING_EDGES = (*(1.0 * i for i in range(30)), 30, 35, 40, 50, 60, 90)
KEY_EDGES = (*(1.0 * i for i in range(16)), 16, 20, 25, 30, 45, 60)
PRIOR_RINGS, PRIOR_TALKS = 20, 10
"""So many observations the first guesses count as."""
_NOTHING = 1e-12
_PIECES = 24
"""Into which a stretch is cut to integrate a prior over it."""


class End(StrEnum):
    """How an observation ended."""

    EVENT = "event"  # as the law is about: answered, pressed, hung up, ready again
    OTHER = "other"  # otherwise, and the event cannot follow any more: busy, hung up before the key
    OPEN = "open"  # not at all yet, or we stopped looking: only the time counts


@dataclass(frozen=True)
class Seen:
    """What was seen of one kind of thing, by its age: `events` and `others` that ended in each stretch, and the
    seconds (`lasted`) that all spent in it. A stretch reaches from its edge to the next one, the last for ever."""

    edges: tuple[float, ...]
    events: tuple[float, ...]
    others: tuple[float, ...]
    lasted: tuple[float, ...]

    @classmethod
    def nothing(cls, edges: tuple[float, ...]) -> "Seen":
        """No observation yet."""
        none = (0.0,) * len(edges)
        return cls(edges, none, none, none)

    @property
    def count(self) -> float:
        """How many ended, either way."""
        return sum(self.events) + sum(self.others)

    def add(self, seconds: float, end: End = End.EVENT) -> "Seen":
        """With one more that lasted `seconds`. Raises ValueError below 0."""
        if not seconds >= 0:
            raise ValueError(f"nothing lasts {seconds} s")
        at = bisect_right(self.edges, seconds) - 1
        upper = (*self.edges[1:], math.inf)
        spent = (max(min(seconds, high) - low, 0.0) for low, high in zip(self.edges, upper, strict=True))
        return Seen(
            self.edges,
            _one_more(self.events, at) if end is End.EVENT else self.events,
            _one_more(self.others, at) if end is End.OTHER else self.others,
            tuple(before + more for before, more in zip(self.lasted, spent, strict=True)),
        )

    def plus(self, other: "Seen") -> "Seen":
        """Both together. Raises ValueError where their stretches differ."""
        if self.edges != other.edges:
            raise ValueError("what was seen in other stretches cannot be added")
        return Seen(
            self.edges,
            _sums(self.events, other.events),
            _sums(self.others, other.others),
            _sums(self.lasted, other.lasted),
        )

    def faded(self, keep: float) -> "Seen":
        """As if only the share `keep` of it had been seen, so that what comes now weighs more."""
        events, others, lasted = (
            tuple(keep * value for value in column) for column in (self.events, self.others, self.lasted)
        )
        return Seen(self.edges, events, others, lasted)

    def as_json(self) -> dict[str, list[float]]:
        """Plain values; `from_json` gives the same again, to a millionth."""
        columns = {"edges": self.edges, "events": self.events, "others": self.others, "lasted": self.lasted}
        return {name: [round(value, 6) for value in values] for name, values in columns.items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[float]]) -> "Seen":
        """Raises KeyError or ValueError where it is not what `as_json` wrote."""
        edges, events, others, lasted = (
            tuple(map(float, stored[name])) for name in ("edges", "events", "others", "lasted")
        )
        alike = len(edges) == len(events) == len(others) == len(lasted) > 1
        if not alike or edges[0] != 0 or any(b <= a for a, b in pairwise(edges)):
            raise ValueError("the stretches are not in order")
        return cls(edges, events, others, lasted)


def _one_more(counts: tuple[float, ...], at: int) -> tuple[float, ...]:
    return (*counts[:at], counts[at] + 1, *counts[at + 1 :])


def _sums(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def expected(edges: tuple[float, ...], ended: Callable[[float], float], weight: float) -> Seen:
    """`weight` observations as they are seen on average where the share `ended(t)` has come to the event by age t, and
    whoever never does is watched for twice the last edge."""
    stretches = list(pairwise((*edges, 2 * edges[-1])))
    events = tuple(weight * (ended(high) - ended(low)) for low, high in stretches)
    lasted = tuple(weight * _alive(ended, low, high) for low, high in stretches)
    return Seen(edges, events, (0.0,) * len(edges), lasted)


def prior(edges: tuple[float, ...], *, mean_s: float, cv: float, weight: float, share: float = 1) -> Seen:
    """`weight` observations of a log-normal law of this mean and coefficient of variation, where only the `share` ever
    comes to the event."""
    spread = math.log(1 + cv * cv)
    law = NormalDist(math.log(mean_s) - spread / 2, math.sqrt(spread))
    return expected(edges, lambda t: share * law.cdf(math.log(t)) if t > 0 else 0.0, weight)


def _alive(ended: Callable[[float], float], low: float, high: float) -> float:
    """The seconds that one of them spends between two ages, by the midpoint rule."""
    step = (high - low) / _PIECES
    return step * sum(1 - ended(low + (i + 0.5) * step) for i in range(_PIECES))


@dataclass(frozen=True)
class Law:
    """The law behind what was seen: in each stretch the event and the other end come at constant rates per second.

    Both rates are the maximum likelihood estimate, ends over seconds lasted; where nothing was ever seen they are 0.
    """

    seen: Seen

    @cached_property
    def _rates(self) -> tuple[tuple[float, float], ...]:
        """Of each stretch: the rate of the event, and of any end."""
        rows = zip(self.seen.events, self.seen.others, self.seen.lasted, strict=True)
        return tuple((e / s, (e + o) / s) if s > 0 else (0.0, 0.0) for e, o, s in rows)

    @cached_property
    def _at_edges(self) -> tuple[tuple[float, float], ...]:
        """At each edge: the share that has come to the event, and the share of which nothing has come yet."""
        happened, left = 0.0, 1.0
        rows = [(happened, left)]
        for (low, high), (event, either) in zip(pairwise(self.seen.edges), self._rates, strict=False):
            gone = left * -math.expm1(-either * (high - low))
            happened += gone * event / either if either else 0.0
            left -= gone
            rows.append((happened, left))
        return tuple(rows)

    def so_far(self, age: float) -> tuple[float, float]:
        """The share that has come to the event by `age` seconds, and the share that still goes on."""
        if age <= 0:
            return 0.0, 1.0
        at = bisect_right(self.seen.edges, age) - 1
        happened, left = self._at_edges[at]
        event, either = self._rates[at]
        gone = left * -math.expm1(-either * (age - self.seen.edges[at]))
        return happened + (gone * event / either if either else 0.0), left - gone

    def within(self, age: float, span: float) -> float:
        """P(the event comes within `span` seconds more | it has lasted `age`)."""
        if span <= 0:
            return 0.0
        before, left = self.so_far(age)
        if left <= _NOTHING:  # older than anything ever was: as it went at the end
            event, either = self._rates[bisect_right(self.seen.edges, age) - 1]
            return -math.expm1(-either * span) * event / either if either else 0.0
        return min(1.0, (self.so_far(age + span)[0] - before) / left)


@dataclass(frozen=True)
class Laws:
    """All that dialling ahead knows: from dial to answer, from answer to key, the talk, the wrap-up after it."""

    ring: Seen
    key: Seen
    talk: Seen
    wrap: Seen

    def plus(self, other: "Laws") -> "Laws":
        """Both together: a prior and what was seen since, or two days."""
        return Laws(*(mine.plus(theirs) for mine, theirs in zip(self.parts, other.parts, strict=True)))

    def faded(self, keep: float) -> "Laws":
        """As if only the share `keep` of all had been seen."""
        return Laws(*(part.faded(keep) for part in self.parts))

    @property
    def parts(self) -> tuple[Seen, Seen, Seen, Seen]:
        """In the order of the fields."""
        return self.ring, self.key, self.talk, self.wrap

    def as_json(self) -> dict[str, Any]:
        """Plain values with the version of their form."""
        return {"version": VERSION, **{name: getattr(self, name).as_json() for name in _PARTS}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Laws":
        """Raises KeyError or ValueError where it is of another version or damaged."""
        if stored["version"] != VERSION:
            raise ValueError(f"laws of version {stored['version']}, but only {VERSION} is known")
        return cls(*(Seen.from_json(stored[name]) for name in _PARTS))


_PARTS = ("ring", "key", "talk", "wrap")

NOTHING_SEEN = Laws(*map(Seen.nothing, (RING_EDGES, KEY_EDGES, TALK_EDGES, WRAP_EDGES)))
"""A queue without a past."""


def first_guess(policy: Policy) -> Laws:
    """The laws of a queue that has seen nothing, to which `NOTHING_SEEN` and its growth are added.

    People answer after 10 s (sd 5) four times in five and press the key after 6 s (sd 3) nine times in ten. A talk and
    its wrap-up take the policy's `prior_handle_s`; the wrap-up is ended by the policy or before.
    """
    wrap_s = max(policy.wrap_up_s, 1.0)
    talk_s = max(policy.prior_handle_s - policy.wrap_up_s, 30.0)
    return Laws(
        ring=prior(RING_EDGES, mean_s=10, cv=0.5, weight=PRIOR_RINGS, share=0.8),
        key=prior(KEY_EDGES, mean_s=6, cv=0.5, weight=PRIOR_RINGS, share=0.9),
        talk=prior(TALK_EDGES, mean_s=talk_s, cv=1, weight=PRIOR_TALKS),
        wrap=prior(WRAP_EDGES, mean_s=wrap_s, cv=0.4, weight=PRIOR_TALKS),
    )
