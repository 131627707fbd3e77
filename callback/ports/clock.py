"""The time everybody agrees on."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time everybody agrees on: in production anchored to Redis, so that one machine's wrong clock harms
    nothing."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...
