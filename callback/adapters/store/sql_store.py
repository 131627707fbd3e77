"""The record as flows see it: transactions on SQLite or PostgreSQL.

The pool is made when a process first needs it, so that a server which forks never shares a connection with its parent.
What the database does to us (gone, slow, full) leaves here as `StoreUnavailable`.
"""

import base64
import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callback.adapters.store.calls import Calls
from callback.adapters.store.configuration import Configuration
from callback.adapters.store.engine import PATIENCE_S, READ_ONLY, database, make_engine
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.failures import Failures
from callback.adapters.store.journal import Journal
from callback.adapters.store.listings import Listings
from callback.adapters.store.messages import Messages
from callback.adapters.store.people import People
from callback.adapters.store.promises import Promises
from callback.adapters.store.sealed import Sealer, Unsealable
from callback.ports import Work

DATABASE_FAULTS = (OperationalError, InterfaceError, PoolTimeout)
PING_S = 1.0
IN_TRANSIT = "stream.call.number"
"""What a number on its way through the line is sealed for."""


class SqlWork(Promises, Listings, Failures, Calls, Messages, Journal, Configuration, People):
    """Every verb of one transaction: `ports.Work` in SQL."""


class _Begun(AbstractContextManager[Work]):
    """A transaction as a block. A class, so that frozen exceptions pass through it unchanged."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine, self._sealer = engine, sealer

    def __enter__(self) -> Work:
        try:
            self._connection = self._engine.connect()
            self._transaction = self._open(self._connection)
        except DATABASE_FAULTS as fault:
            raise _unavailable(fault) from fault
        self._work = SqlWork(self._connection, self._sealer)
        return self._work

    @staticmethod
    def _open(connection: Connection) -> RootTransaction:
        try:
            return connection.begin()
        except BaseException:
            connection.close()
            raise

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        try:
            self._end(error)
        except DATABASE_FAULTS as fault:
            if error is None or isinstance(error, DATABASE_FAULTS):
                raise _unavailable(fault) from fault
        finally:
            self._connection.close()

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self._work.flush()
            self._transaction.commit()
            return
        self._transaction.rollback()
        if isinstance(error, DATABASE_FAULTS):
            raise error


def _unavailable(fault: BaseException) -> StoreUnavailable:
    said = str(getattr(fault, "orig", None) or fault).strip().splitlines()
    return StoreUnavailable(f"the record is unavailable: {said[0] if said else type(fault).__name__}")


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
    ) -> None:
        """`retired_keys`: earlier secret keys, newest to oldest, under which rows may still be sealed.
        `patience_s`: how long a statement may take before the record counts as unavailable (PostgreSQL)."""
        self._url = database_url
        self._pool_size = pool_size
        self._patience_s = patience_s
        self._sealer = Sealer([secret_key, *retired_keys])
        self._engines: dict[int, Engine] = {}
        self._pinging: threading.Thread | None = None

    def begin(self) -> AbstractContextManager[Work]:
        """Raises StoreUnavailable, at the start or at the end of the block. At the end it may have been committed: what
        is repeated then finds it by its origin call or idempotency key."""
        return _Begun(self.engine, self._sealer)

    @property
    def engine(self) -> Engine:
        """This process's pool. The parent's stays referenced after a fork, or its sockets would be closed under it."""
        pid = os.getpid()
        if pid not in self._engines:
            self._engines.setdefault(
                pid, make_engine(self._url, pool_size=self._pool_size, patience_s=self._patience_s)
            )
        return self._engines[pid]

    def number_hash(self, number: str) -> str:
        return self._sealer.number_hash(number)

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

    def _ask(self, faults: list[BaseException]) -> None:
        try:
            with self.engine.connect().execution_options(**{READ_ONLY: True}) as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as fault:  # noqa: BLE001 - handed to the thread that asked, which raises it
            faults.append(fault)

    def close(self) -> None:
        """Closes this process's connections."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    def __repr__(self) -> str:
        where: Any = database(self._url)
        return f"SqlStore({where.render_as_string(hide_password=True)!r})"
