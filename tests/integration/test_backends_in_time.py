"""The clients of the line and of the record: they keep to a budget, know an absent backend, and find it again."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from callback.adapters import patience
from callback.adapters.breaker import Breaker
from callback.adapters.line.client import LineAway, LineRefuses, LineSilent, make_breaker, make_client
from callback.adapters.line.scripts import Scripts
from callback.adapters.outbox import Outbox
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.migrate import upgrade
from callback.adapters.store.sql_store import SqlStore
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.processor import HERE, kept_waiting_s
from tests.support.proxy import Proxy
from tests.support.record import SECRET, sqlite_record
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.small_disk import small_disk
from tests.support.waiting import eventually, quickest

LONG_S = 1.7
"""Longer than any wait that is meant, and shorter than the shortest that a client would choose by itself."""
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def took(act: Callable[[], object], error: type[Exception]) -> float:
    """Seconds until the error, without those in which there was no processor for us."""
    began = time.monotonic() - kept_waiting_s(HERE)
    with pytest.raises(error) as raised:
        act()
    assert isinstance(raised.value, ConnectionError), "flows know no other name for it"
    return time.monotonic() - kept_waiting_s(HERE) - began


# --- the line -------------------------------------------------------------------------------------------------------


@pytest.fixture
def way(valkey_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(valkey_server.port) as proxy:
        yield proxy


@pytest.fixture
def patience_s(request: pytest.FixtureRequest) -> float:
    """How long a client of Redis waits, as a test says."""
    return float(getattr(request, "param", 0.4))


@pytest.fixture
def breaker(way: Proxy, valkey_server: RedisServer, patience_s: float) -> Iterator[Breaker]:
    found = make_breaker(way.through(valkey_server.url), now=lambda: NOON, timeout_s=patience_s)
    yield found
    found.close()


@pytest.fixture
def client(way: Proxy, breaker: Breaker, valkey_server: RedisServer, patience_s: float) -> Iterator[redis.Redis]:
    with make_client(way.through(valkey_server.url), timeout_s=patience_s, breaker=breaker) as client:
        yield client


def works(act: Callable[[], object]) -> bool:
    """Whether it is answered: on a busy machine that takes longer, now and then, than whoever asks has time."""
    try:
        act()
    except ConnectionError:
        return False
    return True


def test_a_silent_redis_costs_one_wait_and_is_found_again(way: Proxy, breaker: Breaker, client: redis.Redis) -> None:
    scripts = Scripts(client)
    eventually(lambda: works(lambda: scripts.run("agents")))
    with way.stalled():
        began = time.monotonic()
        assert took(lambda: scripts.run("agents"), LineSilent) < LONG_S
        assert time.monotonic() - began > 0.3
        assert quickest(lambda: took(lambda: scripts.run("agents"), LineAway)) < 0.1
        assert quickest(lambda: took(client.time, LineAway)) < 0.1
        assert (breaker.since, breaker.name) == (NOON, "line")
    eventually(lambda: works(lambda: scripts.run("agents")))
    eventually(lambda: works(client.time))


def test_a_budget_bounds_every_wait_and_a_hurried_one_accuses_nobody(
    way: Proxy, breaker: Breaker, client: redis.Redis, valkey_server: RedisServer
) -> None:
    eventually(lambda: works(client.time))
    way.delay(0.6)
    opened = breaker.opened
    with patience.Within(0.1):
        assert took(client.time, LineSilent) < 0.35
        assert took(client.time, LineSilent) < 0.35, "it has not become more patient"
    assert breaker.opened == opened
    with make_client(way.through(valkey_server.url), timeout_s=10, breaker=breaker) as patient:
        patient.time()  # as slow as before, and heard by whoever has the time
    way.delay(0)
    eventually(lambda: works(client.time))


@pytest.mark.parametrize("patience_s", [1.5], indirect=True)
def test_connections_from_before_an_outage_are_not_used_again(
    way: Proxy, breaker: Breaker, client: redis.Redis
) -> None:
    scripts = Scripts(client)
    scripts.run("agents")
    client.time()
    way.swallow()
    took(lambda: scripts.run("agents"), LineSilent)
    way.resume()
    eventually(lambda: not breaker.open)
    began = time.monotonic() - kept_waiting_s(HERE)
    scripts.run("agents")
    client.time()
    assert time.monotonic() - kept_waiting_s(HERE) - began < 1.5, "what a dead connection would have cost at least"


def test_a_redis_that_restarts_is_refused_once_and_used_again(own_redis: RedisServer) -> None:
    breaker = make_breaker(own_redis.url, now=lambda: NOON)
    with make_client(own_redis.url, breaker=breaker) as client:
        client.time()
        own_redis.kill()
        took(client.time, redis.ConnectionError)
        took(client.time, LineAway)
        assert "refused" in breaker.why
        own_redis.start()
        eventually(lambda: works(client.time))
    breaker.close()


def test_a_redis_that_can_write_nothing_is_there_and_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kb=1024) as disk:
        server = RedisServer(valkey_binary(), "--dir", str(disk.folder), "--appendonly", "yes")
        server.start()
        breaker = make_breaker(server.url, now=lambda: NOON)
        with make_client(server.url, breaker=breaker) as client:
            disk.fill()

            def write() -> None:
                for _ in range(100):
                    client.set("a", "b" * 1000)

            took(write, LineRefuses)
            assert not breaker.open
            client.time()
            disk.free()
            eventually(lambda: written(client))
        breaker.close()
        server.close()


def written(client: redis.Redis) -> bool:
    try:
        return bool(client.set("a", "b"))
    except redis.ResponseError:
        return False


# --- the record -----------------------------------------------------------------------------------------------------


def read(store: SqlStore) -> None:
    with store.begin() as work:
        work.mark()


@pytest.fixture
def far(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[tuple[Proxy, SqlStore]]:
    """PostgreSQL behind a proxy, as the web uses it; its patience in seconds as a test says."""
    patience_s = float(getattr(request, "param", 0.75))
    name = postgres_server.create_database()
    upgrade(postgres_server.url(name))
    with Proxy(postgres_server.port) as proxy:
        store = SqlStore(proxy.through(postgres_server.url(name)), SECRET, patience_s=patience_s, clock=ManualClock())
        yield proxy, store
        proxy.resume()
        assert store.breaker is not None
        store.breaker.close()
        store.close()
    postgres_server.drop_database(name)


unhurried = pytest.mark.parametrize("far", [3.0], indirect=True)
"""For a test of somebody's short budget alone: nobody else shall find the record away on a busy machine."""


