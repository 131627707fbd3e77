"""Telling the application how a call goes on: status callbacks and the verdict of an asynchronous detection."""

from __future__ import annotations

import datetime as dt
import email.utils

from callback.emulator.amd import Detection, detect
from callback.emulator.clock import SimClock
from callback.emulator.documents import Library
from callback.emulator.leg import Leg
from callback.emulator.webhooks import Webhooks


def rfc2822(moment: float) -> str:
    """A timestamp as the carrier writes it: ``Fri, 18 Oct 2019 17:00:00 +0000``."""
    return email.utils.format_datetime(dt.datetime.fromtimestamp(int(moment), dt.UTC))


class Reports:
    """Sends them.

    Args:
        library: knows what every request about a call says.
        webhooks: the way to the application.
        clock: timestamps, and simulated time for detection.
    """

    def __init__(self, library: Library, webhooks: Webhooks, clock: SimClock) -> None:
        self._library = library
        self._webhooks = webhooks
        self._clock = clock

    def status(self, leg: Leg, event: str, word: str) -> None:
        """Reports ``event`` with CallStatus ``word``, if the application asked to be told."""
        callback = leg.status_callback
        if callback is None or event not in callback.events:
            return
        form = self._library.call_params(leg) | {
            "CallStatus": word,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(leg.status_sequence),
            "Timestamp": rfc2822(self._clock.now()),
        }
        if event == "completed":
            seconds = leg.duration_s or 0
            form |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        if leg.answered_by is not None:
            form["AnsweredBy"] = leg.answered_by
        leg.status_sequence += 1
        self._webhooks.notify(callback.url, form, method=callback.method, purpose="status", sid=leg.sid)

    async def detection(self, leg: Leg, wanted: Detection) -> None:
        """Detects who answered and posts the verdict, unless the call has ended by then."""
        began = self._clock.now()
        word = await detect(leg, wanted, self._clock)
        milliseconds = int((self._clock.now() - began) * 1000 * self._clock.speed)
        form = {
            "CallSid": leg.sid,
            "AccountSid": self._library.account_sid,
            "AnsweredBy": word,
            "MachineDetectionDuration": str(milliseconds),
        }
        if not leg.ended.is_set():
            self._webhooks.notify(wanted.url, form, method=wanted.method, purpose="amd", sid=leg.sid)
