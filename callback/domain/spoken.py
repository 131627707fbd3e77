"""The wait as a person hears it: a range in whole minutes, rounded up, never a false precision."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from callback.domain.wait import Wait

LOW, HIGH = 0.1, 0.9
"""The range holds eight of ten waits: one in ten is served before it, one in ten after it."""

_STEPS = ((10, 1), (30, 5), (120, 10), (math.inf, 30))
"""Up to so many minutes, ranges are said in steps of so many."""
_WINDOW = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SpokenRange:
    """What to say: `soon` (under a minute), `range` (from `low_min` to `high_min` minutes, low below high), `unknown`.

    The minutes of `soon` are 0 and 1, those of `unknown` 0 and 0.
    """

    low_min: int
    high_min: int
    kind: Literal["soon", "range", "unknown"]


def spoken_range(wait: Wait) -> SpokenRange:
    """The wait in words. Both ends are rounded up to the next step; ends that meet are parted by one step downwards."""
    low, high = wait.quantile(LOW), wait.quantile(HIGH)
    if low is None or high is None:
        return SpokenRange(0, 0, "unknown")
    if high <= 60:
        return SpokenRange(0, 1, "soon")
    most = _up(high / 60)
    least = _up(low / 60)
    return SpokenRange(least if least < most else _below(most), most, "range")


def promised(wait: Wait, now: datetime) -> tuple[datetime, datetime] | None:
    """The times (UTC) between which we promise to call: exactly the minutes that are said. None where nothing is
    known."""
    said = spoken_range(wait)
    if said.kind == "unknown":
        return None
    at = now.astimezone(UTC)
    return at + timedelta(minutes=said.low_min), at + timedelta(minutes=said.high_min)


def promise_window(wait: Wait, now: datetime) -> tuple[datetime, datetime] | None:
    """The window (UTC) that a page shows: the range from `now`, widened to full five minutes.

    It never begins before `now`. None where the wait is not known.
    """
    said = spoken_range(wait)
    if said.kind == "unknown":
        return None
    at = now.astimezone(UTC)
    begin, end = in_fives(at + timedelta(minutes=said.low_min), at + timedelta(minutes=said.high_min))
    return max(begin, at), end


def in_fives(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A window (UTC) widened to full five minutes."""
    low = _EPOCH + (begin.astimezone(UTC) - _EPOCH) // _WINDOW * _WINDOW
    high = _EPOCH - (_EPOCH - end.astimezone(UTC)) // _WINDOW * _WINDOW
    return low, high


def _up(minutes: float) -> int:
    """The next step at or above."""
    step = next(step for limit, step in _STEPS if minutes <= limit)
    return max(math.ceil(minutes / step) * step, 1)


def _below(minutes: int) -> int:
    """The step before one that `_up` gave."""
    step = next(step for limit, step in _STEPS if minutes <= limit)
    return minutes - step
