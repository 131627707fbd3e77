"""Dialling ahead where callers on the line and promises stand in one line: the floor of `bench.floor` with both.

Callers join at random a little faster than the floor can take them; two in five take a promise, the others hold and may
lose patience. An agent who is idle has whoever stands first: on the line, or rung while the agent is kept for them.
Modes differ by whom they ring ahead of that; who was, and answers, has who is free next or kept for somebody behind.
"""

import heapq
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, replace
from random import Random

import click

from bench import pacing
from bench.floor import House, Result, Shift
from callback.domain.pacing import Floor

PROMISES = 0.4
LOAD = 1.05
PATIENCE_S = 400.0


Ready = tuple[float, float | None]
"""When somebody joined, and of a promise since when it is ready; None: they are on the line."""
Idle = tuple[int, float]
"""An agent, and since when they are idle."""


@dataclass
class Waits:
    """What each kind waited from joining to an agent, in sum and number, and who hung up."""

    live_s: float = 0
    live: int = 0
    promised_s: float = 0
    promised: int = 0
    gone: int = 0

    def plus(self, other: "Waits") -> "Waits":
        """Both together."""
        return Waits(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Blend(Shift):
    """One run. `Result` counts as on the floor of callbacks alone: idle seconds for each call served, and of those who
    were rung the share who waited too long."""

    waits: Waits = field(default_factory=Waits)
    due: list[float] = field(default_factory=list)  # promises to be rung, by the time of joining
    ready: list[Ready] = field(default_factory=list)
    rung: dict[int, float] = field(default_factory=dict)  # dial: when its caller joined
    kept: dict[int, Idle] = field(default_factory=dict)  # dial: the agent who waits for it
    _arriving: bool = False

    def view(self) -> Floor:
        """As the house sees it: an agent who is kept is as good as idle, and whoever is ready takes one first."""
        return replace(super().view(), idle=len(self.idle) + len(self.kept), waiting=len(self.ready))

    def _tick(self) -> None:
        super()._tick()
        if not self._arriving:
            self._arriving = True
            self._at(0, self._arrive)

    def _arrive(self) -> None:
        mean = self.house.talk_mean_s + self.house.wrap_mean_s
        self._at(self.dice.expovariate(LOAD * self.house.agents / mean), self._arrive)
        if self.dice.random() < PROMISES:
            heapq.heappush(self.due, self.now)
        else:
            place = (self.now, None)
            heapq.heappush(self.ready, place)
            self._at(self.dice.expovariate(1 / PATIENCE_S), lambda: self._give_up(place))
        self._match()

    def _give_up(self, place: Ready) -> None:
        if place in self.ready:
            self.ready.remove(place)
            heapq.heapify(self.ready)
            self.waits.gone += 1

    def _dial(self, number: int) -> None:
        """Ahead of any agent."""
        while number > 0 and self.due:
            self._ring()
            number = min(number - 1, self.mode.dials(self))

    def _ring(self) -> int:
        dial = self._count + 1
        self.rung[dial] = heapq.heappop(self.due)
        super()._dial(1)
        return dial

    def _answer(self, dial: int) -> None:
        self.mode.ended("ring", self.now - self.rings.pop(dial))
        place = (self.rung.pop(dial), self.now)
        agent = self.kept.pop(dial, None) or self._from_behind(place)
        if agent is not None:
            self._serve(agent, place)
        else:
            heapq.heappush(self.ready, place)
            self._match()

    def _from_behind(self, place: Ready) -> Idle | None:
        """The agent who is kept for the last of those behind them, where none is idle."""
        last = max(self.kept, key=lambda dial: self.rung[dial], default=None)
        return None if self.idle or last is None or self.rung[last] < place[0] else self.kept.pop(last)

    def _unanswered(self, dial: int) -> None:
        super()._unanswered(dial)
        self.rung.pop(dial)
        if dial in self.kept:
            self.idle.append(self.kept.pop(dial))
        self._match()

    def _match(self) -> None:
        """Whoever stands first, ready or to be rung, has the agent who is idle longest."""
        while self.idle and (self.ready or self.due):
            if self.ready and (not self.due or self.ready[0][0] < self.due[0]):
                self._serve(self.idle.popleft(), heapq.heappop(self.ready))
            else:
                agent = self.idle.popleft()
                self.kept[self._ring()] = agent

    def _serve(self, agent: Idle, place: Ready) -> None:
        joined, answered = place
        self.result.served += 1
        self.result.idle_s += self.now - agent[1]
        if answered is None:
            self.waits.live, self.waits.live_s = self.waits.live + 1, self.waits.live_s + self.now - joined
        else:
            missed = self.now - answered > self.house.tolerance_s
            self.result.rung, self.result.missed = self.result.rung + 1, self.result.missed + missed
            self.waits.promised += 1
            self.waits.promised_s += self.now - joined
            self.mode.served(missed=missed)
        self._talk(agent[0])


MODES: dict[str, tuple[float, ...]] = {
    pacing.FIRST: (0.0,),
    "rate-based": (0.8, 3),
    pacing.TRUE: (0.05, 0.1),
    pacing.RULE: (0.0,),
}
"""The tightnesses at which each mode is played."""


@dataclass(frozen=True)
class Played:
    """A mode at one tightness, all its runs together."""

    mode: str
    tightness: float
    result: Result
    waits: Waits


def play(mode: str, tightness: float, seeds: int, calls: int, warm_up: int, tolerance_s: float = 2.0) -> Played:
    """So many runs of one mode."""
    house = House(tolerance_s=tolerance_s)
    total, waits = Result(), Waits()
    for seed in range(1, seeds + 1):
        floor = Blend(house, pacing.MODES[mode](house, tightness), Random(seed))
        total, waits = total.plus(floor.run(calls, warm_up)), waits.plus(floor.waits)
    return Played(mode, tightness, total, waits)


def frontier(seeds: int, calls: int, warm_up: int) -> Iterator[Played]:
    """Every mode, at each of its tightnesses."""
    for mode, tightnesses in MODES.items():
        for tightness in tightnesses:
            yield play(mode, tightness, seeds, calls, warm_up)


@click.command()
@click.option("--seeds", default=4, show_default=True)
@click.option("--calls", default=5_000, show_default=True, help="Served in each run.")
def main(seeds: int, calls: int) -> None:
    """The frontier where two in five in line hold promises."""
    click.echo(f"{'':34} {'idle':>7} {'missed':>8} {'dials':>7} {'live wait':>10} {'promises':>9} {'hung up':>8}")
    for one in frontier(seeds, calls, calls // 5):
        dials, gone = one.result.dials / one.result.rung, one.waits.gone / (one.waits.gone + one.waits.live)
        click.echo(
            f"{one.mode + f' {one.tightness:g}' * bool(one.tightness):34} {one.result.idle:5.2f} s "
            f"{100 * one.result.misses:6.2f} % {dials:7.2f} {one.waits.live_s / one.waits.live:8.0f} s "
            f"{one.waits.promised_s / one.waits.promised:7.0f} s {100 * gone:6.1f} %"
        )


if __name__ == "__main__":
    main()
