"""Backends that fall silent, refuse, or are slow, in front of the real web server: every webhook is answered in time.

A proxy stands before Redis and PostgreSQL. Callers are many at once: what one finds out costs the others nothing.
"""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.emulator.twiml import Mode, Verb, parse
from callback.ports import ApiToken
from callback.web.credentials import token_hash
from tests.support.installation import ACCOUNT, SECRET, Installation, Refused, http
from tests.support.postgres import PostgresServer
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

OWN = "+12015550100"
CROWD = 200
IN_TIME_S = 2.0
"""Invariant W."""
BACK_S = 3.0
"""A second or two after a backend is back, and what a busy machine adds."""
NOW = re.compile("problem|cannot|Sorry", re.IGNORECASE)


@dataclass
class Heard:
    """One answer."""

    status: int
    text: str
    seconds: float

    @property
    def verbs(self) -> tuple[Verb, ...]:
        return parse(self.text, Mode.CALL)

    @property
    def says(self) -> str:
        return " ".join(said(verb) for verb in self.verbs).strip()


def said(verb: Verb) -> str:
    own = verb.text if verb.name == "Say" else ""
    return " ".join([own, *(said(child) for child in verb.children)]).strip()


@dataclass
class Front:
    """A web server behind which every backend can be made to fail."""

    home: Installation
    line: Proxy
    record: Proxy | None
    _calls: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def calls(self) -> str:
        return f"CA{next(self._calls):032x}"

    def post(self, url: str, call: str, **more: str) -> Heard:
        number = f"+1212555{int(call[-4:], 16) % 10_000:04}"
        form = {
            "CallSid": call,
            "AccountSid": ACCOUNT,
            "From": number,
            "To": "+12015550100",
            "CallStatus": "in-progress",
        }
        began = time.monotonic()
        status, text = self.home.webhook(url, {**form, **more})
        return Heard(status, text, time.monotonic() - began)

    def arrive(self, _: object = None) -> Heard:
        return self.post(f"{self.home.base}/voice/incoming?queue=support", self.calls())

    def confirming(self) -> tuple[str, str]:
        """A caller who is about to press 1 for the second time: the URL and the call."""
        call = self.calls()
        heard = self.post(f"{self.home.base}/voice/incoming?queue=support", call)
        readback = self.post(action(heard), call, Digits="1")
        return action(readback), call

    def promises(self) -> bool:
        """Whether a caller who wants it is promised a callback."""
        call = self.calls()
        heard = self.post(f"{self.home.base}/voice/incoming?queue=support", call)
        for _ in range(2):
            heard = self.post(action(heard), call, Digits="1") if action(heard) else heard
        return "call you back" in heard.says

    def confirm(self, ready: tuple[str, str]) -> Heard:
        return self.post(*ready, Digits="1")

    def everybody(self, ask: Callable[[Any], Heard], whom: list[Any]) -> list[Heard]:
        with ThreadPoolExecutor(len(whom)) as crowd:
            return list(crowd.map(ask, whom))

    def log(self) -> str:
        return (self.home.folder / "web.log").read_text(errors="replace")

    def well(self) -> bool:
        return self.home.api("GET", "/callbacks?limit=1") is not None and "offer" in action(self.arrive())

    def resume(self) -> None:
        self.line.resume()
        if self.record is not None:
            self.record.resume()


def action(heard: Heard) -> str:
    """Where the keys go, "" where none are asked for."""
    return next((verb.get("action") for verb in heard.verbs if verb.name == "Gather"), "")


def in_time(answers: list[Heard]) -> None:
    """Every one is a document, sensible by ear, in time."""
    slowest, usual = max(one.seconds for one in answers), statistics.median(one.seconds for one in answers)
    assert slowest < IN_TIME_S, f"the slowest of {len(answers)} took {slowest:.2f} s (median {usual:.2f} s)"
    for one in answers:
        assert one.status == 200
        assert one.says, one.text


def kept(answers: list[Heard]) -> bool:
    """Whether everybody is told that something is wrong, and holds."""
    return all(NOW.search(one.says) and one.verbs[-1].name == "Enqueue" for one in answers)


