"""The Clock port, turned by hand: a test says what time it is."""

from datetime import UTC, datetime, timedelta

MONDAY_MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until it is advanced."""

    def __init__(self, now: datetime = MONDAY_MORNING) -> None:
        self.set(now)

    def now(self) -> datetime:
        """Aware UTC."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Moves on by `seconds` (or back, when negative) and gives the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now

    def set(self, now: datetime) -> None:
        """Jumps to `now`. Raises ValueError for a time without a zone."""
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self._now = now.astimezone(UTC)
