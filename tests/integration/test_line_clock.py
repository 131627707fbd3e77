"""Redis's time, asked for seldom: what happens between two answers, and when none comes."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis

from callback.adapters.line.client import make_breaker, make_client
from callback.adapters.line.clock import SharedClock
from tests.support.processor import HERE, kept_waiting_s
from tests.support.redis_server import RedisServer

HOUR = timedelta(hours=1)


class Stopwatch:
    """A monotonic clock turned by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.seconds


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with make_client(own_redis.url, timeout_s=5) as client:
        yield client


def an_hour_ahead() -> float:
    return time.time() + 3600


def here() -> datetime:
    return datetime.now(UTC)


def test_a_machine_whose_clock_is_wrong_tells_the_time_of_redis(client: redis.Redis) -> None:
    clock = SharedClock(client, local=an_hour_ahead)
    assert here() - timedelta(seconds=5) < clock.now() < here() + timedelta(seconds=5)


def test_time_goes_on_between_two_answers_of_redis(own_redis: RedisServer, client: redis.Redis) -> None:
    watch = Stopwatch()
    clock = SharedClock(client, every_s=5, monotonic=watch)
    first = clock.now()
    own_redis.kill()
    watch.seconds += 4.5
    assert clock.now() - first == timedelta(seconds=4.5)


def test_redis_is_asked_again_once_its_answer_is_old(client: redis.Redis) -> None:
    watch = Stopwatch()
    clock = SharedClock(client, every_s=5, monotonic=watch)
    clock.now()
    watch.seconds += 3600
    assert here() - timedelta(seconds=60) < clock.now() < here() + timedelta(seconds=60)


def test_while_redis_is_away_the_last_answer_stands(own_redis: RedisServer, client: redis.Redis) -> None:
    watch = Stopwatch()
    clock = SharedClock(client, every_s=5, local=an_hour_ahead, monotonic=watch)
    first = clock.now()
    own_redis.kill()
    watch.seconds += 60
    assert clock.now() - first == timedelta(seconds=60)


def test_before_the_first_answer_this_machines_clock_has_to_do(own_redis: RedisServer, client: redis.Redis) -> None:
    own_redis.kill()
    clock = SharedClock(client, local=an_hour_ahead)
    assert here() + HOUR - timedelta(seconds=30) < clock.now() < here() + HOUR + timedelta(seconds=30)


def test_a_redis_that_was_away_is_found_again(own_redis: RedisServer, client: redis.Redis) -> None:
    watch = Stopwatch()
    own_redis.kill()
    clock = SharedClock(client, every_s=5, local=an_hour_ahead, monotonic=watch)
    assert clock.now() > here() + HOUR / 2
    own_redis.start()
    watch.seconds += 5
    assert clock.now() < here() + HOUR / 2


def test_an_absent_redis_keeps_one_caller_and_not_the_next(own_redis: RedisServer, client: redis.Redis) -> None:
    watch = Stopwatch()
    clock = SharedClock(client, every_s=5, monotonic=watch)
    own_redis.kill()
    clock.now()
    looks = watch.looks
    clock.now()
    assert watch.looks == looks + 1  # nobody was asked: that would be timed


def test_threads_do_not_wait_for_each_other(client: redis.Redis) -> None:
    clock = SharedClock(client)
    seen: list[datetime] = []
    crowd = [threading.Thread(target=lambda: seen.append(clock.now())) for _ in range(20)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert max(seen) - min(seen) < timedelta(seconds=10)


def test_nobody_goes_by_an_old_answer_while_a_new_one_is_on_its_way(
    own_redis: RedisServer, client: redis.Redis
) -> None:
    watch = Stopwatch()
    clock = SharedClock(client, every_s=5, local=an_hour_ahead, monotonic=watch)
    own_redis.command("CLIENT", "PAUSE", "200")
    with ThreadPoolExecutor(4) as crowd:
        seen = [one.result() for one in [crowd.submit(clock.now) for _ in range(4)]]
    assert max(seen) < here() + HOUR / 2


def test_a_failure_to_ask_is_noted_with_its_time_at_once(own_redis: RedisServer) -> None:
    clocks: list[SharedClock] = []
    breaker = make_breaker(own_redis.url, now=lambda: clocks[0].now())
    own_redis.kill()
    with make_client(own_redis.url, breaker=breaker) as client:
        clocks.append(SharedClock(client))
        began = time.monotonic() - kept_waiting_s(HERE)
        clocks[0].now()
        breaker.close()
        assert time.monotonic() - kept_waiting_s(HERE) - began < 0.9
        assert breaker.since is not None


def test_the_time_costs_far_less_than_asking_for_it(client: redis.Redis) -> None:
    clock = SharedClock(client, every_s=3600)
    clock.now()
    asking, telling = [], []
    for _ in range(200):
        began = time.perf_counter()
        client.time()
        asked = time.perf_counter()
        for _ in range(10):
            clock.now()
        asking.append(asked - began)
        telling.append((time.perf_counter() - asked) / 10)
    assert sorted(telling)[100] < sorted(asking)[100] / 5
