"""The tables of expected waits in Redis: one hash, a field for each queue, read at most once a second by a process.

It hangs beside the line and not in it, as the notice board does: whatever is lost is written again within seconds.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

import redis

from callback.adapters.line.keys import WAITS, claim
from callback.domain.errors import InvalidInput
from callback.domain.ids import QueueKey
from callback.domain.table import Table, read, written
from callback.ports import Clock

LEADS: Final = claim("estimator")
"""Held and renewed by the estimator that leaves tables."""


class RedisWaits:
    """`callback.ports.Waits`. `every_s` is how old a table in this process's hands may be by `clock`."""

    def __init__(self, client: redis.Redis, clock: Clock, *, every_s: float = 1.0) -> None:
        self._client, self._clock = client, clock
        self._every = timedelta(seconds=every_s)
        self._seen: dict[QueueKey, tuple[datetime, str | None, Table | None]] = {}
        self._me = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"

    def table(self, queue: QueueKey) -> Table | None:
        now, seen = self._clock.now(), self._seen.get(queue)
        if seen is not None and timedelta(0) <= now - seen[0] < self._every:
            return seen[2]
        text, table = (None, None) if seen is None else seen[1:]
        self._seen[queue] = (now, text, table)  # whoever asks meanwhile takes what there is
        try:
            found = cast("str | None", self._client.hget(WAITS, queue))
        except redis.RedisError:
            return table  # its age tells that nobody renews it
        if found != text:
            table = _read(found)
        self._seen[queue] = (now, found, table)
        return table

    def leave(self, tables: Mapping[QueueKey, Table | None]) -> None:
        put = {queue: written(table) for queue, table in tables.items() if table is not None}
        gone = [queue for queue, table in tables.items() if table is None]
        pipe = self._client.pipeline(transaction=False)
        if put:
            pipe.hset(WAITS, mapping=cast(Any, put))
        if gone:
            pipe.hdel(WAITS, *gone)
        pipe.execute()

    def lead(self, for_s: float) -> bool:
        with self._client.pipeline() as pipe:
            pipe.watch(LEADS)  # type: ignore[no-untyped-call]
            if pipe.get(LEADS) not in (None, self._me):
                return False
            pipe.multi()
            pipe.set(LEADS, self._me, px=round(for_s * 1000))
            try:
                pipe.execute()
            except redis.WatchError:
                return False
        return True

    def resign(self) -> None:
        try:
            if self._client.get(LEADS) == self._me:
                self._client.delete(LEADS)
        except redis.RedisError:
            return  # it ends by itself


def _read(text: str | None) -> Table | None:
    if text is None:
        return None
    try:
        return read(text)
    except InvalidInput:
        return None  # of another version, or damaged
