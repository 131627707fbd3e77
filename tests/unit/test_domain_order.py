"""Places in line: exact integers that can be computed from the record and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain import order

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
credit = st.floats(0, 1e6)


def test_a_score_is_the_microsecond_of_joining() -> None:
    assert order.score(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005


def test_credit_moves_ahead_by_so_many_seconds() -> None:
    assert order.score(NOON, 300) == order.score(NOON - timedelta(seconds=300))


def test_whoever_joined_first_is_next() -> None:
    assert order.score(NOON) < order.score(NOON + timedelta(microseconds=1))


def test_the_zone_in_which_a_time_is_written_is_no_matter() -> None:
    assert order.score(NOON.astimezone(timezone(timedelta(hours=8)))) == order.score(NOON)


def test_a_time_without_a_zone_has_no_place() -> None:
    with pytest.raises(TypeError):
        order.score(NOON.replace(tzinfo=None))


@given(times, credit)
def test_the_time_of_joining_can_be_read_back_exactly(at: datetime, seconds: float) -> None:
    place = order.score(at, seconds)
    assert order.joined(place, seconds) == at
    assert int(float(place)) == place, "a sorted set's double holds it"


@given(times, times, credit)
def test_with_equal_credit_the_order_is_that_of_joining(a: datetime, b: datetime, seconds: float) -> None:
    assert (order.score(a, seconds) < order.score(b, seconds)) is (a < b)


@given(times, times, credit)
def test_a_missed_place_never_moves_forward(joined: datetime, at: datetime, seconds: float) -> None:
    place = order.score(joined, seconds)
    assert order.rejoin_score(place, missed_place="keep", at=at, credit_s=seconds) == place
    back = order.rejoin_score(place, missed_place="back", at=at, credit_s=seconds)
    assert back == max(place, order.score(at, seconds))


def test_the_segment_is_told_by_the_credit_in_a_place() -> None:
    at, credits_s = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC), {"none": 0.0, "vip": 300.0, "gold": 450.5}
    assert [order.priority(at, order.score(at, seconds), credits_s) for seconds in (0, 300, 450.5, 299)] == [
        "", "vip", "gold", "",
    ]  # fmt: skip


def test_every_overtaking_has_a_name_of_its_own() -> None:
    assert {rule.value for rule in order.Rule} >= {
        "skill",
        "not_due",
        "unreachable",
        "callers_wish",
        "preferred_agent",
        "in_menu",
        "dialing_off",
        "credit",
    }
