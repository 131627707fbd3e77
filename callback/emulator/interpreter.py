"""Executing TwiML on one leg: what is said and played, and which keys are taken.

An interpreter follows documents from one to the next until one ends without saying where to go. Verbs that involve
other legs (Dial, Enqueue) are handed in, so that the documents of a waiting or whispering phase cannot reach them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from callback.emulator.documents import Source
from callback.emulator.leg import KeyCollector, Leg
from callback.emulator.racing import race
from callback.emulator.twiml import Mode, Verb, speech_seconds

if TYPE_CHECKING:
    from callback.emulator.exchange import Exchange

ALL_KEYS = "1234567890*#"
FOREVER = 1000


class HangUp(Exception):
    """The document ends the call."""


class Left(Exception):
    """The wait document takes the caller out of the queue."""


Handler = Callable[["Interpreter", Verb], Awaitable[Source | None]]


class Interpreter:
    """Runs documents on ``leg``.

    Args:
        exchange: everything a verb can reach.
        leg: whose call it is.
        mode: which verbs are allowed.
        extra: further parameters for each request, asked anew each time.
        verbs: handlers of the verbs that need other legs.
    """

    def __init__(
        self,
        exchange: Exchange,
        leg: Leg,
        mode: Mode,
        *,
        extra: Callable[[], Mapping[str, str]] = dict,
        verbs: Mapping[str, Handler] | None = None,
    ) -> None:
        self.exchange = exchange
        self.leg = leg
        self.mode = mode
        self.here = Source()
        self._extra = extra
        self._handlers: dict[str, Handler] = {
            "Say": Interpreter._say,
            "Play": Interpreter._play,
            "Pause": Interpreter._pause,
            "Gather": Interpreter._gather,
            "Redirect": Interpreter._redirect,
            "Hangup": Interpreter._hangup,
            "Reject": Interpreter._reject,
            "Leave": Interpreter._leave,
            "Record": Interpreter._record,
            **(verbs or {}),
        }

    async def run(self, source: Source) -> None:
        """Executes ``source`` and whatever it leads to.

        Raises:
            HangUp: a document ended the call.
            Left: a document left the queue.
            DocumentError: a document could not be had or understood.
        """
        following: Source | None = source
        while following is not None:
            following = await self._document(following)

    async def _document(self, source: Source) -> Source | None:
        self.here = source
        asked = Source(source.url, source.method, {**self._extra(), **source.params}, source.twiml)
        with self.leg.doing("fetching"):
            verbs = await self.exchange.library.load(self.leg, asked, self.mode)
        for verb in verbs:
            self.exchange.ledger.write(
                "verb", sid=self.leg.sid, verb=verb.name, text=verb.text, attributes=dict(verb.attributes)
            )
            following = await self._handlers[verb.name](self, verb)
            if following is not None:
                return following
        return None

    def action(self, verb: Verb, params: Mapping[str, str], *, default_here: bool) -> Source | None:
        """Where a verb's ``action`` leads; without one, this document again or on to the next verb."""
        if "action" not in verb.attributes and not default_here:
            return None
        return self.here.link(verb.get("action"), verb.get("method", "POST"), params)

    def farewell(self, action: Source | None) -> None:
        """After a hang-up the carrier still requests the verb's action and ignores the answer."""
        if action is not None and self.leg.ended.is_set():
            self.exchange.library.farewell(self.leg, action)

    # Verbs ---------------------------------------------------------------------------------------------------------

    async def _say(self, verb: Verb) -> None:
        self.leg.pick_up()
        for _ in range(verb.number("loop", 1) or FOREVER):
            self.leg.hear("say", verb.text, verb.get("language", "en-US"))
            await self.exchange.clock.sleep(speech_seconds(verb.text))

    async def _play(self, verb: Verb) -> None:
        self.leg.pick_up()
        for _ in range(verb.number("loop", 1) or FOREVER):
            self.leg.hear("play", verb.text or verb.get("digits"))
            seconds = 0.5 * len(verb.get("digits"))
            if verb.text:
                seconds = await self.exchange.media.seconds(self.here.link(verb.text).url, self.here.url, self.leg.sid)
            await self.exchange.clock.sleep(seconds)

    async def _pause(self, verb: Verb) -> None:
        # As the first verb of an incoming call it delays the answer, so it does not pick up.
        self.leg.hear("pause", verb.get("length", "1"))
        await self.exchange.clock.sleep(verb.number("length", 1))

    async def _gather(self, verb: Verb) -> Source | None:
        self.leg.pick_up()
        collector = KeyCollector(verb.number("numDigits", 0), verb.get("finishOnKey", "#"))
        self.leg.collect(collector)
        try:
            self.leg.hear("gather")
            await race(self._prompts(verb), collector.touched.wait())
            await self.keys_in(collector, verb.number("timeout", 5))
        finally:
            self.leg.stop_collecting()
        if not collector.digits and not verb.flag("actionOnEmptyResult"):
            return None
        params = {"Digits": collector.digits, "msg": "Gather End"}
        if collector.finished_on:
            params["FinishedOnKey"] = collector.finished_on
        return self.action(verb, params, default_here=True)

    async def _prompts(self, verb: Verb) -> None:
        for prompt in verb.children:
            await self._handlers[prompt.name](self, prompt)

    async def keys_in(self, collector: KeyCollector, timeout_s: float) -> None:
        """Waits until the collector is complete or no key came for ``timeout_s`` simulated seconds."""
        while not collector.done.is_set():
            if await race(collector.latest.wait(), self.exchange.clock.sleep(timeout_s)) == 1:
                return

    async def _redirect(self, verb: Verb) -> Source:
        return self.here.link(verb.text, verb.get("method", "POST"))

    async def _hangup(self, _verb: Verb) -> None:
        self.leg.pick_up()
        raise HangUp

    async def _reject(self, verb: Verb) -> None:
        if self.leg.status == "ringing":
            self.leg.finish("busy" if verb.get("reason") == "busy" else "no-answer")
        raise HangUp

    async def _leave(self, _verb: Verb) -> None:
        if self.mode is Mode.WAIT:
            raise Left

    async def _record(self, verb: Verb) -> Source | None:
        self.leg.pick_up()
        if verb.flag("playBeep", True):
            self.leg.hear("beep")
        began = self.exchange.clock.now()
        collector = KeyCollector(0, verb.get("finishOnKey", ALL_KEYS), purpose="record")
        self.leg.collect(collector)
        limit = min(verb.number("maxLength", 3600), verb.number("timeout", 5))
        try:
            with self.leg.doing("recording"):
                await race(collector.done.wait(), self.exchange.clock.sleep(limit))
        except asyncio.CancelledError:
            self.farewell(self._recorded(verb, began, "hangup"))
            raise
        finally:
            self.leg.stop_collecting()
        return self._recorded(verb, began, collector.finished_on)

    def _recorded(self, verb: Verb, began: float, digits: str) -> Source | None:
        sid, url = self.exchange.new_recording()
        length = max(1, int(self.exchange.clock.now() - began))
        params = {"RecordingSid": sid, "RecordingUrl": url, "RecordingDuration": str(length), "Digits": digits}
        return self.action(verb, params, default_here=True)
