"""Holes in the protocol of reserving, dialling, cancelling and delivering again: each was open once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from callback.domain.ids import CallbackId, EntryId
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.flows import cancel
from tests.support.clock import ManualClock
from tests.support.house import ADA, StagedHouse, on_both
from tests.support.legs import Leg
from tests.support.steps import Killed

LIVE = ("queued", "ringing", "in-progress")


def cancels(staged: StagedHouse, id: CallbackId) -> None:
    cancel.cancel(staged.house, id, reason="changed my mind", cause="test")


def after_step(staged: StagedHouse, name: str, act: Callable[[], object]) -> None:
    """Between that step of the process and its next."""

    def beside(step: str) -> None:
        if step == name:
            staged.steps.between = None
            act()

    staged.steps.between = beside


def live_calls(staged: StagedHouse, number: str = ADA) -> int:
    """As the carrier has it."""
    calls = [staged.carrier.fetch(sid) for sid, call in staged.carrier.created if call.to == number]
    return sum(1 for call in calls if call is not None and call.status in LIVE)


# --- a cancel that is acknowledged while somebody is about to act -----------------------------------------------------


@on_both
def test_an_agent_whose_key_comes_beside_a_cancel_hears_that_nobody_is_there(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("1")
    agent = leg.agent()
    agent.pick_up()
    callback = staged.by_number()
    after_step(staged, "line.bridge", lambda: cancels(staged, callback.id))
    agent.press("1")
    assert staged.state(callback) is State.CANCELLED
    assert not agent.bridged
    assert "bridged" not in staged.path(callback.id)
    staged.work()
    assert staged.status() is not AgentStatus.BUSY


@on_both
def test_nobody_talks_in_a_conference_after_a_cancel(staged: StagedHouse) -> None:
    staged.queue(dial_mode="agent_first")
    callback = staged.promise()
    staged.agent()
    staged.work()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    agent.press("1")
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    after_step(staged, "line.bridge", lambda: cancels(staged, callback.id))
    leg.press("1")
    assert leg.room == ""
    assert staged.state(callback) is State.CANCELLED


@pytest.mark.parametrize("mode", ["customer_first", "agent_first"])
def test_a_worker_that_was_held_up_for_longer_than_a_cancel_waits_does_not_dial(
    staged: StagedHouse, clock: ManualClock, mode: str
) -> None:
    staged.queue(dial_mode=mode)
    callback = staged.promise()
    staged.agent()
    if mode == "agent_first":
        staged.work()
        agent = staged.outgoing()
        agent.ring()
        agent.answer()
        agent.press("1")
    before = "line.extend" if mode == "customer_first" else "commit"

    def cancelled() -> None:
        clock.advance(2)  # as long as the cancel waits for the carrier's answer
        cancels(staged, callback.id)

    object.__setattr__(staged.house, "pause", lambda _: None)
    dialled = len(staged.carrier.created)
    after_step(staged, before, cancelled)
    staged.work()
    assert staged.state(callback) is State.CANCELLED
    assert len(staged.carrier.created) == dialled


def test_a_caller_whose_cancel_died_half_way_is_put_through_to_no_agent_after_agent(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    leg = staged.ring_in()
    leg.press("2")
    leg.hold()
    staged.steps.restart(kill_after=2)
    with pytest.raises(Killed):
        cancels(staged, callback.id)
    staged.steps.restart()
    assert staged.state(callback) is State.CANCELLED
    assert staged.place(callback.id) == "hold"
    staged.agent()
    staged.work()
    agent = leg.agent()
    agent.pick_up()
    agent.press("1")
    assert not agent.bridged
    assert staged.place(callback.id) == ""
    assert "agents" not in leg.dial_ends("completed").says
    assert not leg.up
    staged.work()
    assert staged.status() is AgentStatus.AVAILABLE


def test_a_promise_cancelled_while_the_line_was_away_does_not_stand_in_line_for_ever(staged: StagedHouse) -> None:
    staged.called(retry_delays_s=[600]).fails("no-answer")
    callback = staged.by_number()
    assert staged.place(callback.id) == "later"
    staged.steps.away = frozenset({"line"})
    with pytest.raises(redis.ConnectionError):
        cancels(staged, callback.id)
    staged.steps.away = frozenset()
    assert staged.state(callback) is State.CANCELLED
    staged.pass_time(16)
    assert staged.place(callback.id) == ""


# --- one live call to a number ----------------------------------------------------------------------------------------


def given_up_and_promised_again(staged: StagedHouse) -> Leg:
    """Their phone rings, they cancel and ask anew; the broker loses the task that would end the call."""
    leg = staged.called()
    cancels(staged, staged.by_number().id)
    staged.dispatch.lose_all()
    staged.promise()
    return leg


def test_a_number_whose_phone_still_rings_for_a_cancelled_callback_is_not_rung_for_the_next(
    staged: StagedHouse,
) -> None:
    leg = given_up_and_promised_again(staged)
    staged.work()
    assert live_calls(staged) <= 1
    if leg.up:
        leg.fails("no-answer")
    staged.pass_time(15)
    assert staged.unseen == 1
    assert live_calls(staged) == 1


@on_both
def test_nor_where_the_number_has_many_newer_callbacks(staged: StagedHouse) -> None:
    """In other queues and for other days: none of them hides the call that still rings."""
    leg = given_up_and_promised_again(staged)
    for number in range(12):
        staged.wait(0.1)
        staged.queue(f"desk-{number}", numbers=(f"+1201555{2000 + number}",))
        at = staged.clock.now() + timedelta(days=1)
        staged.promise(queue=f"desk-{number}", requested_for=at)
    staged.work()
    assert live_calls(staged) <= 1
    if leg.up:
        leg.fails("no-answer")
    staged.pass_time(10)
    assert live_calls(staged) == 1


def test_a_number_whose_promise_nobody_can_read_any_more_is_not_rung_while_it_still_rings(staged: StagedHouse) -> None:
    """Given up as a damaged row, whose attempt nobody closed: the call is ended before the next."""
    leg = staged.called()
    ada = staged.by_number()
    with staged.sql.begin() as work:
        work.write_off(ada.id, Event.CANCEL, reason="damaged", cause="test", at=staged.clock.now())
    staged.line.leave(EntryId(ada.id), reason="damaged", now=staged.clock.now())
    staged.promise()
    staged.agent("bea")
    staged.work()
    assert live_calls(staged) <= 1
    assert not leg.up
    staged.pass_time(10)
    assert staged.unseen == 1
    assert live_calls(staged) == 1


def test_a_message_to_a_machine_is_spoken_to_its_end_before_the_number_is_rung_again(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[])
    leg.answer()
    leg.silence()
    staged.post(leg.document.only("Gather").get("action"), leg.form(Digits=""))  # the message is being spoken
    staged.work()
    staged.pass_time(3)
    assert live_calls(staged) == 1
    staged.carrier.end(leg.sid)
    staged.pass_time(15)
    assert staged.unseen == 1


def test_a_caller_who_rang_in_and_hung_up_is_not_rung_while_the_first_call_still_rings(staged: StagedHouse) -> None:
    staged.called()
    theirs = staged.ring_in()
    theirs.press("2")
    staged.dispatch.lose_all()
    theirs.hang_up()
    staged.work()
    assert live_calls(staged) <= 1
    staged.pass_time(15)
    assert live_calls(staged) == 1
