"""The wait behind promises: where it is the simple rule's, and where it is nearer to the truth."""

import math
import random
from dataclasses import replace
from statistics import fmean

import pytest

from callback.domain import wait
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.domain.promised import Ahead, Reach, estimate
from callback.domain.wait import FREE, NOTHING_MEASURED, UNKNOWN, Measured, Wait
from callback.lab.scenarios import SCENARIOS, Scenario, State, oracle, traffic

POLICY = Policy()
BUSY = {AgentStatus.BUSY: 5}


def behind(ahead: Ahead, agents: dict[AgentStatus, int] = BUSY, policy: Policy = POLICY, **more: Reach) -> Wait:
    return estimate(ahead=ahead, agents=agents, measured=NOTHING_MEASURED, policy=policy, **more)


def mean(*ahead: int, share: float = 0.72, ring_s: float = 16, policy: Policy = POLICY) -> float:
    found = behind(Ahead(*ahead), policy=policy, reach=Reach(share, ring_s)).mean
    assert found is not None
    return found


@pytest.mark.parametrize("live", [0, 1, 7, 200])
def test_behind_live_callers_alone_it_is_the_simple_rule(live: int) -> None:
    assert behind(Ahead(live)) == wait.estimate(ahead=live, agents=BUSY, measured=NOTHING_MEASURED, policy=POLICY)


def test_a_free_agent_and_an_empty_floor_are_as_ever() -> None:
    assert behind(Ahead(0, 2), {AgentStatus.AVAILABLE: 3}) is FREE
    assert behind(Ahead(3, 2), {}) is UNKNOWN


def test_whoever_holds_a_promise_does_not_hang_up() -> None:
    assert mean(0, 20, share=1, ring_s=0) > mean(20)


def test_who_is_not_reached_keeps_an_agent_for_the_ring_alone() -> None:
    assert mean(0, 20, share=0.2) < mean(0, 20, share=0.9)


def test_who_rests_until_later_is_counted_only_as_far_as_their_time_comes() -> None:
    soon, late = Policy(retry_delays_s=(1,)), Policy(retry_delays_s=(86_400,))
    assert mean(5, 0, 10, policy=late) == pytest.approx(mean(5), rel=0.01)
    assert mean(5, 0, 10, policy=soon) == pytest.approx(mean(5, 10, policy=soon), rel=0.01)
    assert mean(5) < mean(5, 0, 10) < mean(5, 10)


def test_phones_that_ring_while_the_agent_still_talks_cost_no_agent() -> None:
    assert mean(0, 10, policy=replace(POLICY, dial_mode="dial_ahead")) < mean(0, 10)


def from_the_line(state: State) -> Ahead:
    live = sum(not caller.promised for caller in state.ahead)
    resting = sum(caller.promised and caller.due > state.now for caller in state.ahead)
    return Ahead(live, len(state.ahead) - live - resting, resting)


def distances(law: Scenario, states: list[State]) -> list[tuple[float, float]]:
    """What the simple rule and this one are off by, beside an oracle that knows the whole state and every law."""
    measured = Measured(1e6, 1e6 * law.talk_s, 1e6, 1e6 * law.patience_s)
    reach, policy = Reach(law.answered, law.ring_s), Policy(retry_delays_s=(law.retry_s,))
    dice, agents, found = random.Random(1), {AgentStatus.BUSY: law.agents}, []
    for state in states:
        truth, ahead = oracle(law, state, dice, 40), from_the_line(state)
        plain = wait.estimate(ahead=ahead.all, agents=agents, measured=measured, policy=policy).mean
        ours = estimate(ahead=ahead, agents=agents, measured=measured, policy=policy, reach=reach).mean
        assert plain is not None
        assert ours is not None
        found.append((plain - truth, ours - truth))
    return found


def test_where_two_in_five_hold_promises_it_is_nearer_to_the_truth_than_the_simple_rule() -> None:
    law = next(one for one in SCENARIOS if one.name == "callbacks")
    met = list(traffic(law, 3000, seed=6)[1].values())[300::7]
    states = [state for state in met if state.ahead and not state.caller.takes_promise]
    off = distances(law, states)
    plain, ours = (math.sqrt(fmean(pair[which] ** 2 for pair in off)) for which in (0, 1))
    assert len(off) > 80
    assert ours < 0.8 * plain
    assert abs(fmean(pair[1] for pair in off)) < 5
