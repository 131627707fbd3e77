"""What came to a queue, counted by the database in quarters of an hour: what forecasts are made from.

Months of calls are read as a few thousand rows. Live calls are counted where they joined; the talk of a callback is
counted where it was rung, since that is when an agent was needed for it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Float, Integer, bindparam, case, cast, extract, func, literal, select

from callback.adapters.store.columns import Instant
from callback.adapters.store.tables import attempts, callbacks, legs
from callback.adapters.store.transaction import Transaction
from callback.domain.callback import LegKind
from callback.domain.ids import QueueKey
from callback.ports import Traffic

QUARTER_S = 900
_SECONDS_A_DAY = 86400.0
_SINCE: Any = bindparam("b_since", type_=Instant)
_UNTIL: Any = bindparam("b_until", type_=Instant)


class Counted(Transaction):
    """The verb on traffic."""

    def traffic(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[Traffic]:
        values = {"b_queue": queue, "b_since": since, "b_until": until}
        found: dict[int, list[float]] = {}
        for query in (self._live(), self._asked_otherwise(), self._called_back()):
            _add(found, map(tuple, self._sql.execute(query, values)))
        return [_traffic(quarter, sums) for quarter, sums in sorted(found.items())]

    def _live(self) -> Any:
        """Callers who joined the line on the phone."""
        talked = case((legs.c.handled_s > 0, legs.c.handled_s), else_=0.0)
        quarter = self._quarter(legs.c.created_at)
        return (
            select(
                quarter.label("quarter"),
                func.count().label("calls"),
                func.sum(case((legs.c.handled_s > 0, 1), else_=0)).label("handled"),
                func.sum(talked).label("handled_s"),
                func.sum(talked * talked).label("handled_squares"),
                func.sum(case((legs.c.state == "abandoned", 1), else_=0)).label("abandoned"),
                func.sum(func.coalesce(legs.c.waited_s, 0.0)).label("waited_s"),
            )
            .where(
                legs.c.queue == bindparam("b_queue"), legs.c.created_at >= _SINCE, legs.c.created_at < _UNTIL,
                legs.c.kind == LegKind.INBOUND, legs.c.joined_at.is_not(None),
            )
            .group_by(quarter)
        )  # fmt: skip

    def _asked_otherwise(self) -> Any:
        """Callbacks that no call led to."""
        quarter, none = self._quarter(callbacks.c.created_at), literal(0)
        return (
            select(quarter.label("quarter"), func.count().label("calls"), none.label("handled"),
                   none.label("handled_s"), none.label("handled_squares"), none.label("abandoned"),
                   none.label("waited_s"))
            .where(callbacks.c.queue == bindparam("b_queue"), callbacks.c.created_at >= _SINCE,
                   callbacks.c.created_at < _UNTIL, callbacks.c.origin.is_(None))
            .group_by(quarter)
        )  # fmt: skip

    def _called_back(self) -> Any:
        """Talks of callbacks."""
        quarter, none = self._quarter(attempts.c.created_at), literal(0)
        talked = self._seconds(attempts.c.ended_at) - self._seconds(attempts.c.bridged_at)
        return (
            select(quarter.label("quarter"), none.label("calls"), func.count().label("handled"),
                   func.sum(talked).label("handled_s"), func.sum(talked * talked).label("handled_squares"),
                   none.label("abandoned"), none.label("waited_s"))
            .select_from(attempts.join(callbacks, callbacks.c.id == attempts.c.callback))
            .where(callbacks.c.queue == bindparam("b_queue"), attempts.c.created_at >= _SINCE,
                   attempts.c.created_at < _UNTIL, attempts.c.bridged_at.is_not(None), attempts.c.ended_at.is_not(None))
            .group_by(quarter)
        )  # fmt: skip

    def _quarter(self, at: Column[Any]) -> ColumnElement[Any]:
        """The number of the quarter of an hour since the epoch."""
        if self._dialect == "sqlite":
            return cast(func.strftime("%s", at), Integer) // literal(QUARTER_S)
        return cast(func.floor(extract("epoch", at) / QUARTER_S), Integer)

    def _seconds(self, at: Column[Any]) -> ColumnElement[Any]:
        """A time as seconds."""
        if self._dialect == "sqlite":
            return func.julianday(at) * _SECONDS_A_DAY
        return cast(extract("epoch", at), Float)


def _add(found: dict[int, list[float]], rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        sums = found.setdefault(int(row[0]), [0.0] * 6)
        for at, value in enumerate(row[1:]):
            sums[at] += float(value or 0)


def _traffic(quarter: int, sums: list[float]) -> Traffic:
    calls, handled, handled_s, squares, abandoned, waited_s = sums
    at = datetime.fromtimestamp(quarter * QUARTER_S, UTC)
    return Traffic(at, round(calls), round(handled), handled_s, squares, round(abandoned), waited_s)
