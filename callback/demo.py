"""The show that `callback run` puts on where no carrier account is set: a company with two queues and five agents, and
an emulated carrier full of simulated people who ring it. One of the agents is nobody until somebody signs in as her.

Everything is furnished once below `VAR_DIR` and kept: a second run goes on with the same data. Only the demo's policies
are divided by `DEMO_SPEED`, since its people live that much faster; the product's clock is the real one.
"""

import contextlib
import json
import os
import secrets
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from callback.domain import policies
from callback.domain.callback import Agent, Served
from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey, QueueKey, token_hash
from callback.domain.policy import Policy
from callback.settings import Settings

if TYPE_CHECKING:
    from callback.ports import Work

QUEUES = (("support", "Support", "+12015550100"), ("billing", "Billing", "+12015550101"))
AGENTS = (
    ("ada", "Ada Park", "+12015550110", ("support", "billing")),
    ("bo", "Bo Lindqvist", "client:bo", ("support",)),
    ("chen", "Chen Wei", "+12015550112", ("support", "billing")),
    ("dora", "Dora Amin", "sip:dora@desk.example", ("support",)),
)
IN_THE_PAGE = ("eve", "Eve Moreau", "client:eve", ("support", "billing"))
"""Nobody simulates her: her telephone is the page of whoever signs in as her, and rings nowhere else."""
PEOPLE = (
    ("supervisor@example.com", "admin", None),
    ("ada@example.com", "agent", "ada"),
    ("eve@example.com", "agent", "eve"),
)
NOTES = {"eve@example.com": "calls ring in the page"}
IN_SECONDS = (
    "offer_at_wait_s",
    "stop_offering_at_wait_s",
    "wrap_up_s",
    "cut_off_s",
    "prior_handle_s",
    "prior_patience_s",
    "wait_tolerance_s",
)
FEED_EVERY_S = 0.1
STATE_EVERY_S = 15.0
SHOWN = 150


@dataclass
class Kept:
    """What a run has to find again: the emulated account, the people's token, the sign-ins, and the speed."""

    account_sid: str
    auth_token: str
    api_token: str
    passwords: dict[str, str]
    speed: float = 0.0
    key_sid: str = field(default_factory=lambda: "SK" + secrets.token_hex(16))
    key_secret: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        for email, _, _ in PEOPLE:
            self.passwords.setdefault(email, secrets.token_urlsafe(9))


def scaled(speed: float) -> dict[str, object]:
    """The default policy with its seconds divided by `speed`, except those that the carrier itself counts."""
    usual = Policy()
    changes: dict[str, object] = {name: getattr(usual, name) / speed for name in IN_SECONDS}
    changes["retry_delays_s"] = [delay / speed for delay in usual.retry_delays_s]
    return changes


class Show:
    """One furnished demo below `settings.var_dir`, whose carrier listens on `carrier`."""

    def __init__(self, settings: Settings, carrier: socket.socket) -> None:
        self._settings, self._carrier = settings, carrier
        self._path = settings.var_dir / "demo.json"
        self._feed = settings.var_dir / "people.jsonl"
        self._kept = self._load()
        self._port: int = carrier.getsockname()[1]
        self._furnish()

    def environment(self) -> dict[str, str]:
        """What tells the product of its carrier: nothing else differs from production."""
        return {
            "TWILIO_ACCOUNT_SID": self._kept.account_sid,
            "TWILIO_AUTH_TOKEN": self._kept.auth_token,
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{self._port}",
            "TWILIO_API_KEY_SID": self._kept.key_sid,
            "TWILIO_API_KEY_SECRET": self._kept.key_secret,
        }

    def carrier_argv(self) -> tuple[str, ...]:
        """The emulator and its people."""
        self._feed.write_text("")
        people = self._settings.var_dir / "people.json"
        write_private(people, json.dumps(self._people()))
        numbers = [part for _, _, number in QUEUES for part in ("--number", number)]
        return (
            sys.executable, "-m", "callback.emulator",
            "--socket", str(self._carrier.fileno()),
            "--account-sid", self._kept.account_sid,
            "--auth-token", self._kept.auth_token,
            "--api-key", f"{self._kept.key_sid}:{self._kept.key_secret}",
            "--public-base-url", self._settings.public_base_url,
            "--speed", str(self._settings.demo_speed),
            "--seed", str(self._settings.demo_seed),
            "--calls-per-second", str(self._settings.carrier_calls_per_second),
            "--state", str(self._settings.var_dir / "carrier.json"),
            "--people", f"@{people}",
            "--feed", str(self._feed),
            *numbers,
        )  # fmt: skip

    def sign_ins(self) -> str:
        """The demo accounts, for the terminal."""
        lines = ["", "  demo sign-ins"]
        for email, role, _ in PEOPLE:
            said = f"{role}: {NOTES[email]}" if email in NOTES else role
            lines.append(f"    {email:<24} {self._kept.passwords[email]}   ({said})")
        lines += [f"  API token      {self._kept.api_token}", ""]
        return "\n".join(lines)

    @contextlib.contextmanager
    def narrated(self) -> Iterator[None]:
        """Within this, what the people do is told on the terminal as it happens."""
        with Teller(self._feed, self._settings.public_base_url, self._kept.api_token, self.provision):
            yield

    def provision(self) -> bool:
        """Point the emulated numbers here as `callback twilio provision` does. False: the carrier does not answer
        yet."""
        from callback.adapters.telephony.numbers import OwnNumbers
        from callback.domain.numbers import webhooks_for
        from callback.ports import CarrierError

        numbers = OwnNumbers(self._kept.account_sid, self._kept.auth_token, f"http://127.0.0.1:{self._port}")
        try:
            for key, _, number in QUEUES:
                found = numbers.find(number)
                if found is not None:
                    numbers.point(found, webhooks_for(self._settings.public_base_url, key))
        except CarrierError:
            return False
        finally:
            numbers.close()
        return True

    # --- furnishing -----------------------------------------------------------------------------------------------

    def _load(self) -> Kept:
        from callback.web.credentials import new_token

        if self._path.exists():
            return Kept(**json.loads(self._path.read_text()))
        return Kept(
            account_sid="AC" + secrets.token_hex(16),
            auth_token=secrets.token_hex(16),
            api_token=new_token(),
            passwords={},
        )

    def _furnish(self) -> None:
        from callback.adapters.store import migrate
        from callback.adapters.store.sql_store import SqlStore

        migrate.upgrade(self._settings.database_url)
        store = SqlStore(
            self._settings.database_url,
            self._settings.secret_key.get_secret_value(),
            retired_keys=self._settings.retired_keys,
        )
        now = datetime.now(UTC)
        with store.begin() as work:
            for key, name, number in QUEUES:
                self._queue(work, QueueKey(key), name, number, now)
            known = {agent.key for agent in work.agents()}
            for key, name, contact, serves in (*AGENTS, IN_THE_PAGE):
                if key not in known:
                    queues = tuple(Served(QueueKey(queue)) for queue in serves)
                    work.put_agent(Agent(AgentKey(key), name, contact, queues), now)
            self._accounts(work)
        store.close()
        self._kept.speed = self._settings.demo_speed
        write_private(self._path, json.dumps(asdict(self._kept), indent=1))

    def _queue(self, work: "Work", key: QueueKey, name: str, number: str, now: datetime) -> None:
        try:
            queue = work.queue(key)
        except NotFound:
            queue = work.put_queue(key, name, (number,), now)
        if self._kept.speed != self._settings.demo_speed:
            policy = policies.parse(scaled(self._settings.demo_speed), queue.policy)
            work.put_policy(
                key, policy, by="demo", why=f"people live {self._settings.demo_speed:g} times faster", at=now
            )

    def _accounts(self, work: "Work") -> None:
        from callback.ports import ApiToken, User
        from callback.web.credentials import hash_password

        for email, role, agent in PEOPLE:
            if work.user(email) is None:
                hashed = hash_password(self._kept.passwords[email])
                work.put_user(User(email, role, hashed, AgentKey(agent) if agent else None))
        if work.token(token_hash(self._kept.api_token)) is None:
            work.put_token(ApiToken("demo", "admin", token_hash(self._kept.api_token)))

    def _people(self) -> dict[str, Any]:
        seats = [{"key": key, "contact": contact, "name": name} for key, name, contact, _ in AGENTS]
        return {"api_token": self._kept.api_token, "agents": seats, "scenario": "demo"}


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


