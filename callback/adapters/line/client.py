"""How we connect to Redis: answers within a second or not at all, since somebody is on the phone.

The library's defaults are five seconds a read and ten retries. Every verb of the line may be repeated, so a connection
that broke while it was idle is replaced and asked once more; a timeout is not, because the second has been spent.
"""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_MOST = 1_000
"""Connections of one process. The library's hundred are fewer than the green threads that a worker may run at once."""


def make_client(url: str, *, timeout_s: float = 1.0) -> redis.Redis:
    """A client whose answers are text. It connects when first used; `timeout_s` bounds connecting and each answer."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        max_connections=_MOST,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        driver_info=None,
    )
