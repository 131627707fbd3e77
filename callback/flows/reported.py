"""A report, put together: the sums of a stretch of days, of its parts, and of as many days before it.

Everything is read from what is counted already (`flows.reports`), so that a year costs a page little more than a day.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cached_property, reduce
from operator import add
from typing import Any

from callback.domain.reports import NOTHING, Ranked, Spread, Sums, What, merged, sum_of
from callback.ports import House, Punctuality, ReportMark, Span, Work

BY = ("hour", "day", "week", "queue")
"""In what parts a report of everybody can be seen; one of agents by "agent" as well."""
ON_TIME = Punctuality(0, 0, 0, 0, 0.0, 0.0)


@dataclass(frozen=True)
class Counted:
    """Sums, the spreads of seconds that belong to them, and how punctual the promises were (of agents: not told)."""

    sums: Sums = NOTHING
    spreads: Mapping[What, Spread] = field(default_factory=dict)
    punctual: Punctuality = ON_TIME

    def quantile(self, what: What, share: float) -> float | None:
        """The seconds that so large a share did not exceed. None of nothing."""
        found = self._ranked.get(what)
        return None if found is None else found.quantile(share)

    @cached_property
    def _ranked(self) -> dict[What, Ranked]:
        return {what: Ranked(spread) for what, spread in self.spreads.items()}


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


def report(house: House, span: Span, by: str, zone: tzinfo, *, compared: bool = True) -> Report:
    """The report of these days. `zone` is where the days of promises begin and end; not `compared`, the days before are
    not looked at."""
    now = house.clock.now().astimezone(zone)
    earlier = span_before(span, now)
    with house.store.look() as work:
        punctual = _punctual(work, span, by, zone)
        parts = _parts(work, span, by, punctual)
        whole = replace(_together(work, span, by, parts), punctual=reduce(add, punctual.values(), ON_TIME))
        before = _before(work, earlier, by, zone) if compared else None
        return Report(span, whole, parts, before, earlier, work.report_mark())


def _together(work: Work, span: Span, by: str, parts: Sequence[tuple[Any, Counted]]) -> Counted:
    """All of the span. By agent, the waits are those of whoever talked with one of them in these days."""
    whole = _whole(work, span, "")
    return replace(whole, spreads=together(one.spreads for _, one in parts)) if by == "agent" else whole


def span_before(span: Span, now: datetime) -> Span:
    """As many days, just before; the last of them only as far as today has come, where the span ends today."""
    days = (span.last - span.first).days + 1
    hour = now.hour if span.last >= now.date() else None
    return replace(span, first=span.first - timedelta(days), last=span.last - timedelta(days), before_hour=hour)


# --- as many days before --------------------------------------------------------------------------------------------


def _before(work: Work, span: Span, by: str, zone: tzinfo) -> Counted | None:
    """None: nothing was counted then, or it cannot be told (an agent's hours are not kept)."""
    if span.before_hour is not None and span.agent:
        return None
    some = [_whole(work, one, by) for one, by in _whole_days_and_hours(span)]
    punctual = _punctual(work, span, "agent" if by == "agent" else "", zone)
    found = replace(added(some), punctual=punctual.get("", ON_TIME))
    return None if found.sums == NOTHING else found


def _whole_days_and_hours(span: Span) -> list[tuple[Span, str]]:
    """The days that count whole, and the last one where only some of its hours do; each with what to read it by."""
    if span.before_hour is None:
        return [(span, "")]
    days = replace(span, last=span.last - timedelta(1), before_hour=None)
    return [*([(days, "")] if days.last >= days.first else []), (replace(span, first=span.last), "hour")]


def _whole(work: Work, span: Span, by: str) -> Counted:
    sums = sum_of(sums for _, sums in work.report(span, by))
    return Counted(sums, together(part for part in _spreads(work, span, by).values()))


# --- in parts -------------------------------------------------------------------------------------------------------


def _parts(work: Work, span: Span, by: str, punctual: Mapping[Any, Punctuality]) -> list[tuple[Any, Counted]]:
    if by == "week":
        return _weeks(_parts(work, span, "day", punctual))
    spreads = _spreads(work, span, by)
    return [
        (key, Counted(sums, spreads.get(key, {}), punctual.get(key, ON_TIME))) for key, sums in work.report(span, by)
    ]


def _weeks(days: Iterable[tuple[date, Counted]]) -> list[tuple[Any, Counted]]:
    weeks: defaultdict[date, list[Counted]] = defaultdict(list)
    for day, counted in days:
        weeks[monday(day)].append(counted)
    return [(week, added(some)) for week, some in sorted(weeks.items())]


def monday(day: date) -> date:
    """With which a day's week began."""
    return day - timedelta(days=day.weekday())


def added(some: Sequence[Counted]) -> Counted:
    """All of them together."""
    sums, punctual = sum_of(one.sums for one in some), reduce(add, (one.punctual for one in some), ON_TIME)
    return Counted(sums, together(one.spreads for one in some), punctual)


def _spreads(work: Work, span: Span, by: str) -> dict[Any, dict[What, Spread]]:
    found: defaultdict[Any, dict[What, Spread]] = defaultdict(dict)
    for key, what, spread in work.report_spreads(span, by):
        found[key][what] = spread
    return dict(found)


def together(parts: Iterable[Mapping[What, Spread]]) -> dict[What, Spread]:
    """The spreads of all parts."""
    known = list(parts)
    return {what: merged(part[what] for part in known if what in part) for what in What}


# --- how punctual ---------------------------------------------------------------------------------------------------


def _punctual(work: Work, span: Span, by: str, zone: tzinfo) -> dict[Any, Punctuality]:
    """By the parts of the report, of which weeks are days here. Of agents it is not told."""
    if span.agent or by == "agent":
        return {}
    since, until = _moments(span, zone)
    key = "day" if by == "week" else by
    return dict(work.punctuality(key, since=since, until=until, queues=span.queues, zone=zone))


def _moments(span: Span, zone: tzinfo) -> tuple[datetime, datetime]:
    since, until = (datetime.combine(day, time(), zone) for day in (span.first, span.last + timedelta(1)))
    if span.before_hour is not None:
        until = datetime.combine(span.last, time(span.before_hour), zone)
    return since, until
