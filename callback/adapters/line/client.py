"""How we connect to Redis: answers within a second or not at all, since somebody is on the phone.

The library's defaults are five seconds a read and ten retries. Every verb of the line may be repeated, so a connection
that broke while it was idle is replaced and asked once more; a timeout is not, because the second has been spent.

With a breaker, whoever found Redis away spares all others the wait. With a budget (`adapters.patience`), one webhook's
questions share one second.
"""

import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from callback.adapters import patience
from callback.adapters.breaker import Breaker

_MOST = 1_000
"""Connections of one process. The library's hundred are fewer than the green threads that a worker may run at once."""
FAIR = 0.85
"""The part of the timeout after which a silence tells that Redis is away, and not that we were in a hurry."""
HURRIED = 0.9
"""While more than this part of the timeout is left of a budget, the timeout itself is near enough."""
KEEP_ALIVE = {
    number: seconds
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if (number := getattr(socket, name, None)) is not None
}
"""Idle connections stay known to whatever stands between, and a dead one is found out in time."""


class LineAway(redis.ConnectionError, ConnectionError):
    """Redis was away a moment ago, and has not been asked. Like its brothers here also a `ConnectionError`, so that
    callers who know no Redis can tell it from a defect."""


class LineBroken(redis.ConnectionError, ConnectionError):
    """Redis cannot be reached, or the connection broke."""


class LineSilent(redis.TimeoutError, ConnectionError):
    """Redis does not answer in time."""


class LineRefuses(redis.ResponseError, ConnectionError):
    """Redis is there and takes nothing: its disk or memory is full, or it is no master."""


REFUSALS = ("MISCONF", "OOM command", "READONLY", "NOREPLICAS", "MASTERDOWN")


def make_client(url: str, *, timeout_s: float = 1.0, breaker: Breaker | None = None) -> redis.Redis:
    """A client whose answers are text. It connects when first used; `timeout_s` bounds connecting and each answer.

    Once `breaker` is open, every use raises LineAway at once. Raises LineBroken for an address with options that
    there cannot be.
    """
    guarded = {} if breaker is None else {"connection_class": _guarded_class(url), "breaker": breaker}
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            max_connections=_MOST,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            socket_keepalive_options=KEEP_ALIVE,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            driver_info=None,
            **guarded,
        )
    except ValueError as malformed:
        raise LineBroken(str(malformed)) from None


def make_breaker(url: str, *, now: Callable[[], datetime], timeout_s: float = 1.0) -> Breaker:
    """The breaker of the line: Redis is there when a new connection answers a PING well within `timeout_s`."""
    return Breaker("line", partial(_ping, url, timeout_s * FAIR), now=now)


def _ping(url: str, timeout_s: float) -> None:
    with redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0),
        driver_info=None, protocol=2,
    ) as once:  # fmt: skip
        once.ping()


if TYPE_CHECKING:
    _Connection = redis.Connection
else:
    _Connection = object


class _Guarded(_Connection):
    """A connection that asks the breaker first, tells it what it met, and keeps to the budget."""

    _sock: Any

    def __init__(self, *args: Any, breaker: Breaker, **how: Any) -> None:
        self._breaker = breaker
        self._made_in = breaker.opened
        self._asked_at = 0.0
        super().__init__(*args, **how)  # type: ignore[no-untyped-call]
        self._full = float(self.socket_timeout or 1.0)

    def connect_check_health(self, *args: Any, **how: Any) -> None:
        """Connects, unless it has been already or Redis is away."""
        if self._sock is not None:
            return
        self._refuse()
        self._made_in = self._breaker.opened
        began = self._asked_at = monotonic()
        self.socket_connect_timeout = max(patience.left(self._full), 0.001)
        try:
            super().connect_check_health(*args, **how)
        except redis.TimeoutError as silent:
            self._waited_in_vain(began)
            raise LineSilent(str(silent)) from silent
        except redis.ConnectionError as refused:
            self._breaker.failed(refused, began=began)
            raise LineBroken(str(refused)) from refused

    def send_packed_command(self, *args: Any, **how: Any) -> None:
        """Sends, on a connection that Redis has not been away from since it was made."""
        breaker = self._breaker
        if breaker.open:
            self._refuse()
        if self._made_in != breaker.opened and self._sock is not None:
            self.disconnect()  # type: ignore[no-untyped-call]
        self._asked_at = monotonic()
        try:
            super().send_packed_command(*args, **how)  # type: ignore[no-untyped-call]
        except redis.ConnectionError as broken:
            raise _own(broken) from None

    def read_response(self, *args: Any, **how: Any) -> Any:
        """The answer, as long as there is time for it."""
        left = patience.left(self._full)
        if left < self._full * HURRIED:
            how["timeout"] = max(left, 0.001)
        try:
            return super().read_response(*args, **how)
        except redis.TimeoutError as silent:
            self._waited_in_vain(self._asked_at)
            raise LineSilent(str(silent)) from silent
        except (redis.ConnectionError, redis.ResponseError) as failed:
            raise _own(failed) from None

    def _refuse(self) -> None:
        if self._breaker.refuse():
            raise LineAway(f"Redis is away: {self._breaker.why}")

    def _waited_in_vain(self, began: float) -> None:
        if monotonic() - began >= self._full * FAIR:
            self._breaker.failed("Redis does not answer", began=began)
        else:
            self._breaker.doubted(began=began)


def _own(failed: redis.RedisError) -> redis.RedisError:
    """The error as one that tells also those who know no Redis."""
    if isinstance(failed, ConnectionError):
        return failed
    if isinstance(failed, redis.ConnectionError):
        return LineBroken(str(failed))
    return LineRefuses(str(failed)) if any(word in str(failed) for word in REFUSALS) else failed


class _Plain(_Guarded, redis.Connection):
    pass


class _Encrypted(_Guarded, redis.SSLConnection):
    pass


class _Local(_Guarded, redis.UnixDomainSocketConnection):
    pass


_CLASSES = {"rediss": _Encrypted, "unix": _Local}


def _guarded_class(url: str) -> type[redis.Connection]:
    return _CLASSES.get(url.partition(":")[0], _Plain)
