"""How many dials may start: against enumeration, and the sense of it all."""

import itertools
import json
import math
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callback.domain.laws import first_guess
from callback.domain.pacing import Calibration, Decision, Floor, Forecast, WrapUp, at_most, decide
from callback.domain.policy import Policy

POLICY = Policy(dial_mode="dial_ahead")
FORECAST = Forecast.of(first_guess(POLICY), POLICY)
FORECASTS = [
    FORECAST,
    Forecast.of(first_guess(POLICY), replace(POLICY, confirm_human="off", wait_tolerance_s=8)),
    Forecast.of(first_guess(POLICY), replace(POLICY, wrap_up_s=0, ring_timeout_s=12)),
]
chances = st.lists(st.floats(0, 1), max_size=7)
ages = st.floats(0, 2000)
floors = st.builds(
    Floor,
    idle=st.integers(0, 4),
    talks_s=st.lists(ages, max_size=8).map(tuple),
    wraps=st.lists(st.builds(WrapUp, st.floats(0, 300), st.floats(0, 60)), max_size=3).map(tuple),
    ringing_s=st.lists(st.floats(0, 60), max_size=5).map(tuple),
    asked_s=st.lists(st.floats(0, 60), max_size=2).map(tuple),
    waiting=st.integers(0, 3),
)
small_floors = st.builds(
    Floor,
    idle=st.integers(0, 2),
    talks_s=st.lists(ages, max_size=3).map(tuple),
    wraps=st.lists(st.builds(WrapUp, st.floats(0, 60), st.floats(0, 30)), max_size=2).map(tuple),
    ringing_s=st.lists(st.floats(0, 30), max_size=2).map(tuple),
    asked_s=st.lists(st.floats(0, 30), max_size=1).map(tuple),
    waiting=st.integers(0, 2),
)
forecasts = st.sampled_from(FORECASTS)
epsilons = st.floats(0, 1)


def enumerated(probabilities: list[float], most: int) -> float:
    """Every outcome, one by one."""
    return math.fsum(
        math.prod(p if happens else 1 - p for p, happens in zip(probabilities, outcome, strict=True))
        for outcome in itertools.product((True, False), repeat=len(probabilities))
        if sum(outcome) <= most
    )


def decided(floor: Floor, epsilon: float = 0.04, most: int = 20, forecast: Forecast = FORECAST) -> Decision:
    return decide(floor, forecast, epsilon=epsilon, most=most)


