"""Whatever died between two steps is found and goes on; one thing that cannot be mended stops none of the others."""

import contextlib
from datetime import timedelta

import pytest

from callback.domain.callback import Outcome
from callback.domain.errors import CallbackError
from callback.domain.ids import AgentKey, CallbackId, EntryId, new_callback_id
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.flows import cancel, due, persist, rebuild, stand_again, sweep
from callback.ports import OutcomeUnknown
from tests.fakes.dispatch import run
from tests.support.house import ADA, SUPPORT, StagedHouse, on_both
from tests.support.legs import Leg
from tests.support.steps import Killed

BOB = "+12015550124"
LEASE_S = 10
BOUND_S = 25 + 30 + 10


def reserved(staged: StagedHouse) -> str:
    """A promise that an agent was found for, and no worker ever heard of it."""
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.dispatch.lose_all()
    return callback.id


# --- leases ---------------------------------------------------------------------------------------------------------


@on_both
def test_a_reservation_that_no_worker_took_up_is_made_again_when_its_lease_is_over(staged: StagedHouse) -> None:
    reserved(staged)
    token = staged.pairing().token
    staged.pass_time(LEASE_S - 1)
    assert staged.unseen == 0
    staged.pass_time(2)
    assert staged.outgoing().to == ADA
    assert staged.pairing().token != token


@on_both
def test_a_worker_killed_after_the_commit_and_before_the_carrier_was_asked_is_found_within_the_bound(
    staged: StagedHouse,
) -> None:
    staged.queue()
    callback = staged.promise()
    staged.agent()
    staged.steps.restart(kill_after=2)
    with pytest.raises(Killed):
        staged.work()
    staged.steps.restart()
    assert staged.state(callback) is State.DIALING
    staged.wait(0.5)
    staged.pass_time(LEASE_S + 1)
    assert staged.status() is AgentStatus.AVAILABLE, "nobody is reserved for a call that may not exist"
    staged.pass_time(BOUND_S + 2 - LEASE_S)
    assert staged.outgoing().to == ADA
    assert staged.unseen == 0
    assert [attempt.outcome for attempt in staged.attempts(callback)] == [Outcome.NEVER_PLACED, None]


