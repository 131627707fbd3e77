"""The budget of somebody on the phone: shared by all that is asked, by nobody else, and gone with the block."""

import math
import threading

import pytest

from callback.adapters import patience


def test_where_nobody_waits_there_is_no_budget() -> None:
    assert patience.left() == math.inf
    assert patience.left(5) == 5


def test_the_lesser_of_a_limit_and_of_what_is_left_counts() -> None:
    with patience.Within(1):
        assert 0.9 < patience.left() <= 1
        assert 0.9 < patience.left(5) <= 1
        assert patience.left(0.5) == 0.5
    assert patience.left() == math.inf


def test_nothing_is_left_of_a_budget_that_is_spent() -> None:
    with patience.Within(-1):
        assert patience.left() == 0
        assert patience.left(5) == 0


def test_something_may_be_left_in_any_case() -> None:
    with patience.Within(0):
        with patience.at_least(0.5):
            assert 0.4 < patience.left() <= 0.5
        assert patience.left() == 0
    with patience.Within(1), patience.at_least(0.5):
        assert patience.left() > 0.9
    with patience.at_least(0.5):
        assert patience.left() == math.inf


def test_a_block_that_breaks_gives_its_budget_back() -> None:
    with pytest.raises(KeyError), patience.Within(1):
        raise KeyError
    assert patience.left() == math.inf


def test_another_threads_budget_is_its_own() -> None:
    seen: list[float] = []
    with patience.Within(1):
        other = threading.Thread(target=lambda: seen.append(patience.left()))
        other.start()
        other.join()
    assert seen == [math.inf]
