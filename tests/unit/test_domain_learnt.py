"""The learnt wait: what it learns, what it refuses, and what it falls back to."""

from datetime import UTC

import numpy as np
import pytest

from callback.domain import learnt
from callback.domain.calibrate import Calibration
from callback.domain.drift import Drift
from callback.domain.errors import InvalidInput
from callback.domain.floor import Floor, Freed, Joined, Kind, Left, Served
from callback.domain.forecast import Forecast
from callback.domain.learner import FIRST_FIT, SHARES, Learner, Mixture
from callback.domain.learnt import Lesson
from callback.domain.offered import LONGEST_S, Offered
from callback.domain.signals import Ages, Signals, Tally

FLAT = (50.0, 10.0, 45.0, 80.0, 100.0)
"""What a simple rule says that says always the same."""


def lesson(count: int, seed: int = 1, slope: float = 20.0) -> Lesson:
    """Waits that grow with the first of six signals."""
    dice = np.random.default_rng(seed)
    rows = dice.uniform(0, 9, (count, 6))
    waited = slope * np.sqrt(rows[:, 0]) * dice.uniform(0.5, 1.5, count)
    return Lesson(rows, np.tile(FLAT, (count, 1)), waited, np.ones(count))


def test_a_model_learns_the_mean_and_the_spread() -> None:
    model, unseen = learnt.fit(lesson(4000)), lesson(2000, seed=2)
    said = model.forecast(unseen.rows, unseen.simple)
    possible = np.sqrt(np.mean((unseen.waited - 20 * np.sqrt(unseen.rows[:, 0])) ** 2))
    assert np.sqrt(np.mean((unseen.waited - said[:, 0]) ** 2)) < 1.05 * possible
    inside = np.mean((unseen.waited >= said[:, 1]) & (unseen.waited <= said[:, 4]))
    assert inside == pytest.approx(0.8, abs=0.05)


def test_quantiles_are_in_order_and_never_below_nothing() -> None:
    seen = lesson(500)
    said = learnt.fit(seen).forecast(seen.rows * 100 - 50, seen.simple)
    assert (np.diff(said[:, 1:], axis=1) >= 0).all()
    assert (said >= 0).all()


def test_the_same_waits_give_the_same_model() -> None:
    one, other = learnt.fit(lesson(500)), learnt.fit(lesson(500))
    seen = lesson(50, seed=2)
    assert (one.forecast(seen.rows, seen.simple) == other.forecast(seen.rows, seen.simple)).all()


def test_a_tuned_model_follows_what_has_changed() -> None:
    model, later = learnt.fit(lesson(3000)), lesson(3000, seed=3, slope=40.0)
    before = np.mean((model.forecast(later.rows, later.simple)[:, 0] - later.waited) ** 2)
    after = learnt.tuned(model, later)
    assert np.mean((after.forecast(later.rows, later.simple)[:, 0] - later.waited) ** 2) < 0.9 * before
    assert after.waits == 6000


def test_a_stored_model_says_the_same() -> None:
    seen = lesson(500)
    model = learnt.fit(seen)
    again = learnt.load(learnt.dump(model), columns=6)
    assert (again.forecast(seen.rows, seen.simple) == model.forecast(seen.rows, seen.simple)).all()


