"""How many callers will come, quarter of an hour by quarter of an hour, and how long they will talk and wait.

The forecast of a day is a season times a level. The season is what that weekday is usually like: the mean of its last
weeks, drawn a little towards weekdays of a like size, spread over the day by the usual shares of its quarters. The
level is how the last few days compare with their own seasons, so that a rise or a fall is followed within days. Days
that are nothing like their weekday (by its median: a holiday nobody named, an outage, a day half recorded) teach
nothing, nor do days on which the queue is closed. How wrong it may be is measured by forecasting the last weeks again,
each day from the days before it: counts scatter as Poisson counts do, and more by that error.

The defaults of `Settings` were chosen on two months of recorded traffic and held on the two after them
(`docs/staffing.md`).
"""

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from callback.domain import hours as opening
from callback.domain.wait import Wait
from callback.lab.trace import Outcome, Row
from callback.ports import Traffic

Array = NDArray[np.float64]
Hours = Mapping[str, Any]

QUARTER_S = 900.0
QUARTERS = 96
"""Of a day on the wall clock."""
FEW_WEEKS = 2
"""With less than this a forecast says that it is hardly one."""
LOW, HIGH = 0.1, 0.9
"""The ends of the range that is given beside a forecast."""

_CALLS, _HANDLED, _HANDLED_S, _SQUARES, _ABANDONED, _WAITED_S = range(6)
_PARTS = 6


class Tally(NamedTuple):
    """What happened to the callers who joined within one quarter of an hour: how many there were, how many of them
    talked and for how many seconds (and the sum of the squares of those), how many hung up, seconds waited by all."""

    calls: float = 0
    handled: float = 0
    handled_s: float = 0
    handled_squares: float = 0
    abandoned: float = 0
    waited_s: float = 0


@dataclass(frozen=True)
class Settings:
    """What the forecast is made with. Chosen by error one day ahead; see the module."""

    weeks: int = 12  # of each weekday, at most
    alike: float = 0.3  # how far a weekday is drawn to the mean of weekdays of a like size
    shared: float = 0.5  # how much of the shape of a day comes from weekdays of a like shape
    shape_distance: float = 0.15  # at most this share of the calls falls otherwise in such a one
    half_life_days: float = 2.0  # of what a day tells about the level
    level_doubt: float = 1.0  # days of no deviation that count beside the measured ones
    most_deviation: float = 0.25  # of one day, in the logarithm
    odd_below: float = 0.7  # a day of less than this share of its weekday's median teaches nothing,
    odd_above: float = 1.5  # nor one of more than this


DEFAULTS = Settings()


