"""The carrier's own account of what happened, in order: the witness that tests and people read.

Every REST request, webhook with its answer, change of a call and executed verb is one entry with a running number. A
reader keeps the last number it saw as its cursor. Only the newest entries are kept in memory.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import deque
from typing import Any

from callback.emulator.clock import SimClock

Entry = dict[str, Any]


class Ledger:
    """An append-only list of entries ``{"seq", "at", "kind", ...}``, bounded in length.

    Args:
        clock: source of the timestamps.
        keep: how many entries stay readable.
    """

    def __init__(self, clock: SimClock, keep: int = 50_000) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._seq = 0
        self._news = asyncio.Event()

    def write(self, kind: str, **fields: Any) -> Entry:
        """Appends one entry and gives it back."""
        self._seq += 1
        at = dt.datetime.fromtimestamp(self._clock.now(), dt.UTC)
        entry: Entry = {"seq": self._seq, "at": at.isoformat(), "kind": kind, **fields}
        self._entries.append(entry)
        news, self._news = self._news, asyncio.Event()
        news.set()
        return entry

    def read(self, *, after: int = 0, kind: str = "", sid: str = "", limit: int = 1000) -> list[Entry]:
        """Entries with a number above ``after``, oldest first, optionally of one kind or of one call."""
        wanted: list[Entry] = []
        for entry in self._entries:
            if entry["seq"] > after and kind in ("", entry["kind"]) and sid in ("", entry.get("sid")):
                wanted.append(entry)
                if len(wanted) == limit:
                    break
        return wanted

    @property
    def last(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return self._seq

    async def wait_news(self, seconds: float) -> None:
        """Returns at the next entry or after real ``seconds``, whichever is first."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return
