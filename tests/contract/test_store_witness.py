"""What an audit reads from the record: open promises, held ones, dials, and telephones known again by their hash."""

from dataclasses import replace
from datetime import timedelta

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry, Outcome
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import Event, State
from callback.ports import Dial
from tests.support.record import NOW, SUPPORT, an_attempt, promised


def test_every_open_promise_is_listed_and_an_ended_one_is_not(store: SqlStore) -> None:
    with store.begin() as work:
        first, second, third = (promised(work, number=f"+1201555010{number}") for number in (1, 2, 3))
        work.move(second, Event.CANCEL, reason="test", cause="test", at=NOW)
        work.save(replace(third, next_attempt_at=NOW))
    with store.look() as work:
        found = {one.id: (one.state, one.next_attempt_at, one.held) for one in work.promised()}
        assert found == {first.id: (State.WAITING, None, False), third.id: (State.WAITING, NOW, False)}
        page = work.promised(limit=1)
        assert [*page, *work.promised(after=page[0].id)] == work.promised()


def test_a_promise_in_quarantine_says_so_until_it_is_out_again(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        held = work.note_failure("callback", made.id, queue=SUPPORT, step="dial", reason="poison", at=NOW, hold_at=1)
    with store.look() as work:
        assert [one.held for one in work.promised()] == [True]
    with store.begin() as work:
        work.resolve(held.id, "retried", by="sue", at=NOW)
    with store.look() as work:
        assert [one.held for one in work.promised()] == [False]


def test_dials_are_told_in_order_with_their_telephone_and_a_cancel(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
        first = work.add_attempt(replace(an_attempt(made.id), asked_at=NOW, created_at=NOW))
        work.save_attempt(replace(first, outcome=Outcome.BUSY, ended_at=NOW + timedelta(seconds=5)))
        later = NOW + timedelta(seconds=60)
        second = work.add_attempt(replace(an_attempt(made.id, number=2), asked_at=later, created_at=later))
        work.add_attempt(replace(an_attempt(made.id, number=3), asked_at=None, created_at=later))
        work.move(made, Event.CANCEL, reason="test", cause="test", at=later)
    number = store.number_hash(made.number)
    expected = [
        Dial(first.id, made.id, number, NOW, NOW, NOW + timedelta(seconds=5), later),
        Dial(second.id, made.id, number, later, later, None, later),
    ]
    with store.look() as work:
        assert work.dials() == expected
        assert work.dials(limit=1) == expected[:1]
        assert work.dials(after=(NOW, first.id)) == expected[1:]


def test_a_telephone_is_known_again_by_its_hash(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)
    with store.look() as work:
        found = work.number_hashes([made.id, CallbackId("cb nobody")])
    assert found == {made.id: store.number_hash(made.number)}


def test_whoever_only_looks_keeps_no_writer_waiting_and_writes_nothing(store: SqlStore) -> None:
    with store.look() as work:
        before = work.last_seq()
        with store.begin() as other:
            made = promised(other)
        work.write(Entry(NOW, "queue", SUPPORT, None, "nothing", "never written"))
    with store.look() as work:
        assert [entry.subject for entry in work.journal(after=before)] == [made.id]
