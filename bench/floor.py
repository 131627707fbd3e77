"""A floor of agents with an endless supply of callbacks, on simulated time: what a way of dialling costs in idle
seconds, and how many callers it lets wait too long.

Twenty agents; talks log-normal of mean 180 s and coefficient of variation 1.2; wrap-up 20 +- 8 s and ring 9 +- 4 s,
normal and above 0; 85 % answer, and who does not within 25 s never does. Whoever answers is connected at once where an
agent is free, else first come first served; nobody hangs up. The same seed draws the same sequence for every mode.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from callback.domain.pacing import Floor, WrapUp

TICK_S = 1.0


@dataclass(frozen=True)
class House:
    """The true laws."""

    agents: int = 20
    talk_mean_s: float = 180
    talk_cv: float = 1.2
    wrap_mean_s: float = 20
    wrap_sd_s: float = 8
    ring_mean_s: float = 9
    ring_sd_s: float = 4
    answer: float = 0.85
    ring_timeout_s: float = 25
    tolerance_s: float = 2


class Mode(Protocol):
    """A way of dialling."""

    def dials(self, shift: "Shift") -> int:
        """How many to start now."""
        ...

    def ended(self, what: str, seconds: float, *, event: bool = True) -> None:
        """A ring, talk or wrap-up is over, or (`event` False) was given up."""
        ...

    def served(self, *, missed: bool) -> None:
        """Somebody talks; `missed`: they waited longer than tolerated."""
        ...


@dataclass
class Result:
    """What came of it, once warm."""

    served: int = 0
    missed: int = 0
    idle_s: float = 0
    dials: int = 0
    rung: int = 0  # of those served, who were rung, where others were on the line already

    def plus(self, other: "Result") -> "Result":
        return Result(
            self.served + other.served,
            self.missed + other.missed,
            self.idle_s + other.idle_s,
            self.dials + other.dials,
            self.rung + other.rung,
        )

    @property
    def idle(self) -> float:
        """Seconds an agent was idle for each call served."""
        return self.idle_s / self.served

    @property
    def misses(self) -> float:
        """The share of those who were rung that waited longer than tolerated."""
        return self.missed / (self.rung or self.served)


@dataclass
class Shift:
    """One run. `run` plays it until so many calls were served."""

    house: House
    mode: Mode
    dice: random.Random
    now: float = 0
    idle: deque[tuple[int, float]] = field(default_factory=deque)  # agent, since
    talks: dict[int, float] = field(default_factory=dict)  # agent: since
    wraps: dict[int, float] = field(default_factory=dict)
    frees_at: dict[int, float] = field(default_factory=dict)  # what nobody in the house could know
    rings: dict[int, float] = field(default_factory=dict)  # dial: since
    answered: deque[float] = field(default_factory=deque)
    result: Result = field(default_factory=Result)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def run(self, calls: int, warm_up: int) -> Result:
        """Play until `calls` were served, after `warm_up` others that count for nothing."""
        for agent in range(self.house.agents):
            self._talk(agent, share=self.dice.random())
        self._at(0, self._tick)
        for target in (warm_up, calls):
            self.result = Result()
            while self.result.served < target:
                self.now, _, event = heapq.heappop(self._events)
                event()
                self._dial(self.mode.dials(self))
        return self.result

    def view(self) -> Floor:
        """What the house can see."""
        now = self.now
        return Floor(
            idle=len(self.idle),
            talks_s=tuple([now - since for since in self.talks.values()]),
            wraps=tuple([WrapUp(now - since) for since in self.wraps.values()]),
            ringing_s=tuple([now - since for since in self.rings.values()]),
            waiting=len(self.answered),
        )

    def _at(self, seconds: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, event))

    def _tick(self) -> None:
        self._at(TICK_S, self._tick)

    def _positive(self, mean: float, sd: float) -> float:
        while (value := self.dice.gauss(mean, sd)) <= 0:
            pass
        return value

    def _dial(self, number: int) -> None:
        for _ in range(number):
            self._count += 1
            dial, ring = self._count, self._positive(self.house.ring_mean_s, self.house.ring_sd_s)
            answers = self.dice.random() < self.house.answer and ring < self.house.ring_timeout_s
            self.rings[dial] = self.now
            self.result.dials += 1
            if answers:
                self._at(ring, lambda dial=dial: self._answer(dial))  # type: ignore[misc]
            else:
                self._at(self.house.ring_timeout_s, lambda dial=dial: self._unanswered(dial))  # type: ignore[misc]

    def _answer(self, dial: int) -> None:
        self.mode.ended("ring", self.now - self.rings.pop(dial))
        self.answered.append(self.now)
        self._match()

    def _unanswered(self, dial: int) -> None:
        self.mode.ended("ring", self.now - self.rings.pop(dial), event=False)

    def _match(self) -> None:
        while self.idle and self.answered:
            agent, since = self.idle.popleft()
            missed = self.now - self.answered.popleft() > self.house.tolerance_s
            self.result.served += 1
            self.result.missed += missed
            self.result.idle_s += self.now - since
            self.mode.served(missed=missed)
            self._talk(agent)

    def _talk(self, agent: int, share: float = 1) -> None:
        spread = math.log(1 + self.house.talk_cv**2)
        lasts = share * self.dice.lognormvariate(math.log(self.house.talk_mean_s) - spread / 2, math.sqrt(spread))
        wraps = self._positive(self.house.wrap_mean_s, self.house.wrap_sd_s)
        self.talks[agent] = self.now
        self.frees_at[agent] = self.now + lasts + wraps
        self._at(lasts, lambda: self._hung_up(agent))
        self._at(lasts + wraps, lambda: self._ready(agent))

    def _hung_up(self, agent: int) -> None:
        self.mode.ended("talk", self.now - self.talks.pop(agent))
        self.wraps[agent] = self.now

    def _ready(self, agent: int) -> None:
        self.mode.ended("wrap", self.now - self.wraps.pop(agent))
        del self.frees_at[agent]
        self.idle.append((agent, self.now))
        self._match()
