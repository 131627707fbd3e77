"""What reports count: sums by the hour, the day and the month, spreads of seconds, and how far the journal was counted.

One keeper at a time adds to it, in one transaction with the mark; the pages read nothing else, so that a year costs
them what a day does but for the days.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import delete, func, select

from callback.adapters.store.reports_months import ReportMonths
from callback.adapters.store.reports_punctual import ReportPunctual
from callback.adapters.store.reports_spreads import ReportSpreads
from callback.adapters.store.reports_sums import ReportSums
from callback.adapters.store.tables import (
    callbacks,
    predictions,
    report_days,
    report_hours,
    report_mark,
    report_months,
    report_open,
    report_part_spreads,
    report_spreads,
    talks,
)
from callback.adapters.store.transaction import Insert, insert_into
from callback.domain.reports import Spread
from callback.domain.tallying import DayOf, HourOf, Open, SpreadOf
from callback.ports import ReportMark

IN_ONE = 500
"""So many are asked for at once: SQLite takes no query of any length."""
_MARK = select(report_mark.c.seq, report_mark.c.at, report_mark.c.run)
_ALL = (
    report_hours, report_days, report_months, report_spreads, report_part_spreads, report_open, report_mark,
)  # fmt: skip


class Reports(ReportSums, ReportSpreads, ReportMonths, ReportPunctual):
    """The verbs on reports."""

    # --- counting

    def report_mark(self, *, lock: bool = False) -> ReportMark | None:
        row = self._sql.execute(_MARK.with_for_update() if lock else _MARK).one_or_none()
        return None if row is None else ReportMark(*row)

    def first_report_mark(self, mark: ReportMark) -> bool:
        return self._insert_new(report_mark, _marked(mark))

    def report_open(self, keys: Iterable[str]) -> dict[str, Open]:
        found: dict[str, Open] = {}
        for some in _slices(keys):
            query = select(report_open.c.key, report_open.c.state).where(report_open.c.key.in_(some))
            found |= {row[0]: row[1] for row in self._sql.execute(query)}
        return found

    def count_report(
        self,
        hours: Mapping[HourOf, Mapping[str, float]],
        days: Mapping[DayOf, Mapping[str, float]],
        spreads: Mapping[SpreadOf, Spread],
        open: Mapping[str, Open | None],
        mark: ReportMark,
    ) -> None:
        self._add_sums(hours, days)
        self._add_spreads(spreads)
        for some in _slices(key for key, state in open.items() if state is None):
            self._sql.execute(delete(report_open).where(report_open.c.key.in_(some)))
        kept = [{"key": key, "state": open[key]} for key in sorted(open) if open[key] is not None]
        if kept:
            self._sql.execute(_keeping(self._dialect), kept)
        self._upsert(report_mark, _marked(mark))

    def clear_report(self) -> None:
        for table in _ALL:
            self._sql.execute(delete(table))

    # --- what the journal does not tell

    def held_s(self, tokens: Iterable[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for some in _slices(tokens):
            query = select(talks.c.token, talks.c.held_s).where(talks.c.token.in_(some), talks.c.held_s > 0)
            found |= {row[0]: row[1] for row in self._sql.execute(query)}
        return found

    def joined(self, promises: Iterable[str]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for some in _slices(promises):
            query = select(callbacks.c.id, callbacks.c.joined_at).where(callbacks.c.id.in_(some))
            found |= {row[0]: row[1] for row in self._sql.execute(query)}
        return found

    def offered(self, calls: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for some in _slices(calls):
            query = select(predictions.c.subject).where(predictions.c.subject.in_(some), predictions.c.offering)
            found |= set(self._sql.execute(query).scalars())
        return found

    # --- reading

    def first_reported(self) -> date | None:
        return self._sql.execute(select(func.min(report_days.c.day)).where(report_days.c.agent == "")).scalar()


def _marked(mark: ReportMark) -> dict[str, Any]:
    return {"id": 1, "seq": mark.seq, "at": mark.at, "run": mark.run}


def _slices(wanted: Iterable[str]) -> Iterable[list[str]]:
    known = sorted(set(wanted))
    return (known[at : at + IN_ONE] for at in range(0, len(known), IN_ONE))


@cache
def _keeping(dialect: str) -> Insert:
    keeping = insert_into(dialect, report_open)
    return keeping.on_conflict_do_update(index_elements=[report_open.c.key], set_={"state": keeping.excluded.state})
