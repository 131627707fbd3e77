"""Connections to PostgreSQL that wait for nobody longer than they may, and are made beside whoever has no time.

libpq takes two seconds at least to give up connecting, and a slow network needs more than one to connect at all. So
where somebody waits with a budget, the connection is made in a thread: whoever has no time left goes without it, and it
lies ready for the next.
"""

import math
import threading
from collections import deque
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Dialect

from callback.adapters import patience
from callback.adapters.breaker import Breaker

Answer = TypeVar("Answer")

GRACE_S = 0.25
"""How much longer we wait for a server that should have given up a statement by itself."""
IDLE_MS = 30_000
"""How long PostgreSQL keeps a transaction, and its locks, whose holder went silent."""
LEAST_S = 0.01
"""What a question gets though the budget is spent: the end of a transaction may already be on its way."""
LEAST_TRIPS = 2
"""How many round trips there must be time for in whoever is given a new connection: its first word and a question."""
FRESH_S = 30.0
"""How long a connection that came too late for whoever wanted it lies ready for somebody else."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever: the server's own limits cannot be heard through a silent network.

    It closes itself when its patience ends: an answer might still come, and be taken for that of the next question.
    """

    patience_s: float | None = None
    breaker: Breaker | None = None
    round_trip_s: float = 0
    """What the first question took."""

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """The answer of the server. Raises OperationalError when `patience_s` (or `timeout`), or what is left of the
        budget, has passed."""
        limit = self.patience_s if timeout is None else timeout
        allowed = patience.left(math.inf if limit is None else limit)
        began = monotonic()
        try:
            return super().wait(gen, interval, None if allowed == math.inf else max(allowed, LEAST_S))
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
                self._tell(began)
            raise

    def _tell(self, began: float) -> None:
        """A statement is given up by the server before our patience ends: silence beyond that is the network's."""
        if self.breaker is None or self.patience_s is None:
            return
        if monotonic() - began >= self.patience_s - GRACE_S / 2:
            self.breaker.failed("the database does not answer", began=began)
        else:
            self.breaker.doubted(began=began)


class FirstWord:
    """What a connection that lay in the pool hears first, which anybody who is there answers at once: whoever does not
    within `within_s` is away. It begins the transaction in the same breath; whoever only reads needs none, since each
    of their questions sees what is committed; and whoever has one question that anybody answers at once asks that."""

    def __init__(self, within_s: float, breaker: Breaker | None, read_only: str, one_question: str) -> None:
        """`read_only` and `one_question`: the execution options of a connection that begins nothing, and of one that
        says nothing before its question."""
        self._within_s, self._breaker = within_s, breaker
        self._read_only, self._one_question = read_only, one_question

    def __call__(self, connection: Connection) -> None:
        """Raises sqlalchemy.exc.OperationalError."""
        options = connection.get_execution_options()
        if options.get(self._one_question):
            return
        word = "SELECT 1" if options.get(self._read_only) else "BEGIN"
        began = monotonic()
        driver: Any = connection.connection.driver_connection
        try:
            with patience.Within(patience.left(self._within_s)):
                driver.execute(word)
        except psycopg.OperationalError:
            if self._breaker is not None and monotonic() - began >= self._within_s:
                self._breaker.failed("the database does not answer", began=began)
            connection.exec_driver_sql(word)  # raises what SQLAlchemy makes of a connection that has closed itself


class Connecting:
    """Makes the connections of one pool: SQLAlchemy's `do_connect`. Raises psycopg.OperationalError."""

    def __init__(self, patience_s: float | None, breaker: Breaker | None, most: int) -> None:
        self._patience_s, self._breaker, self._most = patience_s, breaker, most
        self._spare: deque[tuple[float, PatientConnection]] = deque()
        self._dropped = 0

    def __call__(
        self, _: Dialect, __: object, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        """A connection, within whatever time there is."""
        left = patience.left()
        if left == math.inf:
            return self._connect(arguments, named)
        spare = self._take_spare()
        if spare is not None:
            return spare
        if not left:
            raise psycopg.OperationalError("no time is left to connect")
        wanted: Future[PatientConnection] = Future()
        threading.Thread(target=self._fulfil, args=(wanted, arguments, named), daemon=True, name="connect").start()
        return self._if_of_use(self._await(wanted, left))

    def _await(self, wanted: "Future[PatientConnection]", left: float) -> PatientConnection:
        try:
            return wanted.result(left)
        except NotYet:
            if wanted.cancel():
                raise psycopg.OperationalError("connecting takes longer than there is time") from None
            return wanted.result()

    def _if_of_use(self, connection: PatientConnection) -> PatientConnection:
        """Whoever has no time left for a question would only spoil it for the next."""
        if patience.left() < LEAST_TRIPS * connection.round_trip_s:
            self._keep(connection, self._dropped)
            raise psycopg.OperationalError("connecting takes longer than there is time")
        return connection

    def _fulfil(self, wanted: "Future[PatientConnection]", arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        dropped = self._dropped
        try:
            connection = self._connect(arguments, named)
        except BaseException as error:  # noqa: BLE001 -- raised again by whoever waits for it
            with suppress(InvalidStateError, CancelledError):
                wanted.set_exception(error)
            return
        try:
            wanted.set_result(connection)
        except (InvalidStateError, CancelledError):
            self._keep(connection, dropped)

    def drop(self, _: object = None) -> None:
        """The pool is emptied: nothing lies ready any more, nor will what is being connected now."""
        self._dropped += 1
        with suppress(IndexError):
            while True:
                self._spare.popleft()[1].close()

    def _keep(self, connection: PatientConnection, dropped: int) -> None:
        if dropped == self._dropped and len(self._spare) < self._most:
            self._spare.append((monotonic(), connection))
        else:
            connection.close()

    def _take_spare(self) -> PatientConnection | None:
        with suppress(IndexError):
            while True:
                at, connection = self._spare.popleft()
                if monotonic() - at < FRESH_S and not connection.closed:
                    return connection
                connection.close()
        return None

    def _connect(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> PatientConnection:
        began = monotonic()
        try:
            connection = PatientConnection.connect(*arguments, **named)
        except psycopg.OperationalError as error:
            if self._breaker is not None:
                self._breaker.failed(error, began=began)
            raise
        connection.breaker = self._breaker
        connection.patience_s = None if self._patience_s is None else self._patience_s + GRACE_S
        try:
            self._set_limits(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_limits(self, connection: PatientConnection) -> None:
        limit_ms = round((self._patience_s or 0) * 1000)  # 0: none
        began = monotonic()
        connection.execute(
            f"SET statement_timeout = {limit_ms}; SET timezone = 'UTC'; "
            f"SET idle_in_transaction_session_timeout = {IDLE_MS}"
        )
        connection.round_trip_s = monotonic() - began
