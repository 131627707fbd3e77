"""A rehearsal for the console, in a process of its own: `python -m callback.cli.rehearsed`, JSON in and JSON out.

The console shows what a change of thresholds would come to before anybody saves it. That is seconds of arithmetic on a
day of the journal, which a process that answers phone calls must not do: so it asks here. The day is read and played
by the same code as `callback rehearse`. What cannot be rehearsed is answered with a reason, not with a failure.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from callback.cli.house import open_store
from callback.cli.rehearse import Traffic, day_in, habits_of, rehearsal_json
from callback.domain import hours, policies
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy

if TYPE_CHECKING:
    from callback.ports import Store

GENTLY = 10
"""Calls go first."""
WEEKS = 27
"""So far back the record is read for a forecast."""
WEEK = timedelta(days=7)
RUNS = ((1500, 5), (5000, 3))
"""Up to so many callers the day is played so often, each time with other people; a larger one once."""
READ_S = 60.0
"""How long one question to the record may take here."""
EXAMPLE_QUARTERS, EXAMPLE_PEAK = 36, 14.0
"""The example: nine hours from nine o'clock, with so many callers in its fullest quarter of an hour."""
EXAMPLE_LOAD = 0.9
"""Of its agents at that time."""

NOW, THEN = "now", "then"
"""The two policies of an answer: in force, and proposed."""


class NothingToPlay(Exception):
    """No such traffic; its text is why, in a word."""


def main() -> None:
    """Reads one question and writes its answer."""
    os.nice(GENTLY)
    asked = json.load(sys.stdin)
    with open_store(READ_S) as store:
        found = answer(store, asked, _tell)
    json.dump(found, sys.stdout)


def _tell(percent: int) -> None:
    """A line of its own before the answer (`web.errands.PERCENT`)."""
    sys.stdout.write(f"percent {percent}\n")
    sys.stdout.flush()


def answer(store: "Store", asked: Mapping[str, Any], told: Callable[[int], object] = lambda _: None) -> dict[str, Any]:
    """Both policies on one day: their figures, the course of the day, their differences; or `why` there is nothing:
    `no_traffic`, `nothing_known`, `nobody_expected`, `no_agents`.

    `asked` has `queue`, `traffic` (recorded, forecast or example), `day`, `zone`, `now` and `then`: both policies
    whole, so that whoever asks again after a save is not told of another comparison. `told` hears how much is done, in
    per cent.
    """
    from callback.lab.rehearse import rehearse

    key = QueueKey(asked["queue"])
    before, after = (policies.from_json(asked[name]) for name in (NOW, THEN))
    try:
        traffic, doubts = _traffic(store, asked, key, before)
    except NothingToPlay as nothing:
        return {"why": str(nothing)}
    base = {**traffic.in_force, str(key): before}
    callers = sum(not row.is_return and row.queue == key for row in traffic.rows)
    runs = next((runs for most, runs in RUNS if callers <= most), 1)
    played = rehearse(
        traffic.rows,
        {NOW: base, THEN: {**base, str(key): after}},
        runs=runs,
        roster=traffic.roster,
        habits=habits_of(traffic),
        focus=str(key),
        progress=in_per_cent(2 * runs * sum(not row.is_return for row in traffic.rows), told),
    )
    there = [seat for seat in traffic.roster.seats if key in seat.queues] if traffic.roster else []
    shared = sum(len(seat.queues) > 1 for seat in there)
    facts = {"agents": len(there), "shared": shared, "answer": traffic.answer, "doubts": doubts}
    return rehearsal_json(played) | facts


