"""Connections to the record: SQLite in one file, or PostgreSQL, both with limits that keep a stuck one from spreading.

SQLite: write-ahead log, foreign keys on, and every transaction begins as a writer, because one that begins as a reader
and writes later fails at once when somebody else wrote in between, however long it would wait.
PostgreSQL: a statement or a lock that takes seconds is given up, since it helps the caller on the line no more.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_MS = 5_000
"""How long a SQLite writer waits for the one before it."""
CONNECT_S = 2
"""libpq's shortest connect timeout."""
POOL_WAIT_S = 2
"""How long a request waits for a connection of the pool."""
STATEMENT_MS, LOCK_MS, IDLE_MS = 10_000, 3_000, 30_000
"""PostgreSQL's own limits on a statement, on waiting for a lock, and on a transaction whose holder went silent."""
READ_ONLY = "callback_read_only"
"""The execution option of a connection that only reads, so that SQLite need not queue it behind writers."""


def database(url: str) -> URL:
    """The URL with psycopg 3 as PostgreSQL's driver, also for `postgres://` as many hosts hand it out."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def make_engine(url: str, *, pool_size: int = 10) -> Engine:
    """A pool of at most `pool_size` connections. Connects to nothing yet; creates the folder of a SQLite file."""
    parsed = database(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, pool_size)
    return _postgresql(parsed, pool_size)


def _sqlite(url: URL, pool_size: int) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=BUSY_MS / 1000,
        connect_args={"timeout": BUSY_MS / 1000},
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    raw: Any = connection
    raw.isolation_level = None  # the driver starts no transactions of its own: `_begin_sqlite` does
    cursor = raw.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(url: URL, pool_size: int) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_S, pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S, "application_name": "callback"},
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: DBAPIConnection, _: object) -> None:
    raw: Any = connection
    cursor = raw.cursor()
    cursor.execute(
        f"SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = {LOCK_MS}; SET timezone = 'UTC'; "
        f"SET idle_in_transaction_session_timeout = {IDLE_MS}"
    )
    cursor.close()
    raw.commit()
