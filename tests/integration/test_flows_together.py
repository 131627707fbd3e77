"""agent_first: whoever is alone in the conference has not talked, whichever report of it is lost or late."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.domain.callback import Outcome
from callback.domain.ids import CallSid
from callback.domain.lifecycle import AgentStatus, State
from callback.ports import CarrierCall, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ADA, StagedHouse, on_both, stage
from tests.support.legs import Leg, Word
from tests.support.town import Town

CUT_OFF_S = 10


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue(dial_mode="agent_first", retry_delays_s=[600], cut_off_s=CUT_OFF_S, wrap_up_s=0)
        house.agent(free=False)
        house.promise()
        house.available()
        house.work()
        yield house


def agent_waits(staged: StagedHouse) -> tuple[Leg, Leg]:
    """The agent waits in the conference; the caller has picked up and is asked for a key."""
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    agent.press("1")
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    return agent, leg


def left_alone(staged: StagedHouse) -> tuple[Leg, Leg, list[Word]]:
    """The agent hangs up, nobody reports it, and the caller joins: both legs and the reports that are late."""
    agent, leg = agent_waits(staged)
    late = agent.end()
    leg.press("1")
    assert leg.room
    assert staged.state(staged.by_number()) is State.BRIDGED
    return agent, leg, late


def talking(staged: StagedHouse, *, told: bool = True) -> tuple[Leg, Leg]:
    """Both are in the conference, and the carrier has `told` so."""
    agent, leg = agent_waits(staged)
    leg.press("1")
    if told:
        staged.tell(agent.conference_starts())
    staged.wait(60)
    return agent, leg


def asked_the_carrier(staged: StagedHouse, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that we look up at the carrier from now on."""
    asked: list[str] = []

    def noted(sid: CallSid) -> CarrierCall | None:
        asked.append(sid)
        return staged.carrier.fetch(sid)

    monkeypatch.setattr(staged.house.carrier, "fetch", noted)
    return asked


def rounds_of_asking(staged: StagedHouse) -> None:
    """The sweep asks the carrier about everybody of whom nothing is heard."""
    for _ in range(2):
        staged.wait(21)
        staged.sweep()


def served_once_more(staged: StagedHouse) -> None:
    """The promise stands, and is kept."""
    callback = staged.by_number()
    town = Town(staged, talk_s=5)
    town.live(60, until=lambda: staged.state(callback) is State.COMPLETED)
    assert staged.state(callback) is State.COMPLETED
    assert town.talks == {ADA: 1}


# --- the agent left just before the caller joined --------------------------------------------------------------------


@on_both
def test_a_caller_who_hangs_up_in_the_end_is_still_promised_a_call(staged: StagedHouse) -> None:
    _, leg, _ = left_alone(staged)
    callback = staged.by_number()
    staged.wait(CUT_OFF_S + 2)
    words = leg.end()
    staged.tell(words[0])
    assert staged.state(callback) is not State.COMPLETED
    assert staged.path(callback.id)[-2:] == ["answered", "waiting"]
    assert staged.now(callback).attempts_left == 3, "it was no fault of theirs"
    assert staged.attempts(callback)[0].outcome is Outcome.HUNG_UP
    for word in words[1:]:
        staged.tell(word)
    served_once_more(staged)


def test_the_end_may_be_told_by_the_status_report_alone(staged: StagedHouse) -> None:
    _, leg, _ = left_alone(staged)
    staged.wait(CUT_OFF_S + 2)
    staged.tell(leg.end()[-1])
    assert staged.state(staged.by_number()) is State.WAITING
    served_once_more(staged)


@on_both
def test_a_caller_alone_is_found_though_nobody_reports_anything(staged: StagedHouse) -> None:
    """Back at the front, hearing our music, and connected with whoever is free next: no second call is needed."""
    agent, leg, _ = left_alone(staged)
    staged.away()
    rounds_of_asking(staged)
    assert staged.state(staged.by_number()) is State.ANSWERED
    assert staged.status() is AgentStatus.AWAY
    assert leg.queue is not None, "out of the conference, and on hold"
    assert "another" in leg.heard[-1]
    assert not agent.up
    leg.hold()
    staged.agent("bea")
    staged.work()
    staged.talking(leg)
    assert staged.state(staged.by_number()) is State.BRIDGED
    staged.wait(60)
    for word in leg.end():
        staged.tell(word)
    assert staged.state(staged.by_number()) is State.COMPLETED
    assert [call.to for _, call in staged.carrier.created].count(ADA) == 1


def test_an_agent_who_is_free_takes_the_caller_who_is_alone_at_once(staged: StagedHouse) -> None:
    _, leg, _ = left_alone(staged)
    staged.away()
    staged.agent("bea")
    rounds_of_asking(staged)
    assert leg.dial is not None
    assert not leg.room
    assert staged.pairing("bea").entry == str(staged.by_number().id)


@pytest.mark.parametrize("after_s", [CUT_OFF_S - 5, CUT_OFF_S + 5])
def test_a_late_report_of_the_agents_end_ends_no_promise(staged: StagedHouse, after_s: int) -> None:
    _, leg, late = left_alone(staged)
    staged.away()
    staged.wait(after_s)
    for word in late:
        staged.tell(word)
    staged.work()
    assert staged.state(staged.by_number()) is State.ANSWERED
    assert leg.queue is not None


def test_a_policy_without_a_cut_off_keeps_the_promise_all_the_same(staged: StagedHouse) -> None:
    staged.policy(cut_off_s=0)
    _, leg, _ = left_alone(staged)
    staged.wait(4)
    for word in leg.end():
        staged.tell(word)
    assert staged.state(staged.by_number()) is State.WAITING
    served_once_more(staged)