def ask(store: SqlStore) -> None:
    assert store.ask(lambda work: work.token("nobody's")) is None


@pytest.mark.parametrize("read", [read, ask])
def test_a_silent_record_costs_one_wait_and_is_found_again(
    far: tuple[Proxy, SqlStore], read: Callable[[SqlStore], None]
) -> None:
    proxy, store = far
    eventually(lambda: works(lambda: read(store)))
    with proxy.stalled():
        with patience.Within(0.8):
            assert took(lambda: read(store), StoreUnavailable) < LONG_S
        assert quickest(lambda: took(lambda: read(store), StoreUnavailable)) < 0.1
        assert quickest(lambda: took(store.ping, StoreUnavailable)) < 0.1
    eventually(lambda: works(lambda: read(store)))


def test_a_record_that_was_never_reached_costs_no_more_than_the_budget(far: tuple[Proxy, SqlStore]) -> None:
    proxy, store = far
    with proxy.stalled(), patience.Within(0.5):
        assert took(lambda: read(store), StoreUnavailable) < LONG_S


@unhurried
def test_a_connection_that_takes_too_long_for_one_serves_the_next(far: tuple[Proxy, SqlStore]) -> None:
    proxy, store = far
    proxy.delay(0.12)
    refused = 0
    for _ in range(20):
        with patience.Within(0.45):
            try:
                read(store)
                break
            except StoreUnavailable:
                refused += 1
        time.sleep(0.1)  # the next webhook comes a little later
    assert 1 <= refused < 15
    assert store.breaker is not None
    assert store.breaker.opened == 0, "slow, and there"


@unhurried
def test_a_lock_that_is_waited_for_is_no_outage(far: tuple[Proxy, SqlStore]) -> None:
    _, store = far
    with store.begin() as work:
        work.set_mark("1-1")
        with patience.Within(0.3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable), store.begin() as other:
                other.set_mark("2-1")
            assert time.monotonic() - began < LONG_S
    assert store.breaker is not None
    eventually(lambda: not store.breaker._watched_by)  # type: ignore[union-attr]
    assert store.breaker.opened == 0
    read(store)


@unhurried
def test_what_is_not_committed_in_time_is_not_begun_to_be(far: tuple[Proxy, SqlStore]) -> None:
    _, store = far

    def dawdle() -> None:
        with store.begin() as work:
            work.set_mark("9-9")
            time.sleep(0.35)

    read(store)
    with pytest.raises(StoreUnavailable, match="nothing was written"), patience.Within(0.3):
        dawdle()
    with store.begin() as work:
        assert work.mark() != "9-9"


def test_the_web_waits_less_than_a_second_for_sqlites_writers(tmp_path: Path) -> None:
    with sqlite_record(tmp_path, patience_s=0.75, clock=ManualClock()) as store:
        writer = sqlite3.connect(tmp_path / "record.sqlite3", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        with patience.Within(0.8):
            assert took(lambda: read(store), StoreUnavailable) < LONG_S
        assert quickest(lambda: took(lambda: read(store), StoreUnavailable)) < 0.1, "the others need not wait as well"
        writer.execute("COMMIT")
        writer.close()
        eventually(lambda: works(lambda: read(store)))
        assert store.breaker is not None
        store.breaker.close()


# --- what is sent beside ----------------------------------------------------------------------------------------------


def test_whoever_posts_does_not_wait_and_everything_goes_out_in_order() -> None:
    outbox, gate, done = Outbox(), threading.Event(), []
    outbox.post(lambda: gate.wait(10) and None)
    for number in range(5):
        outbox.post(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == []
    gate.set()
    assert outbox.flush(10)
    assert done == [0, 1, 2, 3, 4]


def test_what_is_urgent_goes_out_before_whoever_posts_it_goes_on() -> None:
    outbox, done = Outbox(), []
    for number in range(3):
        outbox.post(lambda number=number: done.append(number), first_s=10)  # type: ignore[misc]
        assert done == list(range(number + 1))


def test_behind_a_broker_that_stays_silent_nobody_waits_for_what_is_urgent() -> None:
    outbox, gate = Outbox(), threading.Event()
    outbox.post(lambda: gate.wait(10) and None)
    outbox.post(lambda: None)
    outbox.post(lambda: None)
    began = time.monotonic()
    for _ in range(100):
        outbox.post(lambda: None, first_s=10)
    assert time.monotonic() - began < 5
    gate.set()


def test_a_piece_that_fails_stops_none_after_it() -> None:
    outbox, done = Outbox(), threading.Event()

    def fails() -> None:
        raise ConnectionError

    outbox.post(fails)
    outbox.post(done.set)
    assert done.wait(10)


def test_a_broker_that_stays_silent_is_not_waited_for_for_ever() -> None:
    outbox, gate = Outbox(), threading.Event()
    outbox.post(lambda: gate.wait(10) and None)
    assert not outbox.flush(0.05)
    gate.set()
