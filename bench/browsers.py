"""`python -m bench.browsers`: the browsers of a house full of open pages, as one process beside the servers.

Told on standard input, a line each, as JSON. `{"base", "cookie", "walls", "tokens", "period_s", "connections"}` says
whom to play; then `"open"` opens the wallboards' streams and begins to look at every caller's page once in a period,
over kept-alive connections as a proxy has them, and `"close"` ends both. Each is answered with a line of counts. Pages
keep their ETags over a close, as browsers do.
"""

import asyncio
import contextlib
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

APART_S, FIRST_S = 0.01, 0.004
"""Browsers do not all come at the same moment: between two wallboards, and between the first looks of two pages."""
NEARLY = 0.99
UNAVAILABLE = 503
"""Too slow for a page's patience: it looks again at its next time."""


class Browsers:
    """All of them."""

    def __init__(self, told: dict[str, Any]) -> None:
        where = urlsplit(told["base"])
        self._host, self._port = str(where.hostname), int(where.port or 80)
        self._told = told
        self._etags: dict[str, bytes] = {}
        self._counts: Counter[str] = Counter()
        self._running: list[asyncio.Task[None]] = []

    async def open(self) -> dict[str, int]:
        """Everything; returns once every wallboard shows something and every page was looked at once."""
        self._counts.clear()
        self._start(*(self._wall(at * APART_S) for at in range(self._told["walls"])))
        due: asyncio.Queue[str] = asyncio.Queue(self._told["connections"])
        self._start(*(self._pages(due) for _ in range(self._told["connections"])))
        if not self._etags:
            for token in self._told["tokens"]:
                await due.put(token)
                await asyncio.sleep(FIRST_S)
        self._start(self._clock(due))
        while self._counts["walls shown"] < self._told["walls"] or len(self._etags) < NEARLY * len(
            self._told["tokens"]
        ):
            await asyncio.sleep(0.1)
            self._raise()
        self._counts.clear()
        return dict(self._counts)

    async def close(self) -> dict[str, int]:
        """Nothing is open any more."""
        self._raise()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        return dict(self._counts)

    def _start(self, *what: Coroutine[Any, Any, None]) -> None:
        self._running += [asyncio.ensure_future(one) for one in what]

    def _raise(self) -> None:
        for task in self._running:
            if task.done() and (failure := task.exception()) is not None:
                raise failure

    async def _clock(self, due: asyncio.Queue[str]) -> None:
        """Hands out page after page, each once in the period, however long one takes."""
        tokens, every_s = self._told["tokens"], self._told["period_s"] / max(len(self._told["tokens"]), 1)
        began, handed = time.monotonic(), 0
        while tokens:
            while handed * every_s <= time.monotonic() - began:
                await due.put(tokens[handed % len(tokens)])
                handed += 1
            await asyncio.sleep(0.01)

    async def _wall(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        reader, writer = await self._connected()
        with contextlib.closing(writer):
            writer.write(self._request("/wall/live", f"Cookie: {self._told['cookie']}", "Accept: text/event-stream"))
            status = await reader.readline()
            if b" 200 " not in status:
                raise ConnectionError(f"a wallboard was answered {status!r}")
            shown = False
            while line := await reader.readline():
                if line.startswith(b"event: part"):
                    self._counts["news"] += 1
                    self._counts["walls shown"] += not shown
                    shown = True
            raise ConnectionError("the server ended a wallboard's stream")

    async def _pages(self, due: asyncio.Queue[str]) -> None:
        reader, writer = await self._connected()
        with contextlib.closing(writer):
            while True:
                token = await due.get()
                known = self._etags.get(token, b"").decode()
                writer.write(self._request(f"/c/{token}/now", *([f"If-None-Match: {known}"] if known else [])))
                status, etag = await self._answer(reader)
                if etag:
                    self._etags[token] = etag
                self._counts[f"pages {status}"] += 1

    async def _answer(self, reader: StreamReader) -> tuple[int, bytes]:
        head = await reader.readuntil(b"\r\n\r\n")
        status, etag, length = int(head.split(b" ", 2)[1]), b"", 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            if name.lower() == b"etag":
                etag = value
            elif name.lower() == b"content-length":
                length = int(value)
        if status not in (200, 304, UNAVAILABLE):
            raise ConnectionError(f"a page was answered {status}")
        if status != 304 and length:
            await reader.readexactly(length)
        return status, etag

    async def _connected(self) -> tuple[StreamReader, StreamWriter]:
        return await asyncio.open_connection(self._host, self._port, limit=1 << 20)

    def _request(self, path: str, *headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}:{self._port}", *headers, "", ""]
        return "\r\n".join(lines).encode()


async def main() -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()

    async def told() -> Any:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        return json.loads(line) if line else None

    browsers = Browsers(await told())
    while (word := await told()) is not None:
        counts = await (browsers.open() if word == "open" else browsers.close())
        sys.stdout.write(json.dumps(counts) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
