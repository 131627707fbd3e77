"""How a line moved lately: how many stood in it minute by minute, and what callers were told beside what they waited.

Pure counting over who joined when and left when: the record knows that of everybody, so a screen that is switched on
has its past at once, and nothing has to be sampled for it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

WINDOW = timedelta(hours=2)
STEP = timedelta(minutes=1)
SPAN = timedelta(minutes=10)
"""Over which waits are averaged: single ones would jump."""


@dataclass(frozen=True)
class Stood:
    """Somebody who stood in a line: from when, until when (None: still), live or by a promise."""

    joined_at: datetime
    left_at: datetime | None
    live: bool


@dataclass(frozen=True)
class Connected:
    """A caller who was connected: when, what they had been told on arrival (the middle of it), and what they waited."""

    at: datetime
    quoted_s: float
    waited_s: float


@dataclass(frozen=True)
class Trend:
    """A line's last hours. All of the same length; seconds, None where nobody was connected in the `SPAN` before."""

    at: tuple[datetime, ...]
    live: tuple[int, ...]
    callbacks: tuple[int, ...]
    quoted_s: tuple[float | None, ...]
    waited_s: tuple[float | None, ...]


def trend(stood: Sequence[Stood], connected: Sequence[Connected], now: datetime) -> Trend:
    """The `WINDOW` until now, by `STEP`."""
    end = now.replace(second=0, microsecond=0)
    steps = tuple(end - at * STEP for at in range(WINDOW // STEP, -1, -1))
    told = sorted(connected, key=lambda one: one.at)
    ends = [one.at for one in told]
    spans = [slice(bisect_right(ends, at - SPAN), bisect_right(ends, at)) for at in steps]
    return Trend(
        steps,
        tuple(standing((one for one in stood if one.live), steps)),
        tuple(standing((one for one in stood if not one.live), steps)),
        tuple(mean(one.quoted_s for one in told[span]) for span in spans),
        tuple(mean(one.waited_s for one in told[span]) for span in spans),
    )


def standing(stood: Iterable[Stood], at: Sequence[datetime]) -> list[int]:
    """How many stood there at each of these moments."""
    people = list(stood)
    joined = sorted(one.joined_at for one in people)
    left = sorted(one.left_at for one in people if one.left_at is not None)
    return [max(bisect_right(joined, moment) - bisect_right(left, moment), 0) for moment in at]


def mean(values: Iterable[float]) -> float | None:
    """None of nothing."""
    found = list(values)
    return fmean(found) if found else None
