"""A migrated, empty record for each test, and promises to put into it.

Migrating takes longer than emptying, so each kind of database is migrated once per test process. And a store whose test
is over serves the next, on a record that is as new: a new one would have to compile every statement again.
"""

import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
from sqlalchemy import QueuePool, text

from callback.adapters.store.migrate import upgrade
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import metadata
from callback.domain.callback import Attempt, Callback, Source
from callback.domain.ids import CallbackId, QueueKey, new_attempt_id, new_callback_id
from callback.domain.lifecycle import Event, State
from callback.ports import Work
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "a secret that only tests know"
SUPPORT = QueueKey("support")


_FREE: dict[str, list[SqlStore]] = defaultdict(list)
"""Stores that wait for the next test: those on SQLite, each with a file of its own, and those on each PostgreSQL."""


@contextmanager
def sqlite_record(folder: Path, **options: Any) -> Iterator[SqlStore]:
    """A store on a new SQLite file (with `options`: in that folder), with the queue `support`."""
    if options:
        file = folder / "record.sqlite3"
        shutil.copyfile(_furnished_file(), file)
        yield from _opened(SqlStore(f"sqlite:///{file}", SECRET, **options))
    else:
        yield from _lent("sqlite", _on_another_file, _as_new)


@contextmanager
def postgres_record(server: PostgresServer, **options: Any) -> Iterator[SqlStore]:
    """A store on an empty PostgreSQL database, with the queue `support`. The same database for every test."""
    url = server.url(_migrated_database(server))
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")  # the audit log lets nobody delete from it
        session.execute("; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)))
    if options:
        yield from _opened(_furnished(SqlStore(url, SECRET, **options)))
    else:
        yield from _lent(url, lambda: SqlStore(url, SECRET), _furnished)


def _opened(store: SqlStore) -> Iterator[SqlStore]:
    try:
        yield store
    finally:
        store.close()


def _lent(kind: str, another: Callable[[], SqlStore], renew: Callable[[SqlStore], object]) -> Iterator[SqlStore]:
    store = _FREE[kind].pop() if _FREE[kind] else another()
    renew(store)
    try:
        yield store
    finally:
        pool = store.engine.pool
        if isinstance(pool, QueuePool) and pool.checkedout() == 0:
            store.engine.dispose()
            _FREE[kind].append(store)
        else:
            store.close()  # somebody holds a connection of it


def _furnished(store: SqlStore) -> SqlStore:
    with store.begin() as work:
        work.put_queue(SUPPORT, "Support", ("+14155550000",), NOW)
    return store


def _on_another_file() -> SqlStore:
    return SqlStore(f"sqlite:///{mkdtemp(prefix='record-')}/record.sqlite3", SECRET)


def _as_new(store: SqlStore) -> None:
    file = Path(store.engine.url.database or "")
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    shutil.copyfile(_furnished_file(), file)


@cache
def _furnished_file() -> Path:
    file = Path(mkdtemp(prefix="record-")) / "furnished.sqlite3"
    upgrade(f"sqlite:///{file}")
    _furnished(SqlStore(f"sqlite:///{file}", SECRET)).close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


@cache
def _migrated_database(server: PostgresServer) -> str:
    name = server.create_database()
    upgrade(server.url(name))
    return name


def a_callback(number: str = "+14155550101", **fields: Any) -> Callback:
    """A promise as a flow would draft it."""
    given: dict[str, Any] = {
        "id": new_callback_id(), "queue": SUPPORT, "state": State.WAITING, "number": number, "joined_at": NOW,
        "score": 1_772_442_000_000_000, "language": "en", "source": Source.CALL, "attempts_left": 3, "created_at": NOW,
    }  # fmt: skip
    return Callback(**given | fields)


def promised(work: Work, number: str = "+14155550101", **fields: Any) -> Callback:
    """A promise that the record has."""
    event = Event.SCHEDULE if fields.get("requested_for") else Event.PROMISE
    return work.add_callback(a_callback(number, **fields), event=event, reason="asked for", cause="test")


def an_attempt(callback: CallbackId, number: int = 1, **fields: Any) -> Attempt:
    """A try at reaching somebody, just begun."""
    given: dict[str, Any] = {
        "id": new_attempt_id(), "callback": callback, "number": number, "mode": "customer_first", "created_at": NOW,
    }  # fmt: skip
    return Attempt(**given | fields)


def waits_for_a_lock(store: SqlStore) -> bool:
    """Whether somebody waits in this record (PostgreSQL) for what another holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with store.engine.connect() as connection:
        return bool(connection.execute(text(waiting)).scalar_one())
