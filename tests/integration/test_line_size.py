"""What a long line costs: the memory of one entry, and whether a place far back takes longer to find."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.domain.ids import CallbackId, EntryId, QueueKey
from callback.ports import Placed
from tests.support.clock import MONDAY_MORNING, ManualClock
from tests.support.line_scene import SUPPORT, Scene, queue

ENTRIES = 20_000
BYTES_AN_ENTRY = 400
SHORT, LONG = 1_000, 100_000
ROUNDS = 300


@pytest.fixture(params=["redis_url", "redis62_url"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with make_client(request.getfixturevalue(request.param), timeout_s=20) as client:
        yield client


@pytest.fixture
def scene(client: redis.Redis, clock: ManualClock) -> Scene:
    return Scene(RedisLine(client, clock), clock)


def used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


def bytes_each(scene: Scene, client: redis.Redis, add: Callable[[], None]) -> float:
    scene.staff()
    scene.arrive("CA")  # the scripts are loaded and the queue's own keys are there before the first look
    before = used(client)
    add()
    scene.line.forget(scene.line.drain("0", 10 * ENTRIES)[-1][0])  # the record reads within a second
    return (used(client) - before) / ENTRIES


def test_a_live_caller_takes_at_most_400_bytes(scene: Scene, client: redis.Redis) -> None:
    def arrivals() -> None:
        for number in range(ENTRIES):
            scene.arrive(f"CA{number:032x}", number=f"{number:032x}")

    assert bytes_each(scene, client, arrivals) <= BYTES_AN_ENTRY


def test_a_promise_takes_at_most_400_bytes(scene: Scene, client: redis.Redis) -> None:
    def promises() -> None:
        scene.line.restore(list(crowd(SUPPORT, ENTRIES)), now=scene.clock.now())

    assert bytes_each(scene, client, promises) <= BYTES_AN_ENTRY


def crowd(queue: QueueKey, size: int) -> Iterator[Placed]:
    """Promises, half of them for later, in ids as long as ours."""
    for number in range(size):
        at = MONDAY_MORNING - timedelta(seconds=number)
        yield Placed(
            id=CallbackId(f"cb{queue[0]}{number:017x}"),
            queue=queue,
            score=int(at.timestamp()) * 1_000_000,
            joined_at=at,
            next_attempt_at=MONDAY_MORNING + timedelta(days=1) if number % 2 else None,
            number_hash=f"{number:032x}",
        )


@pytest.mark.slow
def test_a_place_in_a_long_line_is_found_as_fast_as_in_a_short_one(scene: Scene) -> None:
    short, long = QueueKey("short"), QueueKey("long")
    scene.staff(queues=(queue(short), queue(long)))
    for key, size in ((short, SHORT), (long, LONG)):
        scene.line.restore(list(crowd(key, size)), now=scene.clock.now())

    def stand(key: QueueKey, size: int, turn: int) -> float:
        entry = EntryId(f"cb{key[0]}{turn * 7919 % size:017x}")
        began = time.perf_counter()
        found = scene.line.standing(key, entry)
        took = time.perf_counter() - began
        assert found.position is not None
        return took

    def join(key: QueueKey, size: int, turn: int) -> float:
        began = time.perf_counter()
        found = scene.arrive(f"CA{key}{turn}", key)
        took = time.perf_counter() - began
        assert found.position == size + turn + 1
        return took

    for ask in (stand, join):
        times = [(ask(short, SHORT, turn), ask(long, LONG, turn)) for turn in range(ROUNDS)]
        assert usual([slow for _, slow in times]) <= 1.5 * usual([fast for fast, _ in times])


def usual(times: list[float]) -> float:
    """What it takes where nobody else has the processor: on a busy machine half of them and more wait for it."""
    return statistics.quantiles(times, n=10)[0]
