"""Telephones rung for a test: no more often than they may be, whoever asks at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from callback.domain.acts import Doer, What
from callback.domain.ids import AgentKey
from callback.flows import ask, ring_test
from callback.flows.ring_test import AN_HOUR, NotRung, Refusal
from tests.support.house import StagedHouse, on_both

ADMIN = Doer("ada@example.com", "admin")
ANN = AgentKey("ann")


@on_both
def test_of_two_who_ask_for_the_last_ring_of_the_hour_at_once_one_gets_it(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    for _ in range(AN_HOUR - 1):
        ring_test.ring(staged.house, ANN, ADMIN)
    start = Barrier(2)

    def ring(_: int) -> bool:
        start.wait()
        try:
            ring_test.ring(staged.house, ANN, ADMIN)
        except NotRung as refused:
            assert refused.why is Refusal.TOO_OFTEN
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(ring, range(2))) == [False, True]
    with staged.sql.look() as work:
        assert len(work.acts(what=What.AGENT_RING)) == AN_HOUR


def test_a_ring_that_may_not_be_takes_nothing_of_the_pace_of_calls(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann")
    for _ in range(AN_HOUR):
        ring_test.ring(staged.house, ANN, ADMIN)
    staged.clock.advance(60)
    with pytest.raises(NotRung):
        ring_test.ring(staged.house, ANN, ADMIN)
    assert staged.line.pace_ahead(ask.PACE, now=staged.clock.now()) == 0