@pytest.mark.parametrize(("stored", "said"), [(b"no model", "damaged"), (b"", "damaged")])
def test_what_is_no_model_is_refused(stored: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        learnt.load(stored, columns=6)


def test_a_model_for_other_signals_is_refused() -> None:
    with pytest.raises(InvalidInput, match="another version"):
        learnt.load(learnt.dump(learnt.fit(lesson(300))), columns=7)


def test_announced_quantiles_are_passed_as_often_as_they_say_whatever_the_estimator_is_worth() -> None:
    dice = np.random.default_rng(1)
    calibration, said = Calibration(), []
    for waited in dice.exponential(100, 24000):
        announced = calibration.of(Forecast(90, 50, 55, 60, 70))
        said.append((waited, announced))
        calibration = calibration.after(announced, float(waited))
    late = said[12000:]
    for level, name in ((0.1, "p10"), (0.5, "p50"), (0.8, "p80"), (0.9, "p90")):
        assert np.mean([waited <= getattr(one, name) for waited, one in late]) == pytest.approx(level, abs=0.02)


def test_a_range_is_calibrated_within_some_hundred_waits_and_then_hardly_moves() -> None:
    dice = np.random.default_rng(1)
    calibration, offsets = Calibration(), []
    for waited in dice.exponential(100, 3000):
        calibration = calibration.after(calibration.of(Forecast(100, 20, 60, 100, 140)), float(waited))
        offsets.append(calibration.offsets[3])
    assert 140 + offsets[800] * 120 == pytest.approx(230, abs=35)
    assert np.std(offsets[1000:]) < 0.1


def test_where_waits_are_longer_than_forecast_for_a_while_the_next_is_expected_longer_too() -> None:
    drift = Drift()
    for number in range(2000):
        drift.met(100.0, drift.lately(), 130.0 if number // 200 % 2 else 80.0)
    assert drift.factor(drift.lately()) == pytest.approx(1.3, abs=0.06)
    for _ in range(100):
        drift.met(100.0, drift.lately(), 80.0)
    assert drift.factor(drift.lately()) == pytest.approx(0.85, abs=0.06)


def test_where_errors_have_no_memory_nothing_is_moved() -> None:
    drift, dice, factors = Drift(), np.random.default_rng(1), []
    for waited in dice.exponential(100, 6000):
        drift.met(100.0, drift.lately(), float(waited))
        factors.append(drift.factor(drift.lately()))
    assert np.std(factors[2000:]) < 0.02


def test_without_a_model_the_simple_rule_speaks() -> None:
    learner = Learner()
    said = learner.say(FLAT, None)
    assert (said.share, said.announced.mean) == (0.0, 50.0)
    assert learner.raw(np.zeros((1, 6)), np.array([FLAT])) is None
    assert not learner.due


def test_it_learns_once_enough_is_known() -> None:
    learner, seen = Learner(), lesson(FIRST_FIT)
    for row, waited in zip(seen.rows.tolist(), seen.waited.tolist(), strict=True):
        learner.remember(row, FLAT, waited)
    assert learner.due
    learner.learn()
    assert learner.model is not None
    assert not learner.due


def test_a_model_that_the_world_has_left_behind_is_not_heard_any_more() -> None:
    mixture = Mixture()
    assert mixture.share == 1.0
    for _ in range(50):
        mixture.met(FLAT, (500.0, 400.0, 500.0, 600.0, 700.0), waited=55.0)
    assert mixture.share == 0.0
    for _ in range(2000):
        mixture.met(FLAT, (90.0, 60.0, 90.0, 120.0, 130.0), waited=90.0)
    assert mixture.share == SHARES[-1]


def floor_with(*events: Joined | Served | Left | Freed) -> tuple[Floor, Offered, list[tuple[str, float]]]:
    floor = Floor()
    offered = Offered(floor)
    known = []
    for event in events:
        known += offered.before(event)
        floor.apply(event)
    return floor, offered, known


def joined(at: float, call: str) -> Joined:
    return Joined(at, call, Kind("q"), since=at)


def test_who_hung_up_would_have_waited_until_the_next_from_behind_was_served() -> None:
    _, _, known = floor_with(
        joined(0, "first"),
        joined(10, "gone"),
        joined(20, "last"),
        Left(30, "gone"),
        Served(50, "first"),
        Served(80, "last"),
    )
    assert known == [("gone", 70)]


def test_nothing_is_known_of_who_hung_up_when_the_line_stood_still() -> None:
    _, _, known = floor_with(joined(0, "gone"), Left(5, "gone"), joined(9, "next"), Served(10 + LONGEST_S, "next"))
    assert known == []


def test_counts_forget_what_is_older_than_their_window() -> None:
    tally = Tally()
    for at in (0.0, 50.0, 100.0, 4000.0):
        tally.add(at)
    assert tally.counts(4000.0)[0] == 1
    assert tally.counts(4000.0)[-1] == 1
    assert Tally().counts(0.0) == [0.0] * 7


def test_the_end_of_a_talk_is_told_by_its_age() -> None:
    ages = Ages()
    dice = np.random.default_rng(1)
    for lasted in dice.exponential(100, 3000):
        ages.add(float(lasted))
    (within,) = ages.over_within(50.0, (60.0,))
    assert within == pytest.approx(1 - np.exp(-0.6), abs=0.05)
    assert ages.hazard(50.0) == pytest.approx(0.01, rel=0.15)


def test_a_row_has_always_as_many_numbers_and_all_are_finite() -> None:
    floor = Floor()
    signals = Signals(floor, UTC)
    lengths = set()
    for number in range(40):
        kind = Kind(f"q{number % 12}", f"p{number % 6}", f"t{number % 9}")
        event = Joined(1e9 + number * 7, f"{number}", kind, since=1e9 + number * 7, credit=float(number % 3) * 60)
        signals.see(floor.apply(event))
        signals.joined(event)
        row = signals.row(f"{number}")
        lengths.add(len(row))
        assert np.isfinite(row).all()
        if number % 2:
            signals.see(floor.apply(Served(event.at + 1, f"{number - 1}", f"agent{number % 4}")))
        if number % 4 == 3:
            signals.see(floor.apply(Freed(event.at + 2, f"{number - 1}")))
            signals.see(floor.apply(Left(event.at + 2, f"{number}")))
    assert len(lengths) == 1
