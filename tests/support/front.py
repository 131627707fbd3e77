"""A real web server alone, proxies before its backends, and the carrier's webhooks by hand: many at once, timed."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.domain.ids import token_hash
from callback.emulator.twiml import Mode, Verb, parse
from callback.ports import ApiToken
from tests.support.installation import ACCOUNT, SECRET, Installation, Refused, http
from tests.support.processor import HERE, children, kept_waiting_s
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

OWN = "+12015550100"
IN_TIME_S = 2.0
"""Invariant W."""
NOW = re.compile("problem|cannot|Sorry", re.IGNORECASE)


@dataclass
class Heard:
    """One answer, and how long it took, without what a crowded machine is to blame for."""

    status: int
    text: str
    seconds: float

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """The document, read strictly."""
        return parse(self.text, Mode.CALL)

    @property
    def says(self) -> str:
        """Everything spoken."""
        return " ".join(said(verb) for verb in self.verbs).strip()


def said(verb: Verb) -> str:
    """What a verb and those in it say."""
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
        """A call that nobody has made before."""
        return f"CA{next(self._calls):032x}"

    def post(self, url: str, call: str, **more: str) -> Heard:
        """One signed webhook, timed."""
        number = f"+1212555{int(call[-4:], 16) % 10_000:04}"
        form = {
            "CallSid": call,
            "AccountSid": ACCOUNT,
            "From": number,
            "To": "+12015550100",
            "CallStatus": "in-progress",
        }
        began = self.clock_s()
        status, text = self.home.webhook(url, {**form, **more})
        return Heard(status, text, self.clock_s() - began)

    def clock_s(self) -> float:
        """Seconds, without those in which whoever asks here, or the web's own process, waited for a processor alone."""
        return time.monotonic() - kept_waiting_s(HERE, *children(self.home.pid("web")))

    def arrive(self, _: object = None) -> Heard:
        """Somebody calls."""
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
        """They press 1 for the second time."""
        return self.post(*ready, Digits="1")

    def everybody(self, ask: Callable[[Any], Heard], whom: list[Any]) -> list[Heard]:
        """The same for all of them at once."""
        with ThreadPoolExecutor(len(whom)) as crowd:
            return list(crowd.map(ask, whom))

    def log(self) -> str:
        """What the web server has written down."""
        return (self.home.folder / "web.log").read_text(errors="replace")

    def well(self) -> bool:
        """Whether line and record are there for callers and programs."""
        try:
            self.home.api("GET", "/callbacks?limit=1")
        except Refused:
            return False
        return "offer" in action(self.arrive())

    def resume(self) -> None:
        """Every backend is reached again."""
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
    """A web server of one process on these backends, and a queue that offers a callback to whoever would wait."""
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
    """Whether the web server is up."""
    try:
        http("GET", f"{home.base}/healthz")
    except (Refused, OSError):
        return False
    return True
