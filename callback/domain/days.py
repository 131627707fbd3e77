"""The days to come as a queue keeps them: when it opens and closes on each, and why a day is unlike its weekday.

Whoever writes down hours and holidays sees at once what they come to. The times are those of the wall clock in the
queue's zone, as they were written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from callback.domain import hours
from callback.domain.hours import Hours

SHOWN = 14
_DAY = timedelta(days=1)


class Why(StrEnum):
    """What decides about a day."""

    USUAL = "usual"
    OPEN_DATE = "open_date"
    CLOSED_DATE = "closed_date"
    HOLIDAY = "holiday"


@dataclass(frozen=True)
class DayOpen:
    """A day: `spans` are pairs of HH:MM, none where it is closed. `holiday` is the name of a public holiday, also of
    one on which the queue is open all the same. `clock_s`: by so many seconds the clock is set forward (below 0: back).
    """

    day: date
    spans: tuple[tuple[str, str], ...]
    why: Why
    holiday: str = ""
    clock_s: int = 0


def coming(rules: Hours | None, first: date, days: int = SHOWN, *, language: str | None = None) -> list[DayOpen]:
    """So many days from `first`. `language` is one of the library's names for it, such as zh_CN, where it has it."""
    if rules is None:
        return [DayOpen(first + n * _DAY, (("00:00", "24:00"),), Why.USUAL) for n in range(days)]
    names = _names(rules.get("holidays"), {(first + n * _DAY).year for n in range(days)}, language)
    return [_day(rules, first + n * _DAY, names) for n in range(days)]


def _day(rules: Hours, day: date, names: Mapping[date, str]) -> DayOpen:
    spans = tuple((opening, closing) for opening, closing in hours.plan_of(rules, day))
    return DayOpen(day, spans, _why(rules, day, names), names.get(day, ""), _clock_s(ZoneInfo(rules["timezone"]), day))


def _why(rules: Hours, day: date, names: Mapping[date, str]) -> Why:
    written = day.isoformat()
    if written in (rules.get("open_dates") or ()):
        return Why.OPEN_DATE
    if written in (rules.get("closed_dates") or ()):
        return Why.CLOSED_DATE
    usual = rules["weekly"].get(hours.DAYS[day.weekday()])
    return Why.HOLIDAY if usual and day in names else Why.USUAL


def _clock_s(zone: ZoneInfo, day: date) -> int:
    begin, end = (datetime.combine(at, time.min, zone) for at in (day, day + _DAY))
    return round((_DAY - (end.astimezone(UTC) - begin.astimezone(UTC))).total_seconds())


def _names(country: str | None, years: set[int], language: str | None) -> Mapping[date, str]:
    """The public holidays of these years by day."""
    if not country:
        return {}
    # Imported when first needed: the library is large, and most queues name no country.
    import holidays

    known = holidays.country_holidays(country)
    spoken = language if language in (known.supported_languages or ()) else None
    return dict(holidays.country_holidays(country, years=sorted(years), language=spoken).items())
