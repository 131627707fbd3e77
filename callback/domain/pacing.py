"""How many dials may start now, before an agent is free: the rule behind `dial_mode: dial_ahead`.

A dial takes its time to be answered, and so do talks to end. Whoever answers before an agent is there has to wait, and
may wait `wait_tolerance_s` unharmed after their key; longer is a miss. The next dial starts while it would be a miss
with probability of at most epsilon:

- Say it is answered, and its key pressed, s seconds from now. Let f_i be the probability that busy agent i is free
  within s + tolerance, given how long their talk or wrap-up has lasted, and r_m that call m of the n under way is ready
  by s, given how long it has rung: then it stands before ours. With L people waiting already and I agents idle, ours is
  a miss when the agents who come free do not reach beyond all those:

      I + sum of Bernoulli(f_i)  <=  L + sum of Bernoulli(r_m)

  which is a Poisson-binomial count of at most L + n - I among all f_i and 1 - r_m, computed exactly.
- s is not known either, so this is averaged over a few instants that stand for parts of the law of the ring: finer ones
  where it is answered early, since most misses are there.

Looking at each instant, and at how long each call has rung (one that rings for 20 s will hardly be answered any more),
is what sets it apart from one count at the mean ring time. Live callers are among L where they stand before: an agent
who comes free is kept for phones that ring before whoever is behind.

Besides, there is always one dial for each idle agent nobody waits for. Epsilon is not the share of misses, since a dial
that is allowed is mostly far below it: `Calibration` finds the epsilon whose misses are those of the policy.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from operator import mul
from typing import Any

from callback.domain.laws import Law, Laws
from callback.domain.policy import Policy

VERSION = 1
"""Of the stored calibration."""
PARTS = (0.01, 0.03, 0.08, 0.2, 0.4, 0.7, 1.0)
"""Up to which share of all answers each instant stands for its part of them. Where a wrap-up ends at a known time,
coarser first parts would not see whoever answers too early for it."""
STEP_S = 0.5
"""Between the ages and times of the tables."""
KEY_S = 30
"""The key prompt is over after this long, with its repeat."""
WRAP_TABLE_S = 180
"""A wrap-up that lasts longer is treated as one of this age."""
FINER = 4
"""Ages of talks that the table keeps for each stretch of their law."""

DIAL_AHEAD = "dial_ahead"
"""The word of `dial_mode` for it."""
FRONT = 100
"""So many at the head of each queue are looked at in one round: far more than agents come free within a ring."""
SOON_S = 15.0
"""A retry that is due within this takes an agent before whoever behind it is dialled now."""
DELAYS_S = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0)
"""Until the carrier's pace lets a dial begin: a forecast, which takes some 30 ms to build, for each of them."""
ROUNDED_S = 10
"""Mean handle times this near share a forecast."""

Row = tuple[float, ...]
"""A probability for each instant."""


def rounded_up(delay_s: float, to: Row = DELAYS_S) -> float:
    """To one of few delays, the longest for all beyond it."""
    return next((delay for delay in to if delay_s <= delay), to[-1])


def rounded(handle_s: float, to: int = ROUNDED_S) -> int:
    """To the nearest multiple, at least one."""
    return to * round(max(handle_s, to) / to)


@dataclass(frozen=True)
class WrapUp:
    """An agent in wrap-up since `age_s`; the line ends it in `left_s` at the latest."""

    age_s: float
    left_s: float = math.inf


@dataclass(frozen=True)
class Floor:
    """What stands on the floor now; all ages in seconds.

    `waiting` are those who take an agent before whoever is dialled next can: on the line before them, callbacks who
    have answered and pressed their key among them. Agents who asked to go away after their talk are in none of the
    lists.
    """

    idle: int = 0
    talks_s: tuple[float, ...] = ()
    wraps: tuple[WrapUp, ...] = ()
    ringing_s: tuple[float, ...] = ()  # since the dial; below 0 for one that waits so long for the carrier's pace
    asked_s: tuple[float, ...] = ()  # since the answer, at the key prompt
    waiting: int = 0

    @property
    def under_way(self) -> int:
        """Dials that may still need an agent."""
        return len(self.ringing_s) + len(self.asked_s)


