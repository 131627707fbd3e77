"""Another number for a callback, until it is proved, on both databases."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Text
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import Event, State
from callback.domain.proof import NumberChange
from tests.support.record import NOW, a_callback

NEW = "+12015550177"


def promised(store: SqlStore, number: str = "+12015550123") -> CallbackId:
    made = a_callback(number=number)
    with store.begin() as work:
        return work.add_callback(made, event=Event.PROMISE, reason="test", cause="test").id


def a_change(id: CallbackId, **fields: object) -> NumberChange:
    return replace(NumberChange(id, NEW, "new", "old", NOW), **fields)  # type: ignore[arg-type]


def test_a_change_comes_back_as_it_went_in_and_the_last_one_counts(store: SqlStore) -> None:
    promise = promised(store)
    with store.begin() as work:
        work.put_number_change(a_change(promise))
        work.put_number_change(a_change(promise, new_hash="newer", tries_left=2))
    with store.begin() as work:
        assert work.number_change(promise, lock=True) == a_change(promise, new_hash="newer", tries_left=2)
        work.drop_number_change(promise)
    with store.look() as work:
        assert work.number_change(promise) is None


def test_the_number_lies_sealed(store: SqlStore) -> None:
    promise = promised(store)
    with store.begin() as work:
        work.put_number_change(a_change(promise))
    with store.engine.connect() as connection:
        assert NEW.encode() not in bytes(connection.execute(text("SELECT number FROM number_changes")).scalar_one())


def test_what_nobody_finished_is_forgotten_with_the_next(store: SqlStore) -> None:
    promise, other = promised(store), promised(store, "+12015550141")
    with store.begin() as work:
        work.put_number_change(a_change(promise))
        work.put_number_change(a_change(other, sent_at=NOW + timedelta(hours=2)))
    with store.look() as work:
        assert work.number_change(promise) is None
        assert work.number_change(other) is not None


def test_texts_are_counted_by_kind_callback_and_number(store: SqlStore) -> None:
    promise = promised(store)
    with store.begin() as work:
        for at, kind in enumerate(("code", "code", "code_old", "promised")):
            work.add_text(Text(f"tx{at}", promise, kind, NEW, "a text", NOW + timedelta(minutes=at)))
    with store.look() as work:
        assert work.texts_about(promise, "code") == 2
        assert work.texts_to(NEW, "code", since=NOW) == 2
        assert work.texts_to(NEW, "code", since=NOW + timedelta(seconds=1)) == 1
        assert work.texts_to("+12015550141", "code", since=NOW) == 0


def test_a_code_is_kept_as_a_hash_that_is_good_for_one_thing(store: SqlStore) -> None:
    hashed = store.code_hash("cb1", "123456")
    assert "123456" not in hashed
    assert hashed == store.code_hash("cb1", "123456")
    assert len({hashed, store.code_hash("cb2", "123456"), store.code_hash("cb1", "123457")}) == 3


def test_a_number_changes_with_a_row_in_the_journal(store: SqlStore) -> None:
    promise = promised(store)
    with store.begin() as work:
        moved = work.move(
            replace(work.callback(promise), number=NEW), Event.RENUMBER, reason="another", cause="test", at=NOW
        )
        assert moved is not None
        assert moved.state is State.WAITING
    with store.look() as work:
        assert work.callback(promise).number == NEW
        assert [entry.reason for entry in work.journal(after=0, subject=promise)] == ["test", "another"]
