"""Poison at every place: the next caller is served in the usual time, no agent is lost, and what was mended goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callback.domain.callback import Leg, LegKind, Text
from callback.domain.errors import StillDamaged
from callback.domain.ids import CallSid, EntryId, new_callback_id
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import configure, look, persist, poison, quarantine, rebuild, sweep
from callback.flows.poison import FORGOTTEN, Item, guarded
from callback.ports import CarrierBusy, Failure, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ADA, SUPPORT, StagedHouse, on_both, stage
from tests.support.steps import Killed

BOB, CEM = "+12015550124", "+12015550125"
BY = "console:sue@example.com"


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue()
        yield house


def held(staged: StagedHouse) -> list[Failure]:
    with staged.sql.begin() as work:
        return list(work.quarantine().items)


def failing(staged: StagedHouse) -> list[Failure]:
    with staged.sql.begin() as work:
        return work.failures()


def tear(staged: StagedHouse, id: str, table: str = "callbacks", column: str = "number", key: str = "id") -> bytes:
    """A sealed value that no key opens; returns what it was."""
    kind = "BYTEA" if staged.sql.engine.dialect.name == "postgresql" else "BLOB"
    where = f"FROM {table} WHERE {key} = '{id}'"
    with staged.sql.engine.begin() as connection:
        whole = bytes(connection.exec_driver_sql(f"SELECT {column} {where}").scalar_one())
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = CAST('torn' AS {kind}) WHERE {key} = '{id}'")
    return whole


def mend(staged: StagedHouse, id: str, whole: bytes) -> None:
    """As it was before."""
    mark = "%s" if staged.sql.engine.dialect.name == "postgresql" else "?"
    with staged.sql.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE callbacks SET number = {mark} WHERE id = {mark}", (whole, id))


def three(staged: StagedHouse) -> list[str]:
    """Ada, Bob and Cem are promised a call, in this order."""
    made: list[str] = []
    for number in (ADA, BOB, CEM):
        made.append(staged.promise(number).id)
        staged.wait(1)
    return made


def served(staged: StagedHouse, number: str) -> None:
    """The next call is to this number; they talk, and the agent is free again."""
    leg = staged.outgoing()
    assert leg.to == number
    leg.ring()
    leg.answer()
    leg.press("1")
    agent = staged.talking(leg)
    staged.wait(30)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    staged.available()


# --- a row that cannot be read ------------------------------------------------------------------------------------


@on_both
def test_a_row_that_cannot_be_read_is_held_at_once_and_the_next_is_rung_at_once(staged: StagedHouse) -> None:
    first, _, _ = three(staged)
    tear(staged, first)
    staged.agent()
    staged.work()
    served(staged, BOB)
    (failure,) = held(staged)
    assert (failure.kind, failure.subject, failure.queue, failure.times) == ("callback", first, "support", 1)
    assert ADA not in failure.reason
    assert staged.place(first) == ""
    staged.work()
    served(staged, CEM)


@on_both
def test_mended_and_tried_again_it_has_its_old_place(staged: StagedHouse) -> None:
    first, second, third = three(staged)
    whole = tear(staged, first)
    staged.pass_time(20)
    staged.agent("ann", free=False)
    (failure,) = held(staged)
    with pytest.raises(StillDamaged):
        quarantine.retry(staged.house, failure.id, by=BY)
    assert len(held(staged)) == 1
    mend(staged, first, whole)
    done = quarantine.retry(staged.house, failure.id, by=BY)
    assert (done.resolution, done.by) == ("retried", BY)
    assert staged.order() == [first, second, third]
    assert quarantine.retry(staged.house, failure.id, by="somebody else").by == BY
    staged.available()
    staged.work()
    served(staged, ADA)
    told = [(entry.after, entry.cause) for entry in staged.journal("quarantine")]
    assert told[-1] == ("released", BY)
    assert failing(staged) == []


@on_both
def test_given_up_it_is_cancelled_although_nobody_can_read_it(staged: StagedHouse) -> None:
    first, second, third = three(staged)
    tear(staged, first)
    staged.pass_time(20)
    (failure,) = held(staged)
    sent = len(staged.texts())
    assert quarantine.drop(staged.house, failure.id, by=BY).resolution == "dropped"
    staged.work()
    assert staged.path(first)[-1] == "cancelled"
    assert staged.order() == [second, third]
    assert len(staged.texts()) == sent, "nobody can read their number"
    assert held(staged) == []


def test_a_rebuild_leaves_out_who_is_held(staged: StagedHouse) -> None:
    first, second, third = three(staged)
    tear(staged, first)
    staged.pass_time(20)
    assert [one.subject for one in held(staged)] == [first]
    staged.redis.flushall()
    rebuild.rebuild(staged.house)
    assert staged.order() == [second, third]


def test_a_rebuild_ends_whatever_cannot_be_read(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    staged.wait(1)
    bob = staged.promise(BOB)
    rang = staged.ring_in(BOB)
    rang.press("2")
    rang.hold()
    staged.wait(1)
    cem = staged.promise(CEM)
    persist.persist(staged.house)
    tear(staged, rang.sid, "legs", "number", "call")
    with staged.sql.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE attempts SET created_at = 'once'")
    staged.redis.flushall()
    done = rebuild.rebuild(staged.house)
    assert (done.waiting, done.queues) == (1, 1)
    assert staged.place(cem.id) == "due"
    assert staged.place(bob.id) == "hold"


def test_a_row_in_line_that_is_found_damaged_leaves_it_before_its_turn(staged: StagedHouse) -> None:
    first, second, third = three(staged)
    tear(staged, second)
    staged.pass_time(20)
    assert staged.order() == [first, third]
    assert [one.subject for one in held(staged)] == [second]


def test_a_row_whose_time_is_none_is_found_and_stops_no_other(staged: StagedHouse) -> None:
    first, _, _ = three(staged)
    with staged.sql.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE callbacks SET joined_at = 'once' WHERE id = '{first}'")
    staged.pass_time(30)
    assert [one.subject for one in held(staged)] == [first]
    staged.agent()
    staged.work()
    served(staged, BOB)


def test_texts_and_legs_that_cannot_be_read_stop_no_others(staged: StagedHouse) -> None:
    three(staged)
    with staged.sql.begin() as work:
        for text in ("tx1", "tx2"):
            work.add_text(Text(text, None, "nearly", BOB, f"the body of {text}", staged.clock.now()))
        work.put_leg(Leg(CallSid("CA1"), LegKind.INBOUND, SUPPORT, "waiting", BOB, staged.clock.now()))
    tear(staged, "tx1", "messages", "body")
    tear(staged, "CA1", "legs", "number", "call")
    staged.pass_time(60)
    assert staged.texts().count("the body of tx2") == 1
    assert {(one.kind, one.subject) for one in held(staged)} == {("text", "tx1"), ("call", "CA1")}
    for failure in held(staged):
        quarantine.drop(staged.house, failure.id, by=BY)
    staged.pass_time(30)
    assert [one.subject for one in held(staged)] == ["CA1"], (
        "an open leg is found again; a text that was given up is not"
    )


# --- a task that breaks -------------------------------------------------------------------------------------------


@on_both
def test_a_task_that_breaks_lets_the_agent_go_on_and_is_held_at_the_third_time(staged: StagedHouse) -> None:
    staged.policy(dial_mode="agent_first")
    first, second, third = three(staged)
    staged.carrier.breaks_at.add("client:ann")
    staged.agent("ann")
    staged.work()
    (failure,) = [one for one in failing(staged) if one.subject == first]
    assert (failure.times, failure.step, failure.held_at) == (1, "dialling", None)
    assert failure.reason == "RuntimeError: a defect over client:ann of …"
    ada = staged.by_number()
    assert (ada.state, ada.attempts_left) == (State.WAITING, 3), "not spent"
    assert staged.place(first) == "later"
    staged.pass_time(60)
    assert (first, 3) in [(one.subject, one.times) for one in held(staged)]
    assert staged.state(ada) is State.WAITING
    assert staged.place(first) == ""
    assert staged.status() is AgentStatus.AVAILABLE, "no agent is lost"
    staged.carrier.breaks_at.clear()
    staged.away()
    for failure in held(staged):
        quarantine.retry(staged.house, failure.id, by=BY)
    assert staged.order() == [first, second, third], "as before"
    staged.available()
    staged.work()
    agent = staged.outgoing()
    assert agent.to == "client:ann"
    assert staged.pairing().entry == first


@on_both
def test_a_call_that_may_have_been_placed_is_never_placed_again_by_this(staged: StagedHouse) -> None:
    first, second, _ = three(staged)
    staged.carrier.breaks_at.add(ADA)
    staged.agent()
    staged.work()
    assert staged.outgoing().to == BOB, "at once"
    assert staged.state(staged.by_number()) is State.RECONCILING, "whether it was placed is for the carrier to say"
    assert [(one.subject, one.times, one.held_at) for one in failing(staged)] == [(first, 1, None)]
    staged.carrier.breaks_at.clear()
    staged.pass_time(90)
    assert [attempt.outcome for attempt in staged.attempts(staged.by_number())] == ["never_placed"]
    assert staged.now(staged.by_number()).attempts_left == 3
    assert staged.order()[0] == first
    assert second


def test_somebody_on_hold_who_cannot_be_fetched_is_never_put_out(staged: StagedHouse) -> None:
    ada = staged.holding(ADA)
    staged.wait(1)
    bob = staged.holding(BOB)
    staged.carrier.breaks_at.add(ada.sid)
    staged.agent()
    staged.work()
    assert bob.dial is not None, "the agent took the next at once"
    assert staged.place(ada.sid) == "menu"
    assert staged.order() == [ada.sid]
    agent = staged.talking(bob)
    staged.wait(30)
    staged.carrier.breaks_at.clear()
    for word in [*bob.end(), *agent.end()]:
        staged.tell(word)
    staged.available()
    ada.hold()
    assert ada.dial is not None, "their own next document connects them"


def test_a_caller_who_failed_and_hung_up_is_forgotten(staged: StagedHouse) -> None:
    ada = staged.holding(ADA)
    staged.carrier.breaks_at.add(ada.sid)
    staged.agent(free=False)
    for _ in range(3):
        ada.hold()
        staged.available()
        staged.work()
        assert staged.place(ada.sid) == "menu"
        staged.away()
    assert [(one.kind, one.subject) for one in held(staged)] == [("call", ada.sid)]
    staged.carrier.breaks_at.clear()
    ada.hang_up()
    staged.sweep()
    staged.sweep()
    assert held(staged) == []


@on_both
def test_a_text_that_breaks_is_held_and_the_next_is_sent(staged: StagedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    made = staged.promise(BOB)
    staged.queue("other", ("+12015550101",))
    with staged.sql.begin() as work:
        for text, about in (("tx1", None), ("tx2", made.id)):
            work.add_text(Text(text, about, "nearly", BOB, f"the body of {text}", staged.clock.now()))
    forget(staged, monkeypatch, "support")
    staged.pass_time(60)
    assert staged.texts().count("the body of tx1") == 1
    found = [(one.kind, one.subject, one.times) for one in held(staged) if one.kind == "text"]
    assert found == [("text", "tx2", 3)]
    staged.queue()
    (failure,) = [one for one in held(staged) if one.kind == "text"]
    quarantine.retry(staged.house, failure.id, by=BY)
    staged.send_texts()
    assert staged.texts().count("the body of tx2") == 1


# --- a queue that vanished, a row that is gone --------------------------------------------------------------------


def forget(staged: StagedHouse, monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """The line's configuration as if these queues had never been, and nobody to compare it with the record."""
    monkeypatch.setattr(configure, "publish_if_changed", lambda _: False)
    _, queues, agents = staged.line.configuration()
    staged.line.configure([queue for queue in queues if queue.key not in keys], agents)
    staged.house.book.check(-1)


