"""What callers are told, on its way to the record: noted in memory, sent beside the webhook, drained by a keeper.

Somebody on the phone waits while it is noted: that is an append to a bounded list, and every fourth of a second a
thread of its own (a green one under gevent) sends what there is as one pipeline. Everything that costs time, quantiles
and sentences among it, is left to the keeper. A process that is killed loses the last fourth of a second; while Redis
is away the newest `MOST` are kept, and the figure of those that found no room is left on the board.
"""

import atexit
import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import redis
import structlog

from callback.adapters.line.keys import BOARD, SAID
from callback.adapters.line.micros import from_micros, to_micros
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.said import Moment, Saying
from callback.domain.wait import Measured, Wait
from callback.ports import SAID_DROPPED

MOST: Final = 10_000
"""How many wait in one process for a Redis that is away."""
BATCH: Final = 50
"""So many go into one entry of the stream."""
ENTRIES: Final = 2_000
"""Of the stream, while nobody drains it: 100,000 predictions, in about 60 MB at the most."""
_ROWS: Final = "rows"
_log = structlog.get_logger("callback.said")


class RedisSaid:
    """`callback.ports.Said`. Safe for threads, green threads and forks. `every_s` None: nothing is sent before `flush`,
    and no thread is begun."""

    def __init__(self, client: redis.Redis, *, every_s: float | None = 0.25, most: int = MOST) -> None:
        self._client = client
        self._every_s = every_s
        self._most = most
        self._noted: deque[Saying] = deque()
        self._dropped = 0
        self._pid = 0
        self._starting, self._sending = threading.Lock(), threading.Lock()
        self._wake = threading.Event()

    # --- on the webhook's path ----------------------------------------------------------------------------------

    def note(self, saying: Saying) -> None:
        if self._pid != os.getpid():
            self._begin()
        self._noted.append(saying)
        if len(self._noted) > self._most:
            self._drop()
        if not self._wake.is_set():
            self._wake.set()

    def _drop(self) -> None:
        try:
            self._noted.popleft()
        except IndexError:
            return  # it has just been sent
        self._dropped += 1

    def _begin(self) -> None:
        with self._starting:
            if self._pid == os.getpid():
                return
            # A parent's notes are the parent's to send, and its locks may never be let go of here.
            self._noted, self._dropped = deque(), 0
            self._wake, self._sending = threading.Event(), threading.Lock()
            if self._every_s is not None:
                threading.Thread(target=self._send_on, args=(self._every_s,), daemon=True, name="said").start()
                atexit.register(self.flush)
            self._pid = os.getpid()

    # --- beside it ----------------------------------------------------------------------------------------------

    def _send_on(self, every_s: float) -> None:
        while True:
            self._wake.wait()
            time.sleep(every_s)
            self._wake.clear()
            self.flush()

    def flush(self) -> None:
        with self._sending:
            while self._noted and self._send():
                pass

    def _send(self) -> bool:
        """Whether Redis took them. What it did not take goes back before whatever was noted meanwhile."""
        taken = list(_taken(self._noted, BATCH * 20))
        dropped = self._dropped
        try:
            pipe = self._client.pipeline(transaction=False)
            for at in range(0, len(taken), BATCH):
                rows = ",".join(_writable(taken[at : at + BATCH]))
                pipe.xadd(SAID, {_ROWS: f"[{rows}]"}, maxlen=ENTRIES, approximate=True)
            if dropped:
                pipe.hincrby(BOARD, f"count|{SAID_DROPPED}", dropped)
            pipe.execute()
        except redis.RedisError:
            self._noted.extendleft(reversed(taken))
            while len(self._noted) > self._most:
                self._drop()
            self._wake.set()  # tried again with the next fourth of a second
            return False
        self._dropped -= dropped
        return True

    # --- the keeper's side --------------------------------------------------------------------------------------

    def drain(self, after: str, limit: int) -> list[tuple[str, list[Saying]]]:
        found: Any = self._client.xrange(SAID, min=f"({after}", count=limit)
        return [(entry, list(_readable(entry, fields))) for entry, fields in found]

    def forget(self, upto: str) -> None:
        milliseconds, _, number = upto.partition("-")
        self._client.xtrim(SAID, minid=f"{milliseconds}-{int(number or 0) + 1}", approximate=False)


def _taken(noted: deque[Saying], most: int) -> Iterator[Saying]:
    for _ in range(most):
        try:
            yield noted.popleft()
        except IndexError:
            return


def _writable(some: Iterable[Saying]) -> Iterator[str]:
    """As JSON. What cannot be written must not hold up the rest for ever."""
    for one in some:
        try:
            yield json.dumps(_written(one), separators=(",", ":"))
        except (TypeError, ValueError, AttributeError) as fault:
            _log.warning("said.unwritable", subject=one.subject, error=str(fault))


def _readable(entry: str, fields: dict[str, str]) -> Iterable[Saying]:
    """What can be read: one that is of another version, or damaged, costs itself alone."""
    try:
        rows = json.loads(fields[_ROWS])
    except (KeyError, ValueError):
        rows = [None]
    for row in rows:
        try:
            yield _read(row)
        except (KeyError, ValueError, TypeError, IndexError) as fault:
            _log.warning("said.unreadable", entry=entry, error=type(fault).__name__)


def _written(said: Saying) -> dict[str, Any]:
    row: dict[str, Any] = said._asdict()
    row["at"] = to_micros(said.at)
    row["joined_at"] = None if said.joined_at is None else to_micros(said.joined_at)
    row["promised"] = [to_micros(one) for one in said.promised] if said.promised else None
    measured = said.measured
    row["measured"] = [measured.handled, measured.handled_s, measured.abandoned, measured.waited_s]
    row["wait"] = _written_wait(said.wait)
    return row


def _written_wait(wait: Wait) -> list[Any]:
    simple = None if wait.simple is None else _written_wait(wait.simple)
    return [wait.mean, wait.sd, wait.basis, wait.model, list(wait.points), simple]


def _read(row: dict[str, Any]) -> Saying:
    known = {name: row[name] for name in Saying._fields}
    known["at"] = _moment(row["at"])
    known["joined_at"] = None if row["joined_at"] is None else _moment(row["joined_at"])
    known["promised"] = (_moment(row["promised"][0]), _moment(row["promised"][1])) if row["promised"] else None
    known["queue"], known["moment"] = QueueKey(row["queue"]), Moment(row["moment"])
    known["agents"] = {AgentStatus(status): int(count) for status, count in row["agents"].items()}
    known["measured"] = Measured(*(float(figure) for figure in row["measured"]))
    known["wait"] = _read_wait(row["wait"])
    return Saying(**known)


def _read_wait(parts: list[Any]) -> Wait:
    mean, sd, basis, model, points, simple = parts
    return Wait(mean, sd, basis, model, None if simple is None else _read_wait(simple), tuple(points))


def _moment(micros: int) -> datetime:
    return from_micros(int(micros))
