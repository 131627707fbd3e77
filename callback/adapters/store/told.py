"""What callers were told: the predictions, what became of them, and the sums by the hour that the pages read.

Everything is written by one keeper at a time, in bulk, under the lock of `said_mark`; nothing in it is sealed, since it
names nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, case, cast, delete, func, insert, select, text, update

from callback.adapters.store.tables import (
    HAS_PARTED,
    IS_UNSETTLED,
    callbacks,
    journal,
    legs,
    prediction_hours,
    predictions,
    said_mark,
)  # fmt: skip
from callback.adapters.store.transaction import Insert, Transaction, insert_into, plain_fields, plain_row, plain_values
from callback.domain.callback import Entry
from callback.domain.ids import QueueKey
from callback.domain.judged import Errors, Tally
from callback.domain.lifecycle import AgentStatus
from callback.domain.said import TELLING, Fate, Happened, Moment, Prediction, Taken
from callback.domain.uptake import Uptake
from callback.ports import Hour, SaidMark

IN_ONE = 500
"""So many subjects are asked for at once: SQLite takes no query of any length."""
OUTCOME = ("fate", "fate_at", "waited_s", "since_joined_s", "offered_s", "actual_s", "rang_at", "talked_at")
"""What `settle` may change."""
p, h = predictions.c, prediction_hours.c
_MARK = select(said_mark.c.stream, said_mark.c.seq, said_mark.c.written, said_mark.c.judged)
_COLUMNS = select(*(p[field.name] for field in fields(Prediction)))
_SAVE = (
    update(predictions).where(p.seq == bindparam("b_seq")).values({name: bindparam(f"b_{name}") for name in OUTCOME})
)
_KEYS = ("queue", "hour", "moment", "model")
_BOTH = ("ours", "simple")
_COUNTS, _ERRORS = plain_fields(Tally, ("ours", "simple")), plain_fields(Errors, ())
_TO_OURS, _TO_SIMPLE = 4 + len(_COUNTS), 4 + len(_COUNTS) + len(_ERRORS)
_SUMMABLE = [h[name] for name in (*_COUNTS, *(f"{whose}_{name}" for whose in _BOTH for name in _ERRORS))]
_HOURS = select(*(h[name] for name in _KEYS), *_SUMMABLE)
_ADDED = [cast(func.sum(column), column.type).label(column.name) for column in _SUMMABLE]
"""PostgreSQL adds whole numbers up to exact decimals."""
_TOTALS = select(h.queue, func.max(h.hour).label("hour"), h.moment, h.model, *_ADDED)
_SUMMED = select(h.queue, h.hour, h.moment, func.max(h.model).label("model"), *_ADDED)
_SUMS = [column for column in prediction_hours.columns if column.name not in _KEYS]


class Told(Transaction):
    """The verbs on what callers were told."""

    def said_mark(self, *, lock: bool = False) -> SaidMark:
        row = self._sql.execute(_MARK.with_for_update() if lock else _MARK).one_or_none()
        if row is not None:
            return SaidMark(*row)
        end: int = self._sql.execute(select(func.max(journal.c.seq))).scalar() or 0
        if lock and not self._insert_new(said_mark, {"id": 1, "stream": "0", "seq": end, "written": 0, "judged": 0}):
            return self.said_mark(lock=True)
        return SaidMark("0", end)

    def set_said_mark(self, mark: SaidMark) -> None:
        self._upsert(said_mark, {"id": 1} | plain_values(mark, ()))

    def add_predictions(self, rows: Sequence[Prediction]) -> None:
        if rows:
            self._sql.execute(insert(predictions), [plain_values(row, ("seq",)) for row in rows])

    def unsettled(self, subjects: Iterable[str]) -> list[Prediction]:
        return self._of(_COLUMNS.where(text(IS_UNSETTLED)), subjects)

    def predictions_of(self, subjects: Iterable[str], limit: int = 200) -> list[Prediction]:
        return self._of(_COLUMNS.limit(limit), subjects)

    def _of(self, query: Any, subjects: Iterable[str]) -> list[Prediction]:
        found: list[Prediction] = []
        for some in _slices(subjects):
            found += map(_prediction, self._sql.execute(query.where(p.subject.in_(some)).order_by(p.seq)))
        return found

    def happened(self, subjects: Iterable[str], *, upto: int) -> list[Happened]:
        found: list[Happened] = []
        for some in _slices(subjects):
            query = select(journal.c.subject, journal.c.after, journal.c.at).where(
                journal.c.kind.in_(("call", "callback")),
                journal.c.subject.in_(some),
                journal.c.after.in_(sorted(TELLING)),
                journal.c.seq <= upto,
            )
            found += [Happened(*row) for row in self._sql.execute(query.order_by(journal.c.seq))]
        return found

    def parted(self, queue: QueueKey, *, since: datetime) -> list[tuple[Prediction, int]]:
        query = _COLUMNS.add_columns(legs.c.score).join(legs, legs.c.call == p.subject)
        query = query.where(text(HAS_PARTED), p.queue == queue, p.fate_at >= since)
        return [(_prediction(row), row.score) for row in self._sql.execute(query.order_by(p.seq))]

    def taken(self, rows: Sequence[Entry]) -> list[Taken]:
        of = {row.seq: str(row.data.get("entry", "")) for row in rows}
        scores: dict[str, int] = {}
        for some in _slices(of.values()):
            for name, score in ((legs.c.call, legs.c.score), (callbacks.c.id, callbacks.c.score)):
                scores |= {row[0]: row[1] for row in self._sql.execute(select(name, score).where(name.in_(some)))}
        return [
            Taken(QueueKey(row.queue), scores[of[row.seq]], row.at, self._idle_since(row))
            for row in rows
            if of[row.seq] in scores
        ]

    def _idle_since(self, row: Entry) -> datetime:
        """Since when the agent who was taken by this row of the journal had been available."""
        j = journal.c
        before = select(j.after, j.at).where(j.kind == "agent", j.subject == row.subject, j.seq < row.seq)
        last = self._sql.execute(before.order_by(j.seq.desc()).limit(1)).one_or_none()
        return last.at if last is not None and last.after == AgentStatus.AVAILABLE else row.at

    def uptake(self, queue: QueueKey, *, since: datetime) -> Uptake:
        of_calls = p.moment.in_((Moment.ARRIVAL, Moment.MENU, Moment.HOLD))
        offered = select(p.subject, func.max(case((p.fate == Fate.PROMISED, 1), else_=0)).label("took")).where(
            p.queue == queue, p.at >= since, p.offering, p.fate.is_not(None), of_calls
        )
        callers = offered.group_by(p.subject).subquery()
        offers, taken = self._sql.execute(select(func.count(), func.sum(callers.c.took)).select_from(callers)).one()
        return Uptake(offers, int(taken or 0))

    def save_predictions(self, rows: Sequence[Prediction]) -> None:
        if rows:
            values = [{f"b_{name}": getattr(row, name) for name in ("seq", *OUTCOME)} for row in rows]
            self._sql.execute(_SAVE, values)

    def add_tallies(self, tallies: Mapping[Hour, Tally]) -> None:
        rows = [hour._asdict() | _sums(tallies[hour]) for hour in sorted(tallies)]
        if rows:
            self._sql.execute(_adding(self._dialect), rows)

    def tallies(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        query = _HOURS.where(h.hour >= _hour_of(since))
        if queue is not None:
            query = query.where(h.queue == queue)
        return [(Hour(*row[:4]), _tally(row)) for row in self._sql.execute(query.order_by(h.hour))]

    def totals(self, *, since: datetime, queue: QueueKey | None = None) -> list[tuple[Hour, Tally]]:
        query = _TOTALS.where(h.hour >= _hour_of(since)).group_by(h.queue, h.moment, h.model)
        if queue is not None:
            query = query.where(h.queue == queue)
        return [(Hour(*row[:4]), _tally(row)) for row in self._sql.execute(query)]

    def hours(self, queue: QueueKey, moment: Moment, *, since: datetime) -> list[tuple[datetime, Tally]]:
        query = _SUMMED.where(h.hour >= _hour_of(since), h.queue == queue, h.moment == moment)
        return [(row[1], _tally(row)) for row in self._sql.execute(query.group_by(h.queue, h.moment, h.hour))]

    def predictions(self, queue: QueueKey, *, before: int | None = None, limit: int = 100) -> list[Prediction]:
        query = _COLUMNS.where(p.queue == queue).order_by(p.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(p.seq < before)
        return [_prediction(row) for row in self._sql.execute(query)]

    def forget_predictions(self, *, before: datetime, limit: int) -> int:
        """Looks at the oldest alone, by their number: nothing is read through to find that nothing is old enough."""
        oldest = select(p.seq).order_by(p.seq).limit(limit).subquery()
        upto = select(func.max(oldest.c.seq)).scalar_subquery()
        return int(self._sql.execute(delete(predictions).where(p.seq <= upto, p.at < before)).rowcount)


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _slices(subjects: Iterable[str]) -> Iterable[list[str]]:
    known = sorted(set(subjects))
    return (known[at : at + IN_ONE] for at in range(0, len(known), IN_ONE))


def _prediction(row: Row[Any]) -> Prediction:
    return Prediction(**plain_row(Prediction, row, ()))


@cache
def _adding(dialect: str) -> Insert:
    """Inserts, or adds to the row that is there."""
    adding = insert_into(dialect, prediction_hours)
    sums = {column.name: column + adding.excluded[column.name] for column in _SUMS}
    return adding.on_conflict_do_update(index_elements=[h[name] for name in _KEYS], set_=sums)


def _sums(tally: Tally) -> dict[str, float]:
    plain: dict[str, float] = plain_values(tally, _BOTH)
    for whose in _BOTH:
        plain |= {f"{whose}_{name}": value for name, value in plain_values(getattr(tally, whose), ()).items()}
    return plain


def _tally(row: Row[Any]) -> Tally:
    """By position, since a page reads thousands."""
    counts, ours, simple = row[4:_TO_OURS], row[_TO_OURS:_TO_SIMPLE], row[_TO_SIMPLE:]
    return Tally(Errors(*ours), Errors(*simple), *counts)
