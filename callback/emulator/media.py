"""How long a recording plays.

Audio on the application's own host is fetched, so that a missing file or one that is no audio is found out; anything
from elsewhere is taken to be half a minute long, since the emulator never reaches beyond the application.
"""

from __future__ import annotations

import io
import urllib.parse
import wave

import aiohttp

from callback.emulator.ledger import Ledger

ELSEWHERE_S = 30.0
BYTES_PER_S = 16_000
INVALID_AUDIO = 12300
NOT_FOUND = 11200


class Media:
    """Knows the length of audio files, asking for each once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, float] = {}

    async def seconds(self, url: str, document_url: str, sid: str) -> float:
        """Simulated seconds that ``url`` plays; 0 and an error in the ledger when it cannot be played."""
        if urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(document_url).netloc:
            return ELSEWHERE_S
        if url not in self._known:
            try:
                self._known[url] = await self._measure(url)
            except _Unplayable as error:
                self._ledger.write("error", sid=sid, code=error.code, url=url, message=str(error))
                return 0.0
        return self._known[url]

    async def _measure(self, url: str) -> float:
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Unplayable(NOT_FOUND, f"cannot fetch: {error!r}") from error
        if response.status != 200:
            raise _Unplayable(NOT_FOUND, f"the answer's status is {response.status}")
        if not response.content_type.startswith("audio/"):
            raise _Unplayable(INVALID_AUDIO, f"content type {response.content_type!r} is not audio")
        try:
            with wave.open(io.BytesIO(content)) as audio:
                return float(audio.getnframes() / audio.getframerate())
        except (wave.Error, EOFError):
            return max(1.0, len(content) / BYTES_PER_S)


class _Unplayable(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
