"""How seconds were spread over the steps of `domain.reports`: kept by queue and day, and besides by the hour of the
clock and by agent, by the day and by the month, each also for all queues together: a year of any of them is few rows.

The database joins the texts of the rows that belong together, so that a page reads as many rows as it shows parts.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from json import loads
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, Text, cast, func, literal, or_, select

from callback.adapters.store.tables import report_part_spreads, report_spreads
from callback.adapters.store.transaction import Transaction, upsert
from callback.domain.reports import EDGES, Grain, Part, Spread, What
from callback.domain.tallying import SpreadOf
from callback.ports import Span

ALL = ""
"""The queue of what is of all queues together; and of a month, the part of what is of all its hours together."""
IN_ONE = 1_000
"""So many rows are written at once: a statement is given up that takes too long."""
Found = tuple[Any, What, Spread]


class Whole(NamedTuple):
    """A row of `report_spreads`."""

    queue: str
    day: date
    what: What

    @property
    def place(self) -> dict[str, Any]:
        """What it shares with a few others: how their common key begins."""
        return {"queue": self.queue, "day": self.day}


class OfPart(NamedTuple):
    """A row of `report_part_spreads`."""

    by: Part
    grain: Grain
    day: date
    queue: str
    part: str
    what: What

    @property
    def place(self) -> dict[str, Any]:
        """What it shares with a few others: how their common key begins."""
        return {"by": self.by, "grain": self.grain, "day": self.day, "queue": self.queue}


class ReportSpreads(Transaction):
    """The verbs on spreads."""

    # --- counting

    def _add_spreads(self, found: Mapping[SpreadOf, Spread]) -> None:
        whole: defaultdict[Whole, list[Spread]] = defaultdict(list)
        parts: defaultdict[OfPart, list[Spread]] = defaultdict(list)
        for key, spread in found.items():
            for row in wholes_of(key):
                whole[row].append(spread)
            for part in parts_of(key):
                parts[part].append(spread)
        self._add_steps(report_spreads, whole)
        self._add_steps(report_part_spreads, parts)

    def _add_steps(self, table: Table, found: Mapping[Any, list[Spread]]) -> None:
        rows: list[dict[str, Any]] = []
        for _, some in groupby(sorted(found), lambda key: key[: len(key.place)]):
            keys = list(some)
            standing = self._standing(table, keys[0])
            rows += [key._asdict() | {"steps": _kept(standing.get(key, {}), found[key])} for key in keys]
        for at in range(0, len(rows), IN_ONE):
            self._sql.execute(upsert(self._dialect, table), rows[at : at + IN_ONE])

    def _standing(self, table: Table, key: Any) -> dict[Any, dict[str, int]]:
        """What there is in the place of this key. (For a list of whole keys SQLite would look through the table.)"""
        columns = [table.c[name] for name in key._fields]
        there = [table.c[name] == value for name, value in key.place.items()]
        rows = self._sql.execute(select(*columns, table.c.steps).where(*there))
        return {type(key)(*row[:-1]): row[-1] for row in rows}

    # --- reading

    def report_spreads(self, span: Span, by: str) -> list[Found]:
        key = _KEYS.get(by, _itself)
        found: defaultdict[tuple[Any, What], list[str]] = defaultdict(list)
        for query in _queries(span, by):
            for part, what, texts in self._sql.execute(query):
                found[key(part), what].append(texts)
        return [(*of, _merged(found[of])) for of in sorted(found)]


def _itself(key: Any) -> Any:
    return key


_KEYS: Mapping[str, Callable[[Any], Any]] = {"hour": int}


# --- which rows -----------------------------------------------------------------------------------------------------


def wholes_of(key: SpreadOf) -> Iterator[Whole]:
    """Where a spread of a day is added."""
    if key.hour is None and not key.agent:
        yield Whole(key.queue, key.day, key.what)
        yield Whole(ALL, key.day, key.what)


def parts_of(key: SpreadOf) -> Iterator[OfPart]:
    """Where a spread of a part is added, to its day and its month; and one of a day, to its month."""
    by = Part.AGENT if key.agent else Part.HOUR
    part = key.agent or (ALL if key.hour is None else f"{key.hour:02}")
    for queue in (key.queue, ALL):
        if part != ALL:
            yield OfPart(by, Grain.DAY, key.day, queue, part, key.what)
        yield OfPart(by, Grain.MONTH, key.day.replace(day=1), queue, part, key.what)


def _queries(span: Span, by: str) -> Iterator[Select[Any]]:
    """One for each stretch of days, since each has an index of its own: the key, the kind and the texts."""
    for grain, first, last in stretches_for(span, by):
        if grain is Grain.DAY and by not in _OF_PARTS and not span.agent:
            yield _joined(report_spreads, by, _within(report_spreads, span, by, first, last))
        else:
            within = [*_within(report_part_spreads, span, by, first, last), *_of_part(span, by, grain)]
            yield _joined(report_part_spreads, by, within)


_OF_PARTS = frozenset({"hour", "agent"})


def stretches_for(span: Span, by: str) -> Iterator[tuple[Grain, date, date]]:
    """In which a report by these parts is read: `stretches`, or single days where a month does not tell them apart."""
    if by == "day" or (by == "hour" and span.before_hour is not None):
        return iter(((Grain.DAY, span.first, span.last),))
    return stretches(span.first, span.last)


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


def _within(table: Table, span: Span, by: str, first: date, last: date) -> list[ColumnElement[bool]]:
    c = table.c
    if span.queues:
        return [c.day >= first, c.day <= last, c.queue.in_(span.queues)]
    return [c.day >= first, c.day <= last, c.queue != ALL if by == "queue" else c.queue == ALL]


def _of_part(span: Span, by: str, grain: Grain) -> Iterator[ColumnElement[bool]]:
    c = report_part_spreads.c
    yield c.by == (Part.AGENT if span.agent or by == "agent" else Part.HOUR)
    yield c.grain == grain
    yield c.part != ALL if by in _OF_PARTS else c.part == (span.agent or ALL)
    if by == "hour" and span.before_hour is not None:
        yield or_(c.day < span.last, c.part < f"{span.before_hour:02}")


def _joined(table: Table, by: str, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """Key, kind, and the texts of all rows with commas between them."""
    texts = func.aggregate_strings(cast(table.c.steps, Text), ",")
    if not by:
        return select(literal(""), table.c.what, texts).where(*conditions).group_by(table.c.what)
    key = table.c.part if by in _OF_PARTS else table.c[by]
    return select(key, table.c.what, texts).where(*conditions).group_by(key, table.c.what)


# --- as texts -------------------------------------------------------------------------------------------------------

_NAMES = tuple(str(step) for step in range(len(EDGES)))
_STEPS = {name: step for step, name in enumerate(_NAMES)}


def _kept(standing: Mapping[str, int], found: Iterable[Spread]) -> dict[str, int]:
    """All together, as they are kept: in order."""
    steps = {_STEPS[step]: count for step, count in standing.items()}
    for spread in found:
        for step, count in spread.items():
            steps[step] = steps.get(step, 0) + count
    return {_NAMES[step]: steps[step] for step in sorted(steps)}


def _merged(texts: Iterable[str]) -> Spread:
    first, *others = loads(f"[{','.join(texts)}]")
    for steps in others:
        for step, count in steps.items():
            first[step] = first.get(step, 0) + count
    return {_STEPS[step]: count for step, count in first.items()}
