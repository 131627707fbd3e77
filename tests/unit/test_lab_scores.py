"""Scores and learnt credits, by hand."""

import math
from dataclasses import replace

import pytest

from callback.lab import credit
from callback.lab.scores import score
from tests.support.traffic import crowd


def test_the_scores_are_what_they_are_called() -> None:
    found = score([10, 20], [13, 16], [11, 18], [(5, 15), (21, 30)])
    assert found is not None
    assert found.rase == pytest.approx(math.sqrt((9 + 16) / 2))
    assert found.mae == pytest.approx(1.5)
    assert found.bias == pytest.approx(-0.5)
    assert found.coverage == 0.5
    assert found.width_s == pytest.approx(9.5)


def test_an_estimator_without_a_range_has_no_coverage() -> None:
    found = score([10], [10], [10])
    assert found is not None
    assert found.coverage is None
    assert found.width_s is None


def test_nothing_scored_is_no_score() -> None:
    assert score([], [], []) is None


@pytest.mark.parametrize("worth", [30.0, 90.0, 300.0])
def test_what_a_priority_is_worth_is_learnt_from_who_was_served_first(worth: float) -> None:
    learnt = credit.learn(crowd(6000, credit=worth), {"vip": 1.0})
    assert learnt["vip"] == pytest.approx(worth, abs=8)


def test_a_priority_that_is_hardly_seen_keeps_what_is_told() -> None:
    assert credit.learn(crowd(12, credit=90.0), {"vip": 300.0}) == {"vip": 300.0}


def test_without_priorities_nothing_is_learnt() -> None:
    assert credit.learn(crowd(500), {"vip": 300.0}) == {"vip": 300.0}


def test_of_a_priority_that_was_given_another_worth_the_latest_counts() -> None:
    before, after = crowd(6000, credit=1.0), crowd(6000, credit=90.0, seed=2, start=300_000.0)
    assert credit.learn([*before, *after], {})["vip"] == pytest.approx(90, abs=8)


def test_priorities_are_measured_by_each_other_where_hardly_anybody_has_none() -> None:
    served = crowd(6000, credit=90.0)
    known = [row if row.priority or at % 3000 == 1 else replace(row, priority="known") for at, row in enumerate(served)]
    learnt = credit.learn(known, {})
    assert learnt["vip"] - learnt["known"] == pytest.approx(90, abs=8)
