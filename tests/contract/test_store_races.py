"""Many at once on the record: every race has one winner, and a reader of the journal misses nothing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Callback, Entry
from callback.domain.errors import DuplicateOpen, InvalidInput, Stale
from callback.domain.ids import CallbackId, CallSid, QueueKey
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Policy
from tests.support.record import NOW, SUPPORT, a_callback, an_attempt, postgres_record, promised, sqlite_record

CROWD = 8
T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        opened = sqlite_record(tmp_path, pool_size=CROWD + 2)
    else:
        opened = postgres_record(request.getfixturevalue("postgres_server"), pool_size=CROWD + 2)
    with opened as store:
        yield store


def crowd(act: Callable[[int], T]) -> list[T | Exception]:
    """`act` by many threads that start together: what each got or raised."""
    start = threading.Barrier(CROWD)

    def one(index: int) -> T | Exception:
        start.wait()
        try:
            return act(index)
        except Exception as refused:  # noqa: BLE001 - the answer is looked at by the test
            return refused

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


def test_of_many_promises_for_one_number_one_is_made_and_the_rest_are_told_which(store: SqlStore) -> None:
    def promise(_: int) -> Callback:
        with store.begin() as work:
            return promised(work)

    answers = crowd(promise)
    made = [answer for answer in answers if isinstance(answer, Callback)]
    assert len(made) == 1
    refused = [answer for answer in answers if isinstance(answer, DuplicateOpen)]
    assert {answer.existing for answer in refused} == {made[0].id}
    assert len(refused) == CROWD - 1


def test_a_webhook_delivered_many_times_at_once_makes_one_promise(store: SqlStore) -> None:
    def promise(_: int) -> CallbackId:
        with store.begin() as work:
            return promised(work, origin=CallSid("CA1")).id

    assert len(set(crowd(promise))) == 1
    with store.begin() as work:
        assert len(work.journal(after=0, kind="callback")) == 1


def test_a_request_repeated_at_once_with_its_key_makes_one_promise(store: SqlStore) -> None:
    def ask(_: int) -> CallbackId:
        with store.begin() as work:
            made = work.add_callback(
                a_callback(), event=Event.PROMISE, reason="asked for", cause="api", idempotency=("key", "body")
            )
            return made.id

    assert len(set(crowd(ask))) == 1


def test_of_many_moves_from_one_reading_one_is_made(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)

    def reserve(_: int) -> Callback | None:
        with store.begin() as work:
            return work.move(made, Event.RESERVE, reason="free", cause="test", at=NOW)

    answers = crowd(reserve)
    assert sorted(type(answer).__name__ for answer in answers) == ["Callback"] + ["Stale"] * (CROWD - 1)
    with store.begin() as work:
        assert len(work.journal(after=0, subject=made.id)) == 2


def test_who_locks_the_row_decides_on_what_the_one_before_left(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)

    def take(_: int) -> int:
        with store.begin() as work:
            callback = work.callback(made.id, lock=True)
            work.save(replace(callback, attempts_made=callback.attempts_made + 1))
            return callback.attempts_made

    assert sorted(int(str(answer)) for answer in crowd(take)) == list(range(CROWD))


def test_of_many_attempts_of_one_number_one_is_made(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work)

    def attempt(_: int) -> str:
        with store.begin() as work:
            return work.add_attempt(an_attempt(made.id)).id

    answers = crowd(attempt)
    assert [isinstance(answer, Stale) for answer in answers].count(True) == CROWD - 1


def test_a_carrier_event_delivered_many_times_at_once_is_seen_once(store: SqlStore) -> None:
    def see(_: int) -> bool:
        with store.begin() as work:
            return work.first_sight(CallSid("CA1"), "completed", "3", NOW)

    assert crowd(see).count(True) == 1


def test_policies_saved_at_once_are_versions_in_a_row(store: SqlStore) -> None:
    def save(index: int) -> int:
        with store.begin() as work:
            policy = Policy(attempts=index + 1)
            return work.put_policy(SUPPORT, policy, by=str(index), why="tried", at=NOW).version

    assert sorted(int(str(answer)) for answer in crowd(save)) == list(range(2, CROWD + 2))


def test_a_new_number_claimed_by_many_queues_leads_to_one(store: SqlStore) -> None:
    def claim(index: int) -> str:
        with store.begin() as work:
            return work.put_queue(QueueKey(f"q{index}"), "Queue", ("+14155550077",), NOW).key

    answers = crowd(claim)
    assert [isinstance(answer, InvalidInput) for answer in answers].count(True) == CROWD - 1
    with store.begin() as work:
        assert len([queue for queue in work.queues() if queue.numbers == ("+14155550077",)]) == 1


def test_a_reader_of_the_journal_that_follows_a_crowd_of_writers_misses_nothing(store: SqlStore) -> None:
    each, done = 25, threading.Event()
    followed: list[Entry] = []

    def follow() -> None:
        after, last_round = 0, False
        while True:
            last_round = done.is_set()
            with store.begin() as work:
                page = work.journal(after=after, limit=7, kind="call")
            followed.extend(page)
            if page:
                after = page[-1].seq
            elif last_round:
                return

    def write(index: int) -> None:
        for turn in range(each):
            with store.begin() as work:
                for step in range(1 + turn % 3):
                    work.write(Entry(NOW + timedelta(seconds=turn), "call", f"{index}-{turn}-{step}", None, "x", "y"))

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        assert crowd(write) == [None] * CROWD
    finally:
        done.set()
        reader.join()

    expected = {
        f"{index}-{turn}-{step}" for index in range(CROWD) for turn in range(each) for step in range(1 + turn % 3)
    }
    assert [entry.seq for entry in followed] == sorted({entry.seq for entry in followed})
    assert len(followed) == len(expected)
    assert {entry.subject for entry in followed} == expected


def test_a_callback_is_moved_and_listed_by_a_crowd_without_a_wrong_count(store: SqlStore) -> None:
    def live(index: int) -> int:
        with store.begin() as work:
            made = promised(work, f"+1415555{index:04d}")
        with store.begin() as work:
            reserved = work.move(work.callback(made.id, lock=True), Event.RESERVE, reason="r", cause="c", at=NOW)
            assert reserved is not None
            work.move(reserved, Event.CANCEL, reason="r", cause="c", at=NOW)
        with store.begin() as work:
            return len(work.callbacks(number=made.number, states=[State.CANCELLED]).items)

    assert crowd(live) == [1] * CROWD


def test_what_many_read_on_from_the_mark_is_written_once(store: SqlStore) -> None:
    def read_on(_: int) -> None:
        with store.begin() as work:
            following = int(work.mark()) + 1
            work.write(Entry(NOW, "queue", SUPPORT, None, f"event {following}", "told by the line"))
            work.set_mark(str(following))

    assert crowd(read_on) == [None] * CROWD
    with store.begin() as work:
        assert work.mark() == str(CROWD)
        told = [entry.after for entry in work.journal(after=0) if entry.after.startswith("event")]
    assert told == [f"event {number}" for number in range(1, CROWD + 1)]
