"""Waiting for whichever of several things happens first, and leaving nothing running behind.

A call is always in the middle of something that a hang-up, a key or a redirect may cut short. One helper keeps that
pattern (start, wait for the first, cancel and drain the rest) in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any


async def settle(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels what still runs and waits until it has cleaned up; its outcome is of no interest any more."""
    pending = list(tasks)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def race(*contenders: Awaitable[Any]) -> int:
    """Runs all contenders until the first is done, then cancels the others.

    Returns:
        The index of the winner; the lowest when several are done at once.

    Raises:
        Whatever the winner raised.
    """
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(contender) for contender in contenders]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        winner = next(index for index, task in enumerate(tasks) if task.done())
        tasks[winner].result()
        return winner
    finally:
        await settle(task for task in tasks if not task.done())