class Teller:
    """Tells the story on the terminal: the leads' every step, of the others what changes something, and now and then
    how the queues stand.
    """

    def __init__(self, feed: Path, base: str, api_token: str, prepare: Callable[[], bool]) -> None:
        self._prepare = prepare
        self._feed = feed
        self._base = base
        self._api_token = api_token
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._next_state = time.monotonic() + STATE_EVERY_S

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(timeout=2)

    def _tell(self) -> None:
        while not self._done.is_set() and not self._prepare():
            self._done.wait(FEED_EVERY_S)
        with self._feed.open() as lines:
            while not self._done.is_set():
                line = lines.readline()
                if line.endswith("\n"):
                    self._line(json.loads(line))
                else:
                    self._done.wait(FEED_EVERY_S)
                if time.monotonic() > self._next_state:
                    self._next_state = time.monotonic() + STATE_EVERY_S
                    self._state()

    def _line(self, event: dict[str, Any]) -> None:
        told = wording(event)
        if told is not None:
            at = datetime.fromtimestamp(event["at"]).astimezone()
            click.echo(f"{at:%H:%M:%S}  {event['who']:<14} {told}")

    def _state(self) -> None:
        """One line a queue; a product that is just starting again says nothing."""
        headers = {"Authorization": f"Bearer {self._api_token}"}
        request = urllib.request.Request(f"{self._base}/api/v1/queues", headers=headers)  # noqa: S310 -- our own address
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 -- our own address
                queues = json.load(answer)["items"]
        except (OSError, ValueError):
            return
        for queue in queues:
            click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {standing_of(queue)}")


def standing_of(queue: dict[str, Any]) -> str:
    """How a queue stands, in a line."""
    waiting, agents, wait = queue["waiting"], queue["agents"], queue["wait"]
    busy = agents["reserved"] + agents["busy"] + agents["wrap_up"]
    expected = "not known" if wait["p50"] is None else f"{wait['p50']:.0f} to {wait['p90']:.0f} s"
    offering = "offering callbacks" if queue["offering"] else "not offering"
    line = f"-- {queue['name']}: {waiting['live']} hold, {waiting['callbacks']} callbacks wait; "
    staff = f"agents {agents['available']} free, {busy} at work, {agents['away'] + agents['offline']} away; "
    return f"{line}{staff}wait {expected}; {offering}"


def wording(event: dict[str, Any]) -> str | None:
    """An event of the feed as a line; None where it would only be noise."""
    what: str = event["event"]
    if event.get("agent") and "number" not in event:
        return what if what.startswith(("is ", "takes", "misses")) else None
    if what == "hears":
        return f'hears "{shortened(event["text"])}"' if event.get("lead") else None
    if what == "gets a text":
        return f"gets a text with a link to their page: {event['link']}" if event.get("link") else None
    if what in ("talks", "is done talking"):
        return None
    return what


def shortened(text: str) -> str:
    """As much of a sentence as fits a line."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