class History:
    """What came, by local day and quarter of an hour, of one queue."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self.days: dict[date, Array] = {}

    @classmethod
    def of(cls, rows: Iterable[Row], zone: tzinfo | None = None, queue: str | None = None) -> "History":
        """Of a trace, of `queue` alone where one is named. Times are those of `zone`, else of the rows themselves."""
        history = cls(zone or UTC)
        own_zone = zone is None
        for row in rows:
            if not row.is_return and queue in (None, row.queue):
                history.zone = row.arrived_at.tzinfo or UTC if own_zone else history.zone
                own_zone = False
                history.add(row.arrived_at, _of_row(row))
        return history

    @classmethod
    def recorded(cls, traffic: Iterable[Traffic], zone: tzinfo, wrap_up_s: float = 0.0) -> "History":
        """Of the record, whose talks last as long as the call: `wrap_up_s` is added to each."""
        history = cls(zone)
        for one in traffic:
            squares = one.handled_squares + wrap_up_s * (2 * one.handled_s + one.handled * wrap_up_s)
            handled_s = one.handled_s + one.handled * wrap_up_s
            history.add(one.at, Tally(one.calls, one.handled, handled_s, squares, one.abandoned, one.waited_s))
        return history

    def add(self, at: datetime, tally: Tally) -> None:
        """Counts what happened to the callers of the quarter in which `at` (aware) lies."""
        wall = at.astimezone(self.zone)
        day = self.days.setdefault(wall.date(), np.zeros((QUARTERS, _PARTS)))
        day[(wall.hour * 60 + wall.minute) // 15] += tally

    def before(self, day: date) -> "History":
        """The same without that day and what comes after it."""
        past = History(self.zone)
        past.days = {one: counts for one, counts in self.days.items() if one < day}
        return past

    @property
    def calls(self) -> int:
        """How many callers it knows."""
        return round(sum(float(counts[:, _CALLS].sum()) for counts in self.days.values()))

    @property
    def weeks(self) -> float:
        """From its first day to its last."""
        return ((max(self.days) - min(self.days)).days + 1) / 7 if self.days else 0.0


def _of_row(row: Row) -> Tally:
    talked = row.outcome is Outcome.ANSWERED and row.handled_s > 0
    seconds = row.handled_s if talked else 0.0
    return Tally(1, talked, seconds, seconds**2, row.outcome is Outcome.ABANDONED, row.waited_s)


@dataclass(frozen=True)
class Quarter:
    """A quarter of an hour of a day to come: calls expected, the range in which four of five such quarters end, mean
    seconds of a talk (wrap-up included where it was recorded so) and of patience."""

    begins: datetime
    calls: float
    low: float
    high: float
    handle_s: float
    patience_s: float


class Doubt(StrEnum):
    """Why a forecast is worth less than another."""

    CLOSED = "closed"
    FEW_DAYS = "few_days"
    NO_SUCH_WEEKDAY = "no_such_weekday"
    ODD_DAYS = "odd_days"
    OLD = "old"


_SAID = {
    Doubt.CLOSED: "the queue is closed on {}",
    Doubt.FEW_DAYS: "only {} day(s) of the past are known: below two weeks this is hardly more than a guess",
    Doubt.NO_SUCH_WEEKDAY: "no {} of the past is known: taken as the mean of the other days",
    Doubt.ODD_DAYS: "{} day(s) unlike their weekday were left out (closed, an outage, a special day)",
    Doubt.OLD: "the last usable day is {}: much may have changed since",
}


class Note(NamedTuple):
    """What a planner should know about a forecast, and the day or number it is about."""

    doubt: Doubt
    about: str

    def __str__(self) -> str:
        return _SAID[self.doubt].format(self.about)


@dataclass(frozen=True)
class DayForecast:
    """A day to come. `quarters` are those in which the queue is open; `level` compares the last days with their
    weekdays; `rests_on` says on how many days of the past it stands; `notes` are what a planner should know."""

    day: date
    quarters: Sequence[Quarter]
    calls: float
    low: float
    high: float
    level: float
    handle_cv: float
    weeks: float
    rests_on: int
    notes: Sequence[Note] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The whole of it, for programs."""
        return {
            "day": self.day.isoformat(), "calls": self.calls, "low": self.low, "high": self.high, "level": self.level,
            "weeks": self.weeks, "rests_on_days": self.rests_on, "notes": [str(note) for note in self.notes],
            "doubts": [list(note) for note in self.notes],
            "intervals": [{**asdict(one), "begins": one.begins.isoformat()} for one in self.quarters],
        }  # fmt: skip


def forecast(
    history: History,
    day: date,
    *,
    hours: Hours | None = None,
    prior_handle_s: float = 240.0,
    prior_patience_s: float = 600.0,
    settings: Settings = DEFAULTS,
) -> DayForecast:
    """The forecast of `day` from the days before it. The priors count as much as ten callers each.

    Raises ValueError where no day of the past can tell anything.
    """
    past = Past(history.before(day), hours, settings)
    if not past.days:
        raise ValueError(f"there is no usable day before {day.isoformat()} to forecast it from")
    clock = [(at, q) for at, q in quarters_of(day, history.zone) if _open_at(hours, at)]
    means, spread = past.expected(day), past.spread
    handle, patience = past.handle_s(prior_handle_s), past.patience_s(prior_patience_s)
    quarters = [
        Quarter(at, float(means[q]), *_range(float(means[q]), spread.of_quarter), handle[q], patience[q])
        for at, q in clock
        if hours is not None or means[q] > 0
    ]
    whole = sum(quarter.calls for quarter in quarters)
    return DayForecast(
        day, quarters, whole, *_range(whole, spread.of_day), past.level, past.handle_cv, history.before(day).weeks,
        len(past.days), tuple(_notes(past, day, history.before(day).weeks, bool(clock))),
    )  # fmt: skip


