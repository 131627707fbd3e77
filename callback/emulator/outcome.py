"""How a Dial went, in the carrier's words, and the conversation it may lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callback.emulator.bridge import Bridge
from callback.emulator.interpreter import Interpreter
from callback.emulator.leg import KeyCollector, Leg
from callback.emulator.racing import race
from callback.emulator.twiml import Verb

DAY_LIMIT_S = 14400


@dataclass
class Outcome:
    """What the Dial's ``action`` is told.

    ``status`` is ``completed`` as soon as a called leg was answered, even if its whisper document refused the call;
    only ``bridge`` tells whether two people talked.
    """

    status: str = "no-answer"
    leg: Leg | None = None
    bridge: Bridge | None = None

    def params(self) -> dict[str, str]:
        """The parameters of the action request."""
        params = {"DialCallStatus": self.status, "DialBridged": "true" if self.bridge is not None else "false"}
        if self.leg is not None:
            params["DialCallSid"] = self.leg.sid
        if self.bridge is not None:
            params["DialCallDuration"] = str(self.bridge.duration_s)
        elif self.leg is not None and self.leg.duration_s is not None:
            params["DialCallDuration"] = str(self.leg.duration_s)
        return params

    def nobody(self, tried: Sequence[Leg]) -> None:
        """Nobody was connected: sums up the legs that were tried."""
        words = [leg.status for leg in tried]
        order = ("completed", "in-progress", "canceled", "no-answer", "busy", "failed")
        self.status = next((word for word in order if word in words), "failed").replace("in-progress", "completed")
        self.leg = next((leg for leg in tried if leg.status == self.status), tried[0] if tried else None)

    async def converse(self, bridge: Bridge, call: Interpreter, verb: Verb) -> None:
        """Lets the two talk until one leaves, the time is up or the agreed star is pressed."""
        self.bridge = bridge
        self.status = "completed"
        star = KeyCollector(0, "*", purpose="star")
        if verb.flag("hangupOnStar"):
            call.leg.collect(star)
        try:
            limit = call.exchange.clock.sleep(verb.number("timeLimit", DAY_LIMIT_S))
            await race(bridge.over.wait(), star.done.wait(), limit)
        finally:
            bridge.end()
            call.leg.stop_collecting()
