"""What an estimator leaves for whoever answers a call: looked up, gone on from, and not believed for long."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.errors import InvalidInput
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.domain.table import GOOD_FOR, Table, grid, read, rising, written
from callback.domain.wait import NOTHING_MEASURED, UNKNOWN, Wait, estimate

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rows(count: int) -> tuple[tuple[float, float, float, float, float], ...]:
    return tuple((10.0 * at, 5.0 * at, 9.0 * at, 15.0 * at, 20.0 * at) for at in range(1, count + 1))


def table(places: Sequence[int] = (1, 2, 3)) -> Table:
    return Table(NOW, 4, tuple(places), rows(len(places)), "learnt from 3,214 waits, model 7", "7", 1.0, 3214)


def simple(ahead: int) -> Wait:
    return estimate(ahead=ahead, agents={AgentStatus.BUSY: 2}, measured=NOTHING_MEASURED, policy=Policy())


def test_a_place_is_looked_up_with_its_model_and_the_simple_rule_beside_it() -> None:
    found = table().wait(2, simple)
    assert (found.mean, found.p10, found.p50, found.p80, found.p90) == (20, 10, 18, 30, 40)
    assert (found.model, found.basis) == ("7", "learnt from 3,214 waits, model 7")
    assert found.simple == simple(1)


def test_between_two_rows_the_wait_lies_between() -> None:
    found = table((1, 11)).wait(6, simple)
    assert (found.mean, found.p90) == (15, 30)


def test_beyond_the_last_row_the_simple_rule_says_how_much_each_adds() -> None:
    found, last = table().wait(9, simple), table().wait(3, simple)
    further, base = simple(8), simple(2)
    assert found.mean == pytest.approx((last.mean or 0) + (further.mean or 0) - (base.mean or 0))
    assert (found.p90 or 0) > (last.p90 or 0)


def test_where_nobody_is_staffed_no_table_knows_better() -> None:
    assert table().wait(2, lambda _: UNKNOWN) is UNKNOWN


@pytest.mark.parametrize(
    ("age", "config", "holds"),
    [
        (timedelta(0), 4, True),
        (GOOD_FOR - timedelta(seconds=1), 4, True),
        (GOOD_FOR, 4, False),
        (-GOOD_FOR, 4, False),  # of a clock that leapt
        (timedelta(0), 5, False),
    ],
)
def test_a_table_holds_for_seconds_and_for_one_configuration(age: timedelta, config: int, holds: bool) -> None:
    assert table().holds(NOW + age, config) is holds


def test_a_table_that_was_written_down_is_read_again() -> None:
    assert read(written(table())) == table()


@pytest.mark.parametrize(
    "change",
    [
        {"form": 2},
        {"places": [1, 2]},
        {"places": [2, 3, 4]},
        {"places": [1, 3, 2]},
        {"rows": [[1, 2, 3, 4]] * 3},
        {"rows": [[float("nan")] * 5] * 3},
        {"rows": [[-1, 0, 0, 0, 0]] * 3},
        {"at": "noon"},
        {"config": None},
    ],
)
def test_a_damaged_table_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read(json.dumps(json.loads(written(table())) | change))


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"form": 1}'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)


def test_the_first_places_have_a_row_each_and_the_last_one_always() -> None:
    assert grid(3) == [1, 2, 3]
    far = grid(5000)
    assert far[:40] == list(range(1, 41))
    assert (far[-1], len(far) < 80, far == sorted(set(far))) == (5000, True, True)


numbers = st.floats(0, 1e5)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers, numbers), min_size=1, max_size=60))
def test_nobody_hears_a_longer_wait_because_somebody_ahead_has_left(told: list[tuple[float, ...]]) -> None:
    found = rising(told)
    for column in zip(*found, strict=True):
        assert list(column) == sorted(column)
    for row in found:
        assert list(row[1:]) == sorted(row[1:])


@given(st.lists(numbers, min_size=1, max_size=60))
def test_rows_that_rise_already_stay_as_they_are(column: list[float]) -> None:
    ordered = [(value,) * 5 for value in sorted(column)]
    assert rising(ordered) == ordered


def test_a_place_is_looked_up_in_far_less_than_a_millisecond() -> None:
    long, taken = table(grid(5000)), []
    for turn in range(200):
        began = time.perf_counter()
        long.wait(1 + turn * 30, simple)
        taken.append(time.perf_counter() - began)
    assert median(taken) < 1e-3
