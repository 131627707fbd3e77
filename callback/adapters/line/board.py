"""The notice board in Redis: one hash that everybody reads in one round trip, at most once a second.

It hangs beside the line and not in it: a rebuild leaves it alone, and a lost Redis loses nothing that the next sign of
life, or the next refusal, does not put there again.
"""

import os
import socket
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

import redis

from callback.adapters import patience
from callback.adapters.line.keys import BEAT_LOCK, BOARD, claim
from callback.adapters.line.micros import from_micros, to_micros
from callback.ports import Clock, Notice, Picture

LANES: Final = ("dial", "messages", "sweep", "persist")
"""The kinds of work, each of which somebody must be doing."""
TICK: Final = "tick"
"""The sign of life of a round of the sweep: a beat has sent it and a worker has done it."""
OLD: Final = timedelta(seconds=5)
"""A picture older than this tells nothing about now: signs of life on it look as if they had stopped."""
_WAIT_S: Final = 1.0
"""The longest wait for somebody else's look."""
PARTS: Final = ("word", "why", "by", "since", "last", "times")


class RedisBoard:
    """`callback.ports.Board`. `every_s` is how old a picture may be by `clock`.

    A sign of life that has never been seen counts from the moment somebody first misses it: then everybody agrees
    since when, and a house that has just been started is not in trouble yet.
    """

    def __init__(self, client: redis.Redis, clock: Clock, *, every_s: float = 1.0) -> None:
        self._client = client
        self._clock = clock
        self._every = timedelta(seconds=every_s)
        self._reading = threading.Lock()
        self._picture = Picture()
        self._tried_at: datetime | None = None
        self._ended_at: datetime | None = None
        self._alone: set[str] = set()
        self._me = f"{socket.gethostname()}/{os.getpid()}"

    # --- reading ------------------------------------------------------------------------------------------------

    def read(self) -> Picture:
        now = self._clock.now()
        if self._is_fresh(now):
            return self._picture
        if not self._reading.acquire(timeout=self._wait_s(now)):
            return self._picture  # somebody else is reading: the last picture is good enough meanwhile
        try:
            if not self._is_fresh(now):
                self._tried_at = now
                self._picture = self._look(now)
        except redis.RedisError:
            pass  # the last picture stands; whoever asks sees by other means that the line is away
        finally:
            self._ended_at = now
            self._reading.release()
        return self._picture

    def _is_fresh(self, now: datetime) -> bool:
        return _within(self._every, self._tried_at, now) and _within(OLD, self._ended_at, now)

    def _wait_s(self, now: datetime) -> float:
        """How long to wait for whoever is reading: not at all, unless this process has rested, or the clock was put
        forward, so that our picture is old."""
        return 0 if _within(OLD, self._ended_at, now) else patience.left(_WAIT_S)

    def _look(self, now: datetime) -> Picture:
        pipe = self._client.pipeline(transaction=False)
        pipe.hgetall(BOARD)
        pipe.exists(BEAT_LOCK)
        hanging, ticking = pipe.execute()
        picture = picture_of(hanging, ticking=bool(ticking), at=now)
        missing = [kind for kind in (*LANES, TICK) if kind not in picture.beats]
        if not missing:
            return picture
        for kind in missing:
            self._client.hsetnx(BOARD, f"beat|{kind}", str(to_micros(now)))
        return picture_of({f"beat|{kind}": str(to_micros(now)) for kind in missing} | hanging, bool(ticking), now)

    # --- signs of life and figures ------------------------------------------------------------------------------

    def beat(self, *kinds: str) -> None:
        at = str(to_micros(self._clock.now()))
        self._leave({f"beat|{kind}": at for kind in kinds})

    def count(self, **figures: int) -> None:
        self._leave({f"count|{name}": str(figure) for name, figure in figures.items()})

    def _leave(self, fields: Mapping[str, str]) -> None:
        try:
            self._client.hset(BOARD, mapping=cast(Any, fields))
        except redis.RedisError:
            return  # missed by those who look, which is what it means

    # --- troubles -----------------------------------------------------------------------------------------------

    def post(self, key: str, word: str, why: str, *, now: datetime) -> bool:
        at, before = str(to_micros(now)), self._client.hget(BOARD, f"{key}|word")
        pipe = self._client.pipeline()
        if before != word:
            pipe.hdel(BOARD, *_fields(key))
        pipe.hsetnx(BOARD, f"{key}|since", at)
        pipe.hset(BOARD, mapping={f"{key}|word": word, f"{key}|why": why, f"{key}|by": self._me, f"{key}|last": at})
        pipe.hincrby(BOARD, f"{key}|times", 1)
        pipe.hincrby(BOARD, f"refused|{word}", 1)
        answers = pipe.execute()
        self._tried_at = None
        return bool(answers[-4])

    def clear(self, key: str) -> Notice | None:
        pipe = self._client.pipeline()
        pipe.hmget(BOARD, _fields(key))
        pipe.hdel(BOARD, *_fields(key))
        values, removed = pipe.execute()
        self._tried_at = None
        return _notice(key, dict(zip(PARTS, values, strict=True))) if removed else None

    def claim(self, name: str, for_s: float) -> bool:
        return bool(self._client.set(claim(name), self._me, nx=True, px=round(for_s * 1000)))

    def unclaim(self, name: str) -> None:
        try:
            self._client.delete(claim(name))
        except redis.RedisError:
            return  # it ends by itself

    # --- who says it first --------------------------------------------------------------------------------------

    def tell(self, name: str) -> bool:
        try:
            return bool(self._client.hsetnx(BOARD, f"told|{name}", self._me))
        except redis.RedisError:
            self._alone.add(name)
            return True  # nobody else can be asked

    def untell(self, name: str) -> bool:
        told_alone = name in self._alone
        self._alone.discard(name)
        try:
            return bool(self._client.hdel(BOARD, f"told|{name}")) or told_alone
        except redis.RedisError:
            return True


def picture_of(hanging: Mapping[str, str], ticking: bool, at: datetime) -> Picture:
    """What the hash says. Fields of another version are not read."""
    pairs = [(*name.partition("|")[::2], value) for name, value in hanging.items()]
    return Picture(
        at=at,
        beats={name: from_micros(int(value)) for kind, name, value in pairs if kind == "beat"},
        ticking=ticking,
        notices=tuple(_notices(hanging)),
        counts={name: int(value) for kind, name, value in pairs if kind == "count"},
        refusals={name: int(value) for kind, name, value in pairs if kind == "refused"},
    )


def _notices(hanging: Mapping[str, str]) -> Iterable[Notice]:
    for key in sorted(name.removesuffix("|word") for name in hanging if name.endswith("|word")):
        found = _notice(key, {part: hanging.get(f"{key}|{part}") for part in PARTS})
        if found is not None:
            yield found


def _notice(key: str, parts: Mapping[str, str | None]) -> Notice | None:
    since, last = parts["since"], parts["last"]
    if since is None or last is None:
        return None
    word, why, by = (parts[part] or "" for part in ("word", "why", "by"))
    return Notice(key, word, why, by, from_micros(int(since)), from_micros(int(last)), int(parts["times"] or 1))


def _within(span: timedelta, since: datetime | None, now: datetime) -> bool:
    return since is not None and timedelta(0) <= now - since < span


def _fields(key: str) -> list[str]:
    return [f"{key}|{part}" for part in PARTS]
