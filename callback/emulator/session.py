"""What a leg is doing from its beginning to its end, and how that can be cut short.

A leg follows one activity. A hang-up ends it; a redirect from the REST API replaces it. Both cancel the running
activity, whose verbs clean up after themselves (leave the queue, hang up whom they dialled, report to their action
URL).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from callback.emulator import dial, enqueue
from callback.emulator.documents import DocumentError, Source
from callback.emulator.interpreter import Handler, HangUp, Interpreter
from callback.emulator.leg import Leg
from callback.emulator.racing import settle
from callback.emulator.twiml import Mode, speech_seconds

if TYPE_CHECKING:
    from callback.emulator.exchange import Exchange

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
VERBS: dict[str, Handler] = {"Dial": dial.perform, "Enqueue": enqueue.perform}


Activity = Callable[[], Coroutine[Any, Any, None]]


class Session:
    """The control of one leg."""

    def __init__(self, exchange: Exchange, leg: Leg) -> None:
        self._exchange = exchange
        self._leg = leg
        self._target: Source | None = None
        self._diverted = asyncio.Event()

    def divert(self, source: Source) -> None:
        """Drops what the leg is doing and has it execute ``source`` instead; the latest of several counts."""
        self._target = source
        self._diverted.set()

    async def run(self, activity: Activity) -> None:
        """Follows ``activity`` and every diversion until the leg has ended."""
        following: Activity | None = activity
        while following is not None:
            following = await self._follow(following)
        self._leg.finish("completed")

    async def _follow(self, activity: Activity) -> Activity | None:
        task = asyncio.create_task(activity())
        others = [asyncio.create_task(self._leg.ended.wait()), asyncio.create_task(self._diverted.wait())]
        try:
            await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await settle(others)
            if not task.done():
                await settle([task])
        target, self._target = self._target, None
        self._diverted.clear()
        if target is not None and not self._leg.ended.is_set():
            return partial(self.execute, target)
        if not task.cancelled():
            task.result()
        return None

    async def execute(self, source: Source) -> None:
        """Runs documents from ``source`` on; the fallback URL stands in once for one that fails."""
        try:
            await self._interpreter().run(source)
        except HangUp:
            return
        except DocumentError as error:
            await self._fall_back(error)

    def _interpreter(self) -> Interpreter:
        return Interpreter(self._exchange, self._leg, Mode.CALL, verbs=VERBS)

    async def _fall_back(self, error: DocumentError) -> None:
        fallback = self._leg.fallback
        try:
            if fallback is not None:
                params = {"ErrorCode": str(error.code), "ErrorUrl": error.url}
                await self._interpreter().run(Source(fallback.url, fallback.method, params))
                return
        except HangUp:
            return
        except DocumentError:
            pass
        await self._apologise()

    async def _apologise(self) -> None:
        self._leg.pick_up()
        self._leg.hear("say", APOLOGY, "en-US")
        await self._exchange.clock.sleep(speech_seconds(APOLOGY))
