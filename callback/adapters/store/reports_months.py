"""Months added up again from their days: what a version counts that knows nothing of them would be missing in them.

While two versions run side by side, the older one counts hours and days alone. Nothing is lost by that, since a month
holds nothing that its days do not, and all queues together nothing that each of them does not: so both can be made
anew from the days at any time. Whoever does it holds the mark, as everybody does who counts, so that nothing comes in
between.
"""

import math
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, cast, delete, func, insert, literal, select

from callback.adapters.store.reports_spreads import ALL, IN_ONE, parts_of, wholes_of
from callback.adapters.store.reports_sums import ALL_HOURS
from callback.adapters.store.tables import report_days, report_hours, report_months, report_part_spreads, report_spreads
from callback.adapters.store.transaction import Transaction, upsert
from callback.domain.reports import NAMES, Grain, Part
from callback.domain.tallying import SpreadOf

CLOSE_S = 0.01
"""Sums of seconds may differ by as much, since they were added in another order."""
Totals = dict[date, list[float]]
Steps = defaultdict[Any, Counter[str]]


class ReportMonths(Transaction):
    """The verbs on months that are not what their days are."""

    def uneven_months(self, since: date) -> list[date]:
        of_days = report_months.c.hour == ALL_HOURS
        found: set[date] = set()
        for table, of_these in ((report_days, of_days), (report_hours, ~of_days)):
            days = self._totals(table, table.c.day, since)
            months = self._totals(report_months, report_months.c.month, since, of_these)
            found |= {month for month in days.keys() | months.keys() if not _even(days.get(month), months.get(month))}
        return sorted(found)

    def add_up_month(self, month: date) -> None:
        days = [month + timedelta(at) for at in range(monthrange(month.year, month.month)[1])]
        self._sql.execute(delete(report_months).where(report_months.c.month == month))
        self._add_up(report_days, month, days[-1], report_days.c.agent, literal(ALL_HOURS))
        self._add_up(report_hours, month, days[-1], literal(""), report_hours.c.hour)
        whole: Steps = defaultdict(Counter)
        parts: Steps = defaultdict(Counter)
        for day in days:
            self._read_whole(day, whole, parts)
            self._read_parts(day, whole, parts)
        self._put_steps(report_spreads, whole)
        self._put_steps(report_part_spreads, parts)

    def _totals(self, table: Table, day: ColumnElement[date], since: date, *of: ColumnElement[bool]) -> Totals:
        sums = [cast(func.sum(table.c[name]), table.c[name].type) for name in NAMES]
        found: Totals = {}
        for row in self._sql.execute(select(day, *sums).where(day >= since, *of).group_by(day)):
            month = row[0].replace(day=1)
            found[month] = [one + more for one, more in zip(found.get(month, [0.0] * len(NAMES)), row[1:], strict=True)]
        return found

    def _add_up(self, table: Table, first: date, last: date, agent: Any, hour: Any) -> None:
        key = (literal(first, report_months.c.month.type), agent, hour, table.c.queue)
        sums = (cast(func.sum(table.c[name]), table.c[name].type) for name in NAMES)
        rows = select(*key, *sums).where(table.c.day >= first, table.c.day <= last).group_by(agent, hour, table.c.queue)
        self._sql.execute(insert(report_months).from_select(["month", "agent", "hour", "queue", *NAMES], rows))

    def _read_whole(self, day: date, whole: Steps, parts: Steps) -> None:
        c = report_spreads.c
        for row in self._sql.execute(select(c.queue, c.what, c.steps).where(c.queue != ALL, c.day == day)):
            _spread(SpreadOf(row.queue, day, row.what), row.steps, whole, parts)

    def _read_parts(self, day: date, whole: Steps, parts: Steps) -> None:
        c = report_part_spreads.c
        of_days = (c.by.in_(list(Part)), c.grain == Grain.DAY, c.day == day, c.queue != ALL)
        for row in self._sql.execute(select(c.by, c.queue, c.part, c.what, c.steps).where(*of_days)):
            of = SpreadOf(row.queue, day, row.what)
            one = of._replace(agent=row.part) if row.by == Part.AGENT else of._replace(hour=int(row.part))
            _spread(one, row.steps, whole, parts)

    def _put_steps(self, table: Table, found: Steps) -> None:
        rows = [key._asdict() | {"steps": _in_order(found[key])} for key in sorted(found)]
        for at in range(0, len(rows), IN_ONE):
            self._sql.execute(upsert(self._dialect, table), rows[at : at + IN_ONE])


def _even(days: list[float] | None, months: list[float] | None) -> bool:
    none = [0.0] * len(NAMES)
    pairs = zip(days or none, months or none, strict=True)
    return all(math.isclose(one, other, rel_tol=1e-9, abs_tol=CLOSE_S) for one, other in pairs)


def _spread(of: SpreadOf, steps: Mapping[str, int], whole: Steps, parts: Steps) -> None:
    """Into all the rows to which it is added when it is counted; that of the day itself comes out as it was."""
    for row in wholes_of(of):
        whole[row].update(steps)
    for part in parts_of(of):
        parts[part].update(steps)


def _in_order(steps: Mapping[str, int]) -> dict[str, int]:
    return {step: steps[step] for step in sorted(steps, key=int)}
