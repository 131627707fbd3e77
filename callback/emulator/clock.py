"""Simulated time: people and speech run faster than the wall clock, timestamps do not.

A demonstration at speed 10 lets a four-minute conversation pass in 24 seconds. Everything that a person does or hears
waits through :meth:`SimClock.sleep`; everything that is written down (dates, durations, queue times) is real time,
because the application under test measures with its own wall clock.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class SimClock:
    """A wall clock with a speed for waiting.

    Args:
        speed: simulated seconds that pass in one real second; greater than zero.
    """

    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError("speed must be greater than zero")

    def now(self) -> float:
        """Real seconds since the epoch."""
        return time.time()

    async def sleep(self, sim_seconds: float) -> None:
        """Waits ``sim_seconds`` of simulated time."""
        await asyncio.sleep(max(0.0, sim_seconds) / self.speed)

    async def sleep_real(self, seconds: float) -> None:
        """Waits real seconds: carrier limits that a speed must not shorten."""
        await asyncio.sleep(max(0.0, seconds))
