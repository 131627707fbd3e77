"""Appointments: a table of days, and how many a quarter of an hour takes."""

from datetime import UTC, datetime, timedelta

import pytest

from callback.domain.slots import QUARTER, per_quarter, quarter, with_room

OFFICE = {"timezone": "UTC", "weekly": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)


@pytest.mark.parametrize(
    ("staffed", "handle_s", "most"),
    [(0, 240, 1), (1, 240, 1), (5, 240, 5), (10, 240, 13), (100, 240, 169), (10, 3600, 1)],
)
def test_a_quarter_takes_what_half_of_the_agents_will_surely_finish_in_it(
    staffed: int, handle_s: float, most: int
) -> None:
    assert per_quarter(staffed=staffed, handle_s=handle_s) == most


@pytest.mark.parametrize(
    ("at", "booked", "found"),
    [
        ("10:00", [], "02 10:00"),
        ("10:07", [], "02 10:07"),
        ("07:00", [], "02 09:00"),
        ("09:00", ["09:00"], "02 09:00"),
        ("09:00", ["09:00", "09:14"], "02 09:15"),
        ("09:05", ["09:00", "09:14", "09:15", "09:15"], "02 09:30"),
        ("16:45", [], "02 16:45"),
        ("16:46", [], "03 09:00"),
        ("16:45", ["16:45", "16:50"], "03 09:00"),
        ("18:00", [], "03 09:00"),
    ],
)
def test_the_first_time_with_room_in_opening_hours_is_taken(at: str, booked: list[str], found: str) -> None:
    times = [datetime.fromisoformat(f"2026-03-02T{one}:00+00:00") for one in (at, *booked)]
    free = with_room(OFFICE, times[0], times[1:], 2)
    assert free is not None
    assert free.strftime("%d %H:%M") == found


def test_a_queue_that_never_closes_has_room_at_any_hour() -> None:
    assert with_room(None, MONDAY, [], 1) == MONDAY
    assert with_room(None, MONDAY, [MONDAY], 1) == MONDAY + QUARTER


def test_a_week_without_room_has_no_time_to_name() -> None:
    assert with_room({**OFFICE, "weekly": {}}, NINE, [], 1) is None
    assert with_room({**OFFICE, "closed_dates": ["2026-03-09", "2026-03-10"]}, NINE + timedelta(days=2), [], 1) is None
    booked = [MONDAY + at * QUARTER for at in range(7 * 96 + 1)]
    assert with_room(None, MONDAY, booked, 1) is None


def test_quarters_begin_on_the_clock() -> None:
    assert quarter(NINE + timedelta(minutes=14, seconds=59)) == NINE
