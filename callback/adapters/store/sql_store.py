"""The record as flows see it: transactions on SQLite or PostgreSQL.

The pool is made when a process first needs it, so that a server which forks never shares a connection with its parent.
What the database does to us (gone, slow, full) leaves here as `StoreUnavailable`.
"""

import base64
import math
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callback.adapters import patience
from callback.adapters.breaker import Breaker
from callback.adapters.store.acts import Acts
from callback.adapters.store.calls import Calls
from callback.adapters.store.changes import NumberChanges
from callback.adapters.store.configuration import Configuration
from callback.adapters.store.desk import Desk
from callback.adapters.store.engine import ALIVE, ONE_QUESTION, PATIENCE_S, READ_ONLY, database, make_engine
from callback.adapters.store.epochs import Epochs
from callback.adapters.store.erasure import Erasing
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.exports import ReadingOut
from callback.adapters.store.failures import Failures
from callback.adapters.store.journal import Journal
from callback.adapters.store.lessons import Lessons
from callback.adapters.store.listings import Listings
from callback.adapters.store.messages import Messages
from callback.adapters.store.models import Models
from callback.adapters.store.people import People
from callback.adapters.store.planned import Plans
from callback.adapters.store.pool import Pool, once_more
from callback.adapters.store.promises import Promises
from callback.adapters.store.prompts import Wordings
from callback.adapters.store.ratings import Ratings
from callback.adapters.store.reports import Reports
from callback.adapters.store.resealing import Resealing
from callback.adapters.store.sealed import Sealer, Unsealable
from callback.adapters.store.told import Told
from callback.adapters.store.trends import Trends
from callback.adapters.store.users import Users
from callback.adapters.store.witness import Witness
from callback.ports import Clock, Work

Answer = TypeVar("Answer")

DATABASE_FAULTS = (OperationalError, InterfaceError, PoolTimeout)
PING_S = 1.0
PROBE = 0.85
"""A probe has this part of the patience of whoever finds the record away, so that it is not found so by turns."""
COMMIT_S = 0.3
"""What a commit gets though the budget is spent: a promise that may or may not be there is worse than a late answer."""
IN_TRANSIT = "stream.call.number"
"""What a number on its way through the line is sealed for."""


class SqlWork(
    Promises,
    Listings,
    Failures,
    Calls,
    Messages,
    NumberChanges,
    Journal,
    Configuration,
    People,
    Users,
    Epochs,
    Models,
    Lessons,
    Witness,
    Told,
    Acts,
    Trends,
    Erasing,
    ReadingOut,
    Desk,
    Ratings,
    Reports,
    Plans,
    Wordings,
    Resealing,
):
    """Every verb of one transaction: `ports.Work` in SQL."""