@on_both
def test_callbacks_of_a_queue_that_vanished_are_found_and_keep_no_agent(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged.queue("gone", ("+12015550101",))
    staged.agent("ann", SUPPORT, "gone", free=False)
    rung = staged.promise(ADA, "gone")
    staged.available()
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    waiting = staged.promise(BOB, "gone")
    other = staged.promise(CEM)
    forget(staged, monkeypatch, "gone")
    leg.end("no-answer")
    staged.pass_time(400)
    assert {one.subject for one in held(staged)} == {rung.id, waiting.id}
    assert staged.outgoing().to == CEM
    assert staged.place(waiting.id, "gone") == ""
    staged.queue("gone", ("+12015550101",))
    for failure in held(staged):
        quarantine.retry(staged.house, failure.id, by=BY)
    assert staged.place(waiting.id, "gone") in ("due", "reserved")
    assert staged.state(other) is not State.WAITING


def test_somebody_whom_the_record_does_not_know_is_held_and_given_up(staged: StagedHouse) -> None:
    unknown = new_callback_id()
    now = staged.clock.now()
    staged.line.enter(
        SUPPORT, EntryId(unknown), score=1, joined_at=now, due=True, number_hash="", replaces=None, now=now
    )
    staged.promise(BOB)
    staged.agent()
    staged.work()
    assert staged.outgoing().to == BOB
    (failure,) = held(staged)
    with pytest.raises(StillDamaged):
        quarantine.retry(staged.house, failure.id, by=BY)
    quarantine.drop(staged.house, failure.id, by=BY)
    assert held(staged) == []


# --- the stream ---------------------------------------------------------------------------------------------------


@on_both
def test_an_event_that_cannot_be_written_is_passed_over_alone(staged: StagedHouse) -> None:
    leg = staged.holding()
    events: dict[Any, Any] = {"kind": "agent", "to": "available", "at": "1", "from": "away"}
    staged.redis.xadd("{cb}:events", {**events, "subject": "nobody at all"})  # no such agent: a foreign key
    staged.redis.xadd("{cb}:events", {"nonsense": "1"})
    staged.agent("bob")
    persist.persist(staged.house)
    assert persist.persist(staged.house) == 0
    assert staged.path(leg.sid)[:2] == ["arrived", "waiting"]
    assert staged.path("bob")[-1] == "reserved"
    found = held(staged)
    assert {one.kind for one in found} == {"event"}
    assert len(found) in (1, 2)
    quarantine.drop(staged.house, found[0].id, by=BY)
    assert len(held(staged)) == len(found) - 1


# --- the house, and everybody at once -----------------------------------------------------------------------------


def test_a_house_in_trouble_is_nobodys_poison(staged: StagedHouse) -> None:
    three(staged)
    for error in (CarrierBusy("429", 20429), OutcomeUnknown("timeout")):
        staged.carrier.fail_next(error)
    staged.agent()
    staged.pass_time(30)
    staged.steps.away = frozenset({"line"})
    for _ in range(5):
        staged.wait(1)
        with pytest.raises(Exception, match="away"):
            sweep.sweep(staged.house)
    staged.steps.away = frozenset({"store"})
    for _ in range(5):
        staged.wait(1)
        with pytest.raises(ConnectionError):
            sweep.sweep(staged.house)
    staged.steps.away = frozenset()
    assert failing(staged) == []


def test_a_lost_line_is_nobodys_poison(staged: StagedHouse) -> None:
    leg = staged.called()
    leg.answer()
    staged.redis.flushall()
    staged.house.book.check(-1)
    staged.wait(25)
    for _ in range(4):
        staged.wait(1)
        sweep.sweep(staged.house)
    assert failing(staged) == []


def test_a_defect_that_hits_everybody_takes_nobody_out(staged: StagedHouse) -> None:
    staged.policy(dial_mode="agent_first")
    numbers = [f"+1201555{last}" for last in range(2000, 2012)]
    made = [staged.promise(number).id for number in numbers]
    staged.carrier.breaks_at.add("client:ann")
    staged.agent()
    staged.pass_time(180)
    assert [one.kind for one in held(staged)].count("callback") <= poison.MANY
    assert [(one.kind, one.subject) for one in held(staged) if one.kind == "step"] == [("step", "dialling")]
    staged.carrier.breaks_at.clear()
    staged.pass_time(35)
    assert staged.outgoing().to == "client:ann"
    assert len(made) == 12


def test_what_failed_once_and_not_again_is_forgotten(staged: StagedHouse) -> None:
    def fails() -> None:
        raise LookupError("once")

    staged.sweep()
    guarded(staged.house, Item("callback", staged.promise().id, "support", "due"), fails, None)
    guarded(staged.house, Item("step", "texting", "", "texting"), fails, None)
    assert [one.times for one in failing(staged)] == [1, 1]
    staged.wait(FORGOTTEN.total_seconds() + 1)
    staged.sweep()
    assert failing(staged) == []


def test_a_part_of_the_sweep_that_breaks_stops_no_other_part(staged: StagedHouse) -> None:
    going = poison.Round(staged.house)
    assert going.step("due", lambda: 1 // 0) == 0
    for _ in range(2):
        going.step("due", lambda: 1 // 0)
    assert [(one.kind, one.subject, one.times) for one in held(staged)] == [("step", "due", 3)]
    assert going.step("due", lambda: 5) == 5, "it is tried all the time"


def test_nothing_personal_is_in_a_reason() -> None:
    fault = KeyError("Ada Lovelace")
    assert poison.reason(fault) == "KeyError: …"
    told = poison.reason(ValueError('cannot ring +1 (201) 555-0123 of "Ada" <ada@example.com>, leg 12'))
    assert told == "ValueError: cannot ring … of … … leg 12"
    assert poison.reason(ValueError()) == "ValueError"
    assert len(poison.reason(ValueError("x" * 999))) == poison.LONGEST_REASON


# --- what people see ----------------------------------------------------------------------------------------------


def test_a_callback_that_is_held_has_no_place_and_says_why(staged: StagedHouse) -> None:
    first, _, _ = three(staged)
    with staged.sql.begin() as work:
        work.note_failure(
            "callback", first, queue="support", step="standing", reason="x", at=staged.clock.now(), hold_at=1
        )
    staged.line.leave(EntryId(first), reason="held", now=staged.clock.now())
    ada = staged.by_number()
    seen = look.callback_now(staged.house, ada)
    assert (seen.held, seen.position, seen.wait) == (True, None, None)
    page = staged.client.get(f"/c/{ada.token}").get_data(as_text=True)
    assert "We are having trouble with your callback" in page
    assert "in line" not in page
    assert not look.callback_now(staged.house, staged.by_number(BOB)).held
    (failure,) = held(staged)
    sent = len(staged.texts())
    quarantine.drop(staged.house, failure.id, by=BY)
    staged.send_texts()
    assert "because of a fault on our side" in staged.texts()[sent]
    assert "is cancelled" in staged.client.get(f"/c/{ada.token}").get_data(as_text=True)


def test_the_page_of_a_callback_that_cannot_be_read_is_honest(staged: StagedHouse) -> None:
    ada = staged.promise()
    tear(staged, ada.id)
    for path in (f"/c/{ada.token}", f"/c/{ada.token}/cancel"):
        answer = staged.client.get(path)
        assert answer.status_code == 200
        assert "We are having trouble with your callback" in answer.get_data(as_text=True)


def test_whoever_cancels_a_callback_that_is_held_takes_it_out_of_quarantine(staged: StagedHouse) -> None:
    first, _, _ = three(staged)
    for _ in range(3):
        guarded(staged.house, Item("callback", first, "support", "standing"), lambda: 1 // 0, None)
    assert len(held(staged)) == 1
    proof = staged.client.get(f"/c/{staged.by_number().token}/cancel").get_data(as_text=True)
    token = proof.split('name="proof" value="')[1].split('"')[0]
    staged.client.post(f"/c/{staged.by_number().token}/cancel", data={"proof": token})
    staged.sweep()
    assert held(staged) == []
    (failure,) = [one for one in everything(staged) if one.subject == first]
    assert failure.resolution == "went_away"


def everything(staged: StagedHouse) -> list[Failure]:
    with staged.sql.engine.connect() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM quarantine").scalars().all()
    with staged.sql.begin() as work:
        return [work.failure(one) for one in ids]


def test_a_failure_that_goes_away_at_this_moment_leaves_nobody_untold(staged: StagedHouse) -> None:
    ada = staged.promise()
    with staged.sql.begin() as work:
        failure = work.note_failure(
            "callback", ada.id, queue="support", step="asking", reason="x", at=staged.clock.now(), hold_at=3
        )

    def beside(step: str) -> None:
        if step == "commit":
            staged.steps.between = None
            with staged.sql.begin() as work:
                work.resolve(failure.id, "went_away", by="sweep", at=staged.clock.now())

    staged.steps.between = beside
    done = quarantine.drop(staged.house, failure.id, by=BY)
    assert done.resolution == "went_away"
    staged.send_texts()
    assert (staged.state(ada) is State.CANCELLED) == any("fault on our side" in text for text in staged.texts())


# --- a process that ends while somebody gives up ---------------------------------------------------------------------


def given_up_while_rung(staged: StagedHouse) -> Failure:
    """Ada's phone rings, and she is in quarantine."""
    staged.called(retry_delays_s=[600])
    ada = staged.by_number()
    with staged.sql.begin() as work:
        return work.note_failure(
            "callback", ada.id, queue="support", step="asking", reason="x", at=staged.clock.now(), hold_at=1
        )


@pytest.mark.parametrize("again", [False, True], ids=["only the sweep goes on", "given up once more"])
def test_giving_up_tells_the_caller_once_after_whatever_step_the_process_ended(
    staged: StagedHouse, redis_url: str, tmp_path: Path, clock: ManualClock, request: pytest.FixtureRequest, again: bool
) -> None:
    failure = given_up_while_rung(staged)
    staged.steps.restart()
    quarantine.drop(staged.house, failure.id, by=BY)
    steps = [step for step in staged.steps.done if step != "line.drain"]
    assert steps.index("dispatch.text") > steps.index("line.leave") > steps.index("commit")
    for number in range(1, len(steps) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        with stage(request, redis_url, folder, clock) as other:
            other.redis.flushall()
            failure = given_up_while_rung(other)
            callback = other.by_number()
            other.steps.restart(kill_after=number)
            with pytest.raises(Killed):
                quarantine.drop(other.house, failure.id, by=BY)
            other.steps.restart()
            decided = other.state(callback) is State.CANCELLED
            assert decided is not bool(held(other)), "decided and done in one"
            if again or not decided:
                quarantine.drop(other.house, failure.id, by=BY)
            sent = [text for text in other.texts() if "fault on our side" in text]
            assert sent == []
            other.wait(11)
            other.sweep()
            assert other.carrier.hung_up or not again, "what rang is ended"
            sent = [text for text in other.texts() if "fault on our side" in text]
            when = f"ended after step {number}: {steps[number - 1]}"
            assert len(sent) == 1, when
            assert other.state(callback) is State.CANCELLED, when
            assert other.status() is not AgentStatus.BUSY, when
