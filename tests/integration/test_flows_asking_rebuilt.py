"""Asking somebody, and the line is lost meanwhile: a colleague who talks is rung for nobody else."""

import pytest

from callback.domain.lifecycle import AgentStatus
from callback.flows import consult, persist, rebuild
from callback.flows.parted import Said
from tests.integration.test_flows_consult import all_three, asked
from tests.integration.test_flows_transfer import ANN
from tests.support.house import StagedHouse


@pytest.mark.parametrize("end", ["together", "back"])
def test_a_colleague_who_is_asked_stays_busy_when_the_line_is_made_anew(staged: StagedHouse, end: str) -> None:
    caller, agent, other = asked(staged)
    persist.persist(staged.house)
    staged.lose_line()
    rebuild.rebuild(staged.house)
    assert (staged.status(), staged.status("bea")) == (AgentStatus.BUSY, AgentStatus.BUSY)
    if end == "back":
        assert consult.back(staged.house, ANN) is Said.DONE
        staged.follow()
        assert staged.status("bea") is not AgentStatus.BUSY
        return
    all_three(staged, caller, agent, other)
    agent.hang_up()
    staged.work()
    assert (staged.status(), staged.status("bea")) == (AgentStatus.WRAP_UP, AgentStatus.BUSY)
    assert str(staged.pairing("bea").entry) == caller.sid
