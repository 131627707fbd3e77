"""Changing one's mind: cancel in every state, another time, and ringing in while the promise is being kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from callback.domain.callback import Callback, Outcome
from callback.domain.errors import AlreadyBridged, InvalidInput, NotAccepting
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel
from callback.ports import OutcomeUnknown
from tests.support.house import ADA, StagedHouse, on_both

BOB = "+12015550124"
OFFICE = {"timezone": "UTC", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}


# --- bringing a promise into each state -----------------------------------------------------------------------------


def waiting(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    staged.promise()


def scheduled(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    staged.promise(requested_for=staged.clock.now() + timedelta(hours=1))


def reserved(staged: StagedHouse) -> None:
    staged.queue(dial_mode="agent_first")
    staged.agent(free=False)
    staged.promise()
    staged.available()
    staged.work()
    staged.outgoing().ring()


def dialing(staged: StagedHouse) -> None:
    staged.called()


def reconciling(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    staged.promise()
    staged.carrier.fail_next(OutcomeUnknown("garbage"), accepted=True)
    staged.available()
    staged.work()
    staged.outgoing().ring()


def answered(staged: StagedHouse) -> None:
    staged.called().answer()


def on_hold(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("1")
    leg.dial_ends("no-answer")
    leg.hold()


def agent_rung(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("1")


def rung_in(staged: StagedHouse) -> None:
    waiting(staged)
    leg = staged.ring_in()
    leg.press("2")
    leg.hold()


def bridged(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("1")
    staged.talking(leg)


def completed(staged: StagedHouse) -> None:
    bridged(staged)
    staged.wait(60)
    for leg in list(staged.legs.values()):
        leg.hang_up()


Prepare = Callable[[StagedHouse], None]
BEFORE_THE_TALK: list[Prepare] = [
    waiting,
    scheduled,
    reserved,
    dialing,
    reconciling,
    answered,
    on_hold,
    agent_rung,
    rung_in,
]


def stop(staged: StagedHouse, callback: Callback) -> Callback:
    return cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")


# --- cancel ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", BEFORE_THE_TALK, ids=[prepare.__name__ for prepare in BEFORE_THE_TALK])
def test_until_the_talk_a_cancel_is_the_end_whatever_was_going_on(staged: StagedHouse, prepare: Prepare) -> None:
    prepare(staged)
    callback = staged.by_number()
    assert stop(staged, callback).state is State.CANCELLED
    again = stop(staged, callback)
    assert (again.state, again.version) == (State.CANCELLED, staged.now(callback).version), "repeatable"
    staged.work()
    staged.pass_time(3)
    assert [leg.sid for leg in staged.legs.values() if leg.up] == [], "whatever rang or held was ended"
    assert staged.order() == []
    created = len(staged.carrier.created)
    staged.available()
    staged.pass_time(45)
    assert len(staged.carrier.created) == created, "no dial after an acknowledged cancel"
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.path(callback.id)[-1] == "cancelled"


@pytest.mark.parametrize("prepare", [bridged, completed], ids=["talking", "over"])
def test_from_the_talk_on_there_is_nothing_left_to_cancel(staged: StagedHouse, prepare: Prepare) -> None:
    prepare(staged)
    with pytest.raises(AlreadyBridged):
        stop(staged, staged.by_number())


def test_an_answer_after_the_cancel_hears_an_apology_and_is_never_bridged(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()
    stop(staged, callback)
    staged.dispatch.lose_all()  # nobody ended the ringing
    document = leg.answer()
    assert document.names[-1] == "Hangup"
    assert document.verb("Gather") is None
    assert staged.state(callback) is State.CANCELLED


def test_a_key_pressed_after_the_cancel_hears_an_apology(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    stop(staged, staged.by_number())
    assert leg.press("1").names[-1] == "Hangup"


def test_a_cancel_frees_the_agent_for_the_next(staged: StagedHouse) -> None:
    staged.called()
    staged.wait(1)
    other = staged.promise(BOB)
    stop(staged, staged.by_number())
    staged.work()
    assert staged.state(other) is State.DIALING


def test_whoever_cancelled_is_not_recognised_any_more_and_may_be_promised_anew(staged: StagedHouse) -> None:
    waiting(staged)
    first = staged.by_number()
    stop(staged, first)
    staged.wait(1)
    leg = staged.ring_in()
    assert "press 1" in leg.document.says
    leg.press("1")
    leg.press("1")
    assert staged.by_number().id != first.id


# --- another time ---------------------------------------------------------------------------------------------------


@on_both
def test_another_time_keeps_the_place_and_is_rung_then(staged: StagedHouse) -> None:
    waiting(staged)
    callback = staged.by_number()
    at = staged.clock.now() + timedelta(hours=2)
    moved = cancel.reschedule(staged.house, callback.id, at, cause="test")
    assert (moved.state, moved.requested_for, moved.score) == (State.SCHEDULED, at, callback.score)
    assert staged.order() == []
    staged.available()
    staged.pass_time(3)
    assert staged.unseen == 0
    staged.clock.set(at)
    staged.sweep()
    assert staged.outgoing().to == ADA


def test_the_window_that_is_promised_moves_as_a_whole(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.talking(staged.ring_in(BOB))
    callback = staged.promise()
    assert callback.promised_to is not None
    at = staged.clock.now() + timedelta(hours=2)
    moved = cancel.reschedule(staged.house, callback.id, at, cause="test")
    assert (moved.promised_from, moved.promised_to) == (at, at + timedelta(minutes=30))


def test_a_time_can_be_moved_again_and_again(staged: StagedHouse) -> None:
    scheduled(staged)
    callback = staged.by_number()
    for hours in (5, 3):
        cancel.reschedule(staged.house, callback.id, staged.clock.now() + timedelta(hours=hours), cause="test")
    assert staged.path(callback.id) == ["scheduled", "scheduled", "scheduled"]
    staged.clock.advance(3 * 3600)
    staged.sweep()
    assert staged.state(callback) is State.WAITING


@pytest.mark.parametrize("prepare", [dialing, answered, bridged], ids=["dialing", "answered", "bridged"])
def test_a_promise_that_is_being_kept_is_not_moved(staged: StagedHouse, prepare: Prepare) -> None:
    prepare(staged)
    with pytest.raises(AlreadyBridged):
        cancel.reschedule(staged.house, staged.by_number().id, staged.clock.now() + timedelta(hours=1), cause="test")


def test_a_time_must_lie_ahead_not_too_far_and_in_opening_hours(staged: StagedHouse) -> None:
    waiting(staged)
    staged.policy(hours=OFFICE)
    id_ = staged.by_number().id
    now = staged.clock.now()
    for at in (now, now - timedelta(seconds=1), now + timedelta(days=32)):
        with pytest.raises(InvalidInput):
            cancel.reschedule(staged.house, id_, at, cause="test")
    with pytest.raises(NotAccepting):
        cancel.reschedule(staged.house, id_, datetime(2026, 3, 2, 20, 0, tzinfo=UTC), cause="test")
    assert staged.state(staged.by_number()) is State.WAITING


# --- ringing in -----------------------------------------------------------------------------------------------------


def test_who_rings_in_while_waiting_is_recognised_and_may_keep_the_promise(staged: StagedHouse) -> None:
    waiting(staged)
    staged.wait(30)
    leg = staged.ring_in()
    callback = staged.by_number()
    assert "already" in leg.document.says
    leg.press("1")
    assert not leg.up
    assert staged.order() == [callback.id]
    assert staged.state(callback) is State.WAITING


@on_both
@pytest.mark.parametrize("key", ["2", ""], ids=["by key", "by silence"])
def test_who_rings_in_and_waits_has_the_place_of_their_promise(staged: StagedHouse, key: str) -> None:
    waiting(staged)
    callback = staged.by_number()
    staged.wait(1)
    other = staged.holding(BOB)
    staged.wait(1)
    leg = staged.ring_in()
    leg.press(key)
    leg.hold()
    assert staged.order() == [callback.id, other.sid]
    assert staged.state(callback) is State.ANSWERED
    staged.available()
    staged.work()
    agent = staged.talking(leg)
    staged.wait(60)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    assert staged.path(callback.id) == ["waiting", "answered", "bridged", "completed"]


@on_both
def test_who_rings_in_and_hangs_up_again_keeps_promise_and_place(staged: StagedHouse) -> None:
    waiting(staged)
    callback = staged.by_number()
    staged.wait(1)
    other = staged.promise(BOB)
    leg = staged.ring_in()
    leg.press("2")
    leg.hold()
    leg.hang_up()
    now = staged.now(callback)
    assert (now.state, now.leg, now.attempts_left) == (State.WAITING, None, 3)
    assert staged.order() == [callback.id, other.id]
    assert staged.place(callback.id) == "due"


@on_both
@pytest.mark.parametrize("prepare", [dialing, reconciling], ids=["dialing", "reconciling"])
def test_who_rings_in_while_being_dialled_goes_on_with_the_new_leg_and_the_other_ends(
    staged: StagedHouse, prepare: Prepare
) -> None:
    prepare(staged)
    callback = staged.by_number()
    (ringing,) = [leg for leg in staged.legs.values() if leg.up]
    inbound = staged.arriving()
    inbound.ask(f"http://callback.test/voice/already?{already(staged, callback)}", Digits="2")
    staged.work()
    assert not ringing.up
    if inbound.queue is not None:
        inbound.hold()
    assert staged.now(callback).leg == inbound.sid
    attempt = staged.attempts(callback)[0]
    assert attempt.outcome is Outcome.SUPERSEDED
    assert staged.now(callback).attempts_left == 3
    staged.talking(inbound)
    assert staged.state(callback) is State.BRIDGED


def already(staged: StagedHouse, callback: Callback) -> str:
    """The query of the question that a recognised caller answers."""
    score = callback.score
    return f"q=support&e=CAx&j={score}&s={score}&l=en&cb={callback.id}"


def test_the_leg_that_was_given_up_hears_an_apology_if_it_is_answered_all_the_same(staged: StagedHouse) -> None:
    leg = staged.called()
    inbound = staged.ring_in()
    inbound.press("2")
    staged.dispatch.lose_all()
    assert leg.answer().names[-1] == "Hangup"
    leg.hang_up()
    assert staged.state(staged.by_number()) is State.ANSWERED
    assert inbound.up


def test_a_promise_that_ended_while_its_caller_was_asked_lets_them_wait_as_anybody(staged: StagedHouse) -> None:
    waiting(staged)
    leg = staged.ring_in()
    stop(staged, staged.by_number())
    leg.press("2")
    leg.hold()
    assert staged.order() == [leg.sid]


def test_two_calls_of_the_same_caller_leave_one_place(staged: StagedHouse) -> None:
    waiting(staged)
    first = staged.ring_in()
    first.press("2")
    first.hold()
    second = staged.ring_in()
    assert "already" in second.document.says
    second.press("2")
    staged.work()
    second.hold()
    callback = staged.by_number()
    assert staged.order() == [callback.id]
    assert staged.now(callback).leg == second.sid
    assert not first.up