class _Begun(AbstractContextManager[Work]):
    """A transaction as a block. A class, so that frozen exceptions pass through it unchanged."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool, self._sealer = pool, sealer

    def __enter__(self) -> Work:
        try:
            self._transaction = once_more(self._begun)
        except DATABASE_FAULTS as fault:
            raise _unavailable(fault) from fault
        self._work = SqlWork(self._connection, self._sealer)
        return self._work

    def _begun(self) -> RootTransaction:
        self._connection = self._pool.take()
        return self._open(self._connection)

    def _open(self, connection: Connection) -> RootTransaction:
        try:
            return connection.begin()
        except BaseException:
            self._pool.give_back(connection)
            raise

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        try:
            self._end(error)
        except DATABASE_FAULTS as fault:
            if error is None or isinstance(error, DATABASE_FAULTS):
                raise _unavailable(fault) from fault
        finally:
            self._pool.give_back(self._connection)

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self._work.flush()
            self._commit()
            return
        self._transaction.rollback()
        if isinstance(error, DATABASE_FAULTS):
            raise error

    def _commit(self) -> None:
        if not patience.left():
            self._transaction.rollback()
            raise StoreUnavailable("the record is too slow: nothing was written")
        with patience.at_least(COMMIT_S):
            self._transaction.commit()


class _Looked(_Begun):
    """Only reads, and commits nothing. On PostgreSQL each question is by itself, unless `Work.placed` reads on."""

    def _open(self, connection: Connection) -> RootTransaction:
        return super()._open(connection.execution_options(**{READ_ONLY: True}))

    def _end(self, error: BaseException | None) -> None:
        self._transaction.rollback()
        if isinstance(error, DATABASE_FAULTS):
            raise error


class _Asked(_Looked):
    """Only one question, before which nothing is said."""

    def _open(self, connection: Connection) -> RootTransaction:
        return super()._open(connection.execution_options(**{ONE_QUESTION: True}))


def _unavailable(fault: BaseException) -> StoreUnavailable:
    said = str(getattr(fault, "orig", None) or fault).strip().splitlines()
    return StoreUnavailable(f"the record is unavailable: {said[0] if said else type(fault).__name__}")


def _broke(unavailable: StoreUnavailable) -> bool:
    """Whether a connection was found broken, or fell silent."""
    return bool(getattr(unavailable.__cause__, "connection_invalidated", False))


class SqlStore:
    """`ports.Store` in SQL."""

    def __init__(
        self,
        database_url: str,
        secret_key: str,
        *,
        retired_keys: Sequence[str] = (),
        pool_size: int = 10,
        patience_s: float = PATIENCE_S,
        clock: Clock | None = None,
    ) -> None:
        """`retired_keys`: earlier secret keys, newest to oldest, under which rows may still be sealed.
        `patience_s`: how long a statement, or the wait for SQLite's writers, may take before the record counts as
        unavailable. With a `clock`, which tells since when, a record that was found away is not asked until a probe has
        reached it (`breaker`)."""
        self._url = database_url
        self._pool_size = pool_size
        self._patience_s = patience_s
        self._sealer = Sealer([secret_key, *retired_keys])
        self._pools: dict[int, Pool] = {}
        self._probes: dict[int, Engine] = {}
        self.breaker = Breaker("record", self._probe, now=clock.now) if clock else None
        self._pinging: threading.Thread | None = None

    def begin(self) -> AbstractContextManager[Work]:
        """Raises StoreUnavailable, at the start or at the end of the block. At the end it may have been committed: what
        is repeated then finds it by its origin call or idempotency key."""
        return _Begun(self._pool, self._sealer)

    def look(self) -> AbstractContextManager[Work]:
        """A transaction that only reads. Raises StoreUnavailable, as `begin` does."""
        return _Looked(self._pool, self._sealer)

    def ask(self, question: Callable[[Work], Answer]) -> Answer:
        """The answer to one question that waits for no lock and is quick, such as for a row by its key; on PostgreSQL
        without a word before it. Raises StoreUnavailable."""
        try:
            return self._asked(question)
        except StoreUnavailable as unavailable:
            if not _broke(unavailable):
                raise
        return self._asked(question)  # with a new connection: the pool has no others now

    def _asked(self, question: Callable[[Work], Answer]) -> Answer:
        within_s, began = self._patience_s * ALIVE, math.inf
        try:
            with _Asked(self._pool, self._sealer) as work:
                began = monotonic()
                with patience.Within(patience.left(within_s)):
                    return question(work)
        except StoreUnavailable as silent:
            if self.breaker is not None and _broke(silent) and monotonic() - began >= within_s:
                self.breaker.failed("the database does not answer", began=began)
            raise

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's side of this process's pool."""
        return self._pool.engine

    @property
    def _pool(self) -> Pool:
        """This process's pool. The parent's stays referenced after a fork, or its sockets would be closed under it."""
        pid = os.getpid()
        if pid not in self._pools:
            self._pools.setdefault(pid, Pool(self._url, self._pool_size, self._patience_s, self.breaker))
        return self._pools[pid]

    def number_hash(self, number: str) -> str:
        return self._sealer.number_hash(number)

    def code_hash(self, subject: str, code: str) -> str:
        return self._sealer.number_hash(f"code\n{subject}\n{code}")

    def number_key(self) -> str:
        """See `Sealer.number_key`."""
        return self._sealer.number_key()

    def conceal(self, number: str) -> str:
        return base64.b64encode(self._sealer.seal(number, IN_TRANSIT)).decode()

    def reveal(self, concealed: str) -> str:
        """Raises nothing: a number that cannot be read is only missing from a list."""
        try:
            return self._sealer.open(base64.b64decode(concealed), IN_TRANSIT) if concealed else ""
        except (Unsealable, ValueError):
            return ""

    def ping(self) -> None:
        """Raises StoreUnavailable when there is no answer within a second.

        Asks from a thread of its own: nothing else bounds the time that a silent network takes. While one question
        hangs, no other is asked.
        """
        if self.breaker is not None and self.breaker.refuse():
            raise StoreUnavailable(f"the record is unavailable: {self.breaker.why}")
        if self._pinging is not None and self._pinging.is_alive():
            raise StoreUnavailable("the record has not answered an earlier question")
        faults: list[BaseException] = []
        self._pinging = threading.Thread(target=self._ask, args=(faults,), daemon=True, name="store-ping")
        self._pinging.start()
        self._pinging.join(PING_S)
        if self._pinging.is_alive():
            raise StoreUnavailable(f"the record did not answer within {PING_S:g} s")
        if faults:
            raise _unavailable(faults[0]) from faults[0]
        if self.breaker is not None:
            self.breaker.works()

    def _probe(self) -> None:
        """Reaches the record, from outside the pool, with a turn to write where that is SQLite's. Raises."""
        pid = os.getpid()
        if pid not in self._probes:
            self._probes[pid] = make_engine(self._url, pool_size=1, patience_s=self._patience_s * ALIVE * PROBE)
        try:
            with self._probes[pid].begin() as connection:
                connection.exec_driver_sql("SELECT 1")
        finally:
            self._probes[pid].dispose()

    def _ask(self, faults: list[BaseException]) -> None:
        try:
            once_more(self._hear)
        except Exception as fault:  # noqa: BLE001 - handed to the thread that asked, which raises it
            faults.append(fault)

    def _hear(self) -> None:
        with self.engine.connect().execution_options(**{READ_ONLY: True}) as connection:
            connection.exec_driver_sql("SELECT 1")

    def close(self) -> None:
        """Closes this process's connections."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.engine.dispose()

    def __repr__(self) -> str:
        where: Any = database(self._url)
        return f"SqlStore({where.render_as_string(hide_password=True)!r})"
