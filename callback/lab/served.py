"""The estimator as the house serves it, on recorded traffic: asked a moment before somebody joins, and about those who
stand in line already.

The backtest asks the floor in which the caller stands. A webhook cannot: it looks up what was written down for whoever
would join. Here both are asked, and whoever waits is asked about at random moments, so that the numbers of those who
join, as served, and of those who stand can be scored against what happened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from callback.domain.estimator import Estimator
from callback.domain.floor import Joined
from callback.domain.forecast import Forecast
from callback.domain.policy import Policy
from callback.domain.watch import Question
from callback.lab import replay
from callback.lab.scores import Score, score
from callback.lab.trace import Row


@dataclass
class Told:
    """Forecasts and what became of them, in seconds."""

    waited: list[float] = field(default_factory=list)
    said: list[Forecast] = field(default_factory=list)

    def add(self, forecast: Forecast, waited: float) -> None:
        """One more."""
        self.said.append(forecast)
        self.waited.append(waited)

    def score(self) -> Score | None:
        """As the backtest scores."""
        return score(
            self.waited,
            [one.mean for one in self.said],
            [one.p50 for one in self.said],
            [(one.p10, one.p90) for one in self.said],
        )


@dataclass(frozen=True)
class Served:
    """The scores of those who joined, as served (`looked_up`) and as asked in line (`asked`), of those who stood in
    line (`standing`), and of the simple rule for both."""

    looked_up: Score | None
    asked: Score | None
    simple: Score | None
    standing: Score | None
    standing_simple: Score | None


class _Listener(Estimator):
    """An estimator that notes what becomes of what it said."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy, UTC)
        self.asked, self.simple, self.stood, self.stood_simple = Told(), Told(), Told(), Told()
        self.noting = False

    def _meet(self, question: Question, *, learn: bool) -> None:
        super()._meet(question, learn=learn)
        said = question.said
        if self.noting and said is not None and question.whole and question.waited > 0:
            announced, simple = (self.asked, self.simple) if question.joining else (self.stood, self.stood_simple)
            announced.add(said.announced, question.waited)
            simple.add(Forecast(*said.simple), question.waited)


def run(
    rows: Sequence[Row], begin: int, credit: Mapping[str, float], progress: Callable[[int], None] = lambda _: None
) -> Served:
    """Follows `rows` and scores from number `begin` on. Learns whenever enough is new, as the house does."""
    estimator, looked_up, joined = _Listener(Policy()), Told(), 0
    for event, row in replay.events(rows, credit):
        if isinstance(event, Joined):
            joined += 1
            progress(1)
            estimator.noting = joined > begin
            if estimator.noting and row.waited_s > 0 and row.outcome.value == "answered":
                said = estimator.newcomer(event.kind, event.at, event.credit)
                looked_up.add(said.announced, row.waited_s)
        estimator.see(event)
        estimator.learn()
    return Served(
        looked_up.score(),
        estimator.asked.score(),
        estimator.simple.score(),
        estimator.stood.score(),
        estimator.stood_simple.score(),
    )
