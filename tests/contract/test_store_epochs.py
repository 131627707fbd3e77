"""The record's side of the line's age: on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.ports import Epoch
from tests.support.record import NOW, postgres_record, sqlite_record

SOON, LATE = NOW + timedelta(seconds=20), NOW + timedelta(seconds=21)
CROWD = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        opened = sqlite_record(tmp_path, pool_size=CROWD)
    else:
        opened = postgres_record(request.getfixturevalue("postgres_server"), pool_size=CROWD)
    with opened as store:
        yield store


def epoch(store: SqlStore) -> Epoch | None:
    with store.begin() as work:
        return work.epoch()


def claim(store: SqlStore, at: int = 0) -> int | None:
    now = NOW + timedelta(seconds=at)
    with store.begin() as work:
        return work.claim_rebuild(now, now + timedelta(seconds=20))


def test_a_record_that_never_had_a_line_adopts_one_once(store: SqlStore) -> None:
    assert epoch(store) is None
    with store.begin() as work:
        assert work.first_epoch(7, "run", NOW)
        assert not work.first_epoch(9, "other", NOW)
    assert epoch(store) == Epoch(7, "run", NOW)


def test_the_number_grows_from_the_one_that_was_read(store: SqlStore) -> None:
    with store.begin() as work:
        work.first_epoch(7, "run", NOW)
        assert work.advance_epoch(7, 8, SOON)
        assert not work.advance_epoch(7, 8, SOON), "somebody else has done it"
    assert epoch(store) == Epoch(8, "run", SOON)


def test_a_rebuild_is_claimed_once_until_it_ends_or_its_time_runs_out(store: SqlStore) -> None:
    assert claim(store) == 1
    assert claim(store, 19) is None
    assert claim(store, 20) == 2, "whoever claimed it gave no sign of life"
    with store.begin() as work:
        assert not work.end_rebuild(1, "run", SOON), "given up for dead, and on its way all the same"
        assert not work.renew_rebuild(1, LATE)
        assert work.end_rebuild(2, "run", LATE)
        assert not work.renew_rebuild(2, LATE), "it is over"
    assert epoch(store) == Epoch(2, "run", LATE)
    assert claim(store, 22) == 3


def test_a_rebuild_that_goes_on_keeps_its_claim(store: SqlStore) -> None:
    assert claim(store) == 1
    with store.begin() as work:
        assert work.renew_rebuild(1, NOW + timedelta(seconds=35))
    assert claim(store, 30) is None


def test_nothing_counts_while_the_line_is_rebuilt(store: SqlStore) -> None:
    assert claim(store) == 1
    with store.begin() as work:
        assert not work.advance_epoch(1, 2, SOON)


def test_of_many_who_want_to_rebuild_one_does(store: SqlStore) -> None:
    start = threading.Barrier(CROWD)

    def one(_: int) -> int | None:
        start.wait()
        return claim(store)

    for at in range(3):
        with ThreadPoolExecutor(CROWD) as many:
            won = [number for number in many.map(one, range(CROWD)) if number is not None]
        assert won == [at + 1]
        with store.begin() as work:
            work.end_rebuild(at + 1, "run", NOW)
