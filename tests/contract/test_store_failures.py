"""What fails again and again, and rows that cannot be read: the record's verbs for them, on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind, Text
from callback.domain.errors import IllegalMove, InvalidInput, NotFound, Unreadable
from callback.domain.ids import CallbackId, CallSid, new_callback_id
from callback.domain.lifecycle import Event, State
from callback.ports import Failure
from tests.support.record import NOW, SUPPORT, promised, sqlite_record

LATER = NOW + timedelta(minutes=5)
NUMBERS = tuple(f"+1415555010{last}" for last in range(10))


def note(store: SqlStore, subject: str, kind: str = "callback", **more: Any) -> Failure:
    usual: dict[str, Any] = {"queue": "support", "step": "dialling", "reason": "KeyError", "at": NOW, "hold_at": 9}
    given = {**usual, **more}
    with store.begin() as work:
        return work.note_failure(kind, subject, **given)


def tear(store: SqlStore, table: str, column: str, key: str, id: str) -> None:
    """A sealed value that no key opens."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = CAST('torn' AS {torn(store)}) WHERE {key} = '{id}'")


def torn(store: SqlStore) -> str:
    return "BYTEA" if store.engine.dialect.name == "postgresql" else "BLOB"


# --- counting ---------------------------------------------------------------------------------------------------


def test_failures_of_one_subject_are_counted_in_one_row(store: SqlStore) -> None:
    first = note(store, "cb1")
    again = note(store, "cb1", at=LATER, step="texts", reason="ValueError")
    assert (first.times, first.held_at, first.resolved_at) == (1, None, None)
    assert again == Failure(
        first.id, "callback", "cb1", "support", "texts", "ValueError", 2, first_at=NOW, last_at=LATER
    )
    note(store, "cb1", kind="text")
    with store.begin() as work:
        assert {(one.kind, one.times) for one in work.failures()} == {("callback", 2), ("text", 1)}
        assert work.failure(first.id) == again
        with pytest.raises(NotFound):
            work.failure("qu0")


def test_what_is_held_stays_held_from_the_time_that_was_one_too_many(store: SqlStore) -> None:
    assert note(store, "cb1", hold_at=2).held_at is None
    held = note(store, "cb1", at=LATER, hold_at=2)
    again = note(store, "cb1", at=LATER + timedelta(hours=1), hold_at=2)
    once_more = note(store, "cb1", at=LATER + timedelta(hours=2))
    assert (held.times, held.held_at) == (2, LATER)
    assert (again.times, again.held_at) == (3, LATER)
    assert (once_more.times, once_more.held_at) == (4, LATER)
    with store.begin() as work:
        assert work.is_held("callback", "cb1")
        assert not work.is_held("text", "cb1")
        assert work.held_count() == 1


def test_after_it_is_resolved_it_is_counted_afresh(store: SqlStore) -> None:
    first = note(store, "cb1", hold_at=1)
    with store.begin() as work:
        assert work.resolve(first.id, "retried", by="sue@example.com", at=LATER)
        assert not work.resolve(first.id, "dropped", by="bob@example.com", at=LATER)
        with pytest.raises(NotFound):
            work.resolve("qu0", "retried", by="sue@example.com", at=LATER)
    with store.begin() as work:
        resolved = work.failure(first.id)
        assert (resolved.resolution, resolved.by, resolved.resolved_at) == ("retried", "sue@example.com", LATER)
        assert work.failures() == []
        assert not work.is_held("callback", "cb1")
    second = note(store, "cb1", at=LATER)
    assert (second.id != first.id, second.times, second.held_at) == (True, 1, None)


def test_the_quarantine_is_read_in_pages_newest_first(store: SqlStore) -> None:
    for minute in range(5):
        note(store, f"cb{minute}", at=NOW + timedelta(minutes=minute), hold_at=1)
    note(store, "cb9")
    with store.begin() as work:
        first = work.quarantine(limit=2)
        second = work.quarantine(limit=2, cursor=first.next)
        last = work.quarantine(limit=2, cursor=second.next)
        assert [one.subject for page in (first, second, last) for one in page.items] == [
            "cb4",
            "cb3",
            "cb2",
            "cb1",
            "cb0",
        ]
        assert last.next is None
        assert work.held_count() == 5
        with pytest.raises(InvalidInput):
            work.quarantine(cursor="nonsense")


def test_what_has_not_failed_for_a_while_and_what_is_over_goes_away(store: SqlStore) -> None:
    with store.begin() as work:
        over = promised(work, NUMBERS[0])
        work.move(over, Event.CANCEL, reason="no", cause="test", at=NOW)
        standing = promised(work, NUMBERS[1])
        work.add_text(Text("tx1", standing.id, "nearly", NUMBERS[1], "soon", NOW, status="sent"))
    note(store, "long ago")
    note(store, "just now", at=LATER)
    note(store, over.id, hold_at=1)
    note(store, standing.id, hold_at=1)
    note(store, standing.id, kind="text", hold_at=1)
    note(store, "tx1", kind="text", hold_at=1)
    note(store, "texts", kind="step", hold_at=1)
    with store.begin() as work:
        assert work.settle_failures(before=NOW + timedelta(seconds=1), at=LATER) == 4
        left = {(one.kind, one.subject) for one in work.failures()}
    assert left == {("callback", "just now"), ("callback", standing.id), ("text", standing.id)}


# --- out of the way ---------------------------------------------------------------------------------------------


