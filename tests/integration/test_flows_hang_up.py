"""A leg of ours that has to end ends, though the carrier is busy, silent or refuses us at first."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callback.domain.ids import CallSid
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel
from callback.flows.tasks import PAUSES_S
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import StagedHouse, stage
from tests.support.legs import Leg

REFUSALS = [CarrierBusy("429", 20429), OutcomeUnknown("503"), OutcomeUnknown("no answer"), CarrierStopped("401", 20003)]


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        yield house


@pytest.fixture
def refusing(staged: StagedHouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[CallSid]]:
    """Lets the carrier refuse to end or redirect a leg so many times; gives the calls that were to be ended."""

    def refuse(refusal: CarrierError, times: int, verb: str = "hang_up") -> list[CallSid]:
        asked: list[CallSid] = []
        real = getattr(staged.carrier, verb)

        def answer(call: CallSid, *args: str) -> None:
            asked.append(call)
            if len(asked) <= times:
                raise refusal
            real(call, *args)

        monkeypatch.setattr(staged.house.carrier, verb, answer)
        return asked

    return refuse


def cancelled(staged: StagedHouse) -> Leg:
    """Their phone rings, and they cancel."""
    leg = staged.called()
    cancel.cancel(staged.house, staged.by_number().id, reason="changed my mind", cause="test")
    staged.work()
    return leg


def pass_quietly(staged: StagedHouse, seconds: int) -> None:
    """Time passes without a sweep: the workers alone go on."""
    for _ in range(seconds):
        staged.wait(1)
        staged.work()


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_call_that_could_not_be_ended_at_once_is_ended_soon(
    staged: StagedHouse, refusing: Callable[..., list[CallSid]], refusal: CarrierError
) -> None:
    asked = refusing(refusal, 3)
    leg = cancelled(staged)
    assert staged.carrier.hung_up == []
    pass_quietly(staged, 12)
    assert asked == [leg.sid] * 4
    assert not leg.up
    pass_quietly(staged, 60)
    assert len(asked) == 4


def test_a_carrier_that_never_answers_is_not_asked_for_ever(
    staged: StagedHouse, refusing: Callable[..., list[CallSid]]
) -> None:
    asked = refusing(OutcomeUnknown("no answer"), 1000)
    cancelled(staged)
    with pytest.raises(OutcomeUnknown):
        pass_quietly(staged, 300)
    assert len(asked) == len(PAUSES_S) + 1
    assert staged.dispatch.waiting == []


def test_the_carriers_own_pause_is_kept(staged: StagedHouse, refusing: Callable[..., list[CallSid]]) -> None:
    busy = CarrierBusy("429", 20429)
    busy.retry_after_s = 20
    asked = refusing(busy, 1)
    cancelled(staged)
    pass_quietly(staged, 19)
    assert len(asked) == 1
    pass_quietly(staged, 12)
    assert len(asked) == 2


def test_a_leg_that_has_ended_meanwhile_is_left_as_it_is(
    staged: StagedHouse, refusing: Callable[..., list[CallSid]]
) -> None:
    refusing(OutcomeUnknown("503"), 1)
    leg = cancelled(staged)
    leg.fails("no-answer")
    pass_quietly(staged, 5)
    found = staged.carrier.fetch(leg.sid)
    assert found is not None
    assert found.status == "no-answer"
    assert staged.dispatch.waiting == []


def test_a_call_that_is_named_after_its_cancel_is_ended_though_the_carrier_is_busy(
    staged: StagedHouse, refusing: Callable[..., list[CallSid]]
) -> None:
    """The cancel came while the carrier was asked, and could not know yet which call to end."""
    staged.queue()
    callback = staged.promise()
    staged.agent()
    object.__setattr__(staged.house, "pause", lambda _: None)
    refusing(CarrierBusy("429", 20429), 2)

    def beside(step: str) -> None:
        if step == "carrier.create_call":
            staged.steps.between = None
            cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")

    staged.steps.between = beside
    staged.work()
    assert staged.state(callback) is State.CANCELLED
    leg = staged.outgoing()
    pass_quietly(staged, 10)
    assert leg.sid in staged.carrier.hung_up
    assert not leg.up


def test_an_agent_who_cannot_be_told_that_nobody_comes_is_let_go(
    staged: StagedHouse, refusing: Callable[..., list[CallSid]]
) -> None:
    staged.queue(dial_mode="agent_first", retry_delays_s=[600])
    staged.promise()
    staged.agent()
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    agent.press("1")
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    refusing(OutcomeUnknown("503"), 1, "redirect")
    leg.fails("no-answer")
    pass_quietly(staged, 5)
    assert not agent.up
    assert staged.status() is AgentStatus.AVAILABLE
