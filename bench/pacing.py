"""Dialling ahead on a simulated floor: idle seconds for each call served against the share who wait too long.

A mode has a tightness (epsilon, or a rate); the figures are read at 3 % of misses, between two runs on either side of
it. The rule in force learns its laws and its epsilon as it runs, from what the product assumes before the first call.
`python -m bench.pacing` prints the whole frontier with every effort; the row of `python -m bench` is a short one.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from statistics import NormalDist, fmean

import click

from bench.figures import Figure, Target
from bench.floor import House, Mode, Result, Shift
from callback.domain import laws as learnt
from callback.domain.laws import RING_EDGES, TALK_EDGES, WRAP_EDGES, End, Laws, Seen, expected
from callback.domain.pacing import PARTS, Calibration, Forecast, WrapUp, at_most, decide
from callback.domain.policy import Policy

MISSES = 0.03
TOLERANCES = (2.0, 8.0)
AIMS = {2.0: 9.5, 8.0: 6.5}
WORSE = 1.05
"""The learnt laws may cost this many times the idle seconds of the true ones."""
MOST = 10
RELEARN = 100
"""Ends between two looks at the laws."""


def policy(house: House) -> Policy:
    """What the rule is told: the tolerance and the timeout, nothing of the true laws."""
    return Policy(
        dial_mode="dial_ahead",
        confirm_human="off",
        wait_tolerance_s=house.tolerance_s,
        max_wait_probability=MISSES,
        ring_timeout_s=int(house.ring_timeout_s),
    )


class Deaf:
    """A mode that learns nothing."""

    def ended(self, what: str, seconds: float, *, event: bool = True) -> None:
        pass

    def served(self, *, missed: bool) -> None:
        pass


class AgentFirst(Deaf):
    """One dial for each idle agent, never more."""

    def dials(self, shift: Shift) -> int:
        floor = shift.view()
        return max(floor.idle - floor.waiting - floor.under_way, 0)


@dataclass
class RateBased(AgentFirst):
    """As many dials as agents come free on average within so many seconds (`tightness`), as simple dialers do."""

    tightness: float

    def dials(self, shift: Shift) -> int:
        house, floor = shift.house, shift.view()
        rate = house.agents / (house.talk_mean_s + house.wrap_mean_s + 10)
        wanted = (floor.idle - floor.waiting + rate * self.tightness) / house.answer
        return max(super().dials(shift), round(wanted) - len(shift.rings))


@dataclass
class Plain(AgentFirst):
    """One count at the mean ring time: P(F + I - L >= B + 1) >= 1 - epsilon, B a binomial of the calls ringing."""

    tightness: float
    forecast: Forecast

    def dials(self, shift: Shift) -> int:
        floor, least = shift.view(), super().dials(shift)
        free = [row[0] for row in self.forecast.free(floor)]
        more, ringing = 0, len(floor.ringing_s)
        while more < MOST:
            silent = [1 - shift.house.answer] * (ringing + more)
            miss = at_most([*free, *silent], floor.waiting + ringing + more - floor.idle)
            if miss > self.tightness and more >= least:
                break
            more += 1
        return more


@dataclass
class Told(Deaf):
    """The rule in force with a fixed epsilon, told the true laws."""

    tightness: float
    forecast: Forecast

    def dials(self, shift: Shift) -> int:
        return decide(shift.view(), self.forecast, epsilon=self.tightness, most=MOST).dials


@dataclass
class Knowing(Told):
    """The same, knowing also when each agent will be free: what no house can."""

    def dials(self, shift: Shift) -> int:
        known = tuple(WrapUp(0, at - shift.now) for at in shift.frees_at.values())
        floor = replace(shift.view(), talks_s=(), wraps=known)
        return decide(floor, self.forecast, epsilon=self.tightness, most=MOST).dials


@dataclass
class Learning:
    """The rule in force as it is: laws and epsilon learnt while it runs."""

    policy: Policy
    calibration: Calibration
    laws: Laws
    forecast: Forecast
    ends: int = 0

    @classmethod
    def new(cls, told: Policy) -> "Learning":
        laws = learnt.first_guess(told)
        return cls(told, Calibration(MISSES), laws, Forecast.of(laws, told, wrap_ends=False))

    def dials(self, shift: Shift) -> int:
        return decide(shift.view(), self.forecast, epsilon=self.calibration.epsilon, most=MOST).dials

    def ended(self, what: str, seconds: float, *, event: bool = True) -> None:
        seen: Seen = getattr(self.laws, what)
        self.laws = replace(self.laws, **{what: seen.add(seconds, End.EVENT if event else End.OPEN)})
        self.ends += 1
        if self.ends % RELEARN == 0:
            self.forecast = Forecast.of(self.laws, self.policy, wrap_ends=False)

    def served(self, *, missed: bool) -> None:
        self.calibration = self.calibration.update(missed, 1)


# --- the true laws, as the product would have learnt them from endless observation ---------------------------------


def true_laws(house: House) -> Laws:
    """On stretches fine enough that nothing is lost."""
    spread = math.log(1 + house.talk_cv**2)
    talk = NormalDist(math.log(house.talk_mean_s) - spread / 2, math.sqrt(spread))
    return Laws(
        ring=expected(_fine(RING_EDGES), _positive(house.ring_mean_s, house.ring_sd_s, house.answer), 1),
        key=learnt.NOTHING_SEEN.key,
        talk=expected(_fine(TALK_EDGES), lambda t: talk.cdf(math.log(t)) if t > 0 else 0, 1),
        wrap=expected(_fine(WRAP_EDGES), _positive(house.wrap_mean_s, house.wrap_sd_s), 1),
    )


def _fine(edges: tuple[float, ...]) -> tuple[float, ...]:
    return (*(low + part * (high - low) / 4 for low, high in pairwise(edges) for part in range(4)), edges[-1])


def _positive(mean: float, sd: float, share: float = 1) -> Callable[[float], float]:
    law = NormalDist(mean, sd)
    return lambda t: share * (law.cdf(t) - law.cdf(0)) / (1 - law.cdf(0))


# --- the modes and what they cost -----------------------------------------------------------------------------------


def forecast(house: House) -> Forecast:
    """By the true laws."""
    return Forecast.of(true_laws(house), policy(house), wrap_ends=False)


def _plain(house: House, tightness: float) -> Mode:
    instants = (house.ring_mean_s,)
    return Plain(tightness, Forecast.of(true_laws(house), policy(house), wrap_ends=False, instants=instants))


def _knowing(house: House, tightness: float) -> Mode:
    never = ((0.0,) * len(PARTS),)
    return Knowing(tightness, replace(forecast(house), wraps=never))


MODES: dict[str, Callable[[House, float], Mode]] = {
    "agent-first": lambda *_: AgentFirst(),
    "rate-based": lambda _, tightness: RateBased(tightness),
    "one count at the mean ring": _plain,
    "the rule, told the true laws": lambda house, tightness: Told(tightness, forecast(house)),
    "the rule, knowing when talks end": _knowing,
    "the rule, learning": lambda house, _: Learning.new(policy(house)),
}
RULE, TRUE, FIRST = "the rule, learning", "the rule, told the true laws", "agent-first"
EITHER_SIDE: dict[tuple[str, float], tuple[float, ...]] = {
    ("rate-based", 2.0): (0.8, 1.6),
    ("rate-based", 8.0): (1.6, 4),
    ("one count at the mean ring", 2.0): (0.045, 0.065),
    ("one count at the mean ring", 8.0): (0.031, 0.045),
    (TRUE, 2.0): (0.035, 0.048),
    (TRUE, 8.0): (0.026, 0.037),
    ("the rule, knowing when talks end", 2.0): (0.004, 0.012),
    ("the rule, knowing when talks end", 8.0): (0.004, 0.012),
}
"""Tightnesses that lead to somewhat less and somewhat more than 3 % of misses."""


@dataclass(frozen=True)
class Effort:
    """How many runs, how long."""

    seeds: int = 10
    calls: int = 20_000
    warm_up: int = 500  # calls of each run that count for nothing


@dataclass(frozen=True)
class Job:
    """One run, as another process can be told."""

    mode: str
    tolerance_s: float
    tightness: float
    seed: int
    effort: Effort

    def play(self) -> Result:
        house = House(tolerance_s=self.tolerance_s)
        return Shift(house, MODES[self.mode](house, self.tightness), Random(self.seed)).run(
            self.effort.calls, self.effort.warm_up
        )


@dataclass(frozen=True)
class Point:
    """A mode at one tolerance, by what its runs came to: tightness, idle seconds for each call served, misses."""

    mode: str
    tolerance_s: float
    runs: tuple[tuple[float, float, float], ...]

    @property
    def slope(self) -> float | None:
        """Idle seconds for each e-fold of misses; None where the runs do not tell."""
        (_, idle, few), (_, less, many) = self.runs[0], self.runs[-1]
        return (less - idle) / math.log(many / few) if 0 < few < many else None

    def idle(self, slope: float | None) -> float:
        """At 3 % of misses, along `slope` from the middle of the runs; as it was run where that is not known."""
        idle = fmean(idle for _, idle, _ in self.runs)
        if slope is None or not self.misses:
            return idle
        return idle + slope * fmean(math.log(MISSES / misses) for _, _, misses in self.runs)

    @property
    def misses(self) -> float:
        """Over the runs."""
        return min(misses for _, _, misses in self.runs) and fmean(misses for _, _, misses in self.runs)


def jobs(mode: str, tolerance_s: float, effort: Effort) -> list[Job]:
    """All runs behind one point."""
    tightnesses = EITHER_SIDE.get((mode, tolerance_s), (0.0,))
    return [
        Job(mode, tolerance_s, tightness, seed, effort)
        for tightness in tightnesses
        for seed in range(1, effort.seeds + 1)
    ]


def point(mode: str, tolerance_s: float, results: Sequence[tuple[Job, Result]]) -> Point:
    """The runs of one tightness, whatever the seed, added up."""
    sums: dict[float, Result] = {}
    for job, result in results:
        sums[job.tightness] = sums.get(job.tightness, Result()).plus(result)
    return Point(mode, tolerance_s, tuple((tightness, sum_.idle, sum_.misses) for tightness, sum_ in sums.items()))


def frontier(modes: Sequence[str], effort: Effort, tick: Callable[[], None]) -> Iterator[Point]:
    """Every mode at both tolerances, on all processors."""
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for mode in modes:
            for tolerance_s in TOLERANCES:
                runs = jobs(mode, tolerance_s, effort)
                yield point(mode, tolerance_s, list(zip(runs, pool.map(Job.play, runs), strict=True)))
                tick()


SHORT = Effort(seeds=4, calls=2000)
QUICK = Effort(seeds=1, calls=100, warm_up=20)
ROUNDS = len(MODES) * len(TOLERANCES)


def measure(effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """The row of the table: every mode, and the rule beside its aims, agent-first and the true laws."""
    points = {(point.mode, point.tolerance_s): point for point in frontier(list(MODES), effort, tick)}
    return [figure for tolerance_s in TOLERANCES for figure in _figures(points, tolerance_s)]


def _figures(points: dict[tuple[str, float], Point], tolerance_s: float) -> Iterator[Figure]:
    """The learning rule has found its own epsilon: what it missed beside or below 3 % is set off along the frontier of
    the true laws."""
    slope = points[TRUE, tolerance_s].slope
    idle = {mode: points[mode, tolerance_s].idle(points[mode, tolerance_s].slope or slope) for mode in MODES}
    idle[FIRST] = points[FIRST, tolerance_s].idle(None)
    for mode, seconds in idle.items():
        target = Target(AIMS[tolerance_s]) if mode == RULE else None
        yield Figure("pacing", f"{tolerance_s:g} s, {mode}", "s", seconds, target=target)
    ours, beside = idle[RULE], f"{tolerance_s:g} s, {RULE} / "
    yield Figure("pacing", beside + "agent-first", "s", ours, idle[FIRST], ours / idle[FIRST])
    yield Figure("pacing", beside + "true laws", "s", ours, idle[TRUE], ours / idle[TRUE], Target(WORSE))
    yield Figure("pacing", f"{tolerance_s:g} s, {RULE}: misses", "%", 100 * points[RULE, tolerance_s].misses)


@click.command()
@click.option("--seeds", default=10, show_default=True)
@click.option("--calls", default=20_000, show_default=True, help="Served in each run.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(list(MODES)), help="Only this (repeatable).")
def main(seeds: int, calls: int, modes: tuple[str, ...]) -> None:
    """The whole frontier."""
    for shown in frontier(modes or list(MODES), Effort(seeds, calls), lambda: None):
        runs = ", ".join(f"{tight:g}: {idle:.2f} s {100 * misses:.2f} %" for tight, idle, misses in shown.runs)
        click.echo(f"{shown.tolerance_s:g} s  {shown.mode:34} {shown.idle(shown.slope):6.2f} s  ({runs})")


if __name__ == "__main__":
    main()
