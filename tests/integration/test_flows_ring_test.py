"""Telephones rung for a test: no more often than they may be, whoever asks at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from callback.domain.acts import Doer, What, act
from callback.domain.ids import AgentKey
from callback.flows import ask, ring_test
from callback.flows.ring_test import AN_HOUR, NotRung, Refusal
from tests.support.house import StagedHouse
from tests.support.record import waits_for_a_lock
from tests.support.waiting import eventually

ADMIN = Doer("ada@example.com", "admin")
ANN = AgentKey("ann")


@pytest.mark.parametrize("staged", ["postgresql"], indirect=True)
def test_whoever_asks_for_a_ring_waits_for_another_who_is_being_counted(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    for _ in range(AN_HOUR - 1):
        ring_test.ring(staged.house, ANN, ADMIN)
    with ThreadPoolExecutor(1) as other:
        with staged.sql.begin() as work:
            work.alone(ring_test.RINGS)
            asked = other.submit(refused, staged, ANN)
            eventually(lambda: waits_for_a_lock(staged.sql))
            work.act(act(ADMIN, What.AGENT_RING, ANN, staged.clock.now(), after={"test": "last"}))
        assert asked.result() is Refusal.TOO_OFTEN
    assert len(staged.carrier.created) == AN_HOUR - 1


def refused(staged: StagedHouse, key: AgentKey) -> Refusal | None:
    try:
        ring_test.ring(staged.house, key, ADMIN)
    except NotRung as not_rung:
        return not_rung.why
    return None


def test_a_ring_that_may_not_be_takes_nothing_of_the_pace_of_calls(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    for _ in range(AN_HOUR):
        ring_test.ring(staged.house, ANN, ADMIN)
    staged.clock.advance(60)
    assert refused(staged, ANN) is Refusal.TOO_OFTEN
    assert staged.line.pace_ahead(ask.PACE, now=staged.clock.now()) == 0
