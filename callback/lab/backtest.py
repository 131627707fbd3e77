"""The test of an estimator on recorded traffic, as honest as life: at each arrival it knows what was known then.

The traffic to learn from is replayed first, then the traffic to be predicted, in one go: whatever learns goes on
learning, and an outcome is shown only once it has happened. The eight estimators of the field run beside ours and see
the same events. Every caller who had to wait gets a row; scored are those who were answered.
"""

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from pathlib import Path

from callback.domain.floor import Joined
from callback.domain.forecast import Forecast
from callback.domain.learner import Learner
from callback.domain.policy import Policy
from callback.domain.watch import Question, Watch
from callback.lab import baselines, credit, prequential, replay
from callback.lab.scores import Score, score
from callback.lab.trace import Outcome, Row

OURS = "callback"
"""The name of our own estimator beside those of the field."""
COLUMNS = (
    "call_id",
    "queue",
    "arrived_at",
    "waited_s",
    "outcome",
    "p10",
    "p50",
    "p80",
    "p90",
    "mean",
    *baselines.NAMES,
)
WEEK_S = 7 * 86400.0

Progress = Callable[[int], None]
"""Told how many more arrivals are done."""


@dataclass(frozen=True)
class Prediction:
    """What was said about one wait, by us and by the field."""

    row: Row
    ours: Forecast
    field: Mapping[str, float]
    learnt: float


@dataclass(frozen=True)
class Report:
    """The predictions in the order of time, the scores by name, the credits used, and what a reader should know."""

    predictions: Sequence[Prediction]
    scores: Mapping[str, Score | None]
    credit_s: Mapping[str, float]
    notes: Sequence[str]


def run(
    train: Sequence[Row],
    test: Sequence[Row],
    *,
    policy: Policy,
    credit_s: Mapping[str, float] | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """Learns from `train` and predicts every wait of `test`. What priorities are worth is learnt where not told."""
    past, notes = before(train, test)
    worth = dict(credit_s) if credit_s is not None else credit.learn(past, policy.priority_credit_s)
    predictions = list(_predicted(past, test, policy, worth, progress))
    return Report(predictions, scored(predictions), worth, notes)


def before(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """`train` such that it ends before `test` begins, its ids apart from those of `test`, and what was done to it.

    Traffic of the same days (two runs of a simulation) is moved back by whole weeks, so that hours and weekdays stay.
    """
    past = [replace(row, call_id=f"train:{row.call_id}") for row in train]
    if not past or not test:
        return past, []
    over = max(row.at + row.waited_s + row.handled_s for row in past) - test[0].at
    if over <= 0:
        return past, []
    weeks = int(over // WEEK_S) + 1
    note = f"the traffic to learn from is not older than the traffic to predict: taken as {weeks} week(s) earlier"
    return [replace(row, at=row.at - weeks * WEEK_S) for row in past], [note]


def _predicted(
    past: Sequence[Row], test: Sequence[Row], policy: Policy, worth: Mapping[str, float], progress: Progress
) -> Iterator[Prediction]:
    rows = [*past, *test]
    zone = rows[0].arrived_at.tzinfo if rows else None
    watch = Watch(policy, zone or UTC)
    field, questions = baselines.Field(watch.floor), list[Question]()
    said: list[tuple[Row, Mapping[str, float]]] = []
    joined = 0
    for event, row in replay.events(rows, worth):
        watch.see(event)
        field.see(watch.known)
        if isinstance(event, Joined):
            joined += 1
            progress(1)
            if row.waited_s > 0:
                questions.append(_packed(watch.ask(event.call)))
                if joined > len(past):
                    said.append((row, field.predict(event.call, row.queue)))
    announced = prequential.answers(questions, len(questions) - len(said), Learner())
    for (row, others), ours in zip(said, announced, strict=True):
        yield Prediction(row, ours.announced, others, ours.share)


def _packed(question: Question) -> Question:
    """The same with its signals as single floats: a year of them has to be kept."""
    question.signals = array("f", question.signals)
    return question


def scored(predictions: Iterable[Prediction]) -> dict[str, Score | None]:
    """The scores of ours and of each estimator of the field over those who were answered."""
    answered = [one for one in predictions if one.row.outcome is Outcome.ANSWERED]
    waited = [one.row.waited_s for one in answered]
    ours = score(
        waited,
        [one.ours.mean for one in answered],
        [one.ours.p50 for one in answered],
        [(one.ours.p10, one.ours.p90) for one in answered],
    )
    scores = {OURS: ours}
    for name in baselines.NAMES:
        said = [one.field[name] for one in answered]
        scores[name] = score(waited, said, said)
    return scores


def write(predictions: Iterable[Prediction], path: Path) -> None:
    """The predictions as CSV with `COLUMNS`, seconds with two decimals, one row a call that had to wait."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(_cells(one) for one in predictions)


def _cells(one: Prediction) -> list[str]:
    row, said = one.row, asdict(one.ours)
    ours = [said[name] for name in ("p10", "p50", "p80", "p90", "mean")]
    numbers = [*ours, *(one.field[name] for name in baselines.NAMES)]
    known = [row.call_id, row.queue, row.written, f"{row.waited_s:g}", str(row.outcome)]
    return [*known, *(f"{number:.2f}" for number in numbers)]
