"""Connections to the record: SQLite in one file, or PostgreSQL, both with limits that keep a stuck one from spreading.

SQLite: write-ahead log, foreign keys on, and every transaction begins as a writer, because one that begins as a reader
and writes later fails at once when somebody else wrote in between, however long it would wait.
PostgreSQL: a statement that takes longer than the store's patience is given up, since it helps the caller on the line
no more: first by the server, which leaves the connection usable, and where the network is silent by us.
"""

import sqlite3
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

Answer = TypeVar("Answer")

BUSY_S = 5.0
"""How long a SQLite writer waits for those before it."""
TURN_S = 0.02
"""How long it waits in one go. SQLite's own waiting grows to steps of 100 ms, so that whoever came last asks most often
and whoever waits longest is passed by all; asked again and again in short turns, everybody has the same chance."""
CONNECT_S = 2
"""libpq's shortest connect timeout."""
POOL_WAIT_S = 2
"""How long a request waits for a connection of the pool."""
PATIENCE_S = 5.0
"""How long a statement may take."""
GRACE_S = 0.5
"""How much longer we wait for a server that should have given up by itself."""
IDLE_MS = 30_000
"""How long PostgreSQL keeps a transaction, and its locks, whose holder went silent."""
READ_ONLY = "callback_read_only"
"""The execution option of a connection that only reads, so that SQLite need not queue it behind writers."""


def database(url: str) -> URL:
    """The URL with psycopg 3 as PostgreSQL's driver, also for `postgres://` as many hosts hand it out."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


class PatientConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever: the server's own limits cannot be heard through a silent network.

    It closes itself when its patience ends: an answer might still come, and be taken for that of the next question.
    """

    patience_s: float | None = None

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """The answer of the server. Raises OperationalError when `patience_s` (or `timeout`) has passed."""
        deadline = self.patience_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, deadline)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def make_engine(url: str, *, pool_size: int = 10, patience_s: float | None = PATIENCE_S) -> Engine:
    """A pool of at most `pool_size` connections. Connects to nothing yet; creates the folder of a SQLite file.

    `patience_s` bounds a statement (None: not at all, for migrations).
    """
    parsed = database(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, pool_size)
    return _postgresql(parsed, pool_size, patience_s)


def _sqlite(url: URL, pool_size: int) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=BUSY_S,
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    raw: Any = connection
    raw.isolation_level = None  # the driver starts no transactions of its own: `_begin_sqlite` does
    cursor = raw.cursor()
    # FULL, since in WAL mode anything less may lose what a caller was promised a moment before the power failed.
    patient, quick = (f"busy_timeout = {round(seconds * 1000)}" for seconds in (BUSY_S, TURN_S))
    for pragma in (patient, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", quick):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    raw: Any = connection.connection.dbapi_connection
    begin = "BEGIN" if connection.get_execution_options().get(READ_ONLY, False) else "BEGIN IMMEDIATE"
    deadline = monotonic() + BUSY_S
    while monotonic() < deadline:
        try:
            raw.execute(begin)
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
    connection.exec_driver_sql(begin)  # raises what SQLAlchemy makes of it


def _postgresql(url: URL, pool_size: int, patience_s: float | None) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_S, pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S, "application_name": "callback"},
    )  # fmt: skip

    def connect(_: Dialect, __: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> PatientConnection:
        connection = PatientConnection.connect(*arguments, **named)
        connection.patience_s = None if patience_s is None else patience_s + GRACE_S
        try:
            _set_limits(connection, patience_s)
        except BaseException:
            connection.close()
            raise
        return connection

    event.listen(engine, "do_connect", connect)
    return engine


def _set_limits(connection: PatientConnection, patience_s: float | None) -> None:
    limit_ms = round((patience_s or 0) * 1000)  # 0: none
    connection.execute(
        f"SET statement_timeout = {limit_ms}; SET timezone = 'UTC'; SET idle_in_transaction_session_timeout = {IDLE_MS}"
    )
    connection.commit()
