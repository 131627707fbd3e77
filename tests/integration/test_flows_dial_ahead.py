"""dial_ahead: the phone rings before an agent is free, and whoever has answered meets whoever is free first."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from callback.domain.callback import Outcome
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.order import Rule
from callback.flows import cancel, early, rebuild, sweep
from callback.flows.audit import audit
from callback.ports import CarrierBusy
from tests.support.clock import ManualClock
from tests.support.house import ADA, StagedHouse, on_both, stage
from tests.support.legs import Leg

BOB, CYD, DAN = "+12015550124", "+12015550125", "+12015550126"


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue(dial_mode="dial_ahead", retry_delays_s=[600], wrap_up_s=20, ring_timeout_s=25)
        yield house


def in_talk(staged: StagedHouse, key: str = "ann", number: str = DAN, seconds: int = 60) -> tuple[Leg, Leg]:
    """This agent talks with a live caller for a while: their two legs."""
    staged.agent(key)
    caller = staged.ring_in(number)
    if not caller.document.verb("Dial"):
        caller.hold()
        staged.work()
    agent = staged.talking(caller)
    staged.wait(seconds)
    return caller, agent


def after(staged: StagedHouse, seconds: int) -> None:
    """So much later, when the sweep has looked twice."""
    staged.wait(seconds - 2)
    staged.pass_time(2)


def hang_up(staged: StagedHouse, talk: tuple[Leg, Leg]) -> None:
    """The caller of a talk hangs up."""
    for leg in talk:
        for word in leg.end():
            staged.tell(word)


def wrapping(staged: StagedHouse, key: str = "ann", number: str = DAN) -> None:
    """An agent whose talk has just ended."""
    hang_up(staged, in_talk(staged, key, number))
    assert staged.status(key) is AgentStatus.WRAP_UP


def rung_ahead(staged: StagedHouse) -> Leg:
    """A promise whose phone rings while the only agent wraps up."""
    wrapping(staged)
    staged.promise()
    after(staged, 9)
    leg = staged.outgoing()
    leg.ring()
    return leg


@on_both
def test_a_caller_is_rung_before_the_agent_is_free_and_meets_them_when_they_are(staged: StagedHouse) -> None:
    leg = rung_ahead(staged)
    callback = staged.by_number()
    assert staged.status() is AgentStatus.WRAP_UP
    assert staged.state(callback) is State.DIALING
    attempt = staged.attempts(callback)[0]
    assert (attempt.mode, attempt.token, attempt.agent) == ("dial_ahead", None, None)
    why = next(entry for entry in staged.journal(callback.id) if entry.after == "reserved").data
    assert (why["idle"], why["waiting"], why["under_way"]) == (0, 0, 0)
    assert why["miss"] <= why["epsilon"]
    after(staged, 20)
    assert staged.status() is AgentStatus.AVAILABLE, "nobody else is dialled for them"
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    assert staged.state(callback) is State.BRIDGED
    assert staged.path(callback.id) == ["waiting", "reserved", "dialing", "answered", "bridged"]


def test_the_caller_keeps_their_place_while_their_phone_rings(staged: StagedHouse) -> None:
    rung_ahead(staged)
    later = staged.promise(BOB)
    assert staged.standing(staged.by_number().id).position == 1
    assert staged.standing(later.id).position == 2


def test_who_answers_before_the_agent_is_free_is_first_in_line_and_hears_an_apology(staged: StagedHouse) -> None:
    leg = rung_ahead(staged)
    leg.answer()
    leg.press("1")
    assert leg.heard[-1].startswith("Sorry, nobody is free")
    assert leg.queue is not None, "music"
    assert staged.place(staged.by_number().id) == "hold"
    leg.hold()
    after(staged, 20)
    staged.talking(leg)
    assert staged.state(staged.by_number()) is State.BRIDGED


def test_nobody_is_rung_for_an_agent_who_has_just_begun_to_talk(staged: StagedHouse) -> None:
    in_talk(staged, seconds=1)
    staged.promise()
    after(staged, 10)
    assert staged.unseen == 0
    assert staged.place(staged.by_number().id) == "due"


def test_nobody_is_rung_for_an_agent_who_goes_away_after_the_talk(staged: StagedHouse) -> None:
    talk = in_talk(staged)
    staged.away()
    hang_up(staged, talk)
    staged.promise()
    after(staged, 25)
    assert staged.unseen == 0


def test_a_live_caller_in_front_takes_the_agent_and_nobody_is_rung_for_them(staged: StagedHouse) -> None:
    wrapping(staged)
    live = staged.holding(CYD)
    staged.promise()
    after(staged, 10)
    assert staged.unseen == 0
    staged.wait(8)
    staged.pass_time(2)
    staged.talking(live)


def held_behind(staged: StagedHouse) -> tuple[Leg, Leg]:
    """A phone that rings, somebody on hold behind it, and the agent free by now: the legs of both."""
    leg = rung_ahead(staged)
    live = staged.holding(CYD)
    after(staged, 20)
    return leg, live


@on_both
def test_an_agent_who_comes_free_is_kept_for_the_phone_that_rings_before_whoever_holds(staged: StagedHouse) -> None:
    leg, live = held_behind(staged)
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.place(live.sid) == "hold"
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    assert staged.state(staged.by_number()) is State.BRIDGED
    assert staged.attempts(staged.by_number())[0].token is None
    assert audit(staged.house).breaches == ()


@on_both
def test_whoever_holds_has_the_agent_as_soon_as_the_phone_before_them_is_not_answered(staged: StagedHouse) -> None:
    leg, live = held_behind(staged)
    leg.fails("no-answer")
    staged.work()
    staged.talking(live)
    found = audit(staged.house)
    assert found.breaches == ()
    assert found.overtakings == {Rule.NOT_DUE: 1}


def test_an_agent_is_kept_no_longer_than_a_ring_and_its_question_take(staged: StagedHouse) -> None:
    _, live = held_behind(staged)
    asked = staged.attempts(staged.by_number())[0].asked_at
    assert asked is not None
    kept_until = early.rings_until(staged.house.book.queue(QueueKey("support")), asked)
    while live.queue is not None:
        assert staged.clock.now() < kept_until + timedelta(seconds=10)
        live.hold()
        after(staged, 8)
    assert staged.clock.now() >= kept_until
    staged.talking(live)
    found = audit(staged.house)
    assert found.breaches == ()
    assert found.overtakings == {Rule.UNREACHABLE: 1}


def test_an_agent_who_is_kept_goes_away_at_once(staged: StagedHouse) -> None:
    leg, live = held_behind(staged)
    staged.away()
    assert staged.status() is AgentStatus.AWAY
    leg.answer()
    leg.press("1")
    assert leg.queue is not None
    assert (staged.place(staged.by_number().id), staged.place(live.sid)) == ("hold", "hold")


def test_a_newcomer_does_not_take_an_agent_who_is_kept(staged: StagedHouse) -> None:
    leg = rung_ahead(staged)
    after(staged, 20)
    live = staged.holding(CYD)
    after(staged, 2)
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.place(live.sid) == "hold"
    leg.answer()
    leg.press("1")
    staged.talking(leg)


def test_a_cancel_while_an_agent_is_kept_gives_them_to_whoever_holds(staged: StagedHouse) -> None:
    leg, live = held_behind(staged)
    cancel.cancel(staged.house, staged.by_number().id, reason="no longer needed", cause="test")
    staged.pass_time(2)
    assert not leg.up
    staged.talking(live)


def test_of_two_agents_one_is_kept_and_the_other_has_whoever_holds(staged: StagedHouse) -> None:
    leg, live = held_behind(staged)
    staged.agent("bea")
    staged.pass_time(2)
    assert [staged.status("ann"), staged.status("bea")].count(AgentStatus.RESERVED) == 1
    staged.talking(live)
    leg.answer()
    leg.press("1")
    staged.talking(leg)


def test_a_line_that_was_lost_while_an_agent_was_kept_keeps_the_promise(staged: StagedHouse) -> None:
    leg, _ = held_behind(staged)
    staged.line.clear()
    rebuild.rebuild(staged.house)
    staged.pass_time(2)
    leg.answer()
    leg.press("1")
    after(staged, 2)
    assert staged.state(staged.by_number()) in (State.ANSWERED, State.BRIDGED)
    assert len(staged.attempts(staged.by_number())) == 1


def test_a_promise_behind_a_phone_that_rings_waits_for_the_agent_who_is_kept(staged: StagedHouse) -> None:
    first = rung_ahead(staged)
    staged.promise(BOB)
    after(staged, 12)
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.unseen == 0
    first.answer()
    first.press("1")
    staged.talking(first)
    assert staged.state(staged.by_number()) is State.BRIDGED
    assert staged.place(staged.by_number(BOB).id) == "due"


def test_the_next_is_rung_once_the_first_hardly_answers_and_whoever_answers_first_has_the_agent(
    staged: StagedHouse,
) -> None:
    first = rung_ahead(staged)
    staged.promise(BOB)
    after(staged, 25)
    second = staged.outgoing()
    second.ring()
    assert second.to == BOB
    second.answer()
    second.press("1")
    staged.talking(second)
    first.answer()
    first.press("1")
    assert first.queue is not None, "waits in front"
    assert audit(staged.house).breaches == ()


def rung_for_ann(staged: StagedHouse) -> tuple[Leg, Leg]:
    """One phone that rings for an agent who is reserved for it, and one that was rung ahead, behind it."""
    talk = in_talk(staged, "bea")
    staged.promise(BOB)
    staged.agent("ann")
    staged.pass_time(1)
    with_agent = staged.outgoing()
    with_agent.ring()
    staged.promise(ADA)
    hang_up(staged, talk)
    after(staged, 14)
    ahead = staged.outgoing()
    ahead.ring()
    return with_agent, ahead


def test_whoever_answers_first_has_the_agent_of_a_phone_that_still_rings(staged: StagedHouse) -> None:
    with_agent, ahead = rung_for_ann(staged)
    ahead.answer()
    ahead.press("1")
    staged.talking(ahead)
    assert staged.state(staged.by_number(BOB)) is State.DIALING, "rings on"
    after(staged, 10)
    with_agent.answer()
    with_agent.press("1")
    staged.talking(with_agent)
    assert audit(staged.house).breaches == ()


def test_an_agent_is_not_taken_from_somebody_who_has_picked_up(staged: StagedHouse) -> None:
    with_agent, ahead = rung_for_ann(staged)
    with_agent.answer()
    ahead.answer()
    ahead.press("1")
    assert ahead.queue is not None
    with_agent.press("1")
    staged.talking(with_agent)


def test_a_caller_who_does_not_answer_is_rung_again_later_in_the_same_place(staged: StagedHouse) -> None:
    leg = rung_ahead(staged)
    before = staged.by_number()
    leg.fails("no-answer")
    staged.work()
    callback = staged.by_number()
    assert (callback.state, callback.attempts_left, callback.score) == (State.WAITING, 2, before.score)
    assert staged.place(callback.id) == "later"


def test_a_cancel_while_the_phone_rings_ends_the_call(staged: StagedHouse) -> None:
    leg = rung_ahead(staged)
    cancel.cancel(staged.house, staged.by_number().id, reason="no longer needed", cause="test")
    staged.work()
    assert not leg.up
    assert staged.place(staged.by_number().id) == ""


def test_a_task_that_was_lost_costs_no_attempt_and_the_caller_is_rung_later(staged: StagedHouse) -> None:
    wrapping(staged)
    staged.promise()
    staged.wait(15)
    sweep.sweep(staged.house)
    assert staged.state(staged.by_number()) is State.RESERVED
    staged.dispatch.lose_all()
    for _ in range(3):
        after(staged, 20)
    leg = staged.outgoing()
    assert leg.to == ADA
    assert staged.by_number().attempts_left == 3
    assert staged.attempts(staged.by_number())[0].outcome is Outcome.AGENT_MISSED


def test_a_busy_carrier_puts_the_caller_back_in_line(staged: StagedHouse) -> None:
    wrapping(staged)
    staged.promise()
    staged.carrier.fail_next(CarrierBusy("429", 20429))
    after(staged, 15)
    callback = staged.by_number()
    assert staged.attempts(callback)[0].outcome is Outcome.REFUSED
    assert callback.attempts_left == 3


def test_a_queue_that_does_not_dial_rings_nobody_ahead(staged: StagedHouse) -> None:
    staged.policy(dialing=False)
    wrapping(staged)
    staged.promise()
    after(staged, 19)
    assert staged.unseen == 0


def test_no_more_are_rung_than_agents_come_free(staged: StagedHouse) -> None:
    wrapping(staged)
    for number in (ADA, BOB, CYD):
        staged.promise(number)
        staged.wait(1)
    after(staged, 14)
    assert staged.unseen == 1


def test_agents_of_two_queues_are_not_dialled_for_twice(staged: StagedHouse) -> None:
    staged.queue("billing", numbers=("+12015550101",), dial_mode="dial_ahead", wrap_up_s=20)
    wrapping(staged)
    staged.agent("ann", "support", "billing", free=False)
    staged.promise(ADA, "support")
    staged.wait(1)
    staged.promise(BOB, "billing")
    after(staged, 16)
    assert staged.unseen == 1
    assert staged.outgoing().to == ADA
