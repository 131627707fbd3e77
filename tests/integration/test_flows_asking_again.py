"""Asking somebody once more, or at the same moment: no earlier question stands in the way, and none is forgotten."""

import pytest

from callback.domain.desk import Stage, Wish
from callback.domain.errors import InvalidInput
from callback.domain.lifecycle import AgentStatus
from callback.flows import consult, parted, transfer
from callback.flows.parted import Said
from callback.ports import CarrierBusy
from tests.integration.test_flows_transfer import ANN, live_talk, the_talk
from tests.support.house import StagedHouse


def test_a_question_that_the_carrier_refused_can_be_asked_again(staged: StagedHouse) -> None:
    live_talk(staged)
    staged.agent("bea")
    staged.carrier.refuse_redirects = CarrierBusy("429")
    assert transfer.consult(staged.house, ANN, Wish.AGENT, "bea") is Said.NOT_NOW
    staged.carrier.refuse_redirects = None
    assert transfer.consult(staged.house, ANN, Wish.AGENT, "bea") is Said.DONE
    assert staged.status("bea") is AgentStatus.RESERVED


def test_a_colleague_is_reserved_once_however_often_the_button_is_pressed(staged: StagedHouse) -> None:
    live_talk(staged)
    for other in ("bea", "cat"):
        staged.agent(other)
    talk = parted.begun(staged.house, ANN)
    assert talk is not None
    token = consult.colleague_for(staged.house, talk, Wish.QUEUE, "support")
    with pytest.raises(InvalidInput):  # the other request, which has seen the talk as it was before
        consult.colleague_for(staged.house, talk, Wish.QUEUE, "support")
    assert consult.begin(staged.house, talk, Wish.QUEUE, "support", token) is Said.DONE
    first = staged.house.line.reservation(token)
    assert first is not None
    assert (staged.status(first.agent), the_talk(staged).stage) == (AgentStatus.RESERVED, Stage.CONSULT)
    assert sorted(staged.status(other) for other in ("bea", "cat")) == [AgentStatus.AVAILABLE, AgentStatus.RESERVED]
