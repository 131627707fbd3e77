"""The simulated floor of the pacing benchmark: it costs what arithmetic says where arithmetic can tell."""

from random import Random

import pytest

from bench.floor import House, Result, Shift
from bench.pacing import MISSES, MODES, RULE, TRUE, AgentFirst, Point, RateBased


def play(mode: str, house: House, tightness: float = 0.04, calls: int = 300) -> Result:
    return Shift(house, MODES[mode](house, tightness), Random(5)).run(calls, 30)


def test_agent_first_costs_a_ring_and_the_timeouts_before_it() -> None:
    house = House(talk_mean_s=20)
    idle = Shift(house, AgentFirst(), Random(1)).run(4000, 100).idle
    assert idle == pytest.approx(9 + 0.15 / 0.85 * 25, rel=0.03)


def test_agent_first_lets_nobody_wait() -> None:
    assert play("agent-first", House()).missed == 0


def test_the_same_seed_plays_the_same_shift() -> None:
    assert play(TRUE, House()) == play(TRUE, House())


@pytest.mark.parametrize("mode", [TRUE, RULE])
def test_the_rule_costs_less_idle_time_than_agent_first_and_few_misses(mode: str) -> None:
    result = play(mode, House(tolerance_s=8))
    assert result.idle < 0.75 * play("agent-first", House()).idle
    assert result.misses < 3 * MISSES


def test_dialling_by_rate_alone_dials_whether_or_not_somebody_comes_free() -> None:
    eager = RateBased(30)
    result = Shift(House(), eager, Random(2)).run(300, 30)
    assert result.misses > 0.3


def test_a_point_is_read_at_three_percent_between_its_runs() -> None:
    point = Point("any", 2, ((0.03, 10.0, 0.02), (0.05, 9.0, 0.045)))
    assert point.idle(point.slope) == pytest.approx(9.5, abs=0.01)


def test_a_point_without_misses_is_told_as_it_was_run() -> None:
    point = Point("any", 2, ((0.0, 10.0, 0.0),))
    assert point.slope is None
    assert point.idle(-2.0) == 10
