"""The record's verbs on both databases: what every flow may rely on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Agent, Entry, Leg, LegKind, Outcome, Served, Text
from callback.domain.errors import DuplicateOpen, IllegalMove, InvalidInput, KeyReused, NotFound, Stale
from callback.domain.ids import AgentKey, AttemptId, CallbackId, CallSid, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.domain.policy import Policy
from callback.ports import ApiToken, User
from tests.support.record import NOW, SUPPORT, a_callback, an_attempt, promised

LATER = NOW + timedelta(minutes=5)
CALL = CallSid("CA" + "1" * 32)
WHY: dict[str, Any] = {"reason": "because", "cause": "test", "at": LATER}


# --- promises ---------------------------------------------------------------------------------------------------


def test_a_promise_comes_back_as_it_was_made(store: SqlStore) -> None:
    full = a_callback(
        name="Zoë 李", context={"order": [1, {"nested": "ü"}]}, token="secret-token", origin=CALL, priority="vip",
        proved=False, requested_for=LATER, promised_from=NOW, promised_to=LATER + timedelta(microseconds=7),
    )  # fmt: skip
    with store.begin() as work:
        made = work.add_callback(full, event=Event.SCHEDULE, reason="asked for", cause="api")
    with store.begin() as work:
        assert made == replace(full, state=State.SCHEDULED)
        assert work.callback(full.id) == made
        assert work.callback(full.id, lock=True) == made


def test_a_promise_is_found_by_token_by_origin_and_by_open_number(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work, token="T", origin=CALL)
    with store.begin() as work:
        assert work.callback_by_token("T") == made
        assert work.callback_by_origin(CALL) == made
        assert work.open_callback(SUPPORT, made.number) == made
        assert work.callback_by_token("t") is None
        assert work.callback_by_token("") is None
        assert work.callback_by_origin(CallSid("CA0")) is None
        assert work.open_callback(QueueKey("billing"), made.number) is None
        assert work.open_callback(SUPPORT, "+14155550102") is None


def test_what_is_not_there_is_not_found(store: SqlStore) -> None:
    with store.begin() as work:
        with pytest.raises(NotFound):
            work.callback(CallbackId("cb0"))
        with pytest.raises(NotFound):
            work.attempt(AttemptId("at0"))
        with pytest.raises(NotFound):
            work.queue(QueueKey("none"))
        with pytest.raises(NotFound):
            work.agent(AgentKey("none"))
        with pytest.raises(NotFound):
            work.text("none")
        with pytest.raises(NotFound):
            work.save_attempt(an_attempt(CallbackId("cb0")))
        with pytest.raises(NotFound):
            work.save_text(Text("none", None, "nearly", "+14155550101", "soon", NOW))
        with pytest.raises(NotFound):
            work.put_presence(AgentKey("none"), AgentStatus.AWAY, NOW)
        with pytest.raises(NotFound):
            work.put_policy(QueueKey("none"), Policy(), by="ann", why="tried", at=NOW)
        with pytest.raises(NotFound):
            work.save(a_callback())
        assert work.leg(CALL) is None
        assert work.user("nobody@example.com") is None
        assert work.token("none") is None


def test_an_aborted_transaction_leaves_nothing(store: SqlStore) -> None:
    class Interrupted(Exception):
        pass

    def interrupted() -> None:
        with store.begin() as work:
            promised(work)
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    with store.begin() as work:
        assert work.callbacks().items == ()
        assert [entry.kind for entry in work.journal(after=0)] == ["queue"]


def test_a_number_waits_once_in_a_queue(store: SqlStore) -> None:
    with store.begin() as work:
        first = promised(work)
    with pytest.raises(DuplicateOpen) as refused, store.begin() as work:
        promised(work)
    assert refused.value.existing == first.id


def test_a_refused_duplicate_leaves_the_transaction_usable(store: SqlStore) -> None:
    with store.begin() as work:
        promised(work)
        with pytest.raises(DuplicateOpen):
            promised(work)
        promised(work, "+14155550102")
    with store.begin() as work:
        assert len(work.callbacks().items) == 2
        assert len(work.journal(after=0, kind="callback")) == 2


def test_a_number_may_wait_in_two_queues(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_queue(QueueKey("billing"), "Billing", None, NOW)
        promised(work)
        promised(work, queue=QueueKey("billing"))


def test_a_number_may_ask_again_when_its_callback_has_ended(store: SqlStore) -> None:
    with store.begin() as work:
        first = promised(work)
        work.move(first, Event.CANCEL, **WHY)
        second = promised(work)
    with store.begin() as work:
        assert work.open_callback(SUPPORT, first.number) == second


def test_the_same_call_makes_one_promise_even_with_another_number(store: SqlStore) -> None:
    with store.begin() as work:
        first = promised(work, origin=CALL)
    with store.begin() as work:
        assert promised(work, "+14155550199", origin=CALL) == first
        assert promised(work, origin=CALL) == first
        assert len(work.journal(after=0, kind="callback")) == 1


def test_the_same_call_finds_its_promise_after_it_has_ended(store: SqlStore) -> None:
    with store.begin() as work:
        ended = work.move(promised(work, origin=CALL), Event.CANCEL, **WHY)
        assert promised(work, origin=CALL) == ended


def test_an_idempotency_key_gives_the_first_answer_again(store: SqlStore) -> None:
    asked: dict[str, Any] = {"event": Event.PROMISE, "reason": "asked for", "cause": "api", "idempotency": ("k", "b")}
    with store.begin() as work:
        first = work.add_callback(a_callback(), **asked)
    with store.begin() as work:
        assert work.add_callback(a_callback(), **asked) == first
    with store.begin() as work:
        ended = work.move(first, Event.CANCEL, **WHY)
        assert work.add_callback(a_callback(), **asked) == ended


def test_an_idempotency_key_with_another_body_is_refused(store: SqlStore) -> None:
    asked: dict[str, Any] = {"event": Event.PROMISE, "reason": "asked for", "cause": "api"}
    with store.begin() as work:
        work.add_callback(a_callback(), **asked, idempotency=("k", "body"))
    with pytest.raises(KeyReused), store.begin() as work:
        work.add_callback(a_callback("+14155550102"), **asked, idempotency=("k", "other"))
    with store.begin() as work:
        assert len(work.callbacks().items) == 1


def test_a_key_whose_answer_was_the_open_callback_goes_on_to_mean_it(store: SqlStore) -> None:
    asked: dict[str, Any] = {"event": Event.PROMISE, "reason": "asked for", "cause": "api", "idempotency": ("k", "b")}
    with store.begin() as work:
        standing = promised(work)
        with pytest.raises(DuplicateOpen):
            work.add_callback(a_callback(), **asked)
    with store.begin() as work:
        assert work.add_callback(a_callback(), **asked) == standing


# --- moves ------------------------------------------------------------------------------------------------------


def test_a_move_saves_the_fields_the_new_state_and_a_journal_row(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
    with store.begin() as work:
        changed = replace(work.callback(made.id), agent=AgentKey("ann"), context={"vip": True}, name="Ann")
        moved = work.move(changed, Event.RESERVE, **WHY, data={"queue_wait_s": 3.5})
    with store.begin() as work:
        assert moved == replace(changed, state=State.RESERVED, version=made.version + 1)
        assert work.callback(made.id) == moved
        entry = work.journal(after=0, kind="callback", subject=made.id)[-1]
    assert replace(entry, seq=0) == Entry(
        LATER,
        "callback",
        made.id,
        "waiting",
        "reserved",
        "because",
        "test",
        SUPPORT,
        {"score": made.score, "queue_wait_s": 3.5},
    )


def test_a_change_made_inside_the_context_is_saved(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work, context={"notes": []})
        made.context["notes"].append("rang in")
        work.save(made)
    with store.begin() as work:
        assert work.callback(made.id).context == {"notes": ["rang in"]}


def test_two_moves_in_one_transaction_are_two_journal_rows(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        reserved = work.move(made, Event.RESERVE, **WHY)
        assert reserved is not None
        work.move(reserved, Event.DIAL, **WHY)
    with store.begin() as work:
        entries = work.journal(after=0, subject=made.id)
        assert [(entry.before, entry.after) for entry in entries] == [
            (None, "waiting"), ("waiting", "reserved"), ("reserved", "dialing"),
        ]  # fmt: skip
        assert work.callback(made.id).version == made.version + 2


def test_several_moves_at_once_are_one_save_and_each_a_journal_row(store: SqlStore) -> None:
    steps = ((Event.RESERVE, "ann is free"), (Event.DIAL, "dialling"))
    with store.begin() as work:
        made = promised(work)
        moved = work.moves(replace(made, agent=AgentKey("ann")), steps, cause="test", at=LATER)
    with store.begin() as work:
        assert work.callback(made.id) == moved
        assert moved == replace(made, agent=AgentKey("ann"), state=State.DIALING, version=made.version + 1)
        rows = work.journal(after=0, kind="callback", subject=made.id)[1:]
    assert [(row.before, row.after, row.reason, row.cause, row.at) for row in rows] == [
        ("waiting", "reserved", "ann is free", "test", LATER),
        ("reserved", "dialing", "dialling", "test", LATER),
    ]


def test_several_moves_of_which_one_is_late_change_nothing(store: SqlStore) -> None:
    with store.begin() as work:
        ended = work.move(promised(work), Event.CANCEL, **WHY)
        assert ended is not None
        assert work.moves(ended, ((Event.CANCEL, "again"), (Event.CANCEL, "and again")), cause="test", at=LATER) is None
        assert work.callback(ended.id) == ended


def test_a_save_writes_all_where_the_row_was_read_before_it_became_what_is_saved(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
    with store.begin() as work:
        renamed = work.save(replace(made, agent=AgentKey("ann"), priority="vip"))
        assert work.callback(made.id) == renamed
        back = work.save(replace(renamed, agent=None))
        assert work.callback(made.id) == back == replace(made, priority="vip", version=made.version + 2)


def test_an_end_tells_when_and_why(store: SqlStore) -> None:
    with store.begin() as work:
        ended = work.move(promised(work), Event.EXPIRE, **WHY)
    assert ended is not None
    assert (ended.ended_at, ended.end_reason) == (LATER, "because")
    with store.begin() as work:
        assert work.callback(ended.id) == ended


def test_a_late_event_changes_nothing(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        assert work.move(replace(made, agent=AgentKey("ann")), Event.MISS, **WHY) is None
    with store.begin() as work:
        assert work.callback(made.id) == made
        assert len(work.journal(after=0, subject=made.id)) == 1


def test_an_illegal_move_is_refused(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        with pytest.raises(IllegalMove):
            work.move(made, Event.BRIDGE, **WHY)
        assert work.callback(made.id) == made


def test_whoever_saves_second_is_stale(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        work.save(replace(made, priority="vip"))
        with pytest.raises(Stale):
            work.save(made)
        with pytest.raises(Stale):
            work.move(made, Event.RESERVE, **WHY)
        assert work.callback(made.id).priority == "vip"
        assert len(work.journal(after=0, subject=made.id)) == 1


def test_a_save_is_no_state_change(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        saved = work.save(replace(made, reminded_at=LATER))
        assert saved == replace(made, reminded_at=LATER, version=made.version + 1)
        assert work.callback(made.id) == saved
        assert len(work.journal(after=0, subject=made.id)) == 1


def test_a_number_cannot_be_changed_to_one_that_waits_already(store: SqlStore) -> None:
    with store.begin() as work:
        one, other = promised(work), promised(work, "+14155550102")
        with pytest.raises(DuplicateOpen) as refused:
            work.save(replace(other, number=one.number))
        assert refused.value.existing == one.id
        moved = work.save(replace(other, number="+14155550103"))
        assert work.open_callback(SUPPORT, "+14155550103") == moved
        assert work.open_callback(SUPPORT, "+14155550102") is None


# --- lists ------------------------------------------------------------------------------------------------------


def numbered(count: int) -> list[str]:
    return [f"+1415555{number:04d}" for number in range(1000, 1000 + count)]


def test_a_list_is_newest_first_and_its_cursor_neither_repeats_nor_skips(store: SqlStore) -> None:
    with store.begin() as work:
        ids = [
            promised(work, number, created_at=NOW + timedelta(seconds=index // 3)).id  # three of each moment
            for index, number in enumerate(numbered(11))
        ]
    seen, cursor, pages = [], None, 0
    while True:
        with store.begin() as work:
            page = work.callbacks(limit=4, cursor=cursor)
        seen += [found.id for found in page.items]
        pages += 1
        cursor = page.next
        if cursor is None:
            break
    assert pages == 3
    assert sorted(seen) == sorted(ids)
    assert len(set(seen)) == 11
    with store.begin() as work:
        times = [work.callback(found).created_at for found in seen]
    assert times == sorted(times, reverse=True)


def test_a_list_that_fits_exactly_has_no_next_page(store: SqlStore) -> None:
    with store.begin() as work:
        for number in numbered(4):
            promised(work, number)
        assert work.callbacks(limit=4).next is None


def test_a_list_is_narrowed_by_queue_states_and_number(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_queue(QueueKey("billing"), "Billing", None, NOW)
        one = promised(work)
        two = promised(work, queue=QueueKey("billing"))
        three = promised(work, "+14155550103")
        ended = work.move(three, Event.CANCEL, **WHY)

        def ids(**narrow: Any) -> set[str]:
            return {found.id for found in work.callbacks(**narrow).items}

        assert ids(queue=SUPPORT) == {one.id, three.id}
        assert ids(number=one.number) == {one.id, two.id}
        assert ids(states=[State.CANCELLED]) == {three.id}
        assert ids(states=[State.CANCELLED, State.WAITING], queue=SUPPORT) == {one.id, three.id}
        assert ids(states=[State.WAITING], queue=SUPPORT, number=one.number) == {one.id}
        assert ids(states=[]) == set()
        assert work.callbacks(states=[State.CANCELLED]).items == (ended,)


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "bm90IGEgY3Vyc29y", "MjAyNi0wMS0wMSBjYjE"])
def test_a_cursor_of_somebody_elses_making_is_refused(store: SqlStore, cursor: str) -> None:
    with store.begin() as work, pytest.raises(InvalidInput) as refused:
        work.callbacks(cursor=cursor)
    assert refused.value.field == "cursor"


def test_due_are_retries_and_requests_whose_time_has_come_earliest_first(store: SqlStore) -> None:
    def at(minutes: int) -> dict[str, Any]:
        return {"next_attempt_at": NOW + timedelta(minutes=minutes)}

    with store.begin() as work:
        numbers = iter(numbered(6))
        third = promised(work, next(numbers), **at(3))
        first = promised(work, next(numbers), **at(1))
        promised(work, next(numbers), **at(6))  # not yet
        promised(work, next(numbers))  # waits for an agent, not for a time
        second = promised(work, next(numbers), requested_for=NOW + timedelta(minutes=2))
        ended = promised(work, next(numbers), **at(1))
        work.move(ended, Event.CANCEL, **WHY)
        assert [due.id for due in work.due_callbacks(LATER)] == [first.id, second.id, third.id]
        assert [due.id for due in work.due_callbacks(LATER, limit=2)] == [first.id, second.id]
        assert work.due_callbacks(NOW) == []


def test_those_in_a_state_are_read_by_id_in_pages(store: SqlStore) -> None:
    with store.begin() as work:
        made = sorted(promised(work, number).id for number in numbered(5))
        ended = work.callback(made[4])
        work.move(ended, Event.CANCEL, **WHY)
        page = work.in_state([State.WAITING, State.SCHEDULED], limit=3)
        assert [found.id for found in page] == made[:3]
        rest = work.in_state([State.WAITING, State.SCHEDULED], limit=3, after=page[-1].id)
        assert [found.id for found in rest] == made[3:4]
        assert [found.id for found in work.in_state([State.CANCELLED, State.WAITING])] == made
        assert work.in_state([]) == []


def test_callbacks_are_counted_by_state(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.counts() == {}
        made = [promised(work, number) for number in numbered(3)]
        work.move(made[0], Event.CANCEL, **WHY)
        assert work.counts() == {State.WAITING: 2, State.CANCELLED: 1}


def test_how_long_in_a_state_counts_from_the_last_move_not_from_a_save(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        reserved = work.move(made, Event.RESERVE, **WHY)
        assert reserved is not None
        work.save(replace(reserved, priority="vip"))
        assert work.in_state([State.RESERVED], older_than=LATER) == []
        older = work.in_state([State.RESERVED], older_than=LATER + timedelta(microseconds=1))
        assert [found.id for found in older] == [made.id]


# --- attempts, legs, events -------------------------------------------------------------------------------------


def test_attempts_are_kept_in_order(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        second = work.add_attempt(an_attempt(made.id, 2, token=Token("rs1"), agent=AgentKey("ann")))
        first = work.add_attempt(an_attempt(made.id, 1))
    with store.begin() as work:
        assert work.attempts(made.id) == [first, second]
        done = replace(first, outcome=Outcome.BUSY, ended_at=LATER, answered_by="human", error="17")
        work.save_attempt(done)
    with store.begin() as work:
        assert work.attempt(first.id) == done
        assert work.attempts(CallbackId("cb0")) == []


def test_a_callback_has_one_attempt_of_a_number(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        first = work.add_attempt(an_attempt(made.id))
        with pytest.raises(Stale):
            work.add_attempt(an_attempt(made.id))
        assert work.attempts(made.id) == [first]


def test_a_save_of_an_attempt_writes_only_what_it_changed(store: SqlStore) -> None:
    with store.begin() as work:
        made = work.add_attempt(an_attempt(promised(work).id))
    with store.begin() as work:
        read = work.attempt(made.id)
        work.save_attempt(replace(read, outcome=Outcome.BUSY, ended_at=LATER))
        work.save_attempt(replace(work.attempt(made.id), call=CALL))
    with store.begin() as work:
        assert work.attempt(made.id) == replace(made, outcome=Outcome.BUSY, ended_at=LATER, call=CALL)


def test_a_leg_is_inserted_then_overwritten(store: SqlStore) -> None:
    leg = Leg(CALL, LegKind.INBOUND, SUPPORT, "arrived", "+14155550101", NOW, NOW, "en", 5, quoted_p80=61.5)
    with store.begin() as work:
        work.put_leg(leg)
        later = replace(leg, state="completed", ended_at=LATER, waited_s=12.25, offered=True, number="")
        assert work.put_leg(later) == later
    with store.begin() as work:
        assert work.leg(CALL) == later


def test_open_legs_are_those_that_began_before_and_have_not_ended_oldest_first(store: SqlStore) -> None:
    def leg(name: str, seconds: int, **fields: Any) -> Leg:
        began = NOW + timedelta(seconds=seconds)
        return Leg(CallSid(name), LegKind.CUSTOMER, SUPPORT, "ringing", "+14155550101", began, **fields)

    with store.begin() as work:
        for each in (leg("CA2", 2), leg("CA1", 1), leg("CA3", 3), leg("CA9", 0, ended_at=LATER)):
            work.put_leg(each)
        assert [found.call for found in work.open_legs(before=NOW + timedelta(seconds=3))] == ["CA1", "CA2"]
        assert [found.call for found in work.open_legs(before=LATER, limit=1)] == ["CA1"]


def test_a_carrier_event_is_new_once(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.first_sight(CALL, "completed", "3", NOW)
        assert not work.first_sight(CALL, "completed", "3", LATER)
        assert work.first_sight(CALL, "completed", "4", NOW)
        assert work.first_sight(CALL, "ringing", "3", NOW)
    with store.begin() as work:
        assert not work.first_sight(CALL, "completed", "3", LATER)


# --- texts and numbers left alone -------------------------------------------------------------------------------


def test_a_text_is_kept_and_its_fate_recorded(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        text = work.add_text(Text("tx1", made.id, "promised", made.number, "We will call: https://x/c/t", NOW))
        with pytest.raises(Stale):
            work.add_text(text)
        sent = work.save_text(replace(text, sid="SM1", status="sent"))
    with store.begin() as work:
        assert work.text("tx1") == sent


def test_unsent_texts_are_queued_ones_without_a_name_at_the_carrier(store: SqlStore) -> None:
    def text(name: str, seconds: int, **fields: Any) -> Text:
        return Text(name, None, "nearly", "+14155550101", "soon", NOW + timedelta(seconds=seconds), **fields)

    with store.begin() as work:
        for each in (
            text("tx2", 2), text("tx1", 1), text("tx3", 3),
            text("sent", 0, sid="SM1"), text("failed", 0, status="failed"),
        ):  # fmt: skip
            work.add_text(each)
        assert [found.id for found in work.unsent_texts(before=NOW + timedelta(seconds=3))] == ["tx1", "tx2"]
        assert [found.id for found in work.unsent_texts(before=LATER, limit=1)] == ["tx1"]


def test_numbers_left_alone_are_known_again(store: SqlStore) -> None:
    with store.begin() as work:
        for _ in range(2):
            work.opt_out("+14155550101", NOW)
            work.suppress("+14155550102", "did not ask", NOW)
    with store.begin() as work:
        assert work.opted_out("+14155550101")
        assert not work.opted_out("+14155550102")
        assert work.suppressed("+14155550102")
        assert not work.suppressed("+14155550101")


def test_a_locked_callback_tells_whether_its_number_is_left_alone(store: SqlStore) -> None:
    with store.begin() as work:
        made, other = promised(work), promised(work, "+14155550102")
        work.suppress(other.number, "complained", NOW)
    with store.begin() as work:
        assert [work.callback(one.id, lock=True) for one in (made, other)] == [made, other]
        assert [work.suppressed(one.number) for one in (made, other)] == [False, True]
        work.suppress(made.number, "complained", NOW)
        assert work.suppressed(made.number)


# --- journal and mark -------------------------------------------------------------------------------------------


def test_the_journal_is_read_in_order_from_a_mark_and_by_subject(store: SqlStore) -> None:
    entries = [
        Entry(NOW, "call", "CA1", None, "arrived", "rang", "call", SUPPORT, {"n": 1}),
        Entry(NOW, "agent", "ann", "away", "available", "desk"),
        Entry(NOW, "call", "CA1", "arrived", "abandoned", "hung up"),
    ]
    with store.begin() as work:
        start = work.journal(after=0)[-1].seq
        for entry in entries:
            work.write(entry)
    with store.begin() as work:
        found = work.journal(after=start)
        assert [replace(entry, seq=0) for entry in found] == entries
        assert [entry.seq for entry in found] == sorted({entry.seq for entry in found})
        assert work.journal(after=found[0].seq, limit=1) == found[1:2]
        assert work.journal(after=start, kind="call", subject="CA1") == [found[0], found[2]]
        assert work.journal(after=found[-1].seq) == []


def test_a_transaction_reads_its_own_journal_rows(store: SqlStore) -> None:
    with store.begin() as work:
        work.write(Entry(NOW, "agent", "ann", None, "away", "first"))
        assert work.journal(after=0)[-1].reason == "first"
        work.write(Entry(NOW, "agent", "ann", "away", "offline", "second"))
    with store.begin() as work:
        assert [entry.reason for entry in work.journal(after=0, subject="ann")] == ["first", "second"]


def test_the_last_number_of_the_journal_is_that_of_its_last_entry(store: SqlStore) -> None:
    with store.begin() as work:
        work.write(Entry(NOW, "agent", "ann", None, "away", "first"))
        assert work.last_seq() == work.journal(after=0)[-1].seq


def test_the_stream_mark_is_zero_until_it_is_set(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.mark() == "0"
        work.set_mark("1-1")
        work.set_mark("2-0")
    with store.begin() as work:
        assert work.mark() == "2-0"


# --- configuration ----------------------------------------------------------------------------------------------


def test_a_new_queue_has_the_default_policy(store: SqlStore) -> None:
    with store.begin() as work:
        made = work.put_queue(QueueKey("billing"), "Billing", ("+14155550002", "+14155550001"), NOW)
        assert made.policy == Policy()
        assert made.version == 1
        assert made.numbers == ("+14155550002", "+14155550001")
        assert work.queue(QueueKey("billing")) == made
        assert [queue.key for queue in work.queues()] == ["billing", "support"]
        entry = work.journal(after=0, kind="queue", subject="billing")[-1]
        assert (entry.before, entry.after, entry.reason) == (None, "1", "created")


def test_a_queue_put_again_keeps_its_policy_and_unless_given_its_numbers(store: SqlStore) -> None:
    with store.begin() as work:
        policy = Policy(attempts=1)
        work.put_policy(SUPPORT, policy, by="ann", why="fewer", at=NOW)
        renamed = work.put_queue(SUPPORT, "Help", None, LATER)
        assert (renamed.name, renamed.numbers, renamed.policy) == ("Help", ("+14155550000",), policy)
        assert work.put_queue(SUPPORT, "Help", (), LATER).numbers == ()
        assert work.put_queue(SUPPORT, "Help", ("+1415", "+1415", "+1416"), LATER).numbers == ("+1415", "+1416")


def test_a_number_leads_to_one_queue(store: SqlStore) -> None:
    with store.begin() as work, pytest.raises(InvalidInput) as refused:
        work.put_queue(QueueKey("billing"), "Billing", ("+14155550000",), NOW)
    assert refused.value.field == "numbers"


def test_policies_are_versions_with_who_when_and_why(store: SqlStore) -> None:
    policy = Policy(
        offer_at_wait_s=None, retry_delays_s=(), quiet_hours=("21:00", "09:00"), allowed_countries=None,
        hours={"timezone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "18:00"]]}, "closed_dates": []},
        languages=("zh",), priority_credit_s={"vip": 12.5},
    )  # fmt: skip
    with store.begin() as work:
        saved = work.put_policy(SUPPORT, policy, by="ann", why="night shift", at=LATER)
        assert (saved.version, saved.policy) == (2, policy)
    with store.begin() as work:
        assert work.queue(SUPPORT) == saved
        newest, first = work.policies(SUPPORT)
        assert (newest.version, newest.policy, newest.at, newest.by, newest.why) == (
            2, policy, LATER, "ann", "night shift",
        )  # fmt: skip
        assert (first.version, first.policy) == (1, Policy())
        assert work.policies(SUPPORT, limit=1) == [newest]
        entry = work.journal(after=0, kind="queue", subject=SUPPORT)[-1]
        assert (entry.before, entry.after, entry.reason, entry.cause) == ("1", "2", "night shift", "ann")


# --- people -----------------------------------------------------------------------------------------------------


def test_agents_are_kept_with_whom_they_serve_in_the_given_order(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_queue(QueueKey("billing"), "Billing", None, NOW)
        served = (Served(SUPPORT), Served(QueueKey("billing"), 2))
        ann = work.put_agent(Agent(AgentKey("ann"), "Ann", "client:ann", served), NOW)
        bob = work.put_agent(Agent(AgentKey("bob"), "Bob", "+14155550150"), NOW)
    with store.begin() as work:
        assert work.agents() == [ann, bob]
        changed = work.put_agent(replace(ann, contact="sip:ann@example.com", queues=(served[1],)), LATER)
        assert work.agent(AgentKey("ann")) == changed


def test_an_agent_cannot_serve_an_unknown_queue_or_one_twice(store: SqlStore) -> None:
    with store.begin() as work:
        for queues in ((Served(QueueKey("none")),), (Served(SUPPORT), Served(SUPPORT, 2))):
            with pytest.raises(InvalidInput) as refused:
                work.put_agent(Agent(AgentKey("ann"), "Ann", "client:ann", queues), NOW)
            assert refused.value.field == "queues"


def test_a_presence_outlives_a_change_of_the_agent(store: SqlStore) -> None:
    with store.begin() as work:
        ann = work.put_agent(Agent(AgentKey("ann"), "Ann", "client:ann"), NOW)
        assert work.presences() == {}
        work.put_presence(ann.key, AgentStatus.AVAILABLE, NOW)
        work.put_presence(ann.key, AgentStatus.AWAY, LATER)
        work.put_agent(replace(ann, name="Anna"), LATER)
        assert work.presences() == {"ann": (AgentStatus.AWAY, LATER)}


def test_users_and_tokens_are_inserted_then_overwritten(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_user(User("b@example.com", "viewer", "hash"))
        work.put_user(User("a@example.com", "agent", "hash", AgentKey("ann")))
        work.put_user(User("b@example.com", "admin", "other", disabled=True))
        work.put_token(ApiToken("reports", "viewer", "h1"))
        work.put_token(ApiToken("reports", "admin", "h2"))
        assert work.tokens() == [ApiToken("reports", "admin", "h2")]
    with store.begin() as work:
        b = User("b@example.com", "admin", "other", disabled=True)
        assert work.user("b@example.com") == b
        assert work.users() == [User("a@example.com", "agent", "hash", AgentKey("ann")), b]
        assert work.token("h2") == ApiToken("reports", "admin", "h2")
        assert work.token("h1") is None