def test_where_every_report_of_both_is_lost_the_carrier_tells(staged: StagedHouse) -> None:
    _, leg, _ = left_alone(staged)
    staged.wait(CUT_OFF_S + 2)
    leg.end()
    rounds_of_asking(staged)
    assert "answered" in staged.path(staged.by_number().id)
    served_once_more(staged)


@on_both
def test_while_the_carrier_cannot_be_asked_nothing_is_settled(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is free meanwhile; the promise waits for the carrier's word."""
    agent, leg, _ = left_alone(staged)
    staged.wait(CUT_OFF_S + 2)
    with monkeypatch.context() as away:
        away.setattr(staged.house.carrier, "fetch", silent)
        for word in leg.end():
            staged.tell(word)
        assert staged.state(staged.by_number()) is State.BRIDGED
        assert staged.status() is AgentStatus.AVAILABLE
        rounds_of_asking(staged)
        assert staged.state(staged.by_number()) is State.BRIDGED
    assert not agent.up
    served_once_more(staged)


def silent(_: CallSid) -> CarrierCall | None:
    raise OutcomeUnknown("no answer")


def test_an_agents_late_report_while_the_carrier_is_away_waits_for_it(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, leg, late = left_alone(staged)
    staged.away()
    staged.wait(CUT_OFF_S + 2)
    with monkeypatch.context() as away:
        away.setattr(staged.house.carrier, "fetch", silent)
        for word in late:
            staged.tell(word)
        assert staged.state(staged.by_number()) is State.BRIDGED
    rounds_of_asking(staged)
    assert staged.state(staged.by_number()) is State.ANSWERED
    assert leg.queue is not None


# --- they were together ----------------------------------------------------------------------------------------------


@on_both
def test_the_carrier_is_asked_nothing_about_a_talk_of_which_it_told_the_beginning(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, leg = talking(staged)
    asked = asked_the_carrier(staged, monkeypatch)
    for word in leg.end():
        staged.tell(word)
    agent.dial_ends()
    staged.work()
    assert staged.state(staged.by_number()) is State.COMPLETED
    assert asked == []
    assert staged.carrier.hung_up == []


def test_the_carrier_is_asked_nothing_where_the_agents_leg_outlived_the_conference(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, leg = talking(staged, told=False)
    asked = asked_the_carrier(staged, monkeypatch)
    words = leg.end()
    agent.dial_ends()
    for word in words:
        staged.tell(word)
    assert staged.state(staged.by_number()) is State.COMPLETED
    assert asked == []


@pytest.mark.parametrize("first", ["caller", "agent"])
def test_a_talk_of_whose_beginning_nobody_told_is_over_when_it_is_over(staged: StagedHouse, first: str) -> None:
    agent, leg = talking(staged, told=False)
    words = [*leg.end(), *agent.end()] if first == "caller" else [*agent.end(), *leg.end()]
    for word in words:
        staged.tell(word)
    staged.work()
    assert staged.state(staged.by_number()) is State.COMPLETED
    rounds_of_asking(staged)
    assert staged.unseen == 0, "nobody is rung again"


@pytest.mark.parametrize("seconds", [0, 1, 3])
def test_a_very_short_talk_that_the_caller_ends_is_over(staged: StagedHouse, seconds: int) -> None:
    """Whoever hangs up themselves is not rung again, though nobody told of the beginning and the agent's leg is gone at
    the same moment."""
    agent, leg = agent_waits(staged)
    leg.press("1")
    staged.wait(seconds)
    words = leg.end()
    agent.end()
    for word in words:
        staged.tell(word)
    assert staged.state(staged.by_number()) is State.COMPLETED


def test_a_long_talk_is_asked_about_once(staged: StagedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, _ = talking(staged, told=False)
    asked = asked_the_carrier(staged, monkeypatch)
    rounds_of_asking(staged)
    rounds_of_asking(staged)
    assert asked.count(agent.sid) == 1
    assert staged.state(staged.by_number()) is State.BRIDGED


def test_a_talk_with_another_agent_is_not_measured_by_the_first(staged: StagedHouse) -> None:
    """The first left while the caller was rung; the second was rung from the caller's leg."""
    agent, leg = agent_waits(staged)
    for word in agent.end():
        staged.tell(word)
    leg.press("1")
    leg.hold()
    staged.agent("bea")
    staged.work()
    staged.talking(leg)
    staged.wait(60)
    for word in leg.end():
        staged.tell(word)
    assert staged.state(staged.by_number()) is State.COMPLETED
    rounds_of_asking(staged)
    assert staged.unseen == 0


def test_a_beginning_that_is_told_after_the_end_changes_nothing(staged: StagedHouse) -> None:
    agent, leg = talking(staged, told=False)
    begun = agent.conference_starts()
    for word in leg.end():
        staged.tell(word)
    staged.tell(begun)
    staged.tell(begun)
    assert staged.state(staged.by_number()) is State.COMPLETED


# --- the caller left just before they joined -------------------------------------------------------------------------


def test_an_agent_whose_caller_never_joined_is_let_go(staged: StagedHouse) -> None:
    """Their leg ended while the document that sends them into the conference was on its way."""
    agent, leg = agent_waits(staged)
    leg.press("1")
    leg.dial = None  # never executed, so that no end of it is told
    staged.wait(1)
    for word in leg.end():
        staged.tell(word)
    staged.work()
    assert not agent.up
    assert staged.status() is AgentStatus.AVAILABLE


def test_an_agent_whose_caller_never_joined_is_let_go_though_nobody_tells(staged: StagedHouse) -> None:
    agent, leg = agent_waits(staged)
    leg.press("1")
    leg.end()
    rounds_of_asking(staged)
    assert not agent.up
    assert staged.status() is AgentStatus.AVAILABLE
