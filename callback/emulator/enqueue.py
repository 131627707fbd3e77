"""Waiting in a queue of the carrier, and being taken out of it.

The application learns how the wait ended from QueueResult at the Enqueue's ``action``: at once after Leave, a hang-up
or a redirect, and only at the end of the conversation after somebody dialled the queue.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from callback.emulator.bridge import Bridge
from callback.emulator.documents import DocumentError, Source
from callback.emulator.interpreter import HangUp, Interpreter, Left
from callback.emulator.queues import CallQueue, Member, Pickup
from callback.emulator.racing import race
from callback.emulator.twiml import Mode, Verb

if TYPE_CHECKING:
    from callback.emulator.outcome import Outcome

BREATH_S = 1.0


async def perform(call: Interpreter, verb: Verb) -> Source | None:
    """Executes ``<Enqueue>``: gives the action to go on with, or None for the next verb."""
    call.leg.pick_up()
    queue = call.exchange.queue_named(verb.text, verb.number("maxQueueSize", 0))
    member = queue.join(call.leg)
    if member is None:
        return call.action(
            verb, {"QueueResult": "queue-full", "QueueSid": queue.sid, "QueueTime": "0"}, default_here=False
        )
    stay = _Stay(call, verb, queue, member)
    try:
        with call.leg.doing("enqueued"):
            result = await stay.until_out()
    except (HangUp, asyncio.CancelledError) as end:
        stay.cut_short(end)
        raise
    finally:
        queue.leave(member)
    return stay.action(result)


class _Stay:
    """One caller's time in one queue."""

    def __init__(self, call: Interpreter, verb: Verb, queue: CallQueue, member: Member) -> None:
        self._call = call
        self._verb = verb
        self._queue = queue
        self._member = member
        self._bridged = False
        self._out_after_s: int | None = None

    async def until_out(self) -> str:
        """Waits; gives the QueueResult word."""
        try:
            if await race(self._hold(), self._member.pickup) == 0:
                return "error"
        except Left:
            return "leave"
        except DocumentError:
            if "action" not in self._verb.attributes:
                raise
            return "error"
        self._out_after_s = self._queue.waited_s(self._member)
        return await self._talk(self._member.pickup.result())

    async def _hold(self) -> None:
        if not self._verb.get("waitUrl"):
            if "waitUrl" not in self._verb.attributes:
                self._call.leg.hear("music")
            await asyncio.Event().wait()
        source = self._call.here.link(self._verb.get("waitUrl"), self._verb.get("waitUrlMethod", "POST"))
        waiting = Interpreter(self._call.exchange, self._call.leg, Mode.WAIT, extra=self._wait_params)
        while True:
            began = self._call.exchange.clock.now()
            await waiting.run(source)
            if self._call.exchange.clock.now() - began < BREATH_S / self._call.exchange.clock.speed:
                await self._call.exchange.clock.sleep(BREATH_S)

    async def _talk(self, pickup: Pickup) -> str:
        if pickup.url:
            extra = {"QueueSid": self._queue.sid, "QueueTime": self._time(), "DequeingCallSid": pickup.by.sid}
            whisper = Interpreter(self._call.exchange, self._call.leg, Mode.WHISPER, extra=lambda: extra)
            await whisper.run(Source(pickup.url, pickup.method))
        if pickup.bridge.done() or pickup.by.ended.is_set():
            return "bridging-in-process"
        bridge = Bridge(pickup.by, self._call.leg, self._call.exchange.clock)
        pickup.bridge.set_result(bridge)
        self._bridged = True
        try:
            await bridge.over.wait()
        finally:
            bridge.end()
        return "bridged"

    def action(self, result: str) -> Source | None:
        """Where to go with this result."""
        params = {"QueueResult": result, "QueueSid": self._queue.sid, "QueueTime": self._time()}
        return self._call.action(self._verb, params, default_here=False)

    def cut_short(self, end: BaseException) -> None:
        """Reports a wait (or the conversation after it) that a hang-up or a redirect ended."""
        hung_up = isinstance(end, HangUp) or self._call.leg.ended.is_set()
        if hung_up:
            result = "bridged" if self._bridged else "hangup"
        else:
            result = "redirected-from-bridged" if self._bridged else "redirected"
        action = self.action(result)
        if action is not None:
            self._call.exchange.library.farewell(self._call.leg, action)

    def _time(self) -> str:
        return str(self._queue.waited_s(self._member) if self._out_after_s is None else self._out_after_s)

    def _wait_params(self) -> dict[str, str]:
        return {
            "QueuePosition": str(self._queue.position(self._member)),
            "QueueSid": self._queue.sid,
            "QueueTime": self._time(),
            "AvgQueueTime": str(self._queue.average_wait_s),
            "CurrentQueueSize": str(len(self._queue.members)),
            "MaxQueueSize": str(self._queue.max_size),
        }


async def dial_queue(call: Interpreter, verb: Verb, noun: Verb, outcome: Outcome) -> None:
    """Executes ``<Dial><Queue>``: takes the first in line, waiting for one if nobody is there."""
    call.leg.pick_up()
    queue = call.exchange.queue_named(noun.text)
    url = call.here.link(noun.get("url")).url if noun.get("url") else ""
    pickup = Pickup(call.leg, url, noun.get("method", "POST"), asyncio.get_running_loop().create_future())
    try:
        async with asyncio.timeout(verb.number("timeout", 30)):
            member = await queue.take_front(pickup)
    except TimeoutError:
        outcome.status = "no-answer"
        return
    outcome.leg = member.leg
    try:
        await race(asyncio.shield(pickup.bridge), member.leg.ended.wait())
        if pickup.bridge.done():
            await outcome.converse(pickup.bridge.result(), call, verb)
    finally:
        pickup.bridge.cancel()
