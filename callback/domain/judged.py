"""How good the predictions of waits were: sums that can be added up by hour, queue and model, and what follows.

Whoever hangs up or takes a callback tends to have had the longest wait before them. To judge by the served alone would
flatter a forecast that says too little, so they are judged too, by when an agent would have been theirs
(`said.parted`), and counted apart. Where nobody can tell they are counted beside the figures, and not in them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from operator import attrgetter

from callback.domain.said import Fate, Moment, Prediction


@dataclass(frozen=True)
class Errors:
    """Sums over predictions that can be judged, from which every figure follows. Seconds, and squares of them."""

    scored: int = 0
    square: float = 0.0  # of mean - actual
    absolute: float = 0.0  # of p50 - actual
    signed: float = 0.0  # of mean - actual
    below: int = 0  # sooner than p10
    over80: int = 0
    over90: int = 0
    width: float = 0.0  # of p10 to p90

    @property
    def rase(self) -> float | None:
        """Root of the mean squared error of the mean, in seconds."""
        return math.sqrt(self.square / self.scored) if self.scored else None

    @property
    def mae(self) -> float | None:
        """Mean absolute error of the median, in seconds."""
        return self.absolute / self.scored if self.scored else None

    @property
    def bias(self) -> float | None:
        """Mean error of the mean, in seconds: above 0 where too much was announced."""
        return self.signed / self.scored if self.scored else None

    @property
    def mean_width(self) -> float | None:
        """Mean seconds between p10 and p90."""
        return self.width / self.scored if self.scored else None

    @property
    def coverage(self) -> "Share":
        """How many waits fell between p10 and p90: four of five should."""
        return Share(self.scored - self.below - self.over90, self.scored)

    @property
    def longer80(self) -> "Share":
        """How many took longer than p80: one in five should."""
        return Share(self.over80, self.scored)

    @property
    def longer90(self) -> "Share":
        """How many took longer than p90: one in ten should."""
        return Share(self.over90, self.scored)


@dataclass(frozen=True)
class Tally:
    """Counts over predictions: how many, what became of them, and the errors of ours and of the simple rule."""

    ours: Errors = Errors()
    simple: Errors = Errors()
    told: int = 0
    unknown: int = 0
    connected: int = 0
    left: int = 0
    promised: int = 0
    ended: int = 0
    kept: int = 0
    early: int = 0
    late: int = 0
    unrung: int = 0
    parted: int = 0  # of those judged, who had left before an agent was theirs
    early_s: float = 0.0
    late_s: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return total((self, other))

    @property
    def open(self) -> int:
        """Of whom it is not known yet."""
        return self.told - self.connected - self.left - self.promised - self.ended

    @property
    def windows(self) -> int:
        """Promised windows of which it is known whether they were kept."""
        return self.kept + self.early + self.late


NOTHING = Tally()
_errors_of = attrgetter(*(one.name for one in fields(Errors)))
_counts_of = attrgetter(*(one.name for one in fields(Tally) if one.name not in ("ours", "simple")))


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them added up: column by column, since a page adds up thousands."""
    rows = list(tallies)
    if not rows:
        return NOTHING
    ours = Errors(*map(sum, zip(*(_errors_of(row.ours) for row in rows), strict=True)))
    simple = Errors(*map(sum, zip(*(_errors_of(row.simple) for row in rows), strict=True)))
    return Tally(ours, simple, *map(sum, zip(*map(_counts_of, rows), strict=True)))


def made(said: Prediction) -> Tally:
    """What a new prediction adds, before anything has happened."""
    return Tally(told=1, unknown=int(said.mean is None))


def change(before: Prediction, after: Prediction) -> Tally:
    """What `settle` or `parted` adds: each prediction is judged once, and comes to one end."""
    found = NOTHING
    if before.actual_s is None and after.actual_s is not None:
        found += Tally(ours=_errors(after, "", after.actual_s), simple=_errors(after, "simple_", after.actual_s))
    if before.offered_s is None and after.offered_s is not None and after.actual_s is None:
        ours = _errors(after, "", after.offered_s)
        found += Tally(ours=ours, simple=_errors(after, "simple_", after.offered_s), parted=ours.scored)
    if before.fate is None and after.fate is not None:
        found += _COUNTED.get(after.fate, Tally(ended=1))
        found += Tally(unrung=int(_unrung(after)))
    if before.kept is None and after.kept is not None:
        found += _punctual(after.kept)
    return found


def _unrung(said: Prediction) -> bool:
    never = said.rang_at is None and said.talked_at is None
    return said.moment is Moment.PROMISE and never and said.fate is not Fate.MOVED


_COUNTED: Mapping[Fate, Tally] = {
    Fate.CONNECTED: Tally(connected=1),
    Fate.LEFT: Tally(left=1),
    Fate.PROMISED: Tally(promised=1),
}


def _punctual(missed: timedelta) -> Tally:
    seconds = missed.total_seconds()
    if not seconds:
        return Tally(kept=1)
    return Tally(early=1, early_s=-seconds) if seconds < 0 else Tally(late=1, late_s=seconds)


def _errors(said: Prediction, whose: str, actual: float) -> Errors:
    mean, p10, p50, p80, p90 = (getattr(said, whose + name) for name in ("mean", "p10", "p50", "p80", "p90"))
    if None in (mean, p10, p50, p80, p90):
        return Errors()
    error = mean - actual
    return Errors(
        scored=1,
        square=error * error,
        absolute=abs(p50 - actual),
        signed=error,
        below=int(actual < p10),
        over80=int(actual > p80),
        over90=int(actual > p90),
        width=p90 - p10,
    )


# --- how sure that is -------------------------------------------------------------------------------------------

ENOUGH = 30
"""With fewer waits than this no coverage is judged: even an honest range would often look wrong."""
_Z = 1.959964
"""The normal deviate of a 95 % interval."""


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.part / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 % confidence (Wilson, 1927)."""
        if not self.of:
            return None
        n, p, square = self.of, self.part / self.of, _Z * _Z
        middle = (p + square / (2 * n)) / (1 + square / n)
        half = _Z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    @property
    def enough(self) -> bool:
        """Whether it can be judged at all."""
        return self.of >= ENOUGH

    def fits(self, wanted: float) -> bool:
        """Whether `wanted` may be the true share, as far as can be told."""
        found = self.interval
        return found is None or found[0] <= wanted <= found[1]