def test_a_held_caller_whose_reservation_lapsed_is_back_in_front(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.wait(1)
    staged.holding(BOB)
    staged.agent()
    staged.dispatch.lose_all()
    staged.pass_time(LEASE_S + 1)
    assert leg.dial is not None, "fetched by the pairing that followed"


def test_an_agent_whose_ring_was_never_reported_is_away_and_the_caller_hears_music_again(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    staged.pass_time(61)
    assert staged.status() is AgentStatus.AWAY
    assert leg.queue is not None
    leg.hold()
    assert staged.place(leg.sid) == "hold"


def test_a_caller_who_left_while_the_agent_was_rung_and_nobody_said_so_is_noticed(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    leg.end()
    staged.pass_time(61)
    assert staged.status() is AgentStatus.AVAILABLE
    assert staged.path(leg.sid)[-1] == "abandoned"


def test_wrap_up_ends_by_itself_and_the_next_is_served(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    agent = staged.talking(leg)
    callback = staged.promise(BOB)
    staged.wait(60)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    assert staged.status() is AgentStatus.WRAP_UP
    staged.pass_time(21)
    assert staged.outgoing().to == BOB
    assert staged.state(callback) is State.DIALING


# --- due --------------------------------------------------------------------------------------------------------


@on_both
def test_a_retry_whose_sweep_died_between_the_record_and_the_line_is_not_forgotten(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[60])
    leg.fails("no-answer")
    callback = staged.by_number()
    staged.wait(60)
    with staged.sql.begin() as work:
        (found,) = work.due_callbacks(staged.clock.now())
    staged.steps.restart(kill_after=1)
    with pytest.raises(Killed):
        due.stand_up(staged.house, found, staged.clock.now())
    staged.steps.restart()
    assert staged.place(callback.id) == "later"
    staged.pass_time(20)
    assert staged.outgoing().to == ADA


def test_due_work_is_done_while_the_carrier_cannot_be_reached(staged: StagedHouse) -> None:
    """The carrier's REST API is away: somebody's reservation lapsed, and others still have to be served."""
    staged.queue()
    staged.agent()
    stuck = staged.ring_in(BOB)
    staged.wait(61)
    staged.agent("bea", free=False)
    staged.agent("cat", free=False)
    callback = staged.promise()
    original = staged.carrier.fetch

    def away(_: object) -> None:
        raise OutcomeUnknown("503")

    staged.carrier.fetch = away  # type: ignore[assignment, method-assign]
    staged.available("bea")
    staged.available("cat")
    staged.dispatch.lose_all()
    staged.pass_time(LEASE_S + 2)
    assert staged.outgoing().to == ADA
    staged.carrier.fetch = original  # type: ignore[method-assign]
    assert stuck.up
    assert staged.state(callback) is State.DIALING


def test_a_promise_that_nobody_can_keep_for_two_days_is_given_up_and_its_caller_told(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.clock.advance(47 * 3600)
    stand_again.stand_again(staged.house)
    assert staged.state(callback) is State.WAITING
    staged.clock.advance(3600 + 60)
    stand_again.stand_again(staged.house)
    staged.work()
    assert staged.state(callback) is State.EXPIRED
    assert staged.order() == []
    assert staged.texts()[-1].endswith("we could not call you back in time. Please call us again.")


def test_a_promise_for_next_week_is_not_given_up_before_it_was_tried(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.enrolled()
    cancel.reschedule(staged.house, callback.id, staged.clock.now() + timedelta(days=7), cause="test")
    staged.clock.advance(7 * 86400)
    staged.sweep()
    staged.lose_line("*e:cb*")
    staged.clock.advance(6)
    stand_again.stand_again(staged.house)
    assert staged.state(callback) is State.WAITING
    assert staged.place(callback.id) == "due"


# --- the line lost something ----------------------------------------------------------------------------------------


@on_both
def test_a_promise_that_the_line_lost_stands_again_in_its_place(staged: StagedHouse) -> None:
    staged.queue()
    first = staged.promise()
    staged.wait(1)
    second = staged.promise(BOB)
    staged.line.leave(EntryId(first.id), reason="lost", now=staged.clock.now())
    assert staged.order() == [second.id]
    staged.wait(6)
    assert stand_again.stand_again(staged.house) == 1
    assert staged.order() == [first.id, second.id]
    assert stand_again.stand_again(staged.house) == 0


@on_both
def test_a_line_that_was_lost_as_a_whole_is_filled_again_with_the_same_places(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann", free=False)
    callbacks = []
    for number in range(20):
        callbacks.append(staged.promise(f"+120155502{number:02d}"))
        staged.wait(1)
    order = staged.order()
    staged.redis.flushall()
    rebuild.rebuild(staged.house)
    assert staged.order() == order


def test_an_older_line_brings_back_nobody_who_was_cancelled_or_served(staged: StagedHouse) -> None:
    staged.queue()
    cancelled, served = staged.promise(), staged.promise(BOB)
    for callback in (cancelled, served):
        with staged.sql.begin() as work:
            work.move(work.callback(callback.id), Event.CANCEL, reason="test", cause="test", at=staged.clock.now())
    staged.agent()
    staged.work()
    staged.pass_time(5)
    assert staged.carrier.created == []
    assert staged.order() == []
    assert staged.status() is AgentStatus.AVAILABLE


def on_hold_by_an_older_line(staged: StagedHouse, state: State) -> tuple[str, Leg]:
    """A called-back caller whom the line has on hold although their row has moved on, and whose leg is gone."""
    leg = staged.called(retry_delays_s=[600])
    leg.answer()
    leg.press("1")
    leg.dial_ends("no-answer")
    leg.hold()
    callback = staged.by_number()
    event = {State.CANCELLED: Event.CANCEL, State.WAITING: Event.HANG_UP}[state]
    with staged.sql.begin() as work:
        work.move(work.callback(callback.id), event, reason="test", cause="test", at=staged.clock.now())
    staged.carrier_ends(leg.sid, "completed")
    leg.status = "completed"
    return callback.id, leg


@on_both
@pytest.mark.parametrize("state", [State.CANCELLED, State.WAITING])
def test_a_leg_on_hold_whose_row_has_moved_on_keeps_no_agent(staged: StagedHouse, state: State) -> None:
    entry, _ = on_hold_by_an_older_line(staged, state)
    staged.agent("bea")
    staged.pass_time(30)
    if state is State.CANCELLED:
        assert staged.status("bea") is AgentStatus.AVAILABLE
        assert staged.order() == []
        assert staged.unseen == 0
    else:
        assert staged.outgoing().to == ADA, "the promise is kept all the same"
        assert staged.place(entry) == "reserved"


@on_both
def test_a_cancelled_caller_on_hold_does_not_come_back_by_their_wait_document(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    leg.press("1")
    leg.dial_ends("no-answer")
    leg.hold()
    callback = staged.by_number()
    cancel.cancel(staged.house, callback.id, reason="test", cause="test")
    staged.dispatch.lose_all()  # nobody ends the leg
    leg.hold()
    assert not leg.up
    assert staged.order() == []
    staged.agent("bea")
    staged.sweep()
    assert staged.status("bea") is AgentStatus.AVAILABLE


# --- legs of which nothing was heard --------------------------------------------------------------------------------


def test_a_silent_caller_who_has_gone_leaves_and_one_who_is_there_stays(staged: StagedHouse) -> None:
    staged.queue()
    gone, there = staged.holding(BOB), staged.holding()
    gone.end()
    staged.wait(0.5)
    staged.pass_time(45)
    assert staged.order() == [there.sid]
    staged.pass_time(60)
    assert staged.order() == [there.sid]
    assert staged.path(gone.sid)[-1] == "abandoned"


def test_a_silent_caller_in_the_menu_is_noticed_as_well(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.ring_in()
    leg.end()
    staged.pass_time(95)
    assert staged.order() == []


def test_a_live_talk_whose_end_nobody_told_frees_its_agent(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    staged.talking(leg)
    persist.persist(staged.house)
    staged.wait(60.5)
    leg.end()
    staged.pass_time(42)
    assert staged.status() in (AgentStatus.WRAP_UP, AgentStatus.AVAILABLE)
    assert staged.path(leg.sid)[-1] == "completed"


@on_both
@pytest.mark.parametrize("from_s", [18, 19, 20, 21, 25, 39])
def test_rounds_that_come_late_still_ask_about_a_talk_whose_end_nobody_told(staged: StagedHouse, from_s: int) -> None:
    staged.queue(wrap_up_s=0)
    staged.agent()
    leg = staged.ring_in()
    staged.talking(leg)
    staged.pass_time(from_s)
    leg.end()
    staged.wait(19)  # the machine was too busy for a round
    staged.pass_time(4)
    assert staged.status() is AgentStatus.AVAILABLE


def test_a_caller_who_rang_in_about_their_promise_and_whose_talk_ended_unheard_frees_the_agent(
    staged: StagedHouse,
) -> None:
    staged.queue()
    callback = staged.promise()
    leg = staged.ring_in()
    leg.press("2")
    leg.hold()
    staged.agent()
    staged.work()
    staged.talking(leg)
    assert staged.state(callback) is State.BRIDGED
    staged.wait(60.5)
    leg.end()
    staged.pass_time(42)
    assert staged.state(callback) is State.COMPLETED
    assert staged.status() in (AgentStatus.WRAP_UP, AgentStatus.AVAILABLE)


@on_both
def test_an_answered_caller_who_hung_up_unheard_spends_an_attempt(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[600])
    leg.answer()
    leg.end()
    staged.wait(0.5)
    staged.pass_time(45)
    callback = staged.by_number()
    assert (staged.state(callback), staged.now(callback).attempts_left) == (State.WAITING, 2)
    assert staged.status() is AgentStatus.AVAILABLE


# --- poison ---------------------------------------------------------------------------------------------------------


def poison(staged: StagedHouse, number: str = "") -> CallbackId:
    """Somebody stands first in line of whom the record knows nothing."""
    unknown = new_callback_id()
    now = staged.clock.now() - timedelta(hours=1)
    staged.line.enter(
        SUPPORT, EntryId(unknown), score=1, joined_at=now, due=True, number_hash=number, replaces=None, now=now
    )
    return unknown


def test_an_entry_that_the_record_does_not_know_is_dropped_and_the_next_is_served(staged: StagedHouse) -> None:
    staged.queue()
    unknown = poison(staged)
    staged.promise()
    staged.agent()
    for _ in range(LEASE_S + 3):
        staged.clock.advance(1)
        run_tasks(staged)
        sweep.sweep(staged.house)
    run_tasks(staged)
    assert staged.outgoing().to == ADA
    assert staged.place(unknown) == ""
    (told,) = [entry for entry in staged.journal(kind="queue") if entry.after == "quarantined"]
    assert unknown in told.reason


@on_both
def test_a_row_that_cannot_be_read_stops_nobody_else(staged: StagedHouse) -> None:
    staged.queue()
    bad = staged.promise(BOB)
    staged.wait(1)
    good = staged.promise()
    spoil(staged, bad.id)
    staged.agent()
    for _ in range(LEASE_S * 2 + 3):
        staged.clock.advance(1)
        run_tasks(staged)
        sweep.sweep(staged.house)
    assert staged.outgoing().to == ADA
    with staged.sql.begin() as work:
        assert work.callback(good.id).state is State.DIALING


def spoil(staged: StagedHouse, id: str) -> None:
    """A sealed column of a row is that of another row."""
    with staged.sql.engine.begin() as connection:
        other = f"(SELECT number FROM callbacks WHERE id <> '{id}' LIMIT 1)"
        connection.exec_driver_sql(f"UPDATE callbacks SET number = {other} WHERE id = '{id}'")


def run_tasks(staged: StagedHouse) -> None:
    """Each task fails alone, as in a worker."""
    for task in staged.dispatch.take():
        with contextlib.suppress(CallbackError):
            run(staged.house, task)


# --- texts ----------------------------------------------------------------------------------------------------------


def test_it_is_nearly_your_turn_is_told_once_to_whoever_is_within_reach(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.talking(staged.ring_in("+12015550999"))
    staged.promise()
    staged.wait(1)
    staged.promise(BOB)
    staged.pass_time(58)
    assert len(staged.texts()) == 2
    staged.pass_time(10)
    assert len(staged.texts()) == 3
    assert staged.carrier.texts[-1].to == ADA


@on_both
def test_a_text_that_no_worker_took_up_is_sent_by_the_sweep_once(staged: StagedHouse) -> None:
    staged.queue()
    staged.dispatch.lose_all()
    leg = staged.ring_in()
    leg.press("1")
    leg.press("1")
    staged.dispatch.lose_all()
    staged.pass_time(15)
    assert len(staged.texts()) == 1
    staged.pass_time(15)
    assert len(staged.texts()) == 1


# --- two at once ----------------------------------------------------------------------------------------------------


@on_both
def test_a_sweep_within_a_sweep_does_no_harm(staged: StagedHouse) -> None:
    staged.queue()
    staged.promise()
    staged.agent()
    staged.dispatch.lose_all()
    staged.wait(LEASE_S + 1)
    staged.steps.between = lambda _: sweep.sweep(staged.house)
    sweep.sweep(staged.house)
    staged.steps.between = None
    staged.work()
    assert len(staged.carrier.created) == 1
    assert staged.status() is AgentStatus.RESERVED


@on_both
def test_persist_writes_each_event_once_across_a_crash_between_the_commit_and_the_trim(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.steps.restart(kill_after=1)
    with pytest.raises(Killed):
        persist.persist(staged.house)
    staged.steps.restart()
    assert persist.persist(staged.house) == 0
    assert staged.path(leg.sid) == ["arrived", "waiting"]
    leg.hang_up()
    assert persist.persist(staged.house) == 1
    with staged.sql.begin() as work:
        row = work.leg(leg.sid)
    assert row is not None
    assert (row.state, row.ended_at) == ("abandoned", staged.clock.now())


def test_events_after_a_lost_line_are_written_too(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    persist.persist(staged.house)
    staged.lose_line()
    staged.queue()
    leg.hold()
    assert staged.path(leg.sid) == ["arrived", "waiting", "waiting"]


def test_two_who_persist_at_once_write_each_event_once(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.steps.between = lambda _: persist.persist(staged.house)
    persist.persist(staged.house)
    staged.steps.between = None
    assert staged.path(leg.sid) == ["arrived", "waiting"]
    assert persist.persist(staged.house) == 0


def test_the_record_knows_how_long_a_live_caller_waited_and_talked(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.wait(42)
    staged.agent()
    staged.work()
    agent = staged.talking(leg)
    staged.wait(100)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    persist.persist(staged.house)
    with staged.sql.begin() as work:
        row = work.leg(leg.sid)
    assert row is not None
    assert (row.state, row.agent, row.waited_s, row.handled_s) == ("completed", AgentKey("ann"), 42, 100)
