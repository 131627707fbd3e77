"""Connections to the record: SQLite in one file, or PostgreSQL, both with limits that keep a stuck one from spreading.

SQLite: write-ahead log, foreign keys on, and every transaction begins as a writer, because one that begins as a reader
and writes later fails at once when somebody else wrote in between, however long it would wait.
PostgreSQL: a statement that takes longer than the store's patience is given up, since it helps the caller on the line
no more: first by the server, which leaves the connection usable, and where the network is silent by us.
"""

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from callback.adapters import patience
from callback.adapters.breaker import Breaker

BUSY_S = 5.0
"""How long a SQLite writer waits for those before it, unless the store has less patience."""
TURN_S = 0.02
"""How long it waits in one go. SQLite's own waiting grows to steps of 100 ms, so that whoever came last asks most often
and whoever waits longest is passed by all; asked again and again in short turns, everybody has the same chance."""
CONNECT_S = 2
"""libpq's shortest connect timeout."""
POOL_WAIT_S = 2
"""How long a request waits for a connection of the pool."""
PATIENCE_S = 5.0
"""How long a statement may take."""
ALIVE = 0.5
"""The part of it within which PostgreSQL answers the first word of a transaction, which waits for no lock."""
KEEP_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}
"""Idle connections stay known to whatever stands between, and a dead one is found out in time."""
READ_ONLY = "callback_read_only"
"""The execution option of a connection that only reads, so that SQLite need not queue it behind writers, and PostgreSQL
not begin and end a transaction."""
ONE_QUESTION = "callback_one_question"
"""The execution option of a connection that only reads, and whose one question is its first word on PostgreSQL."""


def database(url: str) -> URL:
    """The URL with psycopg 3 as PostgreSQL's driver, also for `postgres://` as many hosts hand it out."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def make_engine(
    url: str, *, pool_size: int = 10, patience_s: float | None = PATIENCE_S, breaker: Breaker | None = None
) -> Engine:
    """A pool of at most `pool_size` connections. Connects to nothing yet; creates the folder of a SQLite file.

    `patience_s` bounds a statement, and the wait for SQLite's writers (None: not at all, for migrations). `breaker` is
    told when the database turns out to be away.
    """
    parsed = database(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, pool_size, min(patience_s or BUSY_S, BUSY_S), breaker)
    return _postgresql(parsed, pool_size, patience_s, breaker)


def _sqlite(url: URL, pool_size: int, busy_s: float, breaker: Breaker | None) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=busy_s,
    )  # fmt: skip
    event.listen(engine, "connect", _preparing_sqlite(busy_s))
    event.listen(engine, "begin", _beginning_sqlite(busy_s, breaker))
    return engine


def _preparing_sqlite(busy_s: float) -> Callable[[DBAPIConnection, object], None]:
    def prepare(connection: DBAPIConnection, _: object) -> None:
        raw: Any = connection
        raw.isolation_level = None  # the driver starts no transactions of its own: `begin` below does
        cursor = raw.cursor()
        # FULL, since in WAL mode anything less may lose what a caller was promised a moment before the power failed.
        waits = (patience.left(busy_s), TURN_S)
        patient, quick = (f"busy_timeout = {round(seconds * 1000)}" for seconds in waits)
        for pragma in (patient, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", quick):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare


def _beginning_sqlite(busy_s: float, breaker: Breaker | None) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        begin = "BEGIN" if connection.get_execution_options().get(READ_ONLY, False) else "BEGIN IMMEDIATE"
        began = monotonic()
        deadline = began + patience.left(busy_s)
        while monotonic() < deadline:
            try:
                raw.execute(begin)
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            else:
                return
        if breaker is not None and monotonic() - began >= busy_s:
            breaker.failed("somebody has been writing for too long", began=began)
        connection.exec_driver_sql(begin)  # raises what SQLAlchemy makes of it

    return begin


def _postgresql(url: URL, pool_size: int, patience_s: float | None, breaker: Breaker | None) -> Engine:
    from callback.adapters.store.connecting import Connecting, FirstWord  # the driver, which SQLite needs not

    engine = create_engine(
        url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_S,
        connect_args={
            "connect_timeout": CONNECT_S, "application_name": "callback",
            "autocommit": True,  # the driver starts no transactions of its own: the first word does
            **KEEP_ALIVE,
        },
    )  # fmt: skip
    connecting = Connecting(patience_s, breaker, pool_size)
    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "engine_disposed", connecting.drop)
    within_s = math.inf if patience_s is None else patience_s * ALIVE
    event.listen(engine, "begin", FirstWord(within_s, breaker, READ_ONLY, ONE_QUESTION))
    return engine
