"""What a leg is doing from its beginning to its end, and how that can be cut short.

A leg follows one activity. A hang-up ends it; a redirect from the REST API replaces it. Both cancel the running
activity, whose verbs clean up after themselves (leave the queue, hang up whom they dialled, report to their action
URL).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
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


class Session:
    """The control of one leg."""

    def __init__(self, exchange: Exchange, leg: Leg) -> None:
        self._exchange = exchange
        self._leg = leg
        self._diversion: asyncio.Future[Source] | None = None

    def divert(self, source: Source) -> None:
        """Drops what the leg is doing and has it execute ``source`` instead."""
        if self._diversion is not None and not self._diversion.done():
            self._diversion.set_result(source)

    async def run(self, activity: Coroutine[Any, Any, None]) -> None:
        """Follows ``activity`` and every diversion until the leg has ended."""
        following: Coroutine[Any, Any, None] | None = activity
        while following is not None:
            following = await self._follow(following)
        self._leg.finish("completed")

    async def _follow(self, activity: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
        self._diversion = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(activity)
        ended = asyncio.create_task(self._leg.ended.wait())
        try:
            contenders: set[asyncio.Future[Any]] = {task, ended, self._diversion}
            await asyncio.wait(contenders, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await settle([ended])
            if not task.done():
                await settle([task])
        if self._diversion.done() and not self._leg.ended.is_set():
            return self.execute(self._diversion.result())
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
