"""The sums of reports: kept by the hour, by the day (of everybody and of each agent) and by the month, so that a year
is read in whole months with the single days around them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, cast, func, literal, or_, select

from callback.adapters.store.reports_spreads import stretches_for
from callback.adapters.store.tables import report_days, report_hours, report_months
from callback.adapters.store.transaction import Insert, Transaction, insert_into
from callback.domain.reports import NAMES, OF_AGENTS, Grain, Sums
from callback.domain.tallying import DayOf, HourOf
from callback.ports import Span

ALL_HOURS = -1
"""The hour of what is of all hours together."""
Amounts = Mapping[str, float]


class _MonthOf(NamedTuple):
    """A row of `report_months`."""

    month: date
    agent: str
    hour: int
    queue: str


class ReportSums(Transaction):
    """The verbs on sums."""

    def _add_sums(self, hours: Mapping[HourOf, Amounts], days: Mapping[DayOf, Amounts]) -> None:
        self._add_rows(report_hours, hours)
        self._add_rows(report_days, days)
        months: defaultdict[_MonthOf, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for key, amounts in _by_month(hours, days):
            for name, amount in amounts.items():
                months[key][name] += amount
        self._add_rows(report_months, months)

    def _add_rows(self, table: Table, found: Mapping[Any, Amounts]) -> None:
        rows = [key._asdict() | _NONE | dict(found[key]) for key in sorted(found) if any(found[key].values())]
        if rows:
            self._sql.execute(_adding(self._dialect, table), rows)

    def report(self, span: Span, by: str) -> list[tuple[Any, Sums]]:
        names = OF_AGENTS if span.agent or by == "agent" else NAMES
        found: defaultdict[Any, list[Sequence[float]]] = defaultdict(list)
        for query in _queries(span, by, names):
            for key, *sums in self._sql.execute(query):
                if sums[0] is not None:  # no row at all is NULL where nothing is grouped
                    found[key].append(sums)
        return [(key, _sums(names, found[key])) for key in sorted(found)]


_NONE = dict.fromkeys(NAMES, 0)


def _by_month(hours: Mapping[HourOf, Amounts], days: Mapping[DayOf, Amounts]) -> Iterator[tuple[_MonthOf, Amounts]]:
    for hour, amounts in hours.items():
        yield _MonthOf(hour.day.replace(day=1), "", hour.hour, hour.queue), amounts
    for day, amounts in days.items():
        yield _MonthOf(day.day.replace(day=1), day.agent, ALL_HOURS, day.queue), amounts


def _sums(names: Sequence[str], rows: Sequence[Sequence[float]]) -> Sums:
    together: Iterable[Any] = rows[0] if len(rows) == 1 else map(sum, zip(*rows, strict=True))
    return Sums(**dict(zip(names, together, strict=True)))


@cache
def _adding(dialect: str, table: Table) -> Insert:
    """Inserts, or adds to the row that is there."""
    adding = insert_into(dialect, table)
    sums = {name: table.c[name] + adding.excluded[name] for name in NAMES}
    return adding.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums)


# --- which rows -----------------------------------------------------------------------------------------------------


def _queries(span: Span, by: str, names: Sequence[str]) -> Iterator[Select[Any]]:
    """One for each stretch of days, since each has an index of its own: the key and the sums."""
    for grain, first, last in stretches_for(span, by):
        if grain is Grain.MONTH:
            table, day = report_months, report_months.c.month
        else:
            table = report_hours if by == "hour" else report_days
            day = table.c.day
        within = [day >= first, day <= last, *_of_queues(table, span, by), *_of_part(table, span, by)]
        yield _grouped(table, by, within, names)


def _of_queues(table: Table, span: Span, by: str) -> Iterator[ColumnElement[bool]]:
    if span.queues:
        yield table.c.queue.in_(span.queues)
    if by == "queue":
        yield table.c.queue != ""


def _of_part(table: Table, span: Span, by: str) -> Iterator[ColumnElement[bool]]:
    if table is not report_hours:
        yield table.c.agent != "" if by == "agent" and not span.agent else table.c.agent == span.agent
    if table is report_months:
        yield table.c.hour != ALL_HOURS if by == "hour" else table.c.hour == ALL_HOURS
    if by == "hour" and span.before_hour is not None:
        yield or_(table.c.day < span.last, table.c.hour < span.before_hour)


def _grouped(table: Table, by: str, conditions: list[ColumnElement[bool]], names: Sequence[str]) -> Select[Any]:
    sums = [cast(func.sum(table.c[name]), table.c[name].type) for name in names]  # PostgreSQL's are exact decimals
    if not by:
        return select(literal(""), *sums).where(*conditions)
    return select(table.c[by], *sums).where(*conditions).group_by(table.c[by])
