"""Dialling ahead where callers on the line and promises stand in one line: the floor of `bench.floor` with both.

Callers join at random a little faster than the floor can take them; two in five take a promise, the others hold and may
lose patience. An agent who is idle has whoever stands first, but is kept for a phone that rings before them. Modes
differ by whom they ring before an agent is free: agent-first nobody, so that each promise is rung for an agent who
waits. The same seed sends the same callers to every mode, with the same rings and talks, so each is compared with
agent-first seed by seed.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from math import sqrt
from random import Random
from statistics import fmean, stdev

import click

from bench import pacing
from bench.floor import House, Result, Shift
from callback.domain.pacing import Floor

PROMISES = 0.4
LOAD = 1.05
PATIENCE_S = 400.0


Ready = tuple[float, float | None, bool]
"""When somebody joined; of a promise since when it is ready (None: they are on the line); whether rung ahead."""
Idle = tuple[int, float]
"""An agent, and since when they are idle."""


@dataclass
class Waits:
    """What each kind waited from joining to an agent, in sum and number, and who hung up; of the promises that were
    rung ahead, how many had to wait too long."""

    live_s: float = 0
    live: int = 0
    promised_s: float = 0
    promised: int = 0
    gone: int = 0
    ahead: int = 0
    late: int = 0

    def plus(self, other: "Waits") -> "Waits":
        """Both together."""
        return Waits(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Blend(Shift):
    """One run. `Result` counts as on the floor of callbacks alone: idle seconds for each call served, and of those who
    were rung the share who waited too long. `callers` are the dice of those who ring in."""

    callers: Random = field(default_factory=Random)
    waits: Waits = field(default_factory=Waits)
    due: list[float] = field(default_factory=list)  # promises to be rung, by the time of joining
    ready: list[Ready] = field(default_factory=list)
    rung: dict[int, float] = field(default_factory=dict)  # dial: when its caller joined
    kept: dict[int, Idle] = field(default_factory=dict)  # dial: the agent who is reserved for it
    ahead: set[int] = field(default_factory=set)  # dials that began without an agent
    own: dict[float, Random] = field(default_factory=dict)  # the dice of whoever joined then: the same in every mode
    _arriving: bool = False

    def view(self) -> Floor:
        """As the house sees it: an agent who is reserved for a phone is as good as idle, and whoever stands before the
        next to be rung takes one first."""
        before = sum(place[0] < self.due[0] for place in self.ready) if self.due else len(self.ready)
        return replace(super().view(), idle=len(self.idle) + len(self.kept), waiting=before)

    def _tick(self) -> None:
        super()._tick()
        if not self._arriving:
            self._arriving = True
            self._at(0, self._arrive)

    def _arrive(self) -> None:
        mean = self.house.talk_mean_s + self.house.wrap_mean_s
        self._at(self.callers.expovariate(LOAD * self.house.agents / mean), self._arrive)
        patience_s, promised = self.callers.expovariate(1 / PATIENCE_S), self.callers.random() < PROMISES
        self.own[self.now] = Random(self.callers.random())
        if promised:
            heapq.heappush(self.due, self.now)
        else:
            place = (self.now, None, False)
            heapq.heappush(self.ready, place)
            self._at(patience_s, partial(self._give_up, place))
        self._match()

    def _give_up(self, place: Ready) -> None:
        if place in self.ready:
            self.ready.remove(place)
            heapq.heapify(self.ready)
            self.waits.gone += 1

    def _dial(self, number: int) -> None:
        """Ahead of any agent."""
        while number > 0 and self.due:
            self.ahead.add(self._ring())
            number = min(number - 1, self.mode.dials(self))

    def _ring(self) -> int:
        dial = self._count + 1
        self.rung[dial] = heapq.heappop(self.due)
        self.dice = self.own[self.rung[dial]]
        super()._dial(1)
        return dial

    def _answer(self, dial: int) -> None:
        self.mode.ended("ring", self.now - self.rings.pop(dial))
        place = (self.rung.pop(dial), self.now, dial in self.ahead)
        agent = self.kept.pop(dial, None)
        if agent is not None:
            self._serve(agent, place)
            return
        heapq.heappush(self.ready, place)
        self._match()
        last = max(self.kept, key=lambda other: self.rung[other], default=None)
        if last is not None and place in self.ready and (place == self._first() or self.rung[last] > place[0]):
            self._change_places(last, place)

    def _change_places(self, dial: int, place: Ready) -> None:
        """The agent of a phone that still rings is there for somebody who has answered; it rings on without one."""
        self.ready.remove(place)
        heapq.heapify(self.ready)
        self._serve(self.kept.pop(dial), place)

    def _unanswered(self, dial: int) -> None:
        super()._unanswered(dial)
        self.rung.pop(dial)
        if dial in self.kept:
            self.idle.append(self.kept.pop(dial))
        self._match()

    def _first(self) -> Ready | None:
        """Who stands first, ready or to be rung."""
        heads = [*self.ready[:1], *((joined, None, False) for joined in self.due[:1])]
        return min(heads, key=lambda place: place[0], default=None)

    def _is_kept(self, first: Ready) -> bool:
        """Whether the agents who are idle are no more than phones that ring before them, who are not answered yet."""
        if first[1] is not None:
            return False
        phones = sum(joined < first[0] for dial, joined in self.rung.items() if dial not in self.kept)
        return phones >= len(self.idle)

    def _match(self) -> None:
        """Whoever stands first has the agent who is idle longest, unless they are kept for a phone."""
        while self.idle and (first := self._first()) is not None and not self._is_kept(first):
            agent = self.idle.popleft()
            if self.ready and self.ready[0] == first:
                self._serve(agent, heapq.heappop(self.ready))
            else:
                self.kept[self._ring()] = agent

    def _serve(self, agent: Idle, place: Ready) -> None:
        joined, answered, ahead = place
        self.result.served += 1
        self.result.idle_s += self.now - agent[1]
        if answered is None:
            self.waits.live, self.waits.live_s = self.waits.live + 1, self.waits.live_s + self.now - joined
        else:
            missed = self.now - answered > self.house.tolerance_s
            self.result.rung, self.result.missed = self.result.rung + 1, self.result.missed + missed
            self.waits.promised += 1
            self.waits.promised_s += self.now - joined
            self.waits.ahead, self.waits.late = self.waits.ahead + ahead, self.waits.late + (ahead and missed)
            if ahead:
                self.mode.served(missed=missed)
        self.dice = self.own.pop(joined)
        self._talk(agent[0])


MODES: dict[str, tuple[float, ...]] = {
    pacing.FIRST: (0.0,),
    "rate-based": (0.8, 3),
    pacing.TRUE: (0.042, 0.1),
    pacing.RULE: (0.0,),
}
"""The tightnesses at which each mode is played."""


@dataclass(frozen=True)
class Played:
    """A mode at one tightness, its runs by seed."""

    mode: str
    tightness: float
    runs: tuple[tuple[Result, Waits], ...]

    @property
    def rows(self) -> list[tuple[float, ...]]:
        """Of each run, what the table shows: idle seconds, per cent missed of all promises and of those rung ahead,
        dials for each promise, live wait, wait of promises, per cent who hung up."""
        return [
            (
                result.idle, 100 * result.misses, 100 * waits.late / max(waits.ahead, 1), result.dials / result.rung,
                waits.live_s / waits.live, waits.promised_s / waits.promised,
                100 * waits.gone / (waits.gone + waits.live),
            )
            for result, waits in self.runs
        ]  # fmt: skip


def play(mode: str, tightness: float, seeds: int, calls: int, warm_up: int, tolerance_s: float = 2.0) -> Played:
    """So many runs of one mode."""
    house, runs = House(tolerance_s=tolerance_s), []
    for seed in range(1, seeds + 1):
        floor = Blend(house, pacing.MODES[mode](house, tightness), Random(seed), callers=Random(f"callers {seed}"))
        runs.append((floor.run(calls, warm_up), floor.waits))
    return Played(mode, tightness, tuple(runs))


def frontier(modes: Sequence[str], seeds: int, calls: int, warm_up: int) -> Iterator[Played]:
    """Each mode, at each of its tightnesses."""
    for mode in modes:
        for tightness in MODES[mode]:
            yield play(mode, tightness, seeds, calls, warm_up)


def shown(values: Sequence[float]) -> str:
    """The mean, and where it lies with 95 % (twice its standard error)."""
    error = 2 * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{fmean(values):7.2f} ±{error:5.2f}"


COLUMNS = ("idle s", "missed %", "of ahead %", "dials", "live wait s", "promised s", "hung up %")


@click.command()
@click.option("--seeds", default=6, show_default=True)
@click.option("--calls", default=10_000, show_default=True, help="Served in each run.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(list(MODES)), help="Beside agent-first (repeatable).")
def main(seeds: int, calls: int, modes: tuple[str, ...]) -> None:
    """The frontier where two in five in line hold promises: each mode, and what it changes of agent-first."""
    click.echo(f"{'':34} " + " ".join(f"{name:>14}" for name in COLUMNS))
    reference: list[tuple[float, ...]] = []
    for one in frontier([pacing.FIRST, *modes] if modes else list(MODES), seeds, calls, calls // 5):
        reference = reference or one.rows
        changes = [
            tuple(a - b for a, b in zip(row, other, strict=True))
            for row, other in zip(one.rows, reference, strict=True)
        ]
        for name, rows in ((one.mode + f" {one.tightness:g}" * bool(one.tightness), one.rows), ("  change", changes)):
            click.echo(f"{name:34} " + " ".join(shown(values) for values in zip(*rows, strict=True)))


if __name__ == "__main__":
    main()
