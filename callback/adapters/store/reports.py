"""What reports count: sums by the hour and the day, spreads of seconds, and how far the journal was counted.

One keeper at a time adds to it, in one transaction with the mark; the pages read nothing else, so that a year costs
them what a day does but for the days.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, cast, delete, func, literal, or_, select

from callback.adapters.store.reports_spreads import ReportSpreads
from callback.adapters.store.tables import (
    callbacks,
    prediction_hours,
    predictions,
    report_days,
    report_hours,
    report_mark,
    report_open,
    report_part_spreads,
    report_spreads,
    talks,
)
from callback.adapters.store.transaction import Insert, insert_into
from callback.domain.reports import NAMES, OF_AGENTS, Spread, Sums
from callback.domain.said import Moment
from callback.domain.tallying import DayOf, HourOf, Open, SpreadOf
from callback.ports import Punctuality, ReportMark, Span

IN_ONE = 500
"""So many are asked for at once: SQLite takes no query of any length."""
_MARK = select(report_mark.c.seq, report_mark.c.at, report_mark.c.run)
_ALL = (report_hours, report_days, report_spreads, report_part_spreads, report_open, report_mark)


class Reports(ReportSpreads):
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
        self._add_sums(report_hours, hours)
        self._add_sums(report_days, days)
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

    def _add_sums(self, table: Table, found: Mapping[Any, Mapping[str, float]]) -> None:
        rows = [key._asdict() | _NONE | dict(found[key]) for key in sorted(found) if any(found[key].values())]
        if rows:
            self._sql.execute(_adding(self._dialect, table), rows)

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

    def report(self, span: Span, by: str) -> list[tuple[Any, Sums]]:
        if by == "hour":
            return _read(self._sql, _grouped(report_hours, report_hours.c.hour, _within(report_hours, span)), NAMES)
        table, c = report_days, report_days.c
        conditions = [
            *_within(table, span),
            c.agent != "" if by == "agent" and not span.agent else c.agent == span.agent,
        ]
        key: ColumnElement[Any] | None = None if not by else c[by]
        if by == "queue":
            conditions.append(c.queue != "")
        names = OF_AGENTS if span.agent or by == "agent" else NAMES
        return _read(self._sql, _grouped(table, key, conditions, names), names)

    def first_reported(self) -> date | None:
        return self._sql.execute(select(func.min(report_days.c.day))).scalar()

    def punctuality(
        self, by: str, *, since: datetime, until: datetime, queues: Sequence[str] = ()
    ) -> list[tuple[Any, Punctuality]]:
        h = prediction_hours.c
        counted = [cast(func.sum(h[name]), h[name].type) for name in _PUNCTUAL]
        conditions = [h.hour >= since, h.hour < until, h.moment == Moment.PROMISE]
        if queues:
            conditions.append(h.queue.in_(queues))
        if not by:
            query = select(literal(""), *counted).where(*conditions)
        else:
            query = select(h[by], *counted).where(*conditions).group_by(h[by]).order_by(h[by])
        return [(row[0], Punctuality(*row[1:])) for row in self._sql.execute(query) if row[1] is not None]


_NONE = dict.fromkeys(NAMES, 0)
_PUNCTUAL = ("kept", "early", "late", "unrung", "early_s", "late_s")


def _marked(mark: ReportMark) -> dict[str, Any]:
    return {"id": 1, "seq": mark.seq, "at": mark.at, "run": mark.run}


def _slices(wanted: Iterable[str]) -> Iterable[list[str]]:
    known = sorted(set(wanted))
    return (known[at : at + IN_ONE] for at in range(0, len(known), IN_ONE))


@cache
def _adding(dialect: str, table: Table) -> Insert:
    """Inserts, or adds to the row that is there."""
    adding = insert_into(dialect, table)
    sums = {name: table.c[name] + adding.excluded[name] for name in NAMES}
    return adding.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums)


@cache
def _keeping(dialect: str) -> Insert:
    keeping = insert_into(dialect, report_open)
    return keeping.on_conflict_do_update(index_elements=[report_open.c.key], set_={"state": keeping.excluded.state})


def _within(table: Table, span: Span) -> list[ColumnElement[bool]]:
    """The days of the span, and its queues; without the hours of its last day that are not to count."""
    found = [table.c.day >= span.first, table.c.day <= span.last]
    if span.before_hour is not None and table is report_hours:
        found.append(or_(table.c.day < span.last, table.c.hour < span.before_hour))
    return [*found, table.c.queue.in_(span.queues)] if span.queues else found


def _grouped(
    table: Table, key: ColumnElement[Any] | None, conditions: list[ColumnElement[bool]], names: Sequence[str] = NAMES
) -> Select[Any]:
    sums = [cast(func.sum(table.c[name]), table.c[name].type) for name in names]  # PostgreSQL's are exact decimals
    if key is None:
        return select(literal(""), *sums).where(*conditions)
    return select(key, *sums).where(*conditions).group_by(key).order_by(key)


def _read(sql: Any, query: Select[Any], names: Sequence[str]) -> list[tuple[Any, Sums]]:
    rows = sql.execute(query)
    return [(row[0], Sums(**dict(zip(names, row[1:], strict=True)))) for row in rows if row[1] is not None]
