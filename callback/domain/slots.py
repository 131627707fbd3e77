"""Times at which somebody may be called later, spread so that each quarter of an hour holds no more promises than can
be kept in it.

Whoever is told "tomorrow at nine" beside five hundred others is called tomorrow at noon. So a quarter of an hour takes
at most as many appointments as half of the agents will surely finish in it (the 10th percentile of a Poisson number,
the same rule as before closing); the other half is for those who ring in. What is full moves to the next quarter with
room.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from callback.domain import hours
from callback.domain.offer import surely_finished

QUARTER = timedelta(minutes=15)
APPOINTED = 0.5
"""The share of the agents that appointments may take."""
NEAR, HALF = timedelta(hours=4), 30
"""So far ahead, times of the half hour are offered to choose from as well."""
FURTHEST = timedelta(days=7)
"""Where a week has no room, there is none."""


def per_quarter(*, staffed: int, handle_s: float) -> int:
    """How many appointments a quarter of an hour takes, at least one. `staffed` agents are taken to be there: those of
    now, or one where nobody is."""
    work_s = APPOINTED * max(staffed, 1) * QUARTER.total_seconds()
    return max(int(surely_finished(work_s / handle_s)), 1)


def quarter(at: datetime) -> datetime:
    """The beginning (UTC) of the quarter of an hour that `at` lies in."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(QUARTER.total_seconds()), UTC)


def with_room(open_hours: hours.Hours | None, at: datetime, booked: Iterable[datetime], most: int) -> datetime | None:
    """The first moment from `at` on that lies in opening hours, a quarter of an hour or more before they end, in a
    quarter with fewer than `most` of those `booked`. None: there is none within a week."""
    taken = Counter(map(quarter, booked))
    moment = hours.next_opening(open_hours, at)
    while moment is not None and moment - at <= FURTHEST:
        if taken[quarter(moment)] < most and _in_time(open_hours, moment):
            return moment
        moment = hours.next_opening(open_hours, quarter(moment) + QUARTER)
    return None


def has_room(open_hours: hours.Hours | None, at: datetime, booked: Iterable[datetime], most: int) -> bool:
    """Whether `at` itself is such a moment."""
    taken = sum(quarter(other) == quarter(at) for other in booked)
    return taken < most and hours.is_open(open_hours, at) and _in_time(open_hours, at)


def to_choose_from(now: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The times (UTC) of a week from `now` on that a page lets people choose from: half hours of their own clock while
    the day is near, full hours later."""
    first = quarter(now + QUARTER) + QUARTER
    for step in range(int(FURTHEST / QUARTER)):
        at = first + step * QUARTER
        minute = at.astimezone(zone).minute
        if minute == 0 or (minute == HALF and at - now <= NEAR):
            yield at


def _in_time(open_hours: hours.Hours | None, at: datetime) -> bool:
    closes = hours.closes_at(open_hours, at)
    return closes is None or closes - at >= QUARTER
