"""The time everybody agrees on: Redis's, so that one machine whose clock is minutes off steals nobody's place.

Asking Redis for every `now` would cost a round trip. So the difference to this process's monotonic clock is measured
every few seconds, in the call that finds it old; in between, time is an addition. Two clocks of good machines drift by
well under a millisecond in five seconds.
"""

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime

import redis

from callback.adapters import patience
from callback.adapters.line.micros import from_micros

_SECOND_US = 1_000_000
_WAIT_S = 1.0
"""The longest wait for the answer that somebody else has asked for."""


class SharedClock:
    """`callback.ports.Clock`. Keeps the last difference while Redis is away, and goes by this machine before the first.

    `every_s` is how old a difference may become; after a failure the next try waits `again_s`, so that an absent Redis
    costs one caller one timeout, not each, and a wrong clock of ours counts no longer than it must. `local` gives
    seconds since 1970, `monotonic` ones that never run backwards.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        every_s: float = 5.0,
        again_s: float = 1.0,
        local: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._every_s, self._again_s = every_s, again_s
        self._monotonic = monotonic
        self._offset_us = round((local() - monotonic()) * _SECOND_US)
        self._again_at = -math.inf
        self._asking = threading.Lock()
        self._asker = 0

    def now(self) -> datetime:
        """Aware UTC."""
        at = self._monotonic()
        if at >= self._again_at:
            self._anchor(rested=at >= self._again_at + self._every_s)
            at = self._monotonic()
        return from_micros(self._offset_us + int(at * _SECOND_US))

    def _anchor(self, *, rested: bool) -> None:
        """`rested`: nobody has asked for long, and who knows what became of Redis's clock since: an hour's step must
        not give the first two callers times that are an hour apart."""
        waits = rested and self._asker != threading.get_ident()  # whose own failure is being noted, with its time
        if not self._asking.acquire(timeout=patience.left(_WAIT_S) if waits else 0):
            return  # somebody else is asking: the last difference is good enough meanwhile
        try:
            self._asker = threading.get_ident()
            if self._monotonic() >= self._again_at:
                self._ask()
        finally:
            self._asker = 0
            self._asking.release()

    def _ask(self) -> None:
        wait_s = self._again_s
        try:
            sent = self._monotonic()
            seconds, microseconds = self._client.time()
            received = self._monotonic()
            theirs = int(seconds) * _SECOND_US + int(microseconds)
            self._offset_us = theirs - round((sent + received) / 2 * _SECOND_US)
            wait_s = self._every_s
        except redis.RedisError:
            pass  # the last difference stands; see the class
        finally:
            self._again_at = self._monotonic() + wait_s
