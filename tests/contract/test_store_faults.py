"""The database gone, silent, slow or back again: told honestly, within a bound, mended without a restart of ours."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from callback.adapters.store.engine import make_engine
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.migrate import upgrade
from callback.adapters.store.sql_store import SqlStore
from callback.ports import ApiToken
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.processor import HERE, kept_waiting_s
from tests.support.record import NOW, SECRET, SUPPORT, postgres_record, promised, sqlite_record
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def silenced(pid: int) -> Iterator[None]:
    """A process that answers nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def seconds(act: Callable[[], object]) -> float:
    """How long it took to be told, without the time in which there was no processor for us."""
    began = time.monotonic() - kept_waiting_s(HERE)
    with pytest.raises(StoreUnavailable):
        act()
    return time.monotonic() - kept_waiting_s(HERE) - began


def read(store: SqlStore) -> None:
    with store.begin() as work:
        work.last_seq()


def ask(store: SqlStore) -> ApiToken | None:
    return store.ask(lambda work: work.token("nobody's"))


def answers(store: SqlStore) -> bool:
    """Whether it is there, and tells so within the second that a question has."""
    try:
        store.ping()
    except StoreUnavailable:
        return False
    return True


def promise_and(store: SqlStore, happens: Callable[[], object]) -> None:
    """Something happens in the middle of a transaction."""
    with store.begin() as work:
        promised(work, "+14155550199")
        happens()


def test_a_database_that_restarts_is_unavailable_and_then_served_again(own_postgres: PostgresServer) -> None:
    upgrade(own_postgres.url())
    store = SqlStore(own_postgres.url(), SECRET)
    with store.begin() as work:
        work.put_queue(SUPPORT, "Support", None, NOW)
        made = promised(work)
    for end in (own_postgres.stop, own_postgres.kill):
        with pytest.raises(StoreUnavailable):
            promise_and(store, end)
        with pytest.raises(ConnectionError):
            read(store)
        with pytest.raises(StoreUnavailable):
            store.ping()
        own_postgres.start()
        eventually(lambda: answers(store))
        with store.begin() as work:
            assert work.callback(made.id) == made
            assert len(work.callbacks().items) == 1
    store.close()


def test_an_error_of_the_flow_is_not_hidden_by_a_lost_database(own_postgres: PostgresServer) -> None:
    upgrade(own_postgres.url())
    store = SqlStore(own_postgres.url(), SECRET)
    with store.begin() as work:
        work.put_queue(SUPPORT, "Support", None, NOW)

    def fail() -> None:
        own_postgres.kill()
        raise LookupError

    with pytest.raises(LookupError):
        promise_and(store, fail)
    store.close()


def test_a_silent_database_is_given_up_and_its_late_answer_read_by_nobody(postgres_server: PostgresServer) -> None:
    with postgres_record(postgres_server, pool_size=1, patience_s=1.0) as store:
        with store.begin() as work:
            work.set_mark("1-1")
        with store.engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

        def ask_in_vain() -> None:
            with store.begin() as work:
                work.set_mark("2-1")
                os.kill(backend, signal.SIGSTOP)
                work.mark()

        try:
            assert seconds(ask_in_vain) < 4
            read(store)  # by a connection that takes its place
        finally:
            os.kill(backend, signal.SIGCONT)
        with store.begin() as work:
            assert work.mark() == "1-1"


def test_a_connection_that_fell_silent_in_the_pool_is_replaced_unnoticed(postgres_server: PostgresServer) -> None:
    with postgres_record(postgres_server, pool_size=1, patience_s=1.0) as store:
        with store.engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with silenced(backend):
            read(store)


def test_a_question_on_a_connection_that_fell_silent_is_asked_once_more(postgres_server: PostgresServer) -> None:
    with postgres_record(postgres_server, pool_size=1, patience_s=1.0) as store:
        with store.engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with silenced(backend):
            assert ask(store) is None


