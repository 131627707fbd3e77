"""The forecast of a day: what it learns from past days, what it leaves out, how sure it is, and a day drawn from it."""

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from callback.lab.forecasting import (
    LAST_WEEK,
    MEAN,
    OURS,
    PATIENCE,
    History,
    Tally,
    day_rows,
    forecast,
    scores,
)
from callback.lab.trace import Outcome, Row

MONDAY = date(2026, 3, 2)
SHAPE = {quarter: 10.0 + 10 * (40 <= quarter < 48) for quarter in range(36, 72)}
"""Calls in each quarter from 9 to 18 o'clock: twice as many from 10 to 12."""


def a_past(weeks: int, *, level: float = 1.0, seed: int | None = None, first: date = MONDAY) -> History:
    """Weeks whose Fridays are half as busy and whose weekends are quiet; Poisson counts where there is a seed."""
    history, dice = History(), np.random.default_rng(seed)
    for number in range(7 * weeks):
        day = first + timedelta(days=number)
        size = level * (0.5 if day.weekday() == 4 else 1.0) * (day.weekday() < 5)
        for quarter, calls in SHAPE.items():
            came = float(dice.poisson(calls * size)) if seed is not None else calls * size
            if came:
                put(history, day, quarter, came)
    return history


def put(history: History, day: date, quarter: int, calls: float, *, handle_s: float = 200.0) -> None:
    at = datetime(day.year, day.month, day.day, tzinfo=history.zone) + timedelta(minutes=15 * quarter)
    talks = 0.9 * calls
    history.add(at, Tally(calls, talks, talks * handle_s, talks * handle_s**2 * 2, 0.1 * calls, calls * 30))


def test_a_steady_past_is_forecast_as_it_was() -> None:
    said = forecast(a_past(6), MONDAY + timedelta(weeks=6))
    assert said.calls == pytest.approx(440, rel=0.02)
    by_hour = {quarter.begins.hour * 4 + quarter.begins.minute // 15: quarter.calls for quarter in said.quarters}
    assert by_hour[44] == pytest.approx(20, rel=0.05)
    assert by_hour[60] == pytest.approx(10, rel=0.05)
    assert said.level == pytest.approx(1, abs=0.01)
    assert said.notes == ()


def test_each_weekday_has_its_own_size() -> None:
    past = a_past(6)
    friday = forecast(past, MONDAY + timedelta(weeks=6, days=4))
    assert friday.calls == pytest.approx(220, rel=0.03)


def test_a_rise_is_followed_within_days() -> None:
    history = a_past(6)
    for number in range(3):
        for quarter, calls in SHAPE.items():
            put(history, MONDAY + timedelta(weeks=6, days=number), quarter, calls * 1.25)
    said = forecast(history, MONDAY + timedelta(weeks=6, days=3))
    assert said.level > 1.08
    assert 1.05 * 440 < said.calls < 1.25 * 440


def test_a_day_unlike_its_weekday_teaches_nothing() -> None:
    quiet, past = a_past(6), a_past(6)
    for quarter in SHAPE:
        put(past, MONDAY + timedelta(weeks=5), quarter, 90)
    day = MONDAY + timedelta(weeks=6)
    said = forecast(past, day)
    assert said.calls == pytest.approx(forecast(quiet, day).calls, rel=0.02)
    assert any("unlike their weekday" in str(note) for note in said.notes)


def test_closed_days_and_closed_hours_expect_nobody() -> None:
    hours = {
        "timezone": "UTC",
        "weekly": {"mon": [["09:00", "12:00"]], "tue": [["09:00", "18:00"]]},
        "closed_dates": ["2026-04-14"],
    }
    past = a_past(6)
    monday = forecast(past, MONDAY + timedelta(weeks=6), hours=hours)
    assert {quarter.begins.hour for quarter in monday.quarters} == {9, 10, 11}
    closed = forecast(past, MONDAY + timedelta(weeks=6, days=1), hours=hours)
    assert (closed.calls, closed.quarters) == (0, [])
    assert any("closed on 2026-04-14" in str(note) for note in closed.notes)


def test_little_past_says_that_it_is_little() -> None:
    said = forecast(a_past(1), MONDAY + timedelta(weeks=1))
    assert any("hardly more than a guess" in str(note) for note in said.notes)
    unknown = forecast(a_past(1).before(MONDAY + timedelta(days=2)), MONDAY + timedelta(days=3))
    assert any("no Thursday" in str(note) for note in unknown.notes)
    assert unknown.calls == pytest.approx(440, rel=0.05)
    late = forecast(a_past(4), MONDAY + timedelta(weeks=8))
    assert any("the last usable day" in str(note) for note in late.notes)


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no usable day"):
        forecast(History(), MONDAY)


def test_the_range_holds_about_four_of_five_quarters() -> None:
    history = a_past(14, seed=3)
    days = [MONDAY + timedelta(weeks=10 + week, days=day) for week in range(4) for day in range(5)]
    found = scores(history, days)
    assert found[OURS].days == 20
    assert found[OURS].covered == pytest.approx(0.84, abs=0.07)  # whole numbers at its ends count as inside
    assert found[OURS].by_quarter < found[LAST_WEEK].by_quarter
    assert found[OURS].by_quarter < 1.05 * found[MEAN].by_quarter


def test_times_are_those_of_the_queue_and_a_day_of_23_hours_is_a_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    history = History(berlin)
    for week in range(4):
        for quarter in SHAPE:
            put(history, date(2026, 3, 1) + timedelta(weeks=week), quarter, 10)
    said = forecast(history, date(2026, 3, 29))  # clocks go forward
    assert said.calls == pytest.approx(360, rel=0.05)
    assert min(quarter.begins for quarter in said.quarters if quarter.calls > 3) == datetime(2026, 3, 29, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 3, 30), 96), (date(2026, 10, 25), 100)]
)
def test_every_quarter_of_a_day_on_which_the_clock_is_changed_is_forecast_once(day: date, quarters: int) -> None:
    history = History(ZoneInfo("Europe/Berlin"))
    for back in range(1, 15):
        for quarter in range(96):
            put(history, day - timedelta(days=back), quarter, 10)
    said = forecast(history, day)
    begins = [quarter.begins for quarter in said.quarters]
    assert len(begins) == quarters
    assert {later - earlier for earlier, later in pairwise(begins)} == {timedelta(minutes=15)}


