"""The short way to Redis: connections that stay open, are replaced when they broke, and are never shared."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from bench.line import LONG, fill
from callback.adapters.line.client import make_client
from callback.adapters.line.lanes import Lanes
from callback.adapters.line.redis_line import RedisLine
from callback.domain.ids import EntryId
from tests.support.clock import ManualClock
from tests.support.line_scene import Scene
from tests.support.redis_server import RedisServer


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    found = make_client(redis_url, timeout_s=10)
    yield found
    found.close()


def connections(client: redis.Redis) -> int:
    """How many the server has, the one that asks included."""
    return len(client.client_list())


def test_one_connection_serves_one_command_after_the_other(client: redis.Redis) -> None:
    lanes = Lanes(client)
    before = connections(client)
    for number in range(20):
        assert lanes.ask("ECHO", f"word {number}") == f"word {number}"
    assert connections(client) <= before + 1


def test_commands_at_once_never_get_each_others_answers(client: redis.Redis) -> None:
    lanes, together = Lanes(client), threading.Barrier(8)

    def many(name: int) -> bool:
        together.wait(30)
        return all(lanes.ask("ECHO", f"{name}/{number}") == f"{name}/{number}" for number in range(200))

    with ThreadPoolExecutor(8) as crowd:
        assert all(crowd.map(many, range(8)))


def test_a_connection_that_broke_while_idle_is_replaced_unnoticed(own_redis: RedisServer) -> None:
    client = make_client(own_redis.url, timeout_s=10)
    lanes = Lanes(client)
    assert lanes.ask("PING") == "PONG"
    own_redis.kill()
    own_redis.start()
    assert lanes.ask("PING") == "PONG"
    client.close()


def test_an_absent_server_is_an_error_and_its_return_is_found(own_redis: RedisServer) -> None:
    client = make_client(own_redis.url, timeout_s=10)
    lanes = Lanes(client)
    lanes.ask("PING")
    own_redis.kill()
    with pytest.raises(redis.ConnectionError):
        lanes.ask("PING")
    own_redis.start()
    assert lanes.ask("PING") == "PONG"
    client.close()


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next(redis_url: str) -> None:
    client = make_client(redis_url, timeout_s=1.0)
    lanes = Lanes(client)
    with pytest.raises(redis.TimeoutError):
        lanes.ask("BLPOP", "nothing comes here", 3)
    assert lanes.ask("ECHO", "mine") == "mine"
    client.close()


def test_an_error_of_a_command_leaves_the_connection_usable(client: redis.Redis) -> None:
    lanes = Lanes(client)
    with pytest.raises(redis.ResponseError):
        lanes.ask("NO SUCH COMMAND")
    assert lanes.ask("PING") == "PONG"


def test_a_child_of_a_fork_speaks_on_connections_of_its_own(client: redis.Redis) -> None:
    lanes = Lanes(client)
    mine = lanes.ask("CLIENT", "ID")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(lanes.ask("CLIENT", "ID")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(read, 64))
    os.close(read)
    os.close(write)
    assert theirs != mine
    assert lanes.ask("CLIENT", "ID") == mine


def test_a_line_filled_for_the_benchmark_is_written_as_the_line_writes_it(
    client: redis.Redis, clock: ManualClock
) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.arrive("CA1", LONG)
    scene.hold("CA1", LONG, language="en")
    now = clock.now()
    scene.line.enter(
        LONG, EntryId("cb1"), score=1, joined_at=now, due=True, number_hash="ab" * 16, replaces=None, now=now
    )
    fill(client, LONG, 2, now)
    live, promise = sorted(client.zrange("{cb}:q:long:hold", 0, -1)), sorted(client.zrange("{cb}:q:long:due", 0, -1))
    for ours, filled in (live, promise):
        real, quick = client.hgetall(f"{{cb}}:e:{ours}"), client.hgetall(f"{{cb}}:e:{filled}")
        assert list(map(len, (real, quick))) == [len(real)] * 2
        assert set(real) == set(quick)
    assert len(scene.line.listing(LONG)) == 4
