"""A document is computed once, however often it is asked for, and whoever asks at the same time."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.keys import document
from callback.adapters.line.once import RedisOnce
from tests.support.redis_server import RedisServer


class Writer:
    """Counts how often a document is computed; can be made to wait or to fail."""

    def __init__(self) -> None:
        self.times = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()
        self.broken = False

    def __call__(self) -> str:
        self.times += 1
        self.begun.set()
        assert self.go_on.wait(30)
        if self.broken:
            raise ValueError("no document")
        return f"<Response>{self.times}</Response>"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with make_client(redis_url, timeout_s=5) as client:
        yield client


def test_a_repeated_request_gets_the_same_document(client: redis.Redis) -> None:
    once, write = RedisOnce(client), Writer()
    assert [once.document("n1", write) for _ in range(3)] == ["<Response>1</Response>"] * 3
    assert write.times == 1


def test_another_nonce_is_another_document(client: redis.Redis) -> None:
    once, write = RedisOnce(client), Writer()
    assert once.document("n1", write) != once.document("n2", write)


def test_two_at_once_get_the_document_that_one_computes(client: redis.Redis) -> None:
    write = Writer()
    write.go_on.clear()
    got: list[str] = []
    once = RedisOnce(client, monotonic=lambda: 0.0)  # for whom the second to wait never ends: a busy machine's may
    crowd = [threading.Thread(target=lambda: got.append(once.document("n", write))) for _ in range(8)]
    for one in crowd:
        one.start()
    assert write.begun.wait(30)
    write.go_on.set()
    for one in crowd:
        one.join()
    assert got == ["<Response>1</Response>"] * 8


def test_a_document_that_failed_can_be_asked_for_again(client: redis.Redis) -> None:
    once, write = RedisOnce(client), Writer()
    write.broken = True
    with pytest.raises(ValueError, match="no document"):
        once.document("n", write)
    write.broken = False
    assert once.document("n", write) == "<Response>2</Response>"


def test_nobody_waits_longer_than_a_second_for_somebody_else(client: redis.Redis) -> None:
    waited = [0.0]

    def sleep(seconds: float) -> None:
        waited[0] += seconds

    client.set("{cb}:doc:n", "\x00")  # claimed by somebody who hangs
    once, write = RedisOnce(client, monotonic=lambda: waited[0], sleep=sleep), Writer()
    assert once.document("n", write) == "<Response>1</Response>"
    assert waited[0] == pytest.approx(1, abs=0.02)


def test_a_claim_does_not_outlive_its_holder_by_long_and_a_document_lasts_an_hour(client: redis.Redis) -> None:
    lasts: list[int] = []

    def write() -> str:
        lasts.append(int(client.pttl("{cb}:doc:n")))
        return "<Response/>"

    RedisOnce(client).document("n", write)
    assert 0 < lasts[0] <= 2_000
    assert 3_500_000 < int(client.pttl("{cb}:doc:n")) <= 3_600_000


def test_without_redis_documents_are_simply_computed(own_redis: RedisServer) -> None:
    with make_client(own_redis.url, timeout_s=10) as client:
        own_redis.kill()
        once, write = RedisOnce(client), Writer()
        assert once.document("n", write) == "<Response>1</Response>"
        assert once.document("n", write) == "<Response>2</Response>"


def test_a_redis_that_goes_away_meanwhile_costs_nobody_their_document(own_redis: RedisServer) -> None:
    with make_client(own_redis.url, timeout_s=10) as client:

        def write() -> str:
            own_redis.kill()
            return "<Response/>"

        began = time.monotonic()
        assert RedisOnce(client).document("n", write) == "<Response/>"
        assert time.monotonic() - began < 20


def test_a_document_about_somebody_is_forgotten_and_no_other(client: redis.Redis) -> None:
    once = RedisOnce(client, conceal=lambda text: text[::-1], reveal=lambda text: text[::-1])
    about = {"a": "<Say>2 0 1, 5 5 5</Say>", "b": "<Say>Please hold.</Say>"}
    for nonce, text in about.items():
        once.document(nonce, lambda text=text: text)  # type: ignore[misc]
    client.set(document("c"), "\x00")  # somebody is computing it at this moment
    assert once.forget(lambda text: "5 5 5" in text) == 1
    assert once.document("a", lambda: "again") == "again"
    assert once.document("b", lambda: "again") == about["b"]
    assert once.forget(lambda text: False) == 0
