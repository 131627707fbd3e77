"""The carrier as a round of the sweep sees it: one that hangs costs the round one wait, not one for everybody in it.

What is asked for nobody's sake in particular can be asked again in the next round; what is due now cannot wait until
fifty timeouts are over.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from callback.domain.ids import CallSid
from callback.ports import Carrier, CarrierBusy, CarrierCall, CarrierStopped, Clock, NewCall, OutcomeUnknown

Answer = TypeVar("Answer")

SLOW = timedelta(seconds=1)
"""A failure that took as long as this is a carrier that hangs; a quick one may concern this question alone."""


class Wary:
    """`ports.Carrier` that asks no more once the carrier has hung, or has refused us. Raises OutcomeUnknown from then
    on."""

    def __init__(self, carrier: Carrier, clock: Clock) -> None:
        self._carrier, self._clock = carrier, clock
        self._hangs = False

    def _try(self, ask: Callable[[], Answer]) -> Answer:
        if self._hangs:
            raise OutcomeUnknown("the carrier has not answered in this round")
        began = self._clock.now()
        try:
            return ask()
        except (OutcomeUnknown, CarrierBusy):
            self._hangs = self._clock.now() - began >= SLOW
            raise
        except CarrierStopped:
            self._hangs = True
            raise

    def create_call(self, call: NewCall) -> CallSid:
        """See `ports.Carrier`."""
        return self._try(lambda: self._carrier.create_call(call))

    def redirect(self, call: CallSid, url: str) -> None:
        """See `ports.Carrier`."""
        self._try(lambda: self._carrier.redirect(call, url))

    def hang_up(self, call: CallSid) -> None:
        """See `ports.Carrier`."""
        self._try(lambda: self._carrier.hang_up(call))

    def fetch(self, call: CallSid) -> CarrierCall | None:
        """See `ports.Carrier`."""
        return self._try(lambda: self._carrier.fetch(call))

    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        """See `ports.Carrier`."""
        return self._try(lambda: self._carrier.calls(to=to, from_=from_, since=since))

    def send_text(self, *, to: str, from_: str, body: str, status_url: str) -> str:
        """See `ports.Carrier`."""
        return self._try(lambda: self._carrier.send_text(to=to, from_=from_, body=body, status_url=status_url))

    def records_of(self, number: str) -> list[str]:
        """See `ports.Carrier`."""
        return self._try(lambda: self._carrier.records_of(number))

    def delete_record(self, sid: str) -> None:
        """See `ports.Carrier`."""
        self._try(lambda: self._carrier.delete_record(sid))
