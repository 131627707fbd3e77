"""A house with a real line and a real record for the tests of the doors, and the application in front of it.

Only what would leave the house is replaced: no door reaches the carrier, and work for later is written down.
"""

import contextlib
import json
import re
import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy import text as sql_text
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from callback.adapters.line.board import LANES, TICK, RedisBoard
from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.line.runs import RedisRuns
from callback.adapters.store.migrate import upgrade
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.telephony.client import TwilioCarrier
from callback.adapters.telephony.texts import CatalogueWords
from callback.adapters.telephony.urls import PublicUrls
from callback.cli import rehearsed
from callback.domain.callback import Attempt, Callback, Outcome, Served, Source
from callback.domain.ids import (
    AgentKey,
    AttemptId,
    CallbackId,
    CallSid,
    EntryId,
    QueueKey,
    Token,
    new_attempt_id,
    token_hash,
)
from callback.domain.lifecycle import AgentStatus, Event
from callback.flows import configure, enrol, presence, settle
from callback.flows.book import LineBook
from callback.ports import ApiToken, Clock, House, Knobs, User
from callback.web.admin.preview import REHEARSED
from callback.web.app import create_app
from callback.web.credentials import new_token
from callback.web.errands import ERRANDS, Errands, Told, in_a_child
from callback.web.options import WebOptions
from tests.fakes.numbers import FakeNumbers, FakeOutside
from tests.support.clock import ManualClock

SECRET = "a secret of the tests, long enough for everybody"
PASSWORD = "correct horse battery staple"
OWN = "+12015550100"
_HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)  # the real cost would be the suite's


@dataclass
class WrittenDown:
    """`ports.Dispatch` that only remembers what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def connect(self, token: Token, delay_s: float = 0, *, paced: bool = False) -> None:
        self.asked.append(("connect", token))

    def dial_customer(self, attempt: AttemptId, delay_s: float = 0, *, paced: bool = False) -> None:
        self.asked.append(("dial_customer", attempt))

    def hang_up(self, call: CallSid, delay_s: float = 0, *, tries: int = 0) -> None:
        self.asked.append(("hang_up", call))

    def redirect(self, call: CallSid, url: str, *, or_end: bool = False) -> None:
        self.asked.append(("redirect", call))

    def text(self, id: str) -> None:
        self.asked.append(("text", id))

    def rebuild(self) -> None:
        self.asked.append(("rebuild", ""))

    def persist(self) -> None:
        self.asked.append(("persist", ""))


class Once:
    """`ports.Once` without a memory: the doors under test ask for no document twice."""

    def document(self, nonce: str, compute: Callable[[], str]) -> str:
        return compute()

    def forget(self, about: Callable[[str], bool]) -> int:
        """There is nothing to forget."""
        return 0


@cache
def _migrated() -> bytes:
    """An empty SQLite record: migrated once, copied for each test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        upgrade(f"sqlite:///{path}")
        with contextlib.closing(sqlite3.connect(path)) as session:
            session.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


