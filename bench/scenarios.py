"""How near to the possible: our forecast beside an oracle, on synthetic traffic whose laws only the oracle is told.

Each scenario is run twice, once to learn from and once to be predicted. The oracle plays futures from the whole state
that a caller met. That it plays some dozens and not endlessly many adds their variance over their number to its squared
error: this is taken off again, so that its noise does not flatter us. The plus-minus is one standard error of the
ratio, by leaving out one of twenty stretches of traffic at a time (jackknife).
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures import Figure, Target
from callback.domain.policy import Policy
from callback.lab import backtest
from callback.lab.scenarios import SCENARIOS, Scenario, oracle, traffic
from callback.lab.trace import Outcome

ROW = "scenarios"
AIM = 1.05
STRETCHES = 20
ROUNDS = len(SCENARIOS)


@dataclass(frozen=True)
class Effort:
    """Calls to learn from, calls to predict, waits on which the oracle is asked, and futures that it plays for each."""

    learn: int = 10_000
    predict: int = 5_000
    asked: int = 1_000
    futures: int = 60


QUICK = Effort(200, 150, 20, 2)


@dataclass(frozen=True)
class Compared:
    """Squared errors of the mean for the same waits, in their order of time."""

    ours: Sequence[float]
    oracle: Sequence[float]

    def ratio(self) -> float:
        """Our RASE over the oracle's."""
        return math.sqrt(math.fsum(self.ours) / math.fsum(self.oracle))

    def error(self) -> float:
        """One standard error of the ratio."""
        size = max(len(self.ours) // STRETCHES, 1)
        without = [
            Compared([*self.ours[:at], *self.ours[at + size :]], [*self.oracle[:at], *self.oracle[at + size :]]).ratio()
            for at in range(0, len(self.ours) - size + 1, size)
        ]
        middle = math.fsum(without) / len(without)
        spread = math.fsum((one - middle) ** 2 for one in without)
        return math.sqrt(spread * (len(without) - 1) / len(without))


def measure(effort: Effort, tick: Callable[[], None], only: Sequence[Scenario] = SCENARIOS) -> list[Figure]:
    """The RASE of ours and of the oracle for each scenario."""
    figures = []
    for scenario in only:
        both = compared(scenario, effort)
        what = f"{scenario.name}: {len(both.ours):,} waits, ±{both.error():.3f}"
        ours, best = (math.sqrt(math.fsum(errors) / len(errors)) for errors in (both.ours, both.oracle))
        figures.append(Figure(ROW, what, "s", ours, best, both.ratio(), Target(AIM)))
        tick()
    return figures


def compared(scenario: Scenario, effort: Effort) -> Compared:
    """Ours and the oracle on the same waits of answered callers, spread evenly over the traffic."""
    (train, _), (test, states) = traffic(scenario, effort.learn, seed=1), traffic(scenario, effort.predict, seed=2)
    report = backtest.run(train, test, policy=Policy())
    met = [one for one in report.predictions if one.row.outcome is Outcome.ANSWERED and one.row.call_id in states]
    asked = met[:: max(len(met) // effort.asked, 1)]
    dice = random.Random(3)
    fair = 1 + 1 / effort.futures
    best = [oracle(scenario, states[one.row.call_id], dice, effort.futures) - one.row.waited_s for one in asked]
    ours = [(one.ours.mean - one.row.waited_s) ** 2 for one in asked]
    return Compared(ours, [error**2 / fair for error in best])
