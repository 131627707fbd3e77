"""A report, put together: the sums of a stretch of days, of its parts, and of as many days before it.

Everything is read from what is counted already (`flows.reports`), so that a year costs a page little more than a day.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from callback.domain.reports import NOTHING, Spread, Sums, What, merged
from callback.ports import House, Punctuality, ReportMark, Span, Work

BY = ("hour", "day", "week", "queue")
"""In what parts a report of everybody can be seen; one of agents by "agent" as well."""
ON_TIME = Punctuality(0, 0, 0, 0, 0.0, 0.0)


@dataclass(frozen=True)
class Counted:
    """Sums, and the spreads of seconds that belong to them. `punctual` is told of whole reports only."""

    sums: Sums = NOTHING
    spreads: Mapping[What, Spread] = field(default_factory=dict)
    punctual: Punctuality = ON_TIME


@dataclass(frozen=True)
class Report:
    """`parts` are in order: by the hour of the day, the day, the Monday of a week, the queue or the agent.
    `before` is of as many days before; where the last day is not over yet, its hours count up to `before_hour`.
    `mark`: how far the journal was counted; None: not at all."""

    span: Span
    whole: Counted
    parts: Sequence[tuple[Any, Counted]]
    before: Counted | None
    before_span: Span
    mark: ReportMark | None


def report(house: House, span: Span, by: str, zone: tzinfo) -> Report:
    """The report of these days. `zone` is where the days of promises begin and end."""
    now = house.clock.now().astimezone(zone)
    earlier = span_before(span, now)
    with house.store.look() as work:
        spreads = {} if span.agent else _spreads(work, span, by)
        parts = [(key, Counted(sums, spreads.get(key, {}))) for key, sums in _parts(work, span, by)]
        whole = Counted(_sums(work, span), together(spreads.values()), _punctual(work, span, zone))
        before = _before(work, earlier, zone)
        return Report(span, whole, parts, before, earlier, work.report_mark())


def span_before(span: Span, now: datetime) -> Span:
    """As many days, just before; the last of them only as far as today has come, where the span ends today."""
    days = (span.last - span.first).days + 1
    hour = now.hour if span.last >= now.date() else None
    return replace(span, first=span.first - timedelta(days), last=span.last - timedelta(days), before_hour=hour)


def _before(work: Work, span: Span, zone: tzinfo) -> Counted | None:
    """None: nothing was counted then, or it cannot be told (an agent's hours are not kept)."""
    if span.before_hour is None:
        sums = _sums(work, span)
    elif span.agent:
        return None
    else:
        whole_days = replace(span, last=span.last - timedelta(1), before_hour=None)
        sums = _sums(work, whole_days) if whole_days.last >= whole_days.first else NOTHING
        last_day = replace(span, first=span.last)
        sums = sum((some for _, some in work.report(last_day, "hour")), sums)
    return None if sums == NOTHING else Counted(sums, punctual=_punctual(work, span, zone))


def _sums(work: Work, span: Span) -> Sums:
    return next((sums for _, sums in work.report(span, "")), NOTHING)


def _parts(work: Work, span: Span, by: str) -> list[tuple[Any, Sums]]:
    if by != "week":
        return work.report(span, by)
    weeks: defaultdict[date, Sums] = defaultdict(Sums)
    for day, sums in work.report(span, "day"):
        weeks[monday(day)] += sums
    return sorted(weeks.items())


def monday(day: date) -> date:
    """With which a day's week began."""
    return day - timedelta(days=day.weekday())


def _whole(_: Any) -> Any:
    return ""


_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "day": lambda of: of.day,
    "week": lambda of: monday(of.day),
    "queue": lambda of: of.queue,
}


def _spreads(work: Work, span: Span, by: str) -> dict[Any, dict[What, Spread]]:
    """By the parts of the report; where spreads are not kept by them, all together."""
    key = _KEYS.get(by, _whole)
    of_part: defaultdict[tuple[Any, What], list[Spread]] = defaultdict(list)
    for of, spread in work.report_spreads(span):
        of_part[key(of), of.what].append(spread)
    found: defaultdict[Any, dict[What, Spread]] = defaultdict(dict)
    for (part, what), some in of_part.items():
        found[part][what] = merged(some)
    return dict(found)


def together(parts: Any) -> dict[What, Spread]:
    """The spreads of all parts."""
    return {what: merged(part[what] for part in parts if what in part) for what in What}


def _punctual(work: Work, span: Span, zone: tzinfo) -> Punctuality:
    since, until = (datetime.combine(day, time(), zone) for day in (span.first, span.last + timedelta(1)))
    if span.before_hour is not None:
        until = datetime.combine(span.last, time(span.before_hour), zone)
    return ON_TIME if span.agent else work.punctuality(since=since, until=until, queues=span.queues)
