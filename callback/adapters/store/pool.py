"""The connections of one process to the record, with a seat for each, and what they say while the record is away.

A request waits for a seat no longer than it may wait for anything, and whoever sits down after the record was found
away gets up again at once: a crowd costs one wait, not one each.
"""

import math
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from callback.adapters import patience
from callback.adapters.breaker import Breaker
from callback.adapters.store.engine import POOL_WAIT_S, make_engine
from callback.adapters.store.errors import StoreUnavailable

Answer = TypeVar("Answer")

ASIDE = 1
"""Connections beyond the seats, for whoever asks only whether the record is there."""


def once_more(act: Callable[[], Answer]) -> Answer:
    """`act` with a connection of a pool; again, where it turned out to have broken while it lay there: the pool has
    only new ones then. Raises SQLAlchemy's errors."""
    try:
        return act()
    except DBAPIError as broken:
        if not broken.connection_invalidated:
            raise
    return act()


class Pool:
    """Connections with seats. `engine` is SQLAlchemy's own pool."""

    def __init__(self, url: str, size: int, patience_s: float, breaker: Breaker | None) -> None:
        self.engine = make_engine(url, pool_size=size + ASIDE, patience_s=patience_s, breaker=breaker)
        self._seats = threading.BoundedSemaphore(size)
        self._wait_s = min(POOL_WAIT_S, patience_s)
        self._breaker = breaker
        self._opened = breaker.opened if breaker else 0
        self._acquainted = False
        self._meeting: threading.Event | None = None
        self._lock = threading.Lock()

    def take(self) -> Connection:
        """A connection, to be given back. Raises StoreUnavailable, and SQLAlchemy's errors."""
        self._refuse()
        if not self._seats.acquire(timeout=patience.left(self._wait_s)):
            raise StoreUnavailable("the record is unavailable: every connection is in use")
        try:
            self._refuse()
            self._get_acquainted()
            return self.engine.connect()
        except BaseException:
            self._seats.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """As `take` gave it."""
        try:
            connection.close()
        finally:
            self._seats.release()

    def _get_acquainted(self) -> None:
        """SQLAlchemy asks a database it meets for the first time half a dozen questions, and all of them again where it
        was interrupted: so that is done beside whoever has a budget."""
        if self._acquainted or patience.left() == math.inf:
            return
        with self._lock:
            meeting = self._meeting
            if meeting is None:
                meeting = self._meeting = threading.Event()
                threading.Thread(target=self._meet, args=(meeting,), daemon=True, name="connect").start()
        if not meeting.wait(patience.left()):
            raise StoreUnavailable("the record is unavailable: connecting takes longer than there is time")

    def _meet(self, meeting: threading.Event) -> None:
        try:
            self.engine.connect().close()
            self._acquainted = True
        except SQLAlchemyError:  # whoever connects next hears it, with less time to wait
            self._acquainted = False
        finally:
            self._meeting = None
            meeting.set()

    def _refuse(self) -> None:
        if self._breaker is None:
            return
        if self._breaker.refuse():
            raise StoreUnavailable(f"the record is unavailable: {self._breaker.why}")
        if self._opened != self._breaker.opened:  # it was away: what connections are left may lead nowhere
            self._opened = self._breaker.opened
            self.engine.dispose()