def quarters_of(day: date, zone: tzinfo) -> Iterator[tuple[datetime, int]]:
    """When the quarters of a local day begin, in UTC, and their numbers on the wall clock: where it is set forward some
    are missing, where it is set back some come twice."""
    at, end = (datetime.combine(one, time.min, zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    while at < end:
        wall = at.astimezone(zone)
        yield at, (wall.hour * 60 + wall.minute) // 15
        at += timedelta(seconds=QUARTER_S)


def _open_at(hours: Hours | None, at: datetime) -> bool:
    """Whether the queue is open in the middle of the quarter that begins then."""
    return opening.is_open(hours, at + timedelta(seconds=QUARTER_S / 2))


def _range(mean: float, excess: float) -> tuple[float, float]:
    """The ends of the range for a count of this mean, whose variance is mean + excess mean^2: those of a gamma law."""
    law = Wait(mean, math.sqrt(mean + excess * mean * mean), "")
    return law.quantile(LOW) or 0.0, law.quantile(HIGH) or 0.0


def _notes(past: "Past", day: date, weeks: float, is_open: bool) -> Iterator[Note]:
    if not is_open:
        yield Note(Doubt.CLOSED, day.isoformat())
    if weeks < FEW_WEEKS:
        yield Note(Doubt.FEW_DAYS, str((past.days[-1] - past.days[0]).days + 1))
    if day.weekday() not in past.weekdays:
        yield Note(Doubt.NO_SUCH_WEEKDAY, f"{day:%A}")
    if past.left_out:
        yield Note(Doubt.ODD_DAYS, str(past.left_out))
    if (day - past.days[-1]).days > 7:
        yield Note(Doubt.OLD, past.days[-1].isoformat())


# --- the past --------------------------------------------------------------------------------------------------------


class Spread(NamedTuple):
    """By how much counts scatter beyond Poisson: the variance of a mean m is m + excess m^2."""

    of_quarter: float
    of_day: float


TRIED_AGAIN = 28
"""So many of the last days are forecast again to see how wrong it was."""
_EXPECTED_SPREAD, _SPREAD_DOUBT = 0.04, 4.0
"""Before any error was measured: 20 %, which counts as much as so many days."""
_ORDINARY = 0.8
"""The range is that of ordinary days: the worst fifth of the last ones does not widen it."""
_LEVEL_DAYS = 90
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_WIDE = np.ones(9)
_HANDLE_DOUBT, _PATIENCE_DOUBT, _PRIOR = 30.0, 20.0, 10.0


class Past:
    """The usable days of a history, and what they teach."""

    def __init__(self, history: History, hours: Hours | None = None, settings: Settings = DEFAULTS) -> None:
        self.settings = settings
        open_days = [day for day in sorted(history.days) if opens(hours, day, history.zone)]
        totals = {day: float(history.days[day][:, _CALLS].sum()) for day in open_days}
        self.days = [day for day in open_days if totals[day] > 0 and not _odd(day, totals, settings)]
        self.left_out = len(open_days) - len(self.days)
        self.counts = np.array([history.days[day] for day in self.days]).reshape(-1, QUARTERS, _PARTS)
        self.calls: Array = self.counts[:, :, _CALLS]
        self.totals: Array = self.calls.sum(axis=1)
        self.weekdays = {day.weekday() for day in self.days}

    def expected(self, day: date) -> Array:
        """Calls expected in each quarter of `day`."""
        return _Season(self, len(self.days)).expected(day)

    @property
    def level(self) -> float:
        """The last days in comparison with their weekdays."""
        return _Season(self, len(self.days)).level

    @cached_property
    def spread(self) -> Spread:
        """How wrong the forecasts of the last days would have been, each made from the days before it."""
        tried = [self._missed(number) for number in range(max(len(self.days) - TRIED_AGAIN, 3), len(self.days))]
        kept = sorted(tried, key=lambda one: one.of_day)[: math.ceil(_ORDINARY * len(tried))]
        weight = _SPREAD_DOUBT + len(kept)
        quarter = _SPREAD_DOUBT * _EXPECTED_SPREAD + sum(one.of_quarter for one in kept)
        day = _SPREAD_DOUBT * _EXPECTED_SPREAD + sum(one.of_day for one in kept)
        return Spread(max(quarter / weight, 0.0), max(day / weight, 0.0))

    def _missed(self, number: int) -> Spread:
        """The squared error of one day's forecast beyond Poisson's scatter."""
        means = _Season(self, number).expected(self.days[number])
        whole = float(means.sum())
        by_quarter = float(((self.calls[number] - means) ** 2 - means).sum()) / max(float((means**2).sum()), 1.0)
        by_day = (float(self.totals[number] - whole) ** 2 - whole) / max(whole**2, 1.0)
        return Spread(by_quarter, by_day)

    def handle_s(self, prior_s: float) -> list[float]:
        """Mean seconds of a talk by quarter: of the hours around it, drawn to the mean of the day."""
        return self._ratio(_HANDLED_S, _HANDLED, prior_s, _HANDLE_DOUBT)

    def patience_s(self, prior_s: float) -> list[float]:
        """Mean seconds of patience by quarter: time waited by everybody over the number who hung up, likewise."""
        return self._ratio(_WAITED_S, _ABANDONED, prior_s, _PATIENCE_DOUBT)

    @property
    def handle_cv(self) -> float:
        """Standard deviation of a talk over its mean; 1 where too few were measured."""
        lately = self.counts[-TRIED_AGAIN:].sum(axis=(0, 1))
        if lately[_HANDLED] < 30:
            return 1.0
        mean = lately[_HANDLED_S] / lately[_HANDLED]
        return math.sqrt(max(lately[_SQUARES] / lately[_HANDLED] / mean**2 - 1, 0.0))

    def _ratio(self, above: int, below: int, prior: float, doubt: float) -> list[float]:
        lately = self.counts[-TRIED_AGAIN:].sum(axis=0)
        whole = (lately[:, above].sum() + _PRIOR * prior) / (lately[:, below].sum() + _PRIOR)
        around = [np.convolve(lately[:, part], _WIDE, "same") for part in (above, below)]
        return [float(value) for value in (around[0] + doubt * whole) / (around[1] + doubt)]


def opens(hours: Hours | None, day: date, zone: tzinfo) -> bool:
    """Whether a queue with these hours opens on that day."""
    if hours is None:
        return True
    return any(_open_at(hours, at) for at, _ in quarters_of(day, zone))


def _odd(day: date, totals: Mapping[date, float], settings: Settings) -> bool:
    """Whether a day is nothing like the others of its weekday, as far as there are two."""
    same = [total for one, total in totals.items() if one.weekday() == day.weekday() and one != day]
    near = sorted(same[-2 * settings.weeks :])
    if len(near) < 2:
        return False
    usual = near[len(near) // 2] if len(near) % 2 else (near[len(near) // 2 - 1] + near[len(near) // 2]) / 2
    return not settings.odd_below <= totals[day] / max(usual, 1e-9) <= settings.odd_above


class _Season:
    """What the first `until` days of a past say of any day."""

    def __init__(self, past: Past, until: int) -> None:
        self._past, self._until, self._settings = past, until, past.settings
        last: dict[int, list[int]] = {}
        for number in range(until):
            last.setdefault(past.days[number].weekday(), []).append(number)
        self._numbers = {weekday: numbers[-self._settings.weeks :] for weekday, numbers in last.items()}
        self._sizes = self._drawn({weekday: float(past.totals[n].mean()) for weekday, n in self._numbers.items()})

    def _drawn(self, means: Mapping[int, float]) -> dict[int, float]:
        """The weekdays' totals, each drawn towards those of a like size."""
        share = self._settings.alike
        drawn = {}
        for weekday, mean in means.items():
            alike = [other for other in means.values() if 0.6 < other / mean < 1 / 0.6]
            drawn[weekday] = (1 - share) * mean + share * sum(alike) / len(alike)
        return drawn

    @cached_property
    def level(self) -> float:
        settings, past = self._settings, self._past
        first = max(self._until - _LEVEL_DAYS, 0)
        if first == self._until:
            return 1.0
        usual = np.array([self._sizes[past.days[number].weekday()] for number in range(first, self._until)])
        ages = np.array([(past.days[self._until - 1] - past.days[number]).days for number in range(first, self._until)])
        ratio = np.clip(
            np.log(past.totals[first : self._until] / usual), -settings.most_deviation, settings.most_deviation
        )
        # A day of few calls tells little of the level: its own scatter hides it.
        weight = 0.5 ** ((ages + 1) / settings.half_life_days) * np.minimum(usual / max(self._sizes.values()), 1.0)
        return float(np.exp((weight * ratio).sum() / (weight.sum() + settings.level_doubt)))

    def expected(self, day: date) -> Array:
        weekday = day.weekday()
        if weekday in self._sizes:
            means: Array = self._sizes[weekday] * self.level * self._shape(weekday)
            return means
        totals = np.array([self._past.calls[number] for number in range(self._until)])
        mean: Array = totals.mean(axis=0) * self.level
        return mean

    @cached_property
    def _shapes(self) -> dict[int, Array]:
        """How the calls of each weekday are spread over its quarters: shares that add up to 1."""
        past = self._past
        return {
            weekday: (past.calls[numbers] / past.totals[numbers][:, None]).mean(axis=0)
            for weekday, numbers in self._numbers.items()
        }

    def _shape(self, weekday: int) -> Array:
        own = self._shapes[weekday]
        alike = [
            other for other in self._shapes.values() if np.abs(other - own).sum() / 2 < self._settings.shape_distance
        ]
        mixed = (1 - self._settings.shared) * own + self._settings.shared * np.mean(alike, axis=0)
        smooth = np.where(mixed > 0, np.convolve(mixed, _SMOOTHING, "same"), 0.0)
        shape: Array = smooth / smooth.sum()
        return shape


# --- a day that could be ------------------------------------------------------------------------------------------


PATIENCE = "patience_s"
"""The extra column in which a made-up row says when its caller would have hung up."""


def day_rows(expected: DayForecast, seed: int, *, queue: str = "forecast") -> list[Row]:
    """Traffic such as the forecast expects: arrivals of a Poisson process, talks by a lognormal law of the measured
    mean and spread, exponential patience. The same seed gives the same day.

    Nobody waits yet in these rows: they are for a rehearsal, which finds the waits. Every row is `answered` at once,
    with the seconds it will take an agent, and its patience in the column `patience_s`.
    """
    dice = random.Random(seed)
    spread = math.sqrt(math.log(1 + expected.handle_cv**2))
    rows: list[Row] = []
    for quarter in expected.quarters:
        for offset in _arrivals(dice, quarter.calls):
            at = quarter.begins + timedelta(seconds=offset)
            handle = math.exp(dice.gauss(math.log(quarter.handle_s) - spread**2 / 2, spread))
            patience = dice.expovariate(1 / quarter.patience_s)
            rows.append(
                Row(
                    f"{expected.day.isoformat()}-{seed}-{len(rows) + 1}", queue, "", at, at.isoformat(), at.timestamp(),
                    Outcome.ANSWERED, 0.0, round(handle, 1), "", {PATIENCE: f"{patience:.1f}"},
                )
            )  # fmt: skip
    return rows


def _arrivals(dice: random.Random, mean: float) -> Iterator[float]:
    """Seconds into a quarter, in order."""
    at = 0.0
    while mean > 0:
        at += dice.expovariate(mean / QUARTER_S)
        if at >= QUARTER_S:
            return
        yield at


# --- how good it is -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ForecastScore:
    """Over the days that were predicted: the sum of absolute errors over the sum of calls (WAPE), by quarter of an hour
    and by whole day; `covered` is the share of quarters that ended in their range, None where none was given."""

    days: int
    calls: float
    by_quarter: float
    by_day: float
    covered: float | None = None


OURS, LAST_WEEK, MEAN = "callback", "last week", "mean"


def scores(
    history: History, days: Sequence[date], *, hours: Hours | None = None, settings: Settings = DEFAULTS
) -> dict[str, ForecastScore]:
    """Forecasts each of `days` from the days before it, and beside that takes the same weekday a week before, and the
    mean of all earlier days of that weekday. Left out is a day that one of the three knows nothing about."""
    said: dict[str, list[tuple[Array, Array]]] = {OURS: [], LAST_WEEK: [], MEAN: []}
    inside = quarters = 0
    for day in days:
        before = history.before(day)
        same = [counts[:, _CALLS] for one, counts in before.days.items() if one.weekday() == day.weekday()]
        week_ago = before.days.get(day - timedelta(days=7))
        if week_ago is None or not same or day not in history.days:
            continue
        true = history.days[day][:, _CALLS]
        ours = forecast(history, day, hours=hours, settings=settings)
        means = np.zeros(QUARTERS)
        for quarter in ours.quarters:
            number = _number(quarter, history.zone)
            means[number] += quarter.calls
            if quarter.calls >= 1:
                inside += bool(math.floor(quarter.low) <= true[number] <= math.ceil(quarter.high))
                quarters += 1
        said[OURS].append((true, means))
        said[LAST_WEEK].append((true, week_ago[:, _CALLS]))
        said[MEAN].append((true, np.mean(same, axis=0)))
    covered = inside / quarters if quarters else None
    return {name: _score(pairs, covered if name == OURS else None) for name, pairs in said.items()}


def _number(quarter: Quarter, zone: tzinfo) -> int:
    wall = quarter.begins.astimezone(zone)
    return (wall.hour * 60 + wall.minute) // 15


def _score(pairs: Sequence[tuple[Array, Array]], covered: float | None) -> ForecastScore:
    calls = float(sum(true.sum() for true, _ in pairs))
    by_quarter = float(sum(np.abs(true - said).sum() for true, said in pairs))
    by_day = float(sum(abs(true.sum() - said.sum()) for true, said in pairs))
    return ForecastScore(len(pairs), calls, by_quarter / max(calls, 1), by_day / max(calls, 1), covered)
