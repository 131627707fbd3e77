"""The line at a thousand and at a million: joining, position and wait must not care, and an entry must be small.

The same process, client and server answer for both lengths in turns: two queues, one short and one long, and callers
who join each and leave again. What is timed is what a webhook does: one script, and the estimate from its answer.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from redis import Redis

from bench.figures import Figure, Target, compared
from bench.stage import Stage, stage
from callback.adapters.line.keys import EVENTS
from callback.adapters.line.micros import to_micros
from callback.adapters.line.scripts import assembled
from callback.domain.ids import CallSid, EntryId, QueueKey, new_token
from callback.domain.lifecycle import CallState
from callback.domain.policy import Queue
from callback.flows import configure
from callback.flows.outlook import look

SAME, SIZE = Target(1.3), Target(400)
SHORT, LONG = QueueKey("short"), QueueKey("long")
NUMBERS = {SHORT: 0, LONG: 1 << 30}
"""From where each line's entries are numbered."""
SLICE = 2_000
FILL = Path(__file__).with_name("fill.lua")


@dataclass(frozen=True)
class Effort:
    """How many rounds, how many callers join each line in one, and how long the lines are."""

    rounds: int = 7
    joins: int = 300
    short: int = 1_000
    long: int = 1_000_000


@dataclass(frozen=True)
class Round:
    """The median seconds of joining each line, position and wait included."""

    short: float
    long: float


def measure(effort: Effort, tick: Callable[[], None]) -> list[Figure]:
    """Speed and size. `tick` is called after each round."""
    with stage("sqlite") as ground:
        queues = _furnish(ground)
        began = ground.built.house.clock.now()
        fill(ground.built.redis, SHORT, effort.short, began)
        before = _used(ground)
        fill(ground.built.redis, LONG, effort.long, began)
        each = (_used(ground) - before) / effort.long
        rounds = list(_rounds(ground, queues, effort, tick))
    what = f"join, position and wait at {effort.long:,} against {effort.short:,}, p50"
    long, short = [one.long * 1000 for one in rounds], [one.short * 1000 for one in rounds]
    return [
        compared("line", what, "ms", long, short, SAME),
        Figure("line", f"Redis memory an entry, of {effort.long:,}", "bytes", each, target=SIZE),
    ]


def fill(redis: Redis, queue: QueueKey, count: int, began: datetime) -> None:
    """`count` in line, half of them promises, a millisecond apart and the last just before `began`."""
    script = redis.register_script(assembled(FILL.read_text("utf-8")))
    start = NUMBERS[queue]
    base = to_micros(began) - (start + count) * 1000
    for first in range(start, start + count, SLICE):
        script(keys=[EVENTS], args=[queue, first, min(SLICE, start + count - first), base])


def _furnish(ground: Stage) -> list[Queue]:
    """Both queues, staffed by agents who all talk and serve both."""
    house = ground.built.house
    with house.store.begin() as work:
        for key in (SHORT, LONG):
            work.put_queue(key, key, None, house.clock.now())
    ground.furnish(serving=(SHORT, LONG))
    configure.publish(house)
    return [house.book.queue(SHORT), house.book.queue(LONG)]


def _used(ground: Stage) -> int:
    return int(ground.built.redis.info("memory")["used_memory"])


def _rounds(ground: Stage, queues: list[Queue], effort: Effort, tick: Callable[[], None]) -> Iterator[Round]:
    def one() -> Round:
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(effort.joins):
            for which in (0, 1) if turn % 2 else (1, 0):  # whoever comes second finds the processor warm
                times[which].append(_join(ground, queues[which]))
        return Round(median(times[0]), median(times[1]))

    one()
    for _ in range(effort.rounds):
        yield one()
        tick()


def _join(ground: Stage, queue: Queue) -> float:
    """Somebody joins, learns their position and wait, and leaves; seconds until the wait was known."""
    house, call = ground.built.house, CallSid("CA" + secrets.token_hex(16))
    now, token, number = house.clock.now(), new_token(), hashlib.sha256(call.encode()).hexdigest()[:32]
    begun = time.perf_counter()
    standing = house.line.arrive(
        QueueKey(queue.key), call, credit_s=0, number_hash=number, language="en", lease_s=10, token=token, now=now
    )
    outlook = look(queue, standing, now)
    took = time.perf_counter() - begun
    if standing.position is None or not outlook.wait.known:
        raise RuntimeError(f"nobody joined {queue.key}: {standing}")
    house.line.leave(EntryId(call), reason=CallState.ABANDONED, now=now)
    return took