def test_talk_and_patience_are_drawn_to_the_mean_where_little_was_measured() -> None:
    history = a_past(4)
    for week in range(4):
        put(history, MONDAY + timedelta(weeks=week), 32, 1, handle_s=2000)
    said = forecast(history, MONDAY + timedelta(weeks=4))
    first = said.quarters[0]
    assert 200 < first.handle_s < 700
    assert said.quarters[20].handle_s == pytest.approx(200, rel=0.05)
    assert said.quarters[20].patience_s == pytest.approx(300, rel=0.1)


def test_a_trace_counts_callers_once_and_only_of_its_queue() -> None:
    rows = [
        a_row("1", "sales", Outcome.CALLBACK),
        a_row("1-r", "sales", Outcome.ANSWERED),
        a_row("2", "sales", Outcome.ABANDONED),
        a_row("3", "support", Outcome.ANSWERED),
    ]
    assert History.of(rows).calls == 3
    assert History.of(rows, queue="sales").calls == 2


def a_row(id: str, queue: str, outcome: Outcome) -> Row:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return Row(id, queue, "", at, at.isoformat(), at.timestamp(), outcome, 30.0, 100.0, "ann")


def test_a_day_drawn_from_a_forecast_has_its_calls_and_its_talks() -> None:
    said = forecast(a_past(6), MONDAY + timedelta(weeks=6))
    days = [day_rows(said, seed) for seed in range(20)]
    assert np.mean([len(rows) for rows in days]) == pytest.approx(said.calls, rel=0.05)
    assert np.mean([row.handled_s for rows in days for row in rows]) == pytest.approx(200, rel=0.1)
    assert np.mean([float(row.extra[PATIENCE]) for rows in days for row in rows]) == pytest.approx(300, rel=0.1)
    rows = day_rows(said, 1)
    assert rows == sorted(rows, key=lambda row: row.at)
    assert {row.outcome for row in rows} == {Outcome.ANSWERED}
    assert rows == day_rows(said, 1)
    assert rows != day_rows(said, random.Random(2).randrange(2, 9))
