"""Which tick of the beat is worth a round.

Ticks that had to wait, because no worker was there or each was busy, come all at once; the first of them does the work
of all. They are told apart by this process's own monotonic time and carry no time of their own: a date of expiry, as
Celery offers it, compares the beat's clock with the worker's, and a worker whose clock is minutes ahead would drop
every tick.
"""

import math
import time
from collections.abc import Callable


class Rounds:
    """When this process has begun which rounds. `monotonic` counts seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began: dict[str, float] = {}

    def begins(self, name: str, every_s: float) -> bool:
        """Whether to begin a round that is due every so many seconds: not within half of that after the last."""
        now = self._monotonic()
        if now - self._began.get(name, -math.inf) < every_s / 2:
            return False
        self._began[name] = now
        return True
