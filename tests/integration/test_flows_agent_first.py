"""agent_first: the agent is on the line before the caller's phone rings, and neither is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.domain.callback import Outcome
from callback.domain.lifecycle import AgentStatus, State
from callback.ports import CarrierBusy, CarrierError, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ADA, StagedHouse, on_both, stage
from tests.support.legs import Leg


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue(dial_mode="agent_first", retry_delays_s=[600])
        house.agent(free=False)
        house.promise()
        yield house


def agent_rung(staged: StagedHouse) -> Leg:
    staged.available()
    staged.work()
    return staged.outgoing()


def both_rung(staged: StagedHouse) -> tuple[Leg, Leg]:
    """The agent waits in the conference; the caller's phone rings."""
    agent = agent_rung(staged)
    agent.ring()
    agent.answer()
    assert agent.press("1").names[-1] == "Dial"
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    return agent, leg


@on_both
def test_the_agent_is_rung_first_and_the_caller_only_after_their_key(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    callback = staged.by_number()
    assert agent.to == "client:ann"
    assert staged.state(callback) is State.RESERVED
    assert "Support" in agent.answer().says
    assert staged.unseen == 0
    agent.press("1")
    assert agent.room
    staged.work()
    leg = staged.outgoing()
    assert leg.to == ADA
    assert staged.state(callback) is State.DIALING
    leg.answer()
    leg.press("1")
    assert leg.room == agent.room
    assert staged.state(callback) is State.BRIDGED
    assert staged.status() is AgentStatus.BUSY
    staged.wait(60)
    for word in leg.end():
        staged.tell(word)
    agent.dial_ends()
    assert staged.state(callback) is State.COMPLETED
    assert staged.path(callback.id) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]


def test_an_agent_who_does_not_answer_is_away_and_the_caller_never_rang(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.fails("no-answer")
    callback = staged.by_number()
    assert staged.status() is AgentStatus.AWAY
    assert staged.attempts(callback)[0].outcome is Outcome.AGENT_MISSED
    assert (staged.state(callback), staged.now(callback).attempts_left) == (State.WAITING, 3)
    assert staged.place(callback.id) == "due"


def test_an_agent_who_presses_nothing_is_away(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.answer()
    agent.press("9")
    agent.silence()
    assert not agent.up
    assert staged.status() is AgentStatus.AWAY


def test_the_next_agent_takes_over(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    staged.agent("bea")
    agent.fails("busy")
    staged.work()
    assert staged.outgoing().to == "client:bea"


def test_an_agents_phone_that_the_carrier_refuses_counts_as_missed(staged: StagedHouse) -> None:
    staged.carrier.fail_next(CarrierError("400", 13224))
    staged.available()
    staged.work()
    assert staged.status() is AgentStatus.AWAY
    assert staged.state(staged.by_number()) is State.WAITING


def test_an_agents_phone_of_unknown_fate_that_rings_after_all_goes_on(staged: StagedHouse) -> None:
    staged.carrier.fail_next(OutcomeUnknown("503"), accepted=True)
    agent = agent_rung(staged)
    agent.answer()
    agent.press("1")
    staged.work()
    assert staged.outgoing().to == ADA
    assert staged.attempts(staged.by_number())[0].agent_call == agent.sid


def test_an_agents_phone_of_unknown_fate_that_never_rings_costs_them_nothing(staged: StagedHouse) -> None:
    staged.carrier.fail_next(OutcomeUnknown("503"))
    staged.available()
    staged.work()
    staged.wait(0.5)
    staged.pass_time(66)
    assert staged.outgoing().to == "client:ann", "rung again"
    assert staged.now(staged.by_number()).attempts_left == 3


def test_an_agent_whose_dial_was_lost_does_not_wait_alone_for_ever(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.answer()
    agent.press("1")
    staged.dispatch.lose_all()
    staged.pass_time(100)
    assert not agent.room
    assert staged.outgoing().to == "client:ann"


def test_a_caller_who_does_not_answer_frees_the_agent_who_is_told(staged: StagedHouse) -> None:
    agent, leg = both_rung(staged)
    leg.fails("no-answer")
    staged.work()
    assert not agent.up, "told, and hung up"
    assert "could not be reached" in agent.heard[-1] or "reach" in agent.heard[-1]
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.now(staged.by_number()).attempts_left == 2


def test_a_busy_carrier_puts_the_caller_off_and_lets_the_agent_go(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.answer()
    agent.press("1")
    staged.carrier.fail_next(CarrierBusy("429", 20429))
    staged.work()
    assert staged.attempts(staged.by_number())[0].outcome is Outcome.REFUSED
    assert staged.now(staged.by_number()).attempts_left == 3
    assert not agent.up


def test_an_agent_who_leaves_while_the_caller_is_rung_is_away_and_the_caller_holds_for_another(
    staged: StagedHouse,
) -> None:
    agent, leg = both_rung(staged)
    for word in agent.end():
        staged.tell(word)
    assert staged.status() is AgentStatus.AWAY
    leg.answer()
    leg.press("1")
    assert leg.queue is not None
    leg.hold()
    staged.agent("bea")
    staged.work()
    staged.talking(leg)
    assert staged.state(staged.by_number()) is State.BRIDGED


def test_an_agent_who_left_is_replaced_at_the_callers_key_by_one_who_is_free(staged: StagedHouse) -> None:
    agent, leg = both_rung(staged)
    for word in agent.end():
        staged.tell(word)
    leg.answer()
    staged.agent("bea")
    leg.press("1")
    assert not leg.room, "nobody is in the conference any more"
    staged.talking(leg)
    assert (staged.status("bea"), staged.state(staged.by_number())) == (AgentStatus.BUSY, State.BRIDGED)


@on_both
def test_the_key_pressed_twice_dials_the_caller_once(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.answer()
    agent.press("1")
    staged.work("twice")
    assert len(staged.carrier.created) == 2, "the agent and the caller"


def test_a_caller_who_rings_in_meanwhile_is_not_dialled_as_well(staged: StagedHouse) -> None:
    agent = agent_rung(staged)
    agent.answer()
    inbound = staged.ring_in()
    inbound.press("2")
    staged.work()
    staged.pass_time(2)
    assert [call.to for _, call in staged.carrier.created if call.to == ADA] == []
    assert staged.state(staged.by_number()) in (State.ANSWERED, State.BRIDGED)
