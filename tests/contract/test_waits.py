"""What is expected of a queue's places, in the line and in the record: on every server and database we support."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import insert

from callback.adapters.line.client import make_client
from callback.adapters.line.keys import WAITS
from callback.adapters.line.waits import RedisWaits
from callback.adapters.store.models import KEPT
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import journal
from callback.domain.callback import Entry
from callback.domain.ids import QueueKey
from callback.domain.stored import Errors, Stored
from callback.domain.table import Table
from tests.support.clock import ManualClock
from tests.support.record import NOW, postgres_record, sqlite_record
from tests.support.waiting import eventually

SUPPORT, BILLING = QueueKey("support"), QueueKey("billing")
TABLE = Table(NOW, 3, (1, 2), ((1, 1, 1, 2, 3), (4, 4, 4, 5, 6)), "learnt from 900 waits, model 2", "2", 0.75, 900)


@pytest.fixture(params=["redis_url", "redis62_url"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with make_client(request.getfixturevalue(request.param), timeout_s=10) as client:
        yield client


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        opened = sqlite_record(tmp_path)
    else:
        opened = postgres_record(request.getfixturevalue("postgres_server"))
    with opened as store:
        yield store


# --- in the line ----------------------------------------------------------------------------------------------------


def test_a_table_is_read_as_it_was_left_and_once_a_second_only(client: redis.Redis) -> None:
    clock = ManualClock(NOW)
    waits, writer = RedisWaits(client, clock), RedisWaits(client, clock)
    assert waits.table(SUPPORT) is None
    writer.leave({SUPPORT: TABLE, BILLING: replace(TABLE, model="5")})
    assert waits.table(SUPPORT) is None
    clock.advance(1)
    assert waits.table(SUPPORT) == TABLE
    found = waits.table(BILLING)
    assert found is not None
    assert found.model == "5"
    writer.leave({SUPPORT: None})
    assert waits.table(SUPPORT) == TABLE
    clock.advance(1)
    assert waits.table(SUPPORT) is None


def test_what_is_damaged_counts_as_nothing(client: redis.Redis) -> None:
    clock = ManualClock(NOW)
    waits = RedisWaits(client, clock, every_s=0)
    client.hset(WAITS, SUPPORT, "{")
    assert waits.table(SUPPORT) is None
    waits.leave({SUPPORT: TABLE})
    assert waits.table(SUPPORT) == TABLE


def test_while_the_line_is_away_the_last_table_stands_and_ages() -> None:
    away = make_client("redis://127.0.0.1:1/0", timeout_s=0.05)
    clock = ManualClock(NOW)
    assert RedisWaits(away, clock).table(SUPPORT) is None
    away.close()


def test_one_leads_until_it_resigns_or_falls_silent(client: redis.Redis) -> None:
    clock = ManualClock(NOW)
    first, second = RedisWaits(client, clock), RedisWaits(client, clock)
    assert first.lead(60)
    assert not second.lead(60)
    second.resign()  # changes nothing: it does not lead
    assert first.lead(60)
    first.resign()
    assert second.lead(0.05)
    eventually(lambda: first.lead(60), what="somebody leads again")
    assert not second.lead(60)


# --- in the record --------------------------------------------------------------------------------------------------


def stored(version: int) -> Stored:
    errors = Errors(60.0, 40.0, 70.0, 45.0)
    offsets = ((0.1, 0.0, -0.1, 0.02), (0.0, 0.0, 0.0, 0.0))
    return Stored(version, NOW, 17, 900 + version, b"\x00joining", b"", offsets, 0.75, errors)


def test_the_newest_version_of_a_pool_is_found_again(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.wait_model("support") is None
        for version in (1, 2):
            work.put_wait_model("support", stored(version))
        work.put_wait_model("billing sales", stored(9))
    with store.look() as work:
        assert work.wait_model("support") == stored(2)
        assert [one.version for one in work.wait_models("support")] == [2, 1]
        assert work.wait_models("support")[0].errors == stored(2).errors


def test_a_version_is_overwritten_and_old_ones_go(store: SqlStore) -> None:
    with store.begin() as work:
        for version in range(1, KEPT + 3):
            work.put_wait_model("support", stored(version))
        work.put_wait_model("support", replace(stored(KEPT + 2), share=0.25))
    with store.look() as work:
        kept = work.wait_models("support")
    assert [one.version for one in kept] == list(range(KEPT + 2, 2, -1))
    assert kept[0].share == 0.25


def test_the_journal_is_read_from_a_time_on(store: SqlStore) -> None:
    soon = NOW + timedelta(days=1)
    with store.begin() as work:
        before = work.last_seq()
        for minute in range(5):
            work.write(Entry(soon + timedelta(minutes=minute), "agent", "ann", None, "away", "presence"))
    with store.look() as work:
        assert work.seq_before(NOW - timedelta(days=1)) == work.journal(after=0, limit=1)[0].seq - 1
        assert work.seq_before(soon) == before
        assert work.seq_before(soon + timedelta(minutes=3)) == before + 3
        assert work.seq_before(soon + timedelta(hours=1)) == before + 5


def test_of_rows_at_one_moment_none_is_passed_over_wherever_the_database_keeps_them(store: SqlStore) -> None:
    soon = NOW + timedelta(days=1)
    row = {"at": soon, "kind": "agent", "subject": "ann", "after": "away", "reason": "", "cause": "", "queue": ""}
    with store.begin() as work:
        last = work.last_seq()
    with store.engine.begin() as connection:  # rows that were deleted leave room for new ones in front of older ones
        for seq in (last + 3, last + 1, last + 2):
            connection.execute(insert(journal), {**row, "data": {}, "seq": seq})
    with store.look() as work:
        assert work.seq_before(soon) == last