@dataclass(frozen=True)
class Decision:
    """How many `dials` to start now, and why no more: the next one would be a miss with probability `miss`, more than
    `epsilon` (or nobody is left to dial: `most` was reached)."""

    dials: int
    most: int
    miss: float
    epsilon: float
    idle: int
    waiting: int
    under_way: int
    free_soon: float  # busy agents expected to be free by the time of a usual answer, with the tolerance
    ready_soon: float  # calls under way expected to be ready by then

    def as_json(self) -> dict[str, float]:
        """For a page that shows why."""
        return {name: round(value, 4) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Forecast:
    """The laws of a queue as tables: one row of probabilities, an instant each, for whatever age something has.

    Built once for each change of the laws (30 ms), looked up at each decision.
    """

    instants: Row  # seconds from a dial to the key
    weights: Row  # how likely each of them is
    talks: tuple[Row, ...]  # free within instant + tolerance, by age of the talk
    talk_ages: Row
    wraps: tuple[Row, ...]  # the same by age of the wrap-up
    rings: tuple[Row, ...]  # not ready by the instant, by seconds rung
    keys: tuple[Row, ...]  # the same by seconds since the answer
    tolerance_s: float
    ready: Row  # ready by so many steps after the dial
    delay_s: float = 0  # until the next dial may begin

    @classmethod
    def of(
        cls, laws: Laws, policy: Policy, *, wrap_ends: bool = True, instants: Row = (), delay_s: float = 0
    ) -> "Forecast":
        """By these laws under this policy. `wrap_ends`: the line ends every wrap-up after the policy's time. Where
        `instants` are given, all as likely, they take the place of those of the law of the ring. `delay_s`: the
        carrier's pace lets the next dial begin only then."""
        ring, talk, wrap = Law(laws.ring), Law(laws.talk), Law(laws.wrap)
        asked = Law(laws.key) if policy.confirm_human == "press_1" else None
        timeout = float(policy.ring_timeout_s)
        key = _middles(_curve(asked) if asked else _at_once, timeout + KEY_S)
        weights = (1 / len(instants),) * len(instants) if instants else _weights()
        ready = _ready(ring, key, timeout)
        instants = tuple(s + delay_s for s in instants or _instants(ready, timeout))
        horizons = [s + policy.wait_tolerance_s for s in instants]
        wrapped = _middles(_curve(wrap, policy.wrap_up_s if wrap_ends else math.inf), horizons[-1])
        ages = _fine(laws.talk.edges)
        unready = (_then(ring, age, key, instants, timeout) for age in _ages(timeout))
        return cls(
            instants=instants,
            weights=weights,
            talks=tuple(_then(talk, age, wrapped, horizons) for age in ages),
            talk_ages=ages,
            wraps=tuple(tuple(wrap.within(age, h) for h in horizons) for age in _ages(WRAP_TABLE_S)),
            rings=tuple(tuple(1 - p for p in row) for row in unready),
            keys=tuple(tuple(1 - (asked.within(age, s) if asked else 1) for s in instants) for age in _ages(KEY_S)),
            tolerance_s=policy.wait_tolerance_s,
            ready=ready,
            delay_s=delay_s,
        )

    def free(self, floor: Floor) -> list[Row]:
        """For each busy agent P(free within instant + tolerance)."""
        talking = [self.talks[bisect_right(self.talk_ages, age) - 1] for age in floor.talks_s]
        return talking + [self._wrapping(wrap) for wrap in floor.wraps]

    def _wrapping(self, wrap: WrapUp) -> Row:
        row = at(self.wraps, wrap.age_s)
        if wrap.left_s > self.instants[-1] + self.tolerance_s:
            return row
        horizons = (s + self.tolerance_s for s in self.instants)
        return tuple(1.0 if wrap.left_s <= h else p for h, p in zip(horizons, row, strict=True))

    def unready(self, floor: Floor) -> list[Row]:
        """For each call under way P(not ready by the instant)."""
        return [self.rung(age) for age in floor.ringing_s] + [at(self.keys, age) for age in floor.asked_s]

    def rung(self, age_s: float) -> Row:
        """P(not ready by the instant) of one call that has rung for so long, or (below 0) begins only later."""
        if age_s >= 0:
            return at(self.rings, age_s)
        steps = (round((s + age_s) / STEP_S) for s in self.instants)
        return tuple(1.0 if n <= 0 else 1 - self.ready[min(n, len(self.ready)) - 1] for n in steps)


def at(table: Sequence[Row], age_s: float) -> Row:
    """The row of an age."""
    return table[min(round(max(age_s, 0) / STEP_S), len(table) - 1)]


Curve = Callable[[float], float]
"""The share that has come to its end by so many seconds."""


def _at_once(_: float) -> float:
    return 1.0


def _curve(law: Law, limit_s: float = math.inf) -> Curve:
    """The law from its beginning, ended by `limit_s` at the latest."""
    return lambda t: 1.0 if t >= limit_s else law.within(0, t)


def _middles(curve: Curve, last_s: float) -> list[float]:
    """The curve in the middle of each step up to `last_s`."""
    return [curve((k + 0.5) * STEP_S) for k in range(math.ceil(last_s / STEP_S) + 1)]


def _ages(last_s: float) -> list[float]:
    """From 0 to `last_s`, a step apart."""
    return [STEP_S * k for k in range(math.ceil(last_s / STEP_S) + 1)]


def _fine(edges: Row) -> Row:
    """`FINER` ages in each stretch, and the last edge."""
    within = (low + (high - low) * part / FINER for low, high in pairwise(edges) for part in range(FINER))
    return (*within, edges[-1])


def _then(first: Law, age: float, second: Sequence[float], horizons: Sequence[float], last: float = math.inf) -> Row:
    """P(the first thing, which has lasted `age`, and after it the second are over within each horizon).

    `second` is its curve in the middle of each step, `last` the age from which the first cannot come to its end any
    more. A convolution in steps of `STEP_S`.
    """
    steps = [max(round(h / STEP_S), 1) for h in horizons]
    over = [first.within(age, min(STEP_S * k, max(last - age, 0))) for k in range(max(steps) + 1)]
    gains = [after - before for before, after in pairwise(over)]
    return tuple(sum(map(mul, gains[:n], second[n - 1 :: -1])) for n in steps)


def _weights() -> Row:
    """What each of `PARTS` adds to the one before."""
    return tuple(high - low for low, high in pairwise((0.0, *PARTS)))


def _ready(ring: Law, key: Sequence[float], timeout: float) -> Row:
    """P(answered and the key pressed by then), a step apart from the first step after the dial."""
    return _then(ring, 0, key, _ages(timeout + KEY_S)[1:], timeout)


def _instants(ready: Row, timeout: float) -> Row:
    """The middle of each of `PARTS` of those who answer and press their key, in seconds from the dial."""
    times = _ages(timeout + KEY_S)[1:]
    middles = ((low + high) / 2 for low, high in pairwise((0.0, *PARTS)))
    if ready[-1] <= 0:
        return (timeout,) * len(PARTS)
    return tuple(times[bisect_left(ready, ready[-1] * middle)] for middle in middles)


def decide(floor: Floor, forecast: Forecast, *, epsilon: float, most: int) -> Decision:
    """How many dials may start now, of at most `most` (who is left to dial, what the carrier's pace allows)."""
    free, unready = forecast.free(floor), forecast.unready(floor)
    dials = 0
    miss = 0.0
    while dials < most:
        miss = _miss(floor, forecast.weights, [*free, *unready], len(unready))
        if miss > epsilon and len(unready) >= floor.idle - floor.waiting:
            break
        unready.append(forecast.rung(-forecast.delay_s))
        dials += 1
    usual = bisect_left(list(accumulate(forecast.weights)), 0.5)
    return Decision(
        dials=dials,
        most=most,
        miss=miss,
        epsilon=epsilon,
        idle=floor.idle,
        waiting=floor.waiting,
        under_way=floor.under_way,
        free_soon=sum(row[usual] for row in free),
        ready_soon=sum(1 - row[usual] for row in unready[: floor.under_way]),
    )


def _miss(floor: Floor, weights: Row, rows: list[Row], under_way: int) -> float:
    """P(the next dial waits longer than tolerated): the mean over the instants."""
    most = floor.waiting + under_way - floor.idle
    if most < 0:
        return 0.0
    if not rows:
        return 1.0
    columns = zip(*rows, strict=True)
    return sum(weight * at_most(column, most) for weight, column in zip(weights, columns, strict=True))


def at_most(chances: Sequence[float], most: int) -> float:
    """P(at most `most` of these independent events happen): the Poisson-binomial law, exactly.

    One event after the other is taken into the probabilities of 0 to `most`; whatever goes beyond is left out.
    """
    if most < 0:
        return 0.0
    counts = [1.0] + [0.0] * most
    for p in chances:
        q = 1 - p
        counts = [counts[0] * q] + [stays * q + comes * p for comes, stays in pairwise(counts)]
    return min(math.fsum(counts), 1.0)


STARTS_AT = 1.4
"""Epsilon over the share of misses that it leads to, on a floor of twenty."""
SMALLER = 0.55
"""On a smaller floor more dials are far below epsilon: the same is 2.8 with five agents, 2.1 with ten, 0.8 with fifty,
which this power of their number is within 6 % of."""
MEMORY = 1000
"""Calls after which a lasting deviation has had most of its effect."""
BOUNDS = (0.1, 10)
"""Within which multiples of the policy's share of misses epsilon stays."""


@dataclass(frozen=True)
class Calibration:
    """Finds the epsilon that leads to the policy's share of misses, from the misses there were. Slow on purpose: at 3 %
    a hundred calls say next to nothing.

    An integral controller of log epsilon: each miss takes it down, each call served in time up, in balance at `target`.
    """

    target: float
    factor: float = STARTS_AT

    @classmethod
    def first(cls, target: float, agents: int) -> "Calibration":
        """What fits a floor of so many agents before anything was measured."""
        return cls(target, STARTS_AT * (20 / max(agents, 1)) ** SMALLER)

    @property
    def epsilon(self) -> float:
        """For `decide`, between 0 and 1."""
        return min(self.target * self.factor, 1.0)

    def update(self, missed: float, served: float) -> "Calibration":
        """After `served` more callbacks came to talk, `missed` of which had waited longer than tolerated.

        Raises ValueError unless 0 <= missed <= served.
        """
        if not 0 <= missed <= served:
            raise ValueError(f"{missed} misses of {served} calls")
        if self.target <= 0:
            return self
        change = (self.target * served - missed) / (self.target * MEMORY)
        low, high = BOUNDS
        return replace(self, factor=min(max(self.factor * math.exp(change), low), high))

    def aimed_at(self, target: float) -> "Calibration":
        """The same experience for another share of misses: the policy has changed."""
        return replace(self, target=target)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which `from_json` reads."""
        return {"version": VERSION, "target": self.target, "factor": self.factor}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Calibration":
        """Raises KeyError or ValueError where it is of another version or damaged."""
        if stored["version"] != VERSION:
            raise ValueError(f"a calibration of version {stored['version']}, but only {VERSION} is known")
        return cls(float(stored["target"]), float(stored["factor"]))
