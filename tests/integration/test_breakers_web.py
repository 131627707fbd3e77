"""Backends that fall silent, refuse, or are slow, in front of the real web server: every webhook is answered in time.

A proxy stands before Redis and PostgreSQL. Callers are many at once: what one finds out costs the others nothing.
"""

import statistics
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from tests.support.front import Front, action, in_time, kept, opened
from tests.support.postgres import PostgresServer
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

CROWD = 200
SLOW_S = 3.0
"""Longer than the server keeps a silent connection by itself."""
BACK_S = 3.0
"""A second or two after a backend is back, and what a busy machine adds."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    server = RedisServer(valkey_binary())
    yield server.start()
    server.close()


@pytest.fixture(scope="module")
def green(
    redis: RedisServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Green threads and PostgreSQL, as in production."""
    name = postgres_server.create_database()
    with Proxy(postgres_server.port) as record:
        url = record.through(postgres_server.url(name))
        gevent = ("--worker-class", "gevent", "--worker-connections", "1000")
        with opened(tmp_path_factory.mktemp("green"), redis, url, record, gevent) as front:
            yield front


@pytest.fixture
def front(green: Front) -> Iterator[Front]:
    """Everything well at the start."""
    green.resume()
    eventually(green.well, within_s=30, what="everything is well")
    yield green
    green.resume()


def test_an_arrival_costs_one_wait_for_a_silent_redis_and_no_more(front: Front) -> None:
    with front.line.stalled():
        first, *later = [front.arrive() for _ in range(30)]
        in_time([first, *later])
        assert kept([first, *later])
        assert statistics.median(one.seconds for one in later) < 0.2
    began = front.clock_s()
    eventually(lambda: action(front.arrive()), what="callers are offered callbacks again")
    assert front.clock_s() - began < BACK_S


def test_a_crowd_that_meets_a_silent_redis_is_answered_in_time(front: Front) -> None:
    with front.line.stalled():
        crowd = front.all_arrive(CROWD)
        in_time(crowd)
        assert kept(crowd)


def test_a_crowd_that_confirms_while_the_record_is_silent_is_promised_nothing_in_time(
    front: Front,
) -> None:
    assert front.record is not None
    ready = [front.confirming() for _ in range(CROWD)]
    with front.record.stalled():
        crowd = front.all_confirm(ready)
        in_time(crowd)
        assert kept(crowd)
        in_time(front.all_arrive(20))
    began = front.clock_s()
    eventually(front.promises, what="promises are made again")
    assert front.clock_s() - began < BACK_S


def test_a_crowd_is_answered_in_time_though_everything_is_silent(front: Front) -> None:
    assert front.record is not None
    ready = [front.confirming() for _ in range(CROWD // 2)]
    with front.line.stalled(), front.record.stalled():
        crowd = front.all_confirm(ready)
        in_time(crowd)
        assert kept(crowd)
        in_time(front.all_arrive(CROWD // 2))


def test_a_connection_on_which_nothing_comes_for_seconds_is_answered_all_the_same(front: Front) -> None:
    webhook = front.webhook(front.incoming, front.calls())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection("127.0.0.1", front.home.port, timeout=SLOW_S)) as slow:
        slow.connect()
        with pytest.raises(TimeoutError):
            slow.sock.recv(1)
        slow.request("POST", webhook.url, urlencode(webhook.form), front.home.signed(webhook.url, webhook.form) | form)
        assert slow.getresponse().status == 200


def test_connections_that_were_forgotten_by_the_network_are_replaced(front: Front) -> None:
    assert front.record is not None
    front.confirm(front.confirming())
    front.line.swallow()
    front.record.swallow()
    in_time([front.arrive() for _ in range(3)])
    front.resume()
    began = front.clock_s()
    eventually(front.well)
    eventually(front.promises)
    assert front.clock_s() - began < BACK_S + 1


@pytest.mark.parametrize("which", ["line", "record"])
def test_a_backend_that_refuses_costs_nothing_and_is_found_again(front: Front, which: str) -> None:
    assert front.record is not None
    proxy = front.line if which == "line" else front.record
    ready = [front.confirming() for _ in range(20)]
    with proxy.refusing():
        crowd = [front.confirm(one) for one in ready]
        in_time(crowd)
        assert kept(crowd)
        assert statistics.median(one.seconds for one in crowd) < 0.2
    began = front.clock_s()
    eventually(front.promises)
    assert front.clock_s() - began < BACK_S


def test_connections_that_are_cut_in_the_middle_of_an_answer_hurt_nobody(front: Front) -> None:
    for at in range(30):
        front.line.cut_after(at)
        in_time([front.arrive()])
    front.line.resume()
    eventually(front.well)


def test_a_backend_that_is_slow_but_there_is_used_and_never_found_away(front: Front) -> None:
    assert front.record is not None
    before = front.log().count("backend.away")
    front.line.delay(0.15)  # a hundred times what it usually takes; an arrival asks twice, and has 0.8 s in all
    front.record.delay(0.05)
    crowd = [heard for _ in range(8) for heard in front.all_arrive(5)]
    in_time(crowd)
    assert sum(bool(action(one)) for one in crowd) > len(crowd) / 2, "a slow Redis is still of use"
    assert front.log().count("backend.away") == before