def test_connections_that_broke_in_the_pool_are_replaced_unnoticed(postgres_server: PostgresServer) -> None:
    def look() -> None:
        with store.look() as work:
            work.last_seq()

    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with postgres_record(postgres_server, pool_size=2) as store:
        other = make_engine(store.engine.url.render_as_string(hide_password=False))
        acts: list[Callable[[], object]] = [lambda: read(store), look, lambda: ask(store), store.ping]
        for act in acts:
            with store.begin(), store.begin():
                pass
            with other.connect() as connection:
                ended = connection.execute(text(f"{end} WHERE {others}"))
                assert len(ended.all()) == 2
            act()
        other.dispose()


def test_a_statement_that_waits_for_a_lock_is_given_up_by_the_server(postgres_server: PostgresServer) -> None:
    with postgres_record(postgres_server, patience_s=1.0) as store:
        with store.begin() as work:
            made = promised(work)
            work.callback(made.id, lock=True)

        def wait() -> None:
            with store.begin() as work:
                work.callback(made.id, lock=True)

        with store.begin() as work:
            work.callback(made.id, lock=True)
            assert seconds(wait) < 4
        wait()


def test_a_ping_is_answered_or_refused_within_a_second(own_postgres: PostgresServer) -> None:
    store = SqlStore(own_postgres.url(), SECRET, patience_s=0.5)
    eventually(lambda: answers(store))
    store.close()
    with silenced(own_postgres.pid):
        assert seconds(store.ping) < 2  # connects anew, and the server does not answer
        assert seconds(store.ping) < 0.5  # the first question still hangs: no second one
    eventually(lambda: answers(store))
    store.close()


def test_a_database_nobody_serves_is_unavailable() -> None:
    store = SqlStore(f"postgresql://postgres@127.0.0.1:{free_port()}/none", SECRET)
    assert seconds(lambda: read(store)) < 3
    assert seconds(store.ping) < 2


def test_a_database_that_was_never_migrated_says_so(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url, SECRET)
    with pytest.raises(StoreUnavailable, match="no such table"):
        read(store)
    store.close()


def fill(store: SqlStore) -> None:
    with store.begin() as work:
        for number in range(1000):
            promised(work, f"+1415555{number:04d}")


def test_a_full_disk_is_unavailable_and_recovers(tmp_path: Path) -> None:
    with sqlite_record(tmp_path, pool_size=1) as store:
        with store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailable, match="full"):
            fill(store)
        with store.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1000}")
        with store.begin() as work:
            assert work.callbacks().items == ()
            promised(work)


def test_a_pool_that_is_used_up_is_unavailable(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with postgres_record(postgres_server, pool_size=1) as store, store.begin():
        assert seconds(lambda: read(store)) < 4


def test_nothing_of_a_fault_shows_a_value_that_was_written(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    with pytest.raises(Exception, match="no such table") as fault, engine.begin() as connection:
        connection.execute(text("INSERT INTO none VALUES (:number)"), {"number": "+14155550101"})
    assert "+14155550101" not in str(fault.value)
    engine.dispose()


FORKED = """
import os, sys
from callback.adapters.store.sql_store import SqlStore
store = SqlStore(sys.argv[1], "secret")
with store.begin() as work:
    work.set_mark("parent")
child = os.fork()
if child == 0:
    with store.begin() as work:
        seen = work.mark()
        work.set_mark("child")
    store.close()
    os._exit(0 if seen == "parent" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with store.begin() as work:
    assert work.mark() == "child", work.mark()
store.close()
"""

GREEN = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, sys, time
from sqlalchemy import text
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.sql_store import SqlStore
store = SqlStore(sys.argv[1], "secret")

def slow():
    with store.engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(1)"))

began = time.monotonic()
gevent.joinall([gevent.spawn(slow) for _ in range(8)], raise_error=True)
assert time.monotonic() - began < 6, "one waits for the other"

def answers():
    try:
        store.ping()
    except StoreUnavailable:  # it has a second for it, which a busy machine may not give
        return False
    return True

assert any(answers() for _ in range(20))
store.close()
"""


def run(script: str, url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, url], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_forked_process_has_connections_of_its_own(database_url: str) -> None:
    upgrade(database_url)
    run(FORKED, database_url)


def test_greenlets_wait_for_the_database_side_by_side(pg_url: str) -> None:
    run(GREEN, pg_url)
