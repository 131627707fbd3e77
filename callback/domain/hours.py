"""When a queue is open, in the local time of the people who answer, and when a callee must be left in peace.

Opening hours are read literally: a queue is open while the wall clock in its timezone reads a time inside an interval
of the day. So a spring gap shortens a day, an autumn fold lengthens it (or opens twice), and nothing is ever open at a
local time that the supervisor did not write down. Hours are the JSON object of the public contract; None is always
open.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

Hours = Mapping[str, Any]
"""A queue's hours as the contract writes them, checked by `validate_hours` before they got here."""
Span = tuple[datetime, datetime]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = frozenset({"timezone", "weekly", "holidays", "closed_dates", "open_dates"})
_DAY = timedelta(days=1)
_SEARCH_DAYS = 400
"""A queue that does not open within this many days is taken as never opening again."""
_CLOSING_DAYS = (2, 15)
"""A closing time is sought this far ahead, the near window first: the second is for queues open through the night."""
_QUIET_SEARCH = timedelta(days=2)


def is_open(hours: Hours | None, at: datetime) -> bool:
    """Whether the queue is open at `at` (aware). An interval past midnight belongs to the day it starts on."""
    if hours is None:
        return True
    wall = _wall(at, _zone(hours))
    days = (wall.date() - _DAY, wall.date())
    return any(start <= wall < end for day in days for start, end in _intervals(hours, day))


def next_opening(hours: Hours | None, after: datetime) -> datetime | None:
    """The first moment (UTC) at or after `after` when the queue is open: `after` itself when it is open then.

    None: it does not open within 400 days.
    """
    if hours is None:
        return after
    zone = _zone(hours)
    first = _wall(after, zone).date()
    for week in range(0, _SEARCH_DAYS, 8):
        coming = _spans(hours, zone, first + (week - 1) * _DAY, 9, after)
        if coming:
            return max(coming[0][0], after.astimezone(UTC))
    return None


def closes_at(hours: Hours | None, at: datetime) -> datetime | None:
    """The moment (UTC) when the queue, open at `at`, closes next.

    None: it is closed at `at`, or open without a pause for the coming two weeks and more.
    """
    if hours is None:
        return None
    zone = _zone(hours)
    first = _wall(at, zone).date() - _DAY
    for days in _CLOSING_DAYS:
        coming = _spans(hours, zone, first, days + 1, at)
        if not coming or coming[0][0] > at:
            return None
        if len(coming) > 1 or coming[0][1] < at + (days - 1) * _DAY:
            return coming[0][1]
    return None


def quiet_until(
    quiet_hours: tuple[str, str] | None, zone: str | Sequence[str] | None, now: datetime
) -> datetime | None:
    """When quiet hours that hold at `now` end (UTC); None: nobody is disturbed by a call right now.

    `zone` is the callee's IANA zone, UTC where nobody knows it. Given several (a number that may be in any of them), it
    is quiet while it is quiet in any; where they leave no common time within two days, the first zone decides alone.
    """
    if quiet_hours is None:
        return None
    names = [zone] if isinstance(zone, str) else list(zone or ["UTC"])
    end = _all_awake(quiet_hours, [ZoneInfo(name) for name in names], now)
    if end is None:
        end = _all_awake(quiet_hours, [ZoneInfo(names[0])], now)
    return None if end == now else end


def zone_of(hours: Hours | None) -> ZoneInfo | None:
    """The zone of the people who answer; None where a queue is always open, since then it names none."""
    return None if hours is None else _zone(hours)


def validate_hours(hours: object) -> list[str]:
    """Everything that is wrong with an hours object from outside, each with where it is and how to mend it."""
    if not isinstance(hours, Mapping):
        return ["must be null (always open) or an object with timezone and weekly"]
    mistakes = [f"{name} is not known; use {', '.join(sorted(_FIELDS))}" for name in hours if name not in _FIELDS]
    mistakes += _timezone_mistakes(hours.get("timezone"))
    mistakes += _weekly_mistakes(hours.get("weekly"))
    mistakes += _country_mistakes(hours.get("holidays"))
    for name in ("closed_dates", "open_dates"):
        mistakes += _date_mistakes(name, hours.get(name))
    if not mistakes:
        both = set(hours.get("closed_dates") or ()) & set(hours.get("open_dates") or ())
        mistakes += [f"{day} stands in closed_dates and in open_dates: keep one" for day in sorted(both)]
    return mistakes


# --- the plan of a day ------------------------------------------------------------------------------------------


def _zone(hours: Hours) -> ZoneInfo:
    return ZoneInfo(hours["timezone"])


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _intervals(hours: Hours, day: date) -> Iterator[Span]:
    """The open intervals that start on local `day`, as wall clock times."""
    midnight = datetime.combine(day, time.min)
    for opening, closing in plan_of(hours, day):
        start, end = _minutes(opening), _minutes(closing)
        if end <= start:
            end += 24 * 60
        yield midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)


def plan_of(hours: Hours, day: date) -> Sequence[Sequence[str]]:
    """`open_dates` before `closed_dates` before public holidays before the week.

    An open date on a weekday without hours (a working Saturday in lieu) keeps the hours of the week's first open day.
    """
    weekly: Mapping[str, Sequence[Sequence[str]]] = hours["weekly"]
    usual = weekly.get(DAYS[day.weekday()]) or ()
    written = day.isoformat()
    if written in (hours.get("open_dates") or ()):
        return usual or next((weekly[name] for name in DAYS if weekly.get(name)), ())
    if written in (hours.get("closed_dates") or ()):
        return ()
    country = hours.get("holidays")
    if usual and country and day in _holidays(country, day.year):
        return ()
    return usual