def test_what_is_held_is_in_no_list_of_work(store: SqlStore) -> None:
    with store.begin() as work:
        held = work.save(promised(work, NUMBERS[0], next_attempt_at=NOW))
        asked = promised(work, NUMBERS[1], requested_for=NOW)
        other = promised(work, NUMBERS[2], next_attempt_at=NOW)
        for text in ("tx1", "tx2"):
            work.add_text(Text(text, other.id, "nearly", NUMBERS[2], "soon", NOW))
        for call in ("CA1", "CA2"):
            work.put_leg(Leg(CallSid(call), LegKind.INBOUND, SUPPORT, "waiting", NUMBERS[3], NOW))
    for one in (held, asked):
        note(store, one.id, hold_at=1)
    note(store, other.id)
    note(store, "tx1", kind="text", hold_at=1)
    note(store, "CA1", kind="call", hold_at=1)
    with store.begin() as work:
        assert work.due_callbacks(LATER) == [other]
        assert [one.id for one in work.placed()] == [other.id]
        assert work.in_state([State.WAITING, State.SCHEDULED], held=False) == [other]
        assert len(work.in_state([State.WAITING, State.SCHEDULED])) == 3
        assert [text.id for text in work.unsent_texts(before=LATER)] == ["tx2"]
        assert [leg.call for leg in work.open_legs(before=LATER)] == ["CA2"]
        assert len(work.callbacks().items) == 3, "people see everything"
        assert work.damaged() == []


# --- rows that cannot be read -----------------------------------------------------------------------------------


def test_lists_leave_out_what_cannot_be_read_and_say_so(store: SqlStore) -> None:
    with store.begin() as work:
        bad = promised(work, NUMBERS[0], next_attempt_at=NOW)
        good = promised(work, NUMBERS[1], next_attempt_at=NOW)
        for text in ("tx1", "tx2"):
            work.add_text(Text(text, good.id, "nearly", NUMBERS[1], "soon", NOW))
        for call in ("CA1", "CA2"):
            work.put_leg(Leg(CallSid(call), LegKind.INBOUND, SUPPORT, "waiting", NUMBERS[3], NOW))
    tear(store, "callbacks", "number", "id", bad.id)
    tear(store, "messages", "body", "id", "tx1")
    tear(store, "legs", "number", "call", "CA1")
    lists: list[tuple[Any, str]] = [
        (lambda work: [one.id for one in work.due_callbacks(LATER)] == [good.id], bad.id),
        (lambda work: [one.id for one in work.in_state([State.WAITING])] == [good.id], bad.id),
        (lambda work: [one.id for one in work.callbacks().items] == [good.id], bad.id),
        (lambda work: [one.id for one in work.unsent_texts(before=LATER)] == ["tx2"], "tx1"),
        (lambda work: [one.call for one in work.open_legs(before=LATER)] == ["CA2"], "CA1"),
    ]
    for holds, left_out in lists:
        with store.begin() as work:
            assert holds(work)
            (damage,) = work.damaged()
            assert (damage.subject, NUMBERS[0] in damage.why) == (left_out, False)
    with store.begin() as work:
        assert len(list(work.placed())) == 2, "a rebuild opens no seal"
        with pytest.raises(Unreadable):
            work.callback(bad.id)
        with pytest.raises(Unreadable):
            work.text("tx1")
        with pytest.raises(Unreadable):
            work.leg(CallSid("CA1"))


def test_a_page_that_is_short_is_the_last_however_many_rows_cannot_be_read(store: SqlStore) -> None:
    ids = sorted(new_callback_id() for _ in range(9))
    with store.begin() as work:
        for made, number in zip(ids, NUMBERS, strict=False):
            promised(work, number, id=made)
    for made in ids[:4]:
        tear(store, "callbacks", "number", "id", made)
    with store.begin() as work:
        first = work.in_state([State.WAITING], limit=3)
        second = work.in_state([State.WAITING], limit=3, after=first[-1].id)
        assert [one.id for one in first + second] == ids[4:]
        assert len(first) == 3
        assert len(work.damaged()) == 4


def test_a_row_whose_columns_are_nonsense_hides_no_other(tmp_path: Path) -> None:
    with sqlite_record(tmp_path) as store:  # PostgreSQL takes no such value
        with store.begin() as work:
            bad, good = (promised(work, number, next_attempt_at=NOW) for number in NUMBERS[:2])
        with store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE callbacks SET joined_at = 'yesterday' WHERE id = '{bad.id}'")
        with store.begin() as work:
            assert [one.id for one in work.callbacks(limit=1).items] in ([], [good.id])
            assert [one.id for one in work.due_callbacks(LATER)] == [good.id]
            assert [one.id for one in work.in_state([State.WAITING], limit=1)] == [good.id]
            assert {one.subject for one in work.damaged()} == {bad.id}
            with pytest.raises(Unreadable):
                work.callback(bad.id)


def test_a_row_that_cannot_be_read_is_written_off_by_its_state_alone(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        work.add_text(Text("tx1", made.id, "nearly", made.number, "soon", NOW))
    tear(store, "callbacks", "number", "id", made.id)
    tear(store, "messages", "body", "id", "tx1")
    with store.begin() as work:
        with pytest.raises(IllegalMove):
            work.write_off(made.id, Event.BRIDGE, reason="no", cause="test", at=LATER)
        with pytest.raises(NotFound):
            work.write_off(CallbackId("cb0"), Event.CANCEL, reason="no", cause="test", at=LATER)
        assert work.write_off(made.id, Event.CANCEL, reason="given up", cause="sue", at=LATER) is State.CANCELLED
        assert work.write_off(made.id, Event.CANCEL, reason="given up", cause="sue", at=LATER) is None
        work.write_off_text("tx1", "given up")
    with store.begin() as work:
        assert work.counts() == {State.CANCELLED: 1}
        assert work.unsent_texts(before=LATER) == []
        last = work.journal(after=0, subject=made.id)[-1]
        assert (last.before, last.after, last.reason, last.cause) == ("waiting", "cancelled", "given up", "sue")