def in_per_cent(whole: int, told: Callable[[int], object]) -> Callable[[int], None]:
    """From how many were done since the last time to how much of the `whole` is done, told when it changes."""
    done = last = 0

    def progress(more: int) -> None:
        nonlocal done, last
        done += more
        percent = min(100 * done // max(whole, 1), 100)
        if percent != last:
            last = percent
            told(percent)

    return progress


def _traffic(store: "Store", asked: Mapping[str, Any], key: QueueKey, policy: Policy) -> tuple[Traffic, list[Any]]:
    zone, day = ZoneInfo(asked["zone"]), date.fromisoformat(asked["day"])
    match asked["traffic"]:
        case "recorded":
            found = day_in(store, day, key, zone)
            if not any(row.queue == key for row in found.rows):
                raise NothingToPlay("no_traffic")
            return found, []
        case "forecast":
            return _forecast(store, day, key, policy, zone)
        case _:
            return _example(day, key, policy, zone), []


def _forecast(
    store: "Store", day: date, key: QueueKey, policy: Policy, zone: ZoneInfo
) -> tuple[Traffic, list[tuple[str, str]]]:
    """A day to come, served by whoever was there a week before, or else yesterday."""
    from callback.lab import forecasting

    zone = hours.zone_of(policy.hours) or zone
    until = datetime(day.year, day.month, day.day, tzinfo=zone)
    with store.look() as work:
        traffic = work.traffic(key, since=until - timedelta(weeks=WEEKS), until=until)
    history = forecasting.History.recorded(traffic, zone, policy.wrap_up_s)
    try:
        said = forecasting.forecast(
            history, day, hours=policy.hours,
            prior_handle_s=policy.prior_handle_s, prior_patience_s=policy.prior_patience_s,
        )  # fmt: skip
    except ValueError:
        raise NothingToPlay("nothing_known") from None
    if said.calls <= 0:
        raise NothingToPlay("nobody_expected")
    served = _as_then(store, day, key, zone)
    rows = forecasting.day_rows(said, 1, queue=str(key))
    return replace(served, rows=rows), [(str(note.doubt), note.about) for note in said.notes]


def _as_then(store: "Store", day: date, key: QueueKey, zone: ZoneInfo) -> Traffic:
    """The agents of the same day a week before, or of the day before, as if they came again."""
    from callback.lab.duty import Roster, Seat

    for back in (WEEK, timedelta(days=1)):
        then = day_in(store, day - back, key, zone)
        seats = [seat for seat in then.roster.seats if key in seat.queues] if then.roster else []
        if seats:
            moved = [
                Seat(seat.agent, seat.queues, [_again(span, back, zone) for span in seat.shifts]) for seat in seats
            ]
            return replace(then, roster=Roster(moved))
    raise NothingToPlay("no_agents")


def _again(span: tuple[float, float], later: timedelta, zone: ZoneInfo) -> tuple[float, float]:
    """A shift at the same times of the wall clock."""
    begin, end = ((datetime.fromtimestamp(at, zone) + later).timestamp() for at in span)
    return begin, end


def _example(day: date, key: QueueKey, policy: Policy, zone: ZoneInfo) -> Traffic:
    """A day that never was: callers come in a wave from nine to six, and the agents are nearly enough for its top."""
    from callback.lab import forecasting
    from callback.lab.duty import Roster, Seat

    zone = hours.zone_of(policy.hours) or zone
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=zone).astimezone(UTC)
    means = [EXAMPLE_PEAK * math.sin(math.pi * (at + 0.5) / EXAMPLE_QUARTERS) for at in range(EXAMPLE_QUARTERS)]
    quarters = [
        forecasting.Quarter(
            nine + at * timedelta(minutes=15), mean, mean, mean, policy.prior_handle_s, policy.prior_patience_s
        )
        for at, mean in enumerate(means)
    ]
    whole = sum(means)
    expected = forecasting.DayForecast(day, quarters, whole, whole, whole, 1.0, 1.0, 0.0, 0)
    agents = max(math.ceil(EXAMPLE_LOAD * EXAMPLE_PEAK * policy.prior_handle_s / 900), 1)
    shift = (nine.timestamp(), (nine + timedelta(hours=9)).timestamp())
    seats = [Seat(f"example{at}", {str(key): 1}, [shift]) for at in range(agents)]
    return Traffic(forecasting.day_rows(expected, 1, queue=str(key)), Roster(seats), {str(key): replace(policy)})


if __name__ == "__main__":
    main()
