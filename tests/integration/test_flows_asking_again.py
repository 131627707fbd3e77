"""Asking somebody once more, or at the same moment: no earlier question stands in the way, and none is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callback.domain.desk import Stage, Talk, Wish
from callback.domain.errors import InvalidInput
from callback.domain.ids import AgentKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.flows import consult, parted, transfer
from callback.flows.parted import Said
from callback.ports import CarrierBusy
from tests.integration.test_flows_transfer import ANN, live_talk, the_talk
from tests.support.house import StagedHouse, on_both

OUTSIDE = "+12025550177"


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


def rung(staged: StagedHouse, number: str, agent: AgentKey = ANN) -> tuple[int, int]:
    with staged.sql.look() as work:
        return work.rung_outside(number, agent, since=staged.clock.now() - timedelta(days=1))


@on_both
def test_a_number_outside_stays_counted_whoever_is_asked_next(staged: StagedHouse) -> None:
    _, agent = live_talk(staged)
    at = staged.clock.now()
    talk = Talk(Token("rs-one"), ANN, staged.pairing().queue, staged.pairing().entry, agent.sid, agent.sid, at)
    with staged.sql.begin() as work:
        first = work.put_talk(replace(talk, to=OUTSIDE, outside=2))
        work.put_talk(replace(first, to="bea"))
        work.put_talk(replace(first, to="+12025550178"))
        work.put_talk(replace(first, to="+12025550178", outside=3))
        work.put_talk(replace(first, to="", outside=3))
    assert rung(staged, OUTSIDE) == (2, 3)
    assert rung(staged, "+12025550178") == (1, 3)
    with staged.sql.begin() as work:
        work.blank_old(at + timedelta(seconds=1), 10)
    assert rung(staged, OUTSIDE)[0] == 0


@on_both
def test_whoever_was_rung_outside_for_a_caller_is_forgotten_at_their_wish(staged: StagedHouse) -> None:
    _, agent = live_talk(staged)
    at, here = staged.clock.now(), staged.pairing()
    hashed = staged.sql.number_hash(OUTSIDE)
    with staged.sql.begin() as work:
        work.put_talk(Talk(Token("rs-one"), ANN, here.queue, here.entry, agent.sid, agent.sid, at, wish=Wish.NUMBER,
                           to=OUTSIDE, outside=1))  # fmt: skip
        assert "talks" in work.holdings(hashed)
        assert work.blank(hashed).found["talks"] == 1
        found = work.talk(Token("rs-one"))
    assert found is not None
    assert found.to == ""
    assert rung(staged, OUTSIDE)[0] == 1  # which goes on protecting them
    with staged.sql.begin() as work:
        work.blank(hashed, protection=True)
    assert rung(staged, OUTSIDE)[0] == 0


def test_a_colleague_whom_nobody_came_to_ask_is_free_again(staged: StagedHouse) -> None:
    live_talk(staged)
    staged.agent("bea")
    talk = parted.begun(staged.house, ANN)
    assert talk is not None
    consult.colleague_for(staged.house, talk, Wish.AGENT, "bea")  # and whoever asked for it dies here
    staged.wait(staged.house.knobs.lease_s + 5)
    staged.sweep()
    assert (staged.status(), staged.status("bea")) == (AgentStatus.BUSY, AgentStatus.AVAILABLE)
