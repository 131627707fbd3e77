"""A past for the pages of reports, as their keeper would have counted it: as many rows of each kind, of the same shape.

Calls are drawn a month at a time and added up in bins, since to draw and count each by itself takes minutes, and how
fast the keeper counts is another matter. What was counted is put down by the store's own verbs; a month that is as long
as one before it is the same once more, copied within the database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Column, ColumnElement, Date, Engine, Interval, cast, func, insert, select

from callback.adapters.store.engine import make_engine
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import (
    prediction_hours,
    report_days,
    report_hours,
    report_months,
    report_part_spreads,
    report_spreads,
)
from callback.domain.ids import QueueKey
from callback.domain.judged import Tally
from callback.domain.reports import EDGES, SHORT_S, TARGETS, What
from callback.domain.said import Moment
from callback.domain.tallying import DayOf, HourOf, SpreadOf
from callback.ports import Hour, ReportMark

QUEUES = ("billing", "orders", "sales", "support", "vip")
AGENTS = tuple(f"agent{number}" for number in range(40))
HOURS = 24
LIVE, BACK, LEFT = range(3)
KINDS = (What.LIVE, What.BACK, What.LEFT)
SHARES = (0.70, 0.18, 0.12)
"""How many calls are of each of `KINDS`."""
IN_QUEUES, IN_AGENTS = ("", *QUEUES), ("", *AGENTS)
"""Their names by the numbers that calls have: 0 is none, or everybody."""
Array = np.ndarray[Any, np.dtype[Any]]
Amounts = Mapping[str, Array]


@dataclass(frozen=True)
class Calls:
    """An array each, as long as there are calls: numbers of their day, queue, agent, hour and kind, and seconds."""

    day: Array
    queue: Array
    agent: Array
    hour: Array
    kind: Array
    waited_s: Array
    talk_s: Array


def fill(store: SqlStore, now: datetime, *, days: int, calls: int) -> None:
    """So many days up to today, with about so many calls among them; and their whole months once more a year earlier,
    as the days before that a page compares with."""
    random = np.random.default_rng(1)
    past = [now.date() - timedelta(back) for back in reversed(range(days))]
    engine = make_engine(store.engine.url.render_as_string(hide_password=False), patience_s=None)
    alike: dict[tuple[int, int], date] = {}
    for first, some in groupby(past, lambda day: day.replace(day=1)):
        month = list(some)
        drawn = alike.setdefault((month[0].day, len(month)), first)
        if drawn == first:
            _count(store, random, month, calls * len(month) // days, ReportMark(0, now, "bench"))
        else:
            _repeat(engine, drawn, _following(drawn), 12 * (first.year - drawn.year) + first.month - drawn.month)
    _repeat(engine, past[0], past[-1].replace(day=1), -12)
    engine.dispose()


def _count(store: SqlStore, random: np.random.Generator, month: Sequence[date], calls: int, mark: ReportMark) -> None:
    drawn = _drawn(random, len(month), calls)
    with store.begin() as work:
        sums = dict(_hours(drawn, month)), dict(_days(drawn, month))
        work.count_report(*sums, dict(_spreads(drawn, month)), {}, mark)
        work.add_tallies(dict(_promised(random, month)))


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _drawn(random: np.random.Generator, days: int, calls: int) -> Calls:
    kind = random.choice(len(KINDS), calls, p=SHARES)
    return Calls(
        random.integers(0, days, calls),
        random.integers(1, len(IN_QUEUES), calls),
        random.integers(1, len(IN_AGENTS), calls),
        random.integers(0, HOURS, calls),
        kind,
        random.exponential(np.where(kind == BACK, 600.0, 60.0)),
        random.exponential(180.0, calls),
    )


# --- sums -----------------------------------------------------------------------------------------------------------


def _hours(calls: Calls, days: Sequence[date]) -> Iterator[tuple[HourOf, dict[str, float]]]:
    everything, nowhere = _of_callers(calls) | _of_talks(calls), np.zeros_like(calls.queue)
    for queues, amounts in ((calls.queue, everything), (nowhere, _of_free(calls))):
        for (queue, day, hour), found in _summed((queues, calls.day, calls.hour), amounts):
            begin = datetime.combine(days[day], time(hour), UTC)
            yield HourOf(IN_QUEUES[queue], begin, days[day], hour), found


def _days(calls: Calls, days: Sequence[date]) -> Iterator[tuple[DayOf, dict[str, float]]]:
    talks, free, none = _of_talks(calls), _of_free(calls), np.zeros_like(calls.queue)
    for queues, agents, amounts in (
        (calls.queue, none, _of_callers(calls) | talks), (calls.queue, calls.agent, talks),
        (none, none, free), (none, calls.agent, free),
    ):  # fmt: skip
        for (queue, agent, day), found in _summed((queues, agents, calls.day), amounts):
            yield DayOf(IN_QUEUES[queue], IN_AGENTS[agent], days[day]), found


def _of_callers(calls: Calls) -> dict[str, Array]:
    live, back, left = (calls.kind == kind for kind in (LIVE, BACK, LEFT))
    within = {f"in_{target}": live & (calls.waited_s <= target) for target in TARGETS}
    ends = dict.fromkeys(("took", "shown", "promised", "met", "completed", "back"), back)
    return {
        "offered": np.ones_like(calls.kind), "answered": live, "wait_s": live * calls.waited_s, **within,
        "abandoned": left, "short": left & (calls.waited_s < SHORT_S), "left_s": left * calls.waited_s,
        **ends, "back_s": back * calls.waited_s,
    }  # fmt: skip


def _of_talks(calls: Calls) -> dict[str, Array]:
    talked = calls.kind != LEFT
    return {
        "talks": talked, "back_talks": calls.kind == BACK, "talk_s": talked * calls.talk_s, "wrap_s": talked * 20,
        "ring_s": talked * 8, "work_s": talked * (calls.talk_s + 28), "said": talked, "resolved": talked,
    }  # fmt: skip


def _of_free(calls: Calls) -> dict[str, Array]:
    """Free time belongs to no queue."""
    return {"free_s": (calls.kind != LEFT) * 60}


def _summed(places: Sequence[Array], amounts: Amounts) -> Iterator[tuple[tuple[int, ...], dict[str, float]]]:
    """The amounts of all calls that are in one place, by the numbers of the place."""
    shape = tuple(int(one.max()) + 1 for one in places)
    of = np.ravel_multi_index(tuple(places), shape)
    there = np.flatnonzero(np.bincount(of))
    sums = np.stack([np.bincount(of, amount)[there] for amount in amounts.values()], axis=1)
    found = zip(*(one.tolist() for one in np.unravel_index(there, shape)), strict=True)
    for place, row in zip(found, sums.tolist(), strict=True):
        yield place, dict(zip(amounts, row, strict=True))


# --- spreads --------------------------------------------------------------------------------------------------------


def _spreads(calls: Calls, days: Sequence[date]) -> Iterator[tuple[SpreadOf, dict[int, int]]]:
    """Whole, by the hour of the clock, and by whom they talked with."""
    talked = calls.kind != LEFT
    whole, by_hour = (calls.queue, calls.day, calls.kind), (calls.queue, calls.day, calls.kind, calls.hour)
    steps = np.minimum(np.searchsorted(EDGES, calls.waited_s), len(EDGES) - 1)
    for (queue, day, kind), spread in _spread(whole, steps):
        yield SpreadOf(IN_QUEUES[queue], days[day], KINDS[kind]), spread
    for (queue, day, kind, hour), spread in _spread(by_hour, steps):
        yield SpreadOf(IN_QUEUES[queue], days[day], KINDS[kind], hour=hour), spread
    by_agent = tuple(one[talked] for one in (*whole, calls.agent))
    for (queue, day, kind, agent), spread in _spread(by_agent, steps[talked]):
        yield SpreadOf(IN_QUEUES[queue], days[day], KINDS[kind], agent=IN_AGENTS[agent]), spread


def _spread(places: Sequence[Array], steps: Array) -> Iterator[tuple[tuple[int, ...], dict[int, int]]]:
    """How many calls of each place fell into which step."""
    shape = (*(int(one.max()) + 1 for one in places), len(EDGES))
    found, counts = np.unique(np.ravel_multi_index((*places, steps), shape), return_counts=True)
    each = zip(*(one.tolist() for one in np.unravel_index(found, shape)), counts.tolist(), strict=True)
    for place, some in groupby(each, lambda one: one[:-2]):
        yield place, {step: count for *_, step, count in some}


# --- promises -------------------------------------------------------------------------------------------------------


def _promised(random: np.random.Generator, days: Sequence[date]) -> Iterator[tuple[Hour, Tally]]:
    """How punctual the promises of each hour were."""
    for queue in QUEUES:
        for day in days:
            for hour, late in enumerate(random.integers(0, 3, HOURS).tolist()):
                at = datetime.combine(day, time(hour), UTC)
                tally = Tally(told=9, kept=9 - late, late=late, late_s=60.0 * late)
                yield Hour(QueueKey(queue), at, Moment.PROMISE, "1"), tally


# --- once more --------------------------------------------------------------------------------------------------------

DATED = {
    report_hours: ("day", "at"), report_days: ("day",), report_months: ("month",), report_spreads: ("day",),
    report_part_spreads: ("day",), prediction_hours: ("hour",),
}  # fmt: skip
"""Of each table the columns that say when."""


def _repeat(engine: Engine, first: date, end: date, months: int) -> None:
    """What was counted from a day to before another, so many months later or earlier."""
    with engine.begin() as sql:
        for table, dated in DATED.items():
            moved = {name: _moved(engine.dialect.name, table.c[name], f"{months:+d} months") for name in dated}
            when = table.c[dated[0]]
            since, until = (_midnight(day) if when is prediction_hours.c.hour else day for day in (first, end))
            rows = select(*(moved.get(column.name, column) for column in table.columns))
            rows = rows.where(when >= since, when < until)
            sql.execute(insert(table).from_select([column.name for column in table.columns], rows))


def _moved(dialect: str, when: Column[Any], by: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d" if isinstance(when.type, Date) else "%Y-%m-%d %H:%M:%f000", when, by)
    return cast(when + cast(by, Interval), when.type)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
