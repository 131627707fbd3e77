"""How good the waits were that callers were told: what the console shows of a queue, by hour, model and moment.

Everything but single predictions is read from the sums by the hour, so that it costs the same with a thousand
predictions as with a million.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar

from callback.domain.callback import Callback
from callback.domain.ids import CallSid, QueueKey
from callback.domain.judged import Errors, Tally, total
from callback.domain.said import Moment, Prediction
from callback.flows.look import stamp
from callback.ports import Hour, House

PERIODS = (1, 7, 30)
"""Days that can be looked back on, the present one included."""
LAST = 100
PAGE = 1_000
"""Predictions that are read at once where all of them are wanted."""
Key = TypeVar("Key", bound=Hashable)
Counted = list[tuple[Hour, Tally]]


@dataclass(frozen=True)
class Hindsight:
    """What was said in a queue since some moment, judged. All but `by_moment` and `promises` is of arrivals: whoever
    holds long is told again and again, and would outweigh all others."""

    since: datetime
    arrivals: Tally
    promises: Tally
    by_hour: list[tuple[str, Tally]]  # of the day, in the queue's zone
    by_model: list[tuple[str, Tally]]  # the latest first; "" is the simple rule
    by_moment: list[tuple[Moment, Tally]]


def since(now: datetime, days: int, zone: tzinfo) -> datetime:
    """The midnight in `zone` with which the last so many days began, today counted as one."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


def of_queue(house: House, queue: QueueKey, begin: datetime, zone: tzinfo) -> Hindsight:
    """One queue since `begin`."""
    with house.store.look() as work:
        counted = work.totals(since=begin, queue=queue)
        hours = work.hours(queue, Moment.ARRIVAL, since=begin)
    return replace(judged(counted, begin), by_hour=of_the_day(hours, zone))


def of_all(house: House, begin: datetime) -> dict[QueueKey, Hindsight]:
    """Every queue in which anything was said since `begin`, without the hours."""
    with house.store.look() as work:
        counted = work.totals(since=begin)
    by_queue: defaultdict[QueueKey, Counted] = defaultdict(list)
    for hour, tally in counted:
        by_queue[hour.queue].append((hour, tally))
    return {queue: judged(rows, begin) for queue, rows in by_queue.items()}


def judged(counted: Counted, begin: datetime) -> Hindsight:
    """The sums put together in each way."""
    arrivals = [(hour, tally) for hour, tally in counted if hour.moment is Moment.ARRIVAL]
    promises = [tally for hour, tally in counted if hour.moment is Moment.PROMISE]
    latest = {hour.model: hour.hour for hour, _ in arrivals}
    models = together(arrivals, lambda hour: hour.model)
    return Hindsight(
        since=begin,
        arrivals=total(tally for _, tally in arrivals),
        promises=total(promises),
        by_hour=[],
        by_model=sorted(models, key=lambda one: (latest[one[0]], one[0]), reverse=True),
        by_moment=sorted(together(counted, lambda hour: hour.moment), key=lambda one: list(Moment).index(one[0])),
    )


def of_the_day(hours: list[tuple[datetime, Tally]], zone: tzinfo) -> list[tuple[str, Tally]]:
    """By the hour of the day in `zone`."""
    found: defaultdict[str, list[Tally]] = defaultdict(list)
    for hour, tally in hours:
        found[hour.astimezone(zone).strftime("%H:%M")].append(tally)
    return [(label, total(found[label])) for label in sorted(found)]


def together(counted: Counted, key: Callable[[Hour], Key]) -> list[tuple[Key, Tally]]:
    """The sums of what has the same key."""
    found: dict[Key, list[Tally]] = {}
    for hour, tally in counted:
        found.setdefault(key(hour), []).append(tally)
    return [(one, total(tallies)) for one, tallies in found.items()]


def view(house: House, queue: QueueKey, days: int) -> dict[str, Any]:
    """The last so many days of one queue, as the API answers. Raises NotFound."""
    with house.store.look() as work:
        work.queue(queue)
    found = of_queue(house, queue, house.clock.now() - timedelta(days=days), UTC)
    told, promises = found.arrivals, found.promises
    return {
        "since": stamp(found.since),
        "told": told.told,
        "connected": told.connected,
        "left": told.left,
        "promised": told.promised,
        "open": told.open,
        "judged_parted": told.parted,
        "announced": errors(told.ours),
        "simple_rule": errors(told.simple),
        "promises": {
            "promised": promises.told,
            "kept": promises.kept,
            "early": promises.early,
            "late": promises.late,
            "unrung": promises.unrung,
        },
    }


def errors(found: Errors) -> dict[str, float | None]:
    """The figures that follow from the sums, rounded as far as they mean anything."""
    low, high = found.coverage.interval or (None, None)
    shares = {
        "coverage": found.coverage.value,
        "coverage_low": low,
        "coverage_high": high,
        "over_p80": found.longer80.value,
        "over_p90": found.longer90.value,
    }
    seconds = {"mae_s": found.mae, "rase_s": found.rase, "bias_s": found.bias, "width_s": found.mean_width}
    return {"judged": found.scored} | {
        name: None if value is None else round(value, 1 if name in seconds else 4)
        for name, value in (seconds | shares).items()
    }


# --- one by one -------------------------------------------------------------------------------------------------


def last(house: House, queue: QueueKey) -> list[Prediction]:
    """The latest, newest first."""
    with house.store.look() as work:
        return work.predictions(queue, limit=LAST)


def everything(house: House, queue: QueueKey, begin: datetime) -> Iterator[Prediction]:
    """All since `begin`, newest first. Nobody else waits while they are read."""
    before: int | None = None
    while True:
        with house.store.look() as work:
            found = work.predictions(queue, before=before, limit=PAGE)
        yield from (one for one in found if one.at >= begin)
        if len(found) < PAGE or found[-1].at < begin:
            return
        before = found[-1].seq


def of_callback(house: House, callback: Callback) -> list[Prediction]:
    """What its caller was told, in the call that made it as well."""
    with house.store.look() as work:
        found = work.predictions_of([callback.id, *([callback.origin] if callback.origin else [])])
    return sorted(found, key=lambda one: (one.at, one.seq))


def of_call(house: House, call: CallSid) -> list[Prediction]:
    """What a live caller was told."""
    with house.store.look() as work:
        return work.predictions_of([call])
