"""How many agents a day needs, quarter of an hour by quarter of an hour, with and without callbacks.

Erlang A, quarter by quarter, is where a plan begins; it takes every quarter for a queue of its own that has lasted for
ever. In truth a quarter begins with the line that the one before left behind, talks reach over its end, and they are
not exponential. So the plan is settled by simulation (`manydays`): in the order of the day each quarter gets the fewest
agents with whom its own callers meet the target, given the line that the quarters before have really left. With
callbacks the same is done for the same people, from the plan without: an agent is taken away where this quarter and the
following hour still meet the target, so that a saving is never paid for by those who come after.

With callbacks a caller is well served who reaches an agent on the line in time, or who took the offer and was called
back in time. Nobody who waits in line counts as served, promise or not: the promise has a time of its own, and at least
`PROMISES_KEPT` of those made in any quarter have to be kept within it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callback.lab.erlang import ErlangA, agents_needed
from callback.lab.forecasting import QUARTER_S, DayForecast, Note
from callback.lab.manydays import Counts, Demand, ManyDays, Offering, State, crowd

Array = NDArray[np.float64]
Progress = Callable[[int], None]
"""Told how many more steps of a plan are done; `steps` says how many there are."""

PROMISES_KEPT = 0.8
CALLERS = 200_000
"""So many are drawn for a plan in all: more days for a small queue, fewer for a large one."""
FEWEST_DAYS, MOST_DAYS = 24, 400
LOOK_AHEAD = 4
"""So many following quarters must not suffer from an agent who is taken away."""
TOO_FEW = 30
"""Among so few promises a share means nothing."""
_REPAIRS = 12


class Measure(StrEnum):
    """What a target is about."""

    ANSWERED = "answered"  # the share of callers who reach an agent within so many seconds
    READY = "ready"  # as ANSWERED, whether or not they had hung up by then: a quantile of the offered wait
    ABANDONED = "abandoned"  # the share of callers who hang up or are never reached


@dataclass(frozen=True)
class Target:
    """What each quarter has to meet: at least `share` within `within_s` seconds, or at most `share` who hang up."""

    measure: Measure = Measure.ANSWERED
    share: float = 0.8
    within_s: float = 20.0

    @classmethod
    def parse(cls, text: str) -> "Target":
        """`80/20` (80 % answered in 20 s), `p90/60` (90 % of the waits below 60 s) or `abandon/5` (at most 5 % hang
        up). Raises ValueError with what to write instead."""
        first, _, second = text.strip().lower().partition("/")
        try:
            if first == "abandon":
                return cls(Measure.ABANDONED, _percent(second), 0.0)
            if first.startswith("p"):
                return cls(Measure.READY, _percent(first[1:]), _seconds(second))
            return cls(Measure.ANSWERED, _percent(first), _seconds(second))
        except ValueError:
            raise ValueError(
                f"{text!r} is no target: write 80/20 (80 % answered within 20 s), p90/60 (90 % of waits below 60 s) "
                "or abandon/5 (at most 5 % hang up)"
            ) from None

    def __str__(self) -> str:
        if self.measure is Measure.ABANDONED:
            return f"abandon/{100 * self.share:g}"
        return f"{'p' if self.measure is Measure.READY else ''}{100 * self.share:g}/{self.within_s:g}"

    def met_by(self, queue: ErlangA) -> bool:
        """Whether a steady queue meets it."""
        if self.measure is Measure.ABANDONED:
            return queue.abandoning <= self.share
        if self.measure is Measure.READY:
            return queue.offered_beyond(self.within_s) <= 1 - self.share
        return queue.service_level(self.within_s) >= self.share

    def good(self, counts: Counts) -> Array:
        """The share of callers, by quarter, of which there have to be at least `needed`; 1 where nobody came."""
        if self.measure is Measure.ABANDONED:
            good = counts.served + counts.reached
        else:
            good = (counts.ready if self.measure is Measure.READY else counts.within) + counts.kept
        shares: Array = np.where(counts.calls > 0, good / np.maximum(counts.calls, 1), 1.0)
        return shares

    @property
    def needed(self) -> float:
        """Of `good`."""
        return 1 - self.share if self.measure is Measure.ABANDONED else self.share


def _percent(text: str) -> float:
    share = float(text) / 100
    if not 0 < share < 1:
        raise ValueError(text)
    return share


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


@dataclass(frozen=True)
class Limits:
    """What a plan keeps to beside its target: the share of paid time in which agents are not there (`shrinkage`), and
    the share of their time in which they may be busy (`max_occupancy`)."""

    shrinkage: float = 0.0
    max_occupancy: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.shrinkage < 1 and 0 < self.max_occupancy <= 1):
            raise ValueError("shrinkage must be 0 or more and below 1, the occupancy above 0 and at most 1")

    def paid(self, agents: int) -> int:
        """How many have to be rostered for so many to be there."""
        return math.ceil(round(agents / (1 - self.shrinkage), 9))


@dataclass(frozen=True)
class Slot:
    """A quarter of an hour of a plan. `erlang` is what Erlang A says of it alone; `without` and `within` callbacks are
    the agents who have to be there, `paid_*` those to roster; the shares and seconds are those of the simulated days,
    None where nobody came (or was called back)."""

    begins: datetime
    calls: float
    handle_s: float
    erlang: int
    without: int
    paid_without: int
    good_without: float | None
    callbacks: int | None = None
    paid_callbacks: int | None = None
    good_callbacks: float | None = None
    took: float = 0.0
    called_s: float | None = None


@dataclass(frozen=True)
class Whole:
    """A plan over its day: agent hours (rostered), the shares of callers who were well served (`good`) and who hung up
    or were never reached (`left`), the share answered in time of those who stayed on the line, their mean seconds on
    it, promises a day, the share of them kept in time, and mean seconds until their agent was there."""

    agent_hours: float
    good: float
    stayed: float
    left: float
    waited_s: float
    took: float = 0.0
    kept: float | None = None
    called_s: float | None = None


@dataclass(frozen=True)
class Plan:
    """The agents of a day. `with_callbacks` is None where none are offered."""

    day: date
    target: Target
    limits: Limits
    slots: Sequence[Slot]
    without: Whole
    with_callbacks: Whole | None
    days_simulated: int
    notes: Sequence[Note] = field(default=())

    @property
    def saved_hours(self) -> float | None:
        """Agent hours that callbacks save."""
        return None if self.with_callbacks is None else self.without.agent_hours - self.with_callbacks.agent_hours

    def as_json(self) -> dict[str, Any]:
        """The whole of it, for programs."""
        return {
            "day": self.day.isoformat(), "target": str(self.target), **asdict(self.limits),
            "without": asdict(self.without),
            "with_callbacks": None if self.with_callbacks is None else asdict(self.with_callbacks),
            "saved_agent_hours": self.saved_hours, "days_simulated": self.days_simulated,
            "notes": [str(note) for note in self.notes],
            "intervals": [{**asdict(slot), "begins": slot.begins.isoformat()} for slot in self.slots],
        }  # fmt: skip


def steps(expected: DayForecast, offering: Offering | None) -> int:
    """How often `plan` reports progress."""
    return len(_grid(expected)) * (1 if offering is None else 2)


def plan(
    expected: DayForecast,
    target: Target,
    *,
    offering: Offering | None = None,
    limits: Limits = Limits(),
    seed: int = 1,
    progress: Progress = lambda _: None,
) -> Plan:
    """The agents a forecast day needs. Raises ValueError where nobody is expected at all."""
    grid = _grid(expected)
    demand = [one for one, _ in grid]
    calls = sum(one.calls for one in demand)
    if calls <= 0:
        raise ValueError(f"nobody is expected on {expected.day.isoformat()}: there is nothing to staff")
    days = min(max(round(CALLERS / calls), FEWEST_DAYS), MOST_DAYS)
    erlang = [_erlang(one, target) for one in demand]
    floor = [_fewest(one, is_open, limits) for one, is_open in grid]
    guess = [max(_erlang(one, target), least) for one, least in zip(_carried(demand), floor, strict=True)]
    most = math.ceil(1.3 * max(guess)) + 8
    search = _Search(demand, target, floor, most, days, expected.handle_cv, seed, progress)
    without = search.settle(guess, None)
    told = search.judged(without, None)
    fewer = search.settle(without, offering) if offering else None
    told_fewer = search.judged(fewer, offering) if fewer else None
    return Plan(
        day=expected.day, target=target, limits=limits,
        slots=_slots(expected, erlang, (without, told), (fewer, told_fewer), target, limits, days),
        without=_whole(without, told, target, limits, days),
        with_callbacks=_whole(fewer, told_fewer, target, limits, days) if fewer and told_fewer else None,
        days_simulated=days, notes=expected.notes,
    )  # fmt: skip


# --- the day as a grid ----------------------------------------------------------------------------------------------


def _grid(expected: DayForecast) -> list[tuple[Demand, bool]]:
    """Every quarter from the first to the last, and whether the queue is open in it: where it closes for a while,
    nobody comes and nobody is there."""
    found: list[tuple[Demand, bool]] = []
    for number, quarter in zip(_numbers(expected), expected.quarters, strict=True):
        found += [(Demand(0.0, quarter.handle_s, quarter.patience_s), False)] * (number - len(found))
        found.append((Demand(quarter.calls, quarter.handle_s, quarter.patience_s), True))
    return found


def _numbers(expected: DayForecast) -> list[int]:
    """Where the quarters of a forecast stand in the grid."""
    if not expected.quarters:
        return []
    first = expected.quarters[0].begins
    return [round((quarter.begins - first).total_seconds() / QUARTER_S) for quarter in expected.quarters]


def _erlang(demand: Demand, target: Target) -> int:
    if demand.calls <= 0:
        return 0
    rate = demand.calls / QUARTER_S
    return agents_needed(
        lambda agents: target.met_by(ErlangA(rate, demand.handle_s, agents, demand.patience_s)), rate * demand.handle_s
    )


def _fewest(demand: Demand, is_open: bool, limits: Limits) -> int:
    """Somebody is there while the queue is open, and nobody is busier than allowed."""
    return max(math.ceil(demand.calls / QUARTER_S * demand.handle_s / limits.max_occupancy), 1) if is_open else 0


def _carried(demand: Sequence[Demand]) -> list[Demand]:
    """The demand as talks feel it: the load of a quarter follows its arrivals by a talk's length, and what counts is
    its higher end (the modified offered load: Jennings, Mandelbaum, Massey and Whitt 1996)."""
    load, found = 0.0, []
    for one in demand:
        coming = one.calls / QUARTER_S * one.handle_s
        after = coming + (load - coming) * math.exp(-QUARTER_S / one.handle_s)
        highest = max(load, after) if one.calls > 0 else 0.0
        found.append(Demand(highest / one.handle_s * QUARTER_S, one.handle_s, one.patience_s))
        load = after
    return found


# --- the search -----------------------------------------------------------------------------------------------------


class _Search:
    """Looks for the fewest agents, quarter by quarter, on one crowd."""

    def __init__(
        self, demand: Sequence[Demand], target: Target, floor: Sequence[int], most: int, days: int, handle_cv: float,
        seed: int, progress: Progress,
    ) -> None:  # fmt: skip
        self._demand, self._target, self._floor, self._most = demand, target, floor, most
        self._days, self._handle_cv, self._seed, self._progress = days, handle_cv, seed, progress

    def settle(self, guess: Sequence[int], offering: Offering | None) -> list[int]:
        """A plan from a guess, in the order of the day, and mended where the whole of it fails after all."""
        many, plan = self._many(offering), list(guess)
        state = many.begin()
        for quarter in range(len(plan)):
            if self._floor[quarter] > 0:
                plan[quarter] = self._fewest(many, state, plan, quarter, 0 if offering is None else LOOK_AHEAD)
            many.play(state, many.duty(plan), quarter, quarter + 1)
            self._progress(1)
        return self._mended(many, plan)

    def judged(self, plan: Sequence[int], offering: Offering | None) -> Counts:
        """What becomes of everybody under this plan."""
        return self._many(offering).whole(plan)

    def _many(self, offering: Offering | None) -> ManyDays:
        people = crowd(self._demand, days=self._days, handle_cv=self._handle_cv, seed=self._seed, offering=offering)
        return ManyDays(people, within_s=self._target.within_s, most_agents=self._most, offering=offering)

    def _fewest(self, many: ManyDays, state: State, plan: Sequence[int], quarter: int, ahead: int) -> int:
        """The fewest agents of this quarter with whom it meets the target, and the `ahead` following ones are no worse
        for it than they are by the plan as it is."""
        until = min(quarter + 1 + ahead, len(plan))

        def after(agents: int) -> tuple[bool, Callable[[], Array]]:
            """Whether this quarter misses its target, and how to find by how much the following ones do."""
            moved, duty = state.copy(), many.duty([*plan[:quarter], agents, *plan[quarter + 1 :]])
            lacks = self._lacking(many.play(moved, duty, quarter, quarter + 1))[0] > 0
            return bool(lacks), lambda: self._lacking(many.play(moved, duty, quarter + 1, until))

        agents = plan[quarter]
        lacks, following = after(agents)
        if lacks:
            while lacks and agents < self._most:
                agents += 1
                lacks, _ = after(agents)
            return agents
        allowed: Array | None = None
        while agents > self._floor[quarter]:
            lacks, then = after(agents - 1)
            if lacks:
                break
            allowed = np.maximum(following(), 0) if allowed is None else allowed
            if np.any(then() > allowed):
                break
            agents -= 1
        return agents

    def _lacking(self, counts: Counts) -> Array:
        """By how much each quarter misses its target or its promises; 0 or less: it does not."""
        missing = self._target.needed - self._target.good(counts)
        kept = counts.kept / np.maximum(counts.took, 1)
        lacking: Array = np.maximum(missing, np.where(counts.took >= TOO_FEW, PROMISES_KEPT - kept, -1.0))
        return lacking

    def _mended(self, many: ManyDays, plan: list[int]) -> list[int]:
        """One more agent wherever the whole day shows that the target is missed."""
        for _ in range(_REPAIRS):
            failing = np.flatnonzero((self._lacking(many.whole(plan)) > 0) & (np.array(self._floor) > 0))
            if not len(failing):
                break
            for quarter in failing:
                plan[quarter] = min(plan[quarter] + 1, self._most)
        return plan


# --- what is told ---------------------------------------------------------------------------------------------------


def _slots(
    expected: DayForecast, erlang: Sequence[int], without: tuple[Sequence[int], Counts],
    fewer: tuple[Sequence[int] | None, Counts | None], target: Target, limits: Limits, days: int,
) -> list[Slot]:  # fmt: skip
    good = target.good(without[1])
    slots = []
    for number, quarter in zip(_numbers(expected), expected.quarters, strict=True):
        slot = Slot(
            quarter.begins, quarter.calls, quarter.handle_s, erlang[number], without[0][number],
            limits.paid(without[0][number]), _where(good, without[1].calls, number),
        )  # fmt: skip
        slots.append(
            slot
            if fewer[0] is None or fewer[1] is None
            else _with(slot, number, fewer[0], fewer[1], target, limits, days)
        )
    return slots


def _with(
    slot: Slot, number: int, plan: Sequence[int], counts: Counts, target: Target, limits: Limits, days: int
) -> Slot:
    return Slot(
        slot.begins, slot.calls, slot.handle_s, slot.erlang, slot.without, slot.paid_without, slot.good_without,
        plan[number], limits.paid(plan[number]), _where(target.good(counts), counts.calls, number),
        float(counts.took[number]) / days,
        _where(counts.called_s / np.maximum(counts.reached, 1), counts.reached, number),
    )  # fmt: skip


def _where(values: Array, of: Array, number: int) -> float | None:
    return float(values[number]) if of[number] > 0 else None


def _whole(plan: Sequence[int], counts: Counts, target: Target, limits: Limits, days: int) -> Whole:
    one = counts.whole()
    calls, took, reached = float(one.calls[0]), float(one.took[0]), float(one.reached[0])
    return Whole(
        agent_hours=sum(limits.paid(agents) for agents in plan) * QUARTER_S / 3600,
        good=float(target.good(one)[0]),
        stayed=float(one.within[0]) / max(calls - took, 1),
        left=(float(one.left[0]) + took - reached) / max(calls, 1),
        waited_s=float(one.waited_s[0]) / max(calls - took, 1),
        took=took / days,
        kept=float(one.kept[0]) / took if took else None,
        called_s=float(one.called_s[0]) / reached if reached else None,
    )
