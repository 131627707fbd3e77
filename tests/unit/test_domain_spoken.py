"""The wait as it is said: a range, rounded up, never a false precision."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.spoken import SpokenRange, promise_window, promised, spoken_range
from callback.domain.wait import FREE, UNKNOWN, Wait

NOW = datetime(2026, 3, 2, 14, 2, 10, tzinfo=UTC)


def certain(minutes: float) -> Wait:
    return Wait(mean=minutes * 60, sd=0, basis="test")


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (UNKNOWN, SpokenRange(0, 0, "unknown")),
        (FREE, SpokenRange(0, 1, "soon")),
        (certain(0.9), SpokenRange(0, 1, "soon")),
        (certain(1), SpokenRange(0, 1, "soon")),
        (certain(1.1), SpokenRange(1, 2, "range")),
        (certain(9.5), SpokenRange(9, 10, "range")),
        (certain(10), SpokenRange(9, 10, "range")),
        (certain(10.5), SpokenRange(10, 15, "range")),
        (certain(30), SpokenRange(25, 30, "range")),
        (certain(31), SpokenRange(30, 40, "range")),
        (certain(118), SpokenRange(110, 120, "range")),
        (certain(121), SpokenRange(120, 150, "range")),
        (Wait(mean=60, sd=60, basis=""), SpokenRange(1, 3, "range")),  # 6 to 138 s
        (Wait(mean=240, sd=100, basis=""), SpokenRange(3, 7, "range")),  # 2.1 to 6.3 min
        (Wait(mean=1500, sd=300, basis=""), SpokenRange(20, 40, "range")),  # 18.9 to 31.6 min
    ],
)
def test_a_wait_is_said_as_a_range_rounded_up(wait: Wait, said: SpokenRange) -> None:
    assert spoken_range(wait) == said


@given(st.floats(0, 1e6), st.floats(0.01, 1.5))
def test_the_upper_end_holds_nine_waits_of_ten_and_is_never_far_above(mean: float, spread: float) -> None:
    wait = Wait(mean=mean, sd=mean * spread, basis="test")
    said = spoken_range(wait)
    high = (wait.p90 or 0) / 60
    assert said.low_min < said.high_min
    assert said.high_min >= high - 1e-9
    assert said.high_min <= max(1, high + 1, high * 1.5)
    assert said.kind == ("soon" if high <= 1 else "range")


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0.01, 1.5))
def test_a_longer_wait_is_never_said_shorter(a: float, b: float, spread: float) -> None:
    short, long = (Wait(mean=mean, sd=mean * spread, basis="") for mean in sorted((a, b)))
    assert spoken_range(short).high_min <= spoken_range(long).high_min


@pytest.mark.parametrize(
    ("wait", "begin", "end"),
    [
        (certain(9.5), (14, 10), (14, 15)),  # 14:11:10 to 14:12:10
        (Wait(mean=1500, sd=300, basis=""), (14, 20), (14, 45)),  # 20 to 40 minutes
    ],
)
def test_the_promise_is_a_window_of_full_five_minutes(wait: Wait, begin: tuple[int, int], end: tuple[int, int]) -> None:
    window = promise_window(wait, NOW)
    assert window is not None
    assert [(at.hour, at.minute, at.second) for at in window] == [(*begin, 0), (*end, 0)]


def test_a_promise_for_soon_begins_now() -> None:
    assert promise_window(FREE, NOW) == (NOW, datetime(2026, 3, 2, 14, 5, tzinfo=UTC))


def test_no_window_is_promised_for_a_wait_nobody_knows() -> None:
    assert promise_window(UNKNOWN, NOW) is None


@given(
    st.floats(0, 1e5),
    st.floats(0.01, 1.5),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(ZoneInfo("Asia/Kathmandu"))),  # noqa: DTZ001
)
def test_a_window_holds_the_range_that_was_said(mean: float, spread: float, now: datetime) -> None:
    wait = Wait(mean=mean, sd=mean * spread, basis="test")
    said, window = spoken_range(wait), promise_window(wait, now)
    assert window is not None
    begin, end = window
    assert now <= begin <= now + timedelta(minutes=said.low_min)
    assert now + timedelta(minutes=said.high_min) <= end < now + timedelta(minutes=said.high_min + 5)
    assert end.tzinfo is UTC
    assert end.minute % 5 == end.second == end.microsecond == 0


def test_a_promise_is_kept_as_exactly_the_minutes_that_are_said() -> None:
    wait = Wait(400.0, 150.0, "test")
    said = spoken_range(wait)
    between = promised(wait, NOW)
    assert between == (NOW + timedelta(minutes=said.low_min), NOW + timedelta(minutes=said.high_min))
    assert promised(UNKNOWN, NOW) is None
