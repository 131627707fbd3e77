"""How punctual promises were, by the days and hours of a clock: counted with the predictions, by the hour.

The database puts the hours of a day together, since a year has nearly nine thousand of them. What the clock shows is
told to it as shifts from UTC, each with when it ends: both databases know zones differently, or not at all.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Select, case, cast, func, literal, select, text

from callback.adapters.store.tables import OF_PROMISES, prediction_hours
from callback.adapters.store.transaction import Transaction
from callback.ports import Punctuality

_PUNCTUAL = ("kept", "early", "late", "unrung", "early_s", "late_s")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
Shift = tuple[datetime, timedelta]
"""Until when (aware, excluded) a clock differs from UTC by how much."""


class ReportPunctual(Transaction):
    """The verb on punctuality."""

    def punctuality(
        self, by: str, *, since: datetime, until: datetime, queues: Sequence[str] = (), zone: tzinfo = UTC
    ) -> list[tuple[Any, Punctuality]]:
        h = prediction_hours.c
        conditions: list[Any] = [h.hour >= since, h.hour < until, text(OF_PROMISES)]
        if queues:
            conditions.append(h.queue.in_(queues))
        summed = _summed(h)
        if by == "queue":
            query = select(h.queue, *summed).where(*conditions).group_by(h.queue).order_by(h.queue)
        elif not by:
            query = select(literal(""), *summed).where(*conditions)
        else:
            query = _by_clock(self._dialect, by, conditions, shifts(since, until, zone))
        return [(row[0], Punctuality(*row[1:])) for row in self._sql.execute(query) if row[1] is not None]


def _summed(columns: Any) -> list[ColumnElement[Any]]:
    return [cast(func.sum(columns[name]), prediction_hours.c[name].type).label(name) for name in _PUNCTUAL]


def _by_clock(dialect: str, by: str, conditions: Sequence[Any], of: Sequence[Shift]) -> Select[Any]:
    h = prediction_hours.c
    hours = select(h.hour, *_summed(h)).where(*conditions).group_by(h.hour).subquery()
    shown = (_sqlite if dialect == "sqlite" else _postgresql)(hours.c.hour, by, of)
    return select(shown, *_summed(hours.c)).group_by(shown).order_by(shown)


def _sqlite(hour: ColumnElement[Any], by: str, of: Sequence[Shift]) -> ColumnElement[Any]:
    shift = _shift(hour, [(end, f"{round(by_how_much.total_seconds()):+d} seconds") for end, by_how_much in of])
    if by == "day":
        return func.date(hour, shift, type_=Date())
    return cast(func.strftime("%H", hour, shift), Integer)


def _postgresql(hour: ColumnElement[Any], by: str, of: Sequence[Shift]) -> ColumnElement[Any]:
    shown = func.timezone("UTC", hour) + _shift(hour, of)
    return cast(shown, Date) if by == "day" else cast(func.date_part("hour", shown), Integer)


def _shift(hour: ColumnElement[Any], of: Sequence[tuple[datetime, Any]]) -> ColumnElement[Any]:
    *before, (_, last) = of
    return case(*((hour < end, shift) for end, shift in before), else_=last) if before else literal(last)


def shifts(since: datetime, until: datetime, zone: tzinfo) -> list[Shift]:
    """What a clock there shows beyond UTC from `since` to `until`, to the whole hour (of UTC) in which it is set."""
    days = [since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)]
    while days[-1] < until:
        days.append(min(days[-1] + _DAY, until.astimezone(UTC)))
    found = [
        (_set_at(day, zone), _ahead(day, zone))
        for day, later in pairwise(days)
        if _ahead(later, zone) != _ahead(day, zone)
    ]
    return [*found, (days[-1], _ahead(days[-1], zone))]


def _set_at(day: datetime, zone: tzinfo) -> datetime:
    """The first whole hour from then on at which the clock differs."""
    at = day
    while _ahead(at, zone) == _ahead(day, zone):
        at += _HOUR
    return at


def _ahead(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
