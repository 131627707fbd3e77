"""A real web server alone, proxies before its backends, and the carrier's webhooks by hand: many at once, timed."""

import asyncio
import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yarl

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


@dataclass(frozen=True)
class Webhook:
    """One that is about to be posted."""

    url: str
    form: dict[str, str]


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
        webhook, began = self.webhook(url, call, **more), self.clock_s()
        status, text = self.home.webhook(webhook.url, webhook.form)
        return Heard(status, text, self.clock_s() - began)

    def webhook(self, url: str, call: str, **more: str) -> Webhook:
        """What the carrier would post about a call."""
        number = f"+1212555{int(call[-4:], 16) % 10_000:04}"
        form = {
            "CallSid": call,
            "AccountSid": ACCOUNT,
            "From": number,
            "To": "+12015550100",
            "CallStatus": "in-progress",
        }
        return Webhook(url, {**form, **more})

    def clock_s(self) -> float:
        """Seconds, without those in which whoever asks here, or the web's own process, waited for a processor alone."""
        return time.monotonic() - kept_waiting_s(HERE, *children(self.home.pid("web")))

    def arrive(self) -> Heard:
        """Somebody calls."""
        return self.post(self.incoming, self.calls())

    @property
    def incoming(self) -> str:
        """Where a call arrives."""
        return f"{self.home.base}/voice/incoming?queue=support"

    def confirming(self) -> tuple[str, str]:
        """A caller who is about to press 1 for the second time: the URL and the call. Whoever was put on hold because
        the machine stood still for a second is none, and the next one calls."""
        ready = eventually(self._about_to_confirm, what="somebody is offered a callback")
        assert ready is not None
        return ready

    def _about_to_confirm(self) -> tuple[str, str] | None:
        call = self.calls()
        offer = action(self.post(self.incoming, call))
        confirm = action(self.post(offer, call, Digits="1")) if offer else ""
        return (confirm, call) if confirm else None

    def promises(self) -> bool:
        """Whether a caller who wants it is promised a callback."""
        call = self.calls()
        heard = self.post(self.incoming, call)
        for _ in range(2):
            heard = self.post(action(heard), call, Digits="1") if action(heard) else heard
        return "call you back" in heard.says

    def confirm(self, ready: tuple[str, str]) -> Heard:
        """They press 1 for the second time."""
        return self.post(*ready, Digits="1")

    def all_arrive(self, people: int) -> list[Heard]:
        """So many call at once."""
        return self.at_once([self.webhook(self.incoming, self.calls()) for _ in range(people)])

    def all_confirm(self, ready: list[tuple[str, str]]) -> list[Heard]:
        """Everybody presses 1 for the second time at once."""
        return self.at_once([self.webhook(url, call, Digits="1") for url, call in ready])

    def at_once(self, webhooks: list[Webhook]) -> list[Heard]:
        """All of them at the same moment, each timed. One thread asks, so that what it waited for a processor is what
        each of them waited: of many threads, most would wait for one that waits for a processor, which nobody counts.
        """
        signed = [(webhook, self.home.signed(webhook.url, webhook.form)) for webhook in webhooks]
        with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever runs in this one
            return thread.submit(asyncio.run, self._all_answers(signed)).result()

    async def _all_answers(self, signed: list[tuple[Webhook, dict[str, str]]]) -> list[Heard]:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(70)) as session:
            return list(await asyncio.gather(*(self._answer(session, *one) for one in signed)))

    async def _answer(self, session: aiohttp.ClientSession, webhook: Webhook, headers: dict[str, str]) -> Heard:
        began = self.clock_s()
        url = yarl.URL(webhook.url, encoded=True)
        async with session.post(url, data=webhook.form, headers=headers, allow_redirects=False) as answer:
            text = await answer.text()
        return Heard(answer.status, text, self.clock_s() - began)

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