@lru_cache(maxsize=256)
def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@lru_cache(maxsize=128)
def _holidays(country: str, year: int) -> frozenset[date]:
    # Imported when first needed: the library is large, and most queues name no country.
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


# --- from wall clock to instants --------------------------------------------------------------------------------


def _spans(hours: Hours, zone: ZoneInfo, first: date, days: int, after: datetime) -> list[Span]:
    """The open spans (UTC) of so many local days, merged and in order, as far as they end after `after`."""
    found = [
        span
        for n in range(days)
        for start, end in _intervals(hours, first + n * _DAY)
        for span in _instants(zone, start, end)
        if span[1] > after
    ]
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _instants(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Span]:
    """The spans (UTC) during which the zone's wall clock reads at least `start` and less than `end`."""
    for begin, finish, offset in _regimes(zone, start, end):
        opens = max(begin, start.replace(tzinfo=UTC) - offset)
        closes = min(finish, end.replace(tzinfo=UTC) - offset)
        if opens < closes:
            yield opens, closes


def _regimes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime, timedelta]]:
    """The stretches of one UTC offset around a wall clock interval. Zones change at most once in a few days."""
    low, high = start.replace(tzinfo=UTC) - _DAY, end.replace(tzinfo=UTC) + _DAY
    before, after = _offset(zone, low), _offset(zone, high)
    if before == after:
        return [(low, high, before)]
    known, changed = 0, int((high - low).total_seconds())
    while changed - known > 1:
        middle = (known + changed) // 2
        if _offset(zone, low + timedelta(seconds=middle)) == before:
            known = middle
        else:
            changed = middle
    change = low + timedelta(seconds=changed)
    return [(low, change, before), (change, high, after)]


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


# --- quiet hours ------------------------------------------------------------------------------------------------


def _all_awake(quiet_hours: tuple[str, str], zones: Sequence[ZoneInfo], now: datetime) -> datetime | None:
    """The first moment from `now` on at which it is quiet in none of the zones, None where there is none soon."""
    moment = now
    while moment - now <= _QUIET_SEARCH:
        later = max(_quiet_end(quiet_hours, zone, moment) for zone in zones)
        if later == moment:
            return moment
        moment = later
    return None


def _quiet_end(quiet_hours: tuple[str, str], zone: ZoneInfo, at: datetime) -> datetime:
    """The end (UTC) of the quiet hours that hold at `at` in this zone; `at` itself where none do."""
    nightly = {"timezone": zone.key, "weekly": {day: [quiet_hours] for day in DAYS}}
    return closes_at(nightly, at) or at


# --- what is wrong with hours from outside ----------------------------------------------------------------------


def is_clock_time(text: object, *, end: bool = False) -> bool:
    """Whether `text` is a time of day as HH:MM; 24:00 only where it ends something."""
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":":
        return False
    digits = text[:2] + text[3:]
    if not (digits.isascii() and digits.isdigit()):
        return False
    return (int(text[:2]) < 24 and int(text[3:]) < 60) or (end and text == "24:00")


def _timezone_mistakes(name: object) -> list[str]:
    if isinstance(name, str):
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            return [f"timezone {name!r} is not an IANA zone such as Asia/Shanghai or America/New_York"]
        return []
    return ["timezone is missing: name an IANA zone such as Asia/Shanghai or America/New_York"]


def _weekly_mistakes(weekly: object) -> list[str]:
    if not isinstance(weekly, Mapping):
        return ['weekly is missing: give each open day its intervals, such as {"mon": [["09:00", "18:00"]]}']
    mistakes = [f"weekly.{day} is not a day; use {', '.join(DAYS)}" for day in weekly if day not in DAYS]
    for day in DAYS:
        intervals = weekly.get(day, [])
        if not isinstance(intervals, list | tuple):
            mistakes.append(f'weekly.{day} must be a list of intervals such as [["09:00", "18:00"]]')
            continue
        found = [mistake for interval in intervals for mistake in _interval_mistakes(interval)]
        mistakes += [f"weekly.{day}: {mistake}" for mistake in dict.fromkeys(found)]
    return mistakes


def _interval_mistakes(interval: object) -> list[str]:
    if not isinstance(interval, list | tuple) or len(interval) != 2:
        return ['an interval is two times such as ["09:00", "18:00"]']
    opening, closing = interval
    if not is_clock_time(opening) or not is_clock_time(closing, end=True):
        return [f"{opening!r} to {closing!r} must be times as HH:MM, from 00:00 to 23:59, or 24:00 at the end"]
    if opening == closing:
        return [f"{opening} to {closing} is empty; the whole day is 00:00 to 24:00"]
    return []


def _country_mistakes(country: object) -> list[str]:
    if country is None:
        return []
    from holidays.utils import list_supported_countries

    if isinstance(country, str) and country in list_supported_countries(include_aliases=False):
        return []
    return [f"holidays {country!r} must be null or an ISO 3166 alpha-2 country whose holidays are known, such as CN"]


def _date_mistakes(name: str, dates: object) -> list[str]:
    if dates is None:
        return []
    if not isinstance(dates, list | tuple):
        return [f'{name} must be a list of dates such as ["2026-10-01"]']
    return [f"{name}: {day!r} must be a date as YYYY-MM-DD" for day in dates if not _is_date(day)]


def _is_date(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
