"""When simulated people ring: a non-homogeneous Poisson process with the two humps of a business day.

The rate is given as an offered load (callers a second, times the seconds of an agent each takes, over the agents), so
that a demo with two agents and one with twenty feel the same. In the demo a whole business day is condensed into a few
thousand simulated seconds and starts in mid-morning, just below the first hump: waits rise past the thresholds within
minutes, and clear again in the lull that follows.

Arrival times come from thinning a Poisson process of the highest rate (Lewis and Shedler, 1979).
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Scenario = Literal["steady", "demo", "burst"]

BUSINESS_DAY_S: Final = 36_000.0
DEMO_DAY_S: Final = 7_200.0
MID_MORNING: Final = 0.2


def stream(seed: int, *purpose: object) -> random.Random:
    """An own stream of random numbers for one purpose: another draw elsewhere does not move it."""
    return random.Random(":".join(map(str, (seed, *purpose))))


@dataclass(frozen=True)
class Hump:
    """A rise of the load: its middle and width as fractions of the day, its height in load (1.0: all agents busy)."""

    middle: float
    width: float
    height: float


@dataclass(frozen=True)
class DayCurve:
    """Offered load over a day that repeats itself. `day_s` and every time are simulated seconds.

    `starts_at` is the fraction of the day at which time 0 lies. Load at a fraction x of the day is
    base + sum of height * exp(-((x - middle) / width)^2 / 2) over the humps.
    """

    base: float
    humps: tuple[Hump, ...] = field(default=())
    day_s: float = BUSINESS_DAY_S
    starts_at: float = 0.0

    def load(self, at_s: float) -> float:
        """The offered load at `at_s`: 1.0 is what the agents can just serve."""
        x = (self.starts_at + at_s / self.day_s) % 1.0
        return self.base + sum(h.height * math.exp(-(((x - h.middle) / h.width) ** 2) / 2) for h in self.humps)

    @property
    def ceiling(self) -> float:
        """A load that is never exceeded."""
        return self.base + sum(hump.height for hump in self.humps)


_SHAPES: Final[dict[Scenario, tuple[float, tuple[Hump, ...], float, float]]] = {
    # Two humps (late morning, mid-afternoon) over a base that empties the line between them.
    "demo": (0.45, (Hump(0.30, 0.09, 0.72), Hump(0.72, 0.10, 0.68)), DEMO_DAY_S, MID_MORNING),
    "steady": (0.9, (), BUSINESS_DAY_S, 0.0),
    # Half idle, then for some minutes three times what the agents can serve.
    "burst": (0.5, (Hump(0.35, 0.05, 2.5),), 3_600.0, 0.25),
}


def curve_for(scenario: Scenario) -> DayCurve:
    """The daily curve of a scenario."""
    base, humps, day_s, starts_at = _SHAPES[scenario]
    return DayCurve(base, humps, day_s, starts_at)


@dataclass(frozen=True)
class Arrivals:
    """Who rings when, for `agents` agents whom each caller keeps for `occupied_s` seconds (talk, ring and wrap-up)."""

    curve: DayCurve
    agents: int
    occupied_s: float

    def rate(self, at_s: float) -> float:
        """Callers a second at `at_s`."""
        return self.curve.load(at_s) * self.agents / self.occupied_s

    def times(self, rng: random.Random, start_s: float = 0.0) -> Iterator[float]:
        """The endless, rising arrival times in seconds after time 0, from `start_s` on."""
        ceiling = self.curve.ceiling * self.agents / self.occupied_s
        at = start_s
        while True:
            at += rng.expovariate(ceiling)
            if rng.random() * ceiling < self.rate(at):
                yield at


def lognormal(rng: random.Random, mean: float, variation: float) -> float:
    """A lognormal draw with this mean and this coefficient of variation."""
    sigma2 = math.log(1 + variation**2)
    return rng.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))
