"""A migrated, empty record for each test, and promises to put into it.

Migrating takes longer than emptying, so each kind of database is migrated once per test process.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

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


@contextmanager
def sqlite_record(folder: Path, **options: Any) -> Iterator[SqlStore]:
    """A store on a new SQLite file, with the queue `support`."""
    file = folder / "record.sqlite3"
    shutil.copyfile(_migrated_file(), file)
    yield from _opened(f"sqlite:///{file}", options)


@contextmanager
def postgres_record(server: PostgresServer, **options: Any) -> Iterator[SqlStore]:
    """A store on an empty PostgreSQL database, with the queue `support`. The same database for every test."""
    url = server.url(_migrated_database(server))
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")  # the audit log lets nobody delete from it
        session.execute("; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)))
    yield from _opened(url, options)


def _opened(url: str, options: dict[str, Any]) -> Iterator[SqlStore]:
    store = SqlStore(url, SECRET, **options)
    with store.begin() as work:
        work.put_queue(SUPPORT, "Support", ("+14155550000",), NOW)
    try:
        yield store
    finally:
        store.close()


@cache
def _migrated_file() -> Path:
    file = Path(mkdtemp(prefix="record-")) / "migrated.sqlite3"
    upgrade(f"sqlite:///{file}")
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
