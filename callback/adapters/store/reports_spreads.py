"""How seconds were spread over the steps of `domain.reports`: kept by queue and day, and besides by the hour of the
clock and by agent, by the day and by the month, so that a year of any of them is read in few rows.

The database joins the texts of the rows that belong together, so that a page reads as many rows as it shows parts.
"""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from json import loads
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, Text, and_, cast, func, literal, or_, select, tuple_

from callback.adapters.store.tables import report_part_spreads, report_spreads
from callback.adapters.store.transaction import Transaction, upsert
from callback.domain.reports import EDGES, Grain, Part, Spread, What
from callback.domain.tallying import SpreadOf
from callback.ports import Span

IN_ONE = 200
"""So many rows are asked for at once: SQLite takes no query of any length."""
_STEPS = {str(step): step for step in range(len(EDGES))}
Found = tuple[Any, What, Spread]


class _Whole(NamedTuple):
    """A row of `report_spreads`."""

    queue: str
    day: date
    what: What


class _OfPart(NamedTuple):
    """A row of `report_part_spreads`."""

    by: Part
    grain: Grain
    day: date
    queue: str
    part: str
    what: What


class ReportSpreads(Transaction):
    """The verbs on spreads."""

    # --- counting

    def _add_spreads(self, found: Mapping[SpreadOf, Spread]) -> None:
        whole: defaultdict[_Whole, Counter[int]] = defaultdict(Counter)
        parts: defaultdict[_OfPart, Counter[int]] = defaultdict(Counter)
        for key, spread in found.items():
            if key.hour is None and not key.agent:
                whole[_Whole(key.queue, key.day, key.what)].update(spread)
            for row in _rows_of(key):
                parts[row].update(spread)
        self._add_steps(report_spreads, whole)
        self._add_steps(report_part_spreads, parts)

    def _add_steps(self, table: Table, found: Mapping[Any, Counter[int]]) -> None:
        keys = sorted(found)
        for at in range(0, len(keys), IN_ONE):
            some = keys[at : at + IN_ONE]
            standing = self._standing(table, some)
            rows = [
                {**key._asdict(), "steps": {str(step): count for step, count in (standing[key] + found[key]).items()}}
                for key in some
            ]
            self._sql.execute(upsert(self._dialect, table), rows)

    def _standing(self, table: Table, keys: Sequence[Any]) -> defaultdict[Any, Counter[int]]:
        columns = [table.c[name] for name in keys[0]._fields]
        rows = self._sql.execute(select(*columns, table.c.steps).where(tuple_(*columns).in_([tuple(k) for k in keys])))
        found: defaultdict[Any, Counter[int]] = defaultdict(Counter)
        for row in rows:
            found[type(keys[0])(*row[:-1])] = Counter({int(step): count for step, count in row[-1].items()})
        return found

    # --- reading

    def report_spreads(self, span: Span, by: str) -> list[Found]:
        if span.agent:
            return _read(self._sql, _of_days(report_part_spreads, by, [*_parts(span, Part.AGENT, _DAYS)]))
        if by in _KEYS:
            return _read(self._sql, _of_parts(span, Part(by)), _KEYS[by])
        return _read(self._sql, _of_days(report_spreads, by, [*_within(report_spreads, span)]))


_DAYS = "days"
_KEYS: Mapping[str, Callable[[str], Any]] = {"hour": int, "agent": str}


def _rows_of(key: SpreadOf) -> Iterator[_OfPart]:
    """Where a spread of a part is added: its day's row, and its month's."""
    if key.hour is None and not key.agent:
        return
    by, part = (Part.AGENT, key.agent) if key.agent else (Part.HOUR, f"{key.hour:02}")
    yield _OfPart(by, Grain.DAY, key.day, key.queue, part, key.what)
    yield _OfPart(by, Grain.MONTH, key.day.replace(day=1), key.queue, part, key.what)


def stretches(first: date, last: date) -> Iterator[tuple[Grain, date, date]]:
    """These days in whole months, and single days before and after them; both ends included."""
    begin = first if first.day == 1 else _month_end(first) + timedelta(1)
    end = last if last == _month_end(last) else last.replace(day=1) - timedelta(1)
    if begin > end:
        yield Grain.DAY, first, last
        return
    if first < begin:
        yield Grain.DAY, first, begin - timedelta(1)
    yield Grain.MONTH, begin, end
    if end < last:
        yield Grain.DAY, end + timedelta(1), last


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _within(table: Table, span: Span) -> Iterator[ColumnElement[bool]]:
    yield table.c.day >= span.first
    yield table.c.day <= span.last
    if span.queues:
        yield table.c.queue.in_(span.queues)


def _parts(span: Span, by: Part, grain: str = "") -> Iterator[ColumnElement[bool]]:
    """Their rows: of whole months where that is the same. Each stretch names all of its key, so that an index finds
    it."""
    c = report_part_spreads.c
    whole = ((Grain.DAY, span.first, span.last),)
    pieces: Iterable[tuple[Grain, date, date]] = whole if grain == _DAYS else stretches(span.first, span.last)
    yield or_(*(and_(c.by == by, c.grain == one, c.day >= first, c.day <= last) for one, first, last in pieces))
    if span.queues:
        yield c.queue.in_(span.queues)
    if span.agent:
        yield c.part == span.agent


def _of_parts(span: Span, by: Part) -> Select[Any]:
    c = report_part_spreads.c
    if span.before_hour is None:
        return _joined(report_part_spreads, c.part, [*_parts(span, by)])
    before = or_(c.day < span.last, c.part < f"{span.before_hour:02}")
    return _joined(report_part_spreads, c.part, [*_parts(span, by, _DAYS), before])


def _of_days(table: Table, by: str, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    return _joined(table, table.c[by] if by else None, conditions)


def _joined(table: Table, key: ColumnElement[Any] | None, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """Key, kind, and the texts of all rows with commas between them."""
    texts = func.aggregate_strings(cast(table.c.steps, Text), ",")
    if key is None:
        return select(literal(""), table.c.what, texts).where(*conditions).group_by(table.c.what)
    return select(key, table.c.what, texts).where(*conditions).group_by(key, table.c.what).order_by(key, table.c.what)


def _read(sql: Any, query: Select[Any], key: Callable[[Any], Any] = lambda key: key) -> list[Found]:
    return [(key(row[0]), row[1], _merged(row[2])) for row in sql.execute(query)]


def _merged(texts: str) -> Spread:
    found: dict[str, int] = {}
    for steps in loads(f"[{texts}]"):
        for step, count in steps.items():
            found[step] = found.get(step, 0) + count
    return {_STEPS[step]: count for step, count in found.items()}