def migrate(database_url: str) -> None:
    """Brings an empty database to the present tables."""
    if database_url.startswith("sqlite:///"):
        Path(database_url.removeprefix("sqlite:///")).write_bytes(_migrated())
    else:
        upgrade(database_url)


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class WebHouse:
    """A house, its application, and short ways to put people into it."""

    def __init__(self, redis_url: str, database_url: str, clock: Clock, base: str, **options: Any) -> None:
        migrate(database_url)
        self.client = make_client(redis_url, timeout_s=10)
        self.store = SqlStore(database_url, SECRET)
        self._database_url = database_url
        self.line = RedisLine(self.client, clock)
        self.dispatch = WrittenDown()
        self.numbers = FakeNumbers()
        self.house = House(
            clock=clock,
            line=self.line,
            store=self.store,
            carrier=TwilioCarrier("AC0", "none", "http://127.0.0.1:9"),
            dispatch=self.dispatch,
            once=Once(),
            urls=PublicUrls(base),
            words=CatalogueWords(),
            book=LineBook(self.line, clock, record=self.store),
            knobs=Knobs(),
            board=RedisBoard(self.client, clock, every_s=0),
            numbers=self.numbers,
            outside=FakeOutside(),
            runs=RedisRuns(self.client),
        )
        self.options = WebOptions(secret_key=SECRET, public_base_url=base, **options)
        self.app: Flask = create_app(self.house, self.options)
        self.app.testing = True
        self.app.extensions[ERRANDS] = Errands(self._errand)

    def _errand(self, module: str, asked: str, told: Told) -> str:
        """A rehearsal is played here, on this house's own record: a child would look for that of the environment."""
        if module != REHEARSED:
            return in_a_child(module, asked, told)
        return json.dumps(rehearsed.answer(self.store, json.loads(asked), told))

    @property
    def clock(self) -> ManualClock:
        """The clock, for tests that turn it."""
        return cast(ManualClock, self.house.clock)

    def close(self) -> None:
        """Lets go of both servers."""
        self.client.close()
        self.store.close()

    def tear(self, callback: CallbackId) -> None:
        """Nobody can read its number any more, as after a secret was lost."""
        engine = create_engine(self._database_url)
        with engine.begin() as sql:
            sql.execute(
                sql_text("UPDATE callbacks SET number = :torn WHERE id = :id"), {"torn": b"torn", "id": callback}
            )
        engine.dispose()

    def queue(
        self, key: str = "support", name: str = "Support", numbers: tuple[str, ...] = (OWN,), **policy: Any
    ) -> None:
        """A queue."""
        configure.put_queue(self.house, QueueKey(key), name=name, numbers=numbers, policy=policy or None, by="test")

    def agent(
        self, key: str = "ann", *, status: AgentStatus | None = None, queues: tuple[str, ...] = ("support",)
    ) -> None:
        """An agent of these queues."""
        served = [Served(QueueKey(queue)) for queue in queues]
        configure.put_agent(
            self.house, AgentKey(key), name=key.title(), contact="+12015550111", queues=served, by="test"
        )
        if status is not None:
            presence.set_presence(self.house, AgentKey(key), status)

    def promise(self, number: str = "+12015550123", queue: str = "support", **wish: Any) -> Callback:
        """A callback."""
        made, _new = enrol.request(
            self.house, queue=QueueKey(queue), number=number, source=Source.API, idempotency=None, cause="test", **wish
        )
        return made

    def missed(self, callback: Callback, retry_s: float = 300) -> Callback:
        """Rung once in vain: the next attempt is `retry_s` ahead, and they wait for it in their place."""
        now = self.house.clock.now()
        with self.store.begin() as work:
            fresh = work.callback(callback.id)
            attempt = work.add_attempt(Attempt(new_attempt_id(), fresh.id, 1, "customer_first", now, asked_at=now))
            rung = replace(fresh, attempt=attempt.id, attempts_made=1)
            dialled = work.moves(rung, ((Event.RESERVE, "bob is free"), (Event.DIAL, "dialling")), cause="test", at=now)
            work.save_attempt(replace(attempt, outcome=Outcome.NO_ANSWER, ended_at=now))
            assert dialled is not None
            again = replace(dialled, attempt=None, attempts_left=2, next_attempt_at=now + timedelta(seconds=retry_s))
            data = {"outcome": "no_answer"}
            missed = work.move(again, Event.MISS, reason="no_answer", cause="test", at=now, data=data)
        assert missed is not None
        settle.stand(self.house, missed, due=False, now=now)
        return missed

    def caller(self, queue: str = "support") -> CallSid:
        """Somebody live, on hold."""
        call, now = CallSid("CA" + secrets.token_hex(16)), self.house.clock.now()
        common: dict[str, Any] = {"lease_s": 10, "now": now, "language": "en"}
        self.line.arrive(QueueKey(queue), call, credit_s=0, number_hash="", token=Token(f"rs{call}"), **common)
        self.line.hold(
            QueueKey(queue),
            EntryId(call),
            call,
            score=round(now.timestamp() * 1e6),
            joined_at=now,
            token=Token(f"rs{call}"),
            **common,
        )
        return call

    def token(self, role: str = "admin", name: str = "", agent: str | None = None) -> dict[str, str]:
        """The headers of a program with a new token, of that agent's where one is named."""
        token, speaks_for = new_token(), AgentKey(agent) if agent else None
        with self.store.begin() as work:
            work.put_token(ApiToken(name or f"{role}-{token[-6:]}", role, token_hash(token), speaks_for))
        return {"Authorization": f"Bearer {token}"}

    def user(self, email: str = "sue@example.com", role: str = "supervisor", agent: str | None = None) -> str:
        """Somebody who may sign in with PASSWORD."""
        with self.store.begin() as work:
            work.put_user(User(email, role, _HASH, AgentKey(agent) if agent else None))
        return email

    def wait(self, seconds: float) -> None:
        """Turns the clock, with workers at work all the while."""
        self.clock.advance(seconds)
        self.house.board.beat(*LANES, TICK)

    @contextlib.contextmanager
    def serving(self, port: int) -> Iterator[str]:
        """The application on a real socket: its address."""
        server = make_server("127.0.0.1", port, self.app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.shutdown()
            thread.join(5)
            server.server_close()


def form_token(answer: TestResponse) -> str:
    """The CSRF token of the first form of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.get_data(as_text=True))
    assert found, "the page has no form with a token"
    return found[1]


def send(client: Any, path: str, **fields: Any) -> Any:
    """Submit a form of the console to `path`."""
    return client.post(path, data={"csrf_token": form_token(client.get("/admin")), **fields})


def signed_in(web: WebHouse, role: str = "supervisor", agent: str | None = None, email: str = "") -> Any:
    """A browser-like client that has signed in."""
    email = web.user(email or f"{role}@example.com", role, agent)
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    done = client.post("/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": token})
    assert done.status_code == 303, done.get_data(as_text=True)
    return client
