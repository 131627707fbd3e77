"""Two legs that hear each other.

The bridge ends when either leg ends, is redirected away, presses star where that was agreed, or the time limit is up.
Who ended it is not part of the carrier's report, so it is not kept here either.
"""

from __future__ import annotations

import asyncio

from callback.emulator.clock import SimClock
from callback.emulator.leg import Leg


class Bridge:
    """A conversation between two legs; starts when it is made."""

    def __init__(self, first: Leg, second: Leg, clock: SimClock) -> None:
        self.legs = (first, second)
        self.over = asyncio.Event()
        self.started = clock.now()
        self.ended: float | None = None
        self._clock = clock
        for leg, other in ((first, second), (second, first)):
            leg.bridge = self
            leg.hear("bridged", leg=other)
            leg.activities.append("bridged")

    def end(self) -> None:
        """Takes the two apart; a leg that lives on hears it. Safe to call again."""
        if self.over.is_set():
            return
        self.ended = self._clock.now()
        self.over.set()
        for leg in self.legs:
            leg.bridge = None
            leg.activities.remove("bridged")
            if not leg.ended.is_set():
                leg.hear("unbridged")

    @property
    def duration_s(self) -> int:
        """Whole real seconds of conversation so far."""
        return int((self.ended or self._clock.now()) - self.started)