@settings(max_examples=50, deadline=None)
@given(chances, st.integers(-1, 8))
def test_the_count_of_independent_events_agrees_with_enumeration(probabilities: list[float], most: int) -> None:
    assert at_most(probabilities, most) == pytest.approx(enumerated(probabilities, most), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(small_floors, forecasts)
def test_a_miss_is_as_likely_as_enumeration_says(floor: Floor, forecast: Forecast) -> None:
    free, unready = forecast.free(floor), forecast.unready(floor)
    most = floor.waiting + len(unready) - floor.idle
    columns = [[row[i] for row in (*free, *unready)] for i in range(len(forecast.instants))]
    by_hand = math.fsum(w * enumerated(c, most) for w, c in zip(forecast.weights, columns, strict=True))
    found = decide(floor, forecast, epsilon=-1, most=max(floor.idle - floor.waiting - len(unready), 0) + 1)
    if floor.idle - floor.waiting <= len(unready):
        assert found.dials == 0
        assert found.miss == pytest.approx(by_hand, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(floors, forecasts, epsilons)
def test_one_more_idle_agent_never_means_fewer_dials(floor: Floor, forecast: Forecast, epsilon: float) -> None:
    more = replace(floor, idle=floor.idle + 1)
    assert decided(more, epsilon, forecast=forecast).dials >= decided(floor, epsilon, forecast=forecast).dials


@settings(max_examples=40, deadline=None)
@given(floors, forecasts, epsilons, epsilons)
def test_a_larger_epsilon_never_means_fewer_dials(floor: Floor, forecast: Forecast, one: float, two: float) -> None:
    careful, bold = sorted((one, two))
    assert decided(floor, careful, forecast=forecast).dials <= decided(floor, bold, forecast=forecast).dials


@settings(max_examples=40, deadline=None)
@given(floors, forecasts, epsilons)
def test_there_is_always_one_for_each_idle_agent_nobody_waits_for(
    floor: Floor, forecast: Forecast, epsilon: float
) -> None:
    dials = decided(floor, epsilon, most=50, forecast=forecast).dials
    assert floor.under_way + dials >= floor.idle - floor.waiting


@settings(max_examples=40, deadline=None)
@given(floors, forecasts, epsilons, st.integers(0, 3))
def test_never_more_than_there_are_to_dial_or_the_pace_allows(
    floor: Floor, forecast: Forecast, epsilon: float, most: int
) -> None:
    assert 0 <= decided(floor, epsilon, most, forecast).dials <= most


@settings(max_examples=40, deadline=None)
@given(floors, forecasts, epsilons)
def test_whoever_waits_already_comes_first(floor: Floor, forecast: Forecast, epsilon: float) -> None:
    more = replace(floor, waiting=floor.waiting + 1)
    assert decided(more, epsilon, forecast=forecast).dials <= decided(floor, epsilon, forecast=forecast).dials


def test_on_an_empty_floor_nobody_is_dialled() -> None:
    assert decided(Floor()).dials == 0
    assert decided(Floor()).miss == 1


def test_everybody_in_a_young_talk_leaves_nobody_to_be_dialled_for() -> None:
    assert decided(Floor(talks_s=(10.0,) * 3)).dials == 0


def test_who_is_about_to_end_their_wrap_up_is_dialled_for() -> None:
    found = decided(Floor(talks_s=(30.0,) * 5, wraps=(WrapUp(15, 5), WrapUp(14, 6))))
    assert found.dials == 2
    assert found.miss > found.epsilon


def test_a_wrap_up_without_an_end_is_trusted_less() -> None:
    sure, unsure = (Floor(wraps=(WrapUp(12, left),)) for left in (3, math.inf))
    assert decided(sure).dials == 1
    assert decided(unsure).miss > decided(sure, epsilon=0, most=1).miss


def test_a_call_that_has_rung_for_long_makes_room_for_another() -> None:
    soon = (WrapUp(15, 5),)
    assert decided(Floor(wraps=soon, ringing_s=(3.0,))).dials == 0
    assert decided(Floor(wraps=soon, ringing_s=(24.5,))).dials == 1


def test_a_key_pressed_never_makes_room_as_well() -> None:
    soon = (WrapUp(15, 5),)
    assert decided(Floor(wraps=soon, asked_s=(29.5,))).miss < decided(Floor(wraps=soon, asked_s=(2.0,))).miss


def test_live_callers_in_front_take_whoever_comes_free() -> None:
    floor = Floor(wraps=(WrapUp(15, 5), WrapUp(14, 6)))
    assert [decided(replace(floor, waiting=ahead)).dials for ahead in range(3)] == [2, 1, 0]


def test_the_key_prompt_counts_as_time_in_which_agents_come_free() -> None:
    asked, trusted = FORECAST, Forecast.of(first_guess(POLICY), replace(POLICY, confirm_human="off"))
    assert asked.instants[0] >= trusted.instants[0] + 4
    floor = Floor(talks_s=(200.0,) * 20)
    assert decided(floor, most=1, forecast=asked).miss < decided(floor, most=1, forecast=trusted).miss


def test_without_wrap_up_an_agent_is_free_when_the_talk_ends() -> None:
    at_once = Forecast.of(first_guess(POLICY), replace(POLICY, wrap_up_s=0))
    assert all(a > b for a, b in zip(at_once.talks[0], FORECAST.talks[0], strict=True))


def test_nobody_has_ever_answered_and_still_there_is_a_forecast() -> None:
    laws = first_guess(POLICY)
    silent = replace(laws, ring=replace(laws.ring, events=(0.0,) * len(laws.ring.edges)))
    assert decided(Floor(idle=2), forecast=Forecast.of(silent, POLICY)).dials >= 2


def test_the_numbers_behind_a_decision_can_be_shown() -> None:
    found = decided(Floor(idle=1, talks_s=(100.0,), ringing_s=(4.0,), waiting=1))
    shown = json.loads(json.dumps(found.as_json()))
    assert shown["idle"] == shown["waiting"] == shown["under_way"] == 1
    assert 0 < shown["free_soon"] < 1
    assert 0 < shown["ready_soon"] < 1
    assert shown["miss"] > shown["epsilon"]


def test_a_decision_for_fifty_agents_takes_less_than_a_few_milliseconds() -> None:
    floor = Floor(talks_s=tuple(7.0 * n for n in range(46)), wraps=(WrapUp(5, 15),) * 4, ringing_s=(2.0, 5, 9, 14, 20))
    decided(floor)

    def once() -> float:
        began = time.process_time()
        decided(floor)
        return time.process_time() - began

    assert min(once() for _ in range(20)) < 0.005


def test_who_answers_early_for_a_known_end_of_the_wrap_up_is_seen() -> None:
    """One answer in ten comes within ten seconds of the dial: with twelve to wait, that is a miss."""
    early = FORECAST.instants[2]
    found = decided(Floor(wraps=(WrapUp(0, early + POLICY.wait_tolerance_s + 1),)), epsilon=0.001, most=1)
    assert found.dials == 0
    assert 0.03 < found.miss < 0.2


def test_the_first_epsilon_fits_the_size_of_the_floor() -> None:
    assert [round(Calibration.first(0.03, agents).epsilon, 3) for agents in (5, 20, 50)] == [0.09, 0.042, 0.025]
    assert Calibration.first(0.03, 0).epsilon == Calibration.first(0.03, 1).epsilon


# --- the calibration --------------------------------------------------------------------------------------------


def test_misses_lower_epsilon_and_calls_in_time_raise_it() -> None:
    start = Calibration(0.03)
    assert start.update(1, 1).epsilon < start.epsilon < start.update(0, 100).epsilon


@given(st.floats(0.001, 0.5), st.integers(1, 5000))
def test_the_share_aimed_at_leaves_epsilon_where_it_is(target: float, served: int) -> None:
    assert Calibration(target).update(target * served, served).epsilon == pytest.approx(Calibration(target).epsilon)


@given(st.lists(st.booleans(), max_size=50))
def test_how_often_it_is_told_does_not_matter(misses: list[bool]) -> None:
    one_by_one = Calibration(0.03)
    for missed in misses:
        one_by_one = one_by_one.update(missed, 1)
    assert one_by_one.epsilon == pytest.approx(Calibration(0.03).update(sum(misses), len(misses)).epsilon)


def test_it_finds_the_epsilon_of_a_floor_where_misses_are_half_of_it() -> None:
    found = Calibration(0.03)
    for _ in range(200):
        found = found.update(50 * min(found.epsilon / 2, 1), 50)
    assert found.epsilon == pytest.approx(0.06, rel=0.05)


def test_it_stays_within_sense() -> None:
    assert Calibration(0.03).update(100_000, 100_000).epsilon == pytest.approx(0.003)
    assert Calibration(0.03).update(0, 100_000).epsilon == pytest.approx(0.3)
    assert Calibration(0.5).update(0, 100_000).epsilon == 1


def test_who_tolerates_no_miss_gets_no_epsilon() -> None:
    assert Calibration(0).update(0, 10).epsilon == 0


def test_more_misses_than_calls_are_a_defect() -> None:
    with pytest.raises(ValueError, match="3 misses of 2 calls"):
        Calibration(0.03).update(3, 2)


def test_a_new_policy_keeps_what_was_learnt() -> None:
    learnt = Calibration(0.03).update(0, 500)
    assert learnt.aimed_at(0.06).epsilon == pytest.approx(2 * learnt.epsilon)


def test_a_calibration_is_stored_as_json_and_read_again() -> None:
    found = Calibration(0.03).update(2, 20)
    assert Calibration.from_json(json.loads(json.dumps(found.as_json()))) == found
    with pytest.raises(ValueError, match="of version 9"):
        Calibration.from_json({**found.as_json(), "version": 9})
