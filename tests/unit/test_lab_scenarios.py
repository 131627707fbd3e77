"""Synthetic traffic and its oracle."""

import random
from dataclasses import replace

import pytest

from callback.domain.policy import Policy
from callback.lab import backtest
from callback.lab.scenarios import SCENARIOS, Busy, Caller, Scenario, State, oracle, traffic
from callback.lab.trace import Outcome

CALLER = Caller("me", 0.0, 0.0, 1e9)


def test_the_oracle_of_one_agent_knows_the_mean_talk() -> None:
    alone = Scenario("alone", agents=1, talk_s=100)
    state = State(0.0, CALLER, (), {0: Busy(-50.0)})
    assert oracle(alone, state, random.Random(1), futures=3000) == pytest.approx(100, rel=0.05)


def test_a_long_talk_of_heavy_tail_goes_on_for_longer() -> None:
    heavy = Scenario("heavy", agents=1, talk_s=100, talk_cv=1.5)
    fresh, old = (
        oracle(heavy, State(0.0, CALLER, (), {0: Busy(-age)}), random.Random(1), futures=2000) for age in (1.0, 600.0)
    )
    assert old > 1.5 * fresh


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_gives_a_trace(scenario: Scenario) -> None:
    rows, states = traffic(scenario, 300, seed=1)
    assert {row.call_id.removesuffix("-r") for row in rows} == {str(number) for number in range(300)}
    assert all(row.waited_s >= 0 for row in rows)
    assert (traffic(scenario, 300, seed=1)[0]) == rows
    returns = [row for row in rows if row.is_return]
    assert len(returns) == sum(row.outcome is Outcome.CALLBACK for row in rows)
    assert all(0 <= oracle(scenario, state, random.Random(1), futures=2) < 1e5 for state in list(states.values())[:5])


def test_nobody_who_is_urgent_waits_behind_one_within_their_credit() -> None:
    rows, _ = traffic(Scenario("urgent", agents=2, urgent=0.4, credit_s=90.0, patience_s=1e9), 600, seed=1)
    served = [(row.at + row.waited_s, row.at - (90.0 if row.priority else 0.0), row.at) for row in rows if row.waited_s]
    for begun, score, _ in served:
        assert all(other >= score for starts, other, at in served if at < begun < starts - 1e-6)


def test_on_traffic_whose_laws_are_known_the_estimate_is_near_the_oracle() -> None:
    scenario = replace(SCENARIOS[1], agents=6)
    train, test = traffic(scenario, 4000, seed=1)[0], traffic(scenario, 2500, seed=2)
    report = backtest.run(train, test[0], policy=Policy())
    asked = [one for one in report.predictions if one.row.outcome is Outcome.ANSWERED and one.row.call_id in test[1]][
        ::8
    ]
    dice = random.Random(3)
    best = sum((oracle(scenario, test[1][one.row.call_id], dice, 40) - one.row.waited_s) ** 2 for one in asked)
    ours = sum((one.ours.mean - one.row.waited_s) ** 2 for one in asked)
    assert len(asked) > 100
    assert (ours / best) ** 0.5 < 1.1
    assert report.scores["callback"].coverage == pytest.approx(0.8, abs=0.05)
