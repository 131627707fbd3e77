"""What callers were told, and what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from callback.domain.callback import Entry
from callback.domain.ids import QueueKey
from callback.domain.judged import Tally
from callback.domain.said import Happened, Moment, Prediction, Taken
from callback.domain.uptake import Uptake


class Hour(NamedTuple):
    """What is counted together of the predictions: those made in one hour (`hour` is its beginning, aware UTC)."""

    queue: QueueKey
    hour: datetime
    moment: Moment
    model: str


@dataclass(frozen=True)
class SaidMark:
    """How far the record of what was said has come: in the stream of it, and in the journal (`seq`). `written` counts
    the predictions that the record has ever had, `judged` those that came to be judged."""

    stream: str
    seq: int
    written: int = 0
    judged: int = 0


class Told(Protocol):
    """What callers were told, each with what came of it."""

    def said_mark(self, *, lock: bool = False) -> SaidMark:
        """Where to read on. `lock` holds it until the end of the transaction, so that nothing is written twice. At
        first it is the end of the journal: what happened before cannot be about a prediction."""
        ...

    def set_said_mark(self, mark: SaidMark) -> None: ...
    def add_predictions(self, rows: Sequence[Prediction]) -> None: ...
    def unsettled(self, subjects: Iterable[str]) -> list[Prediction]:
        """The predictions of these calls and callbacks whose fate is not known yet."""
        ...

    def happened(self, subjects: Iterable[str], *, upto: int) -> list[Happened]:
        """All that the journal tells of these calls and callbacks up to this `seq`, in order."""
        ...

    def parted(self, queue: QueueKey, *, since: datetime) -> list[tuple[Prediction, int]]:
        """The predictions of calls that left this queue's line since then before an agent was there, as long as it is
        not known when one would have been: each with the score of the place that was left."""
        ...

    def taken(self, rows: Sequence[Entry]) -> list[Taken]:
        """Of rows of the journal by which agents were taken for somebody: for which place, and how long they had been
        idle. Without rows about somebody of whom the record knows no place."""
        ...

    def uptake(self, queue: QueueKey, *, since: datetime) -> Uptake:
        """How many calls were offered a callback since then, of those of which it is known what became, and how many of
        them took it. As far back as what was said is kept."""
        ...

    def save_predictions(self, rows: Sequence[Prediction]) -> None:
        """Saves what became of them."""
        ...

    def add_tallies(self, tallies: Mapping[Hour, Tally]) -> None:
        """Adds to what is counted already."""
        ...

    def tallies(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        """By the hour, from the one in which `since` lies."""
        ...

    def totals(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        """As `tallies`, with all hours put together: of each, `hour` is the last."""
        ...

    def hours(self, queue: QueueKey, moment: Moment, *, since: datetime) -> list[tuple[datetime, Tally]]:
        """As `tallies`, of this moment, with all models put together."""
        ...

    def predictions(self, queue: QueueKey, *, before: int | None = None, limit: int = 100) -> list[Prediction]:
        """Newest first; `before` a `seq`."""
        ...

    def predictions_of(self, subjects: Iterable[str], limit: int = 200) -> list[Prediction]:
        """Of these calls and callbacks, oldest first."""
        ...

    def forget_predictions(self, *, before: datetime, limit: int) -> int:
        """Deletes the oldest, at most so many. Returns how many."""
        ...