@contextmanager
def opened(
    folder: Path, redis: RedisServer, database: str, record: Proxy | None, worker: tuple[str, ...]
) -> Iterator[Front]:
    with Proxy(redis.port) as line:
        home = Installation(folder, line.through(redis.url), database, web_options=worker)
        migrate.upgrade(database)
        store = SqlStore(database, SECRET)
        with store.begin() as work:
            work.put_token(ApiToken("test", "admin", token_hash(home.token)))
        store.close()
        home.start_process("web")
        eventually(lambda: answers(home), within_s=30, what=home.logs())
        home.api("PUT", "/queues/support", {"name": "Support", "numbers": [OWN], "policy": {"offer_at_wait_s": 0}})
        try:
            yield Front(home, line, record)
        finally:
            line.resume()
            home.stop()


def answers(home: Installation) -> bool:
    try:
        http("GET", f"{home.base}/healthz")
    except (Refused, OSError):
        return False
    return True


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
    eventually(green.well, within_s=10, what="everything is well")
    yield green
    green.resume()


def test_an_arrival_costs_one_wait_for_a_silent_redis_and_no_more(front: Front) -> None:
    with front.line.stalled():
        first, *later = [front.arrive() for _ in range(30)]
        in_time([first, *later])
        assert kept([first, *later])
        assert statistics.median(one.seconds for one in later) < 0.2
    began = time.monotonic()
    eventually(lambda: action(front.arrive()), what="callers are offered callbacks again")
    assert time.monotonic() - began < BACK_S


def test_a_crowd_that_meets_a_silent_redis_is_answered_in_time(front: Front) -> None:
    with front.line.stalled():
        crowd = front.everybody(front.arrive, list(range(CROWD)))
        in_time(crowd)
        assert kept(crowd)


def test_a_crowd_that_confirms_while_the_record_is_silent_is_promised_nothing_in_time(
    front: Front,
) -> None:
    assert front.record is not None
    ready = [front.confirming() for _ in range(CROWD)]
    with front.record.stalled():
        crowd = front.everybody(front.confirm, ready)
        in_time(crowd)
        assert kept(crowd)
        in_time(front.everybody(front.arrive, list(range(20))))
    began = time.monotonic()
    eventually(front.promises, what="promises are made again")
    assert time.monotonic() - began < BACK_S


def test_a_crowd_is_answered_in_time_though_everything_is_silent(front: Front) -> None:
    assert front.record is not None
    ready = [front.confirming() for _ in range(CROWD // 2)]
    with front.line.stalled(), front.record.stalled():
        crowd = front.everybody(front.confirm, ready)
        in_time(crowd)
        assert kept(crowd)
        in_time(front.everybody(front.arrive, list(range(CROWD // 2))))


def test_connections_that_were_forgotten_by_the_network_are_replaced(front: Front) -> None:
    assert front.record is not None
    front.confirm(front.confirming())
    front.line.swallow()
    front.record.swallow()
    in_time([front.arrive() for _ in range(3)])
    front.resume()
    began = time.monotonic()
    eventually(front.well)
    eventually(front.promises)
    assert time.monotonic() - began < BACK_S + 1


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
    began = time.monotonic()
    eventually(front.promises)
    assert time.monotonic() - began < BACK_S


def test_connections_that_are_cut_in_the_middle_of_an_answer_hurt_nobody(front: Front) -> None:
    for at in range(30):
        front.line.cut_after(at)
        in_time([front.arrive()])
    front.line.resume()
    eventually(front.well)


def test_a_backend_that_is_slow_but_there_is_used_and_never_found_away(front: Front) -> None:
    assert front.record is not None
    before = front.log().count("backend.away")
    front.line.delay(0.3)
    front.record.delay(0.1)
    crowd = [heard for _ in range(8) for heard in front.everybody(front.arrive, list(range(5)))]
    in_time(crowd)
    assert sum(bool(action(one)) for one in crowd) > len(crowd) / 2, "a slow Redis is still of use"
    assert front.log().count("backend.away") == before
