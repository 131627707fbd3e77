"""The account's pace of starting calls: what comes faster is queued by the carrier, not refused."""

from __future__ import annotations

import asyncio

from callback.emulator.clock import SimClock


class Pacer:
    """Lets calls start one after the other.

    Args:
        per_second: calls started in a real second; None for no limit.
        clock: real time.
    """

    def __init__(self, per_second: float | None, clock: SimClock) -> None:
        self.per_second = per_second
        self._clock = clock
        self._started = 0.0
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Waits for this call's turn, in order of asking. A cancelled wait gives its turn to the next."""
        if self.per_second is None:
            return
        async with self._line:
            await self._clock.sleep_real(self._started + 1 / self.per_second - self._clock.now())
            self._started = self._clock.now()
