"""A whole installation of real processes: Redis, a database, the carrier, web, workers and beat, on loopback.

A journey drives it as the world does: people ring through the carrier's control API, programs use `/api/v1`, and the
witnesses are the journal and the carrier's ledger. A process can be ended by its pid and started again.

One installation serves many journeys, each in a shop of its own: a queue, its number and its agents.
"""

import base64
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from click.testing import CliRunner

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.cli import main
from callback.domain.ids import token_hash
from callback.emulator.signature import sign
from callback.ports import ApiToken
from callback.serve import PATIENCE
from callback.web.credentials import new_token
from tests.support.ports import free_port
from tests.support.tree import ROOT
from tests.support.waiting import eventually

NUMBER = "+12015550100"
"""The number that leads to the queue `support`."""
SECRET = "a secret of thirty-two characters!"
ACCOUNT = "AC" + "5" * 32
CARRIER_TOKEN = "carrier-token"
UNAVAILABLE, AGAIN_S = 503, 0.5
PATIENCE_S = 45.0
"""For what has to happen at all, on a machine that has much else to do. What has to come within a time says so itself
(`chaos.oracle`, `front.in_time`)."""
MEMBERS = ("carrier", "web", "worker", "beat")
"""The processes of a small installation. A second of a kind is named `web-2`, `worker-2` and so on."""
SHOP_NUMBERS = tuple(f"+1201555{number}" for number in range(3000, 3600))
"""The numbers of the account that shops take, one after the other."""
FAST: dict[str, Any] = {
    "offer_at_wait_s": 5, "stop_offering_at_wait_s": 2, "prior_handle_s": 30, "wrap_up_s": 0, "cut_off_s": 0,
    "retry_delays_s": [1], "ring_timeout_s": 20,
}  # fmt: skip
"""A policy for people in a hurry: who waits at all is offered a callback."""


class Refused(Exception):
    """An HTTP answer of 400 or more; `status` and `body` tell which."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def http(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 70) -> Any:
    """One request with a JSON body and answer. Raises Refused."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as refused:
        raise Refused(refused.code, refused.read().decode()) from None
    return json.loads(text) if text.startswith(("{", "[")) else text


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A form, posted: the status and the body of the answer, whatever it is."""
    request = urllib.request.Request(url, urlencode(fields).encode(), dict(headers or {}), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=70) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@dataclass
class Installation:
    """The processes and the two ways to talk to them.

    `members` are started; all of a kind do the same work. `surroundings` gives one member
    environment variables of its own. For `patience_s` a program asks again that is told 503, as it should.
    """

    folder: Path
    redis_url: str
    database_url: str
    speed: float = 10.0
    settings: dict[str, str] = field(default_factory=dict)
    carrier_options: tuple[str, ...] = ()
    members: tuple[str, ...] = MEMBERS
    web_options: tuple[str, ...] = ("--worker-class", "gthread", "--threads", "16")
    concurrency: int = 2
    surroundings: dict[str, dict[str, str]] = field(default_factory=dict)
    patience_s: float = 20.0
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _shops: Iterator[int] = field(default_factory=itertools.count)
    _people: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.port, self.carrier_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.carrier = Carrier(f"http://127.0.0.1:{self.carrier_port}")
        self.token = new_token()
        self.journal_mark = 0

    # --- processes ------------------------------------------------------------------------------------------------

    def start(self) -> "Installation":
        """Migrate, make an API token, start everything, wait until it answers."""
        migrate.upgrade(self.database_url)
        store = SqlStore(self.database_url, SECRET)
        with store.begin() as work:
            work.put_token(ApiToken("test", "admin", token_hash(self.token)))
        store.close()
        self.start_processes(*self.members)
        self.until_ready()
        return self

    def until_ready(self) -> None:
        """Wait until everything answers. Raises AssertionError with the logs."""
        try:
            eventually(self._ready, within_s=120, every_s=0.1)
        except AssertionError:
            raise AssertionError(f"the installation does not answer\n{self.logs()}") from None

    def start_processes(self, *names: str) -> None:
        """Start these at once."""
        for name in names:
            self.start_process(name)

    def start_process(self, name: str) -> int:
        """Start one process; returns its pid."""
        log = (self.folder / f"{name}.log").open("ab")
        self._running[name] = subprocess.Popen(
            self._argv(name), env={**self._environment(), **self.surroundings.get(name, {})}, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """End a process and all it started, at once, as a crash of its machine would."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def revive(self) -> list[str]:
        """Start again whatever ended by itself, as a supervisor would; returns what did."""
        gone = [name for name, process in list(self._running.items()) if process.poll() is not None]
        for name in gone:
            self.start_process(name)
        return gone

    def pid(self, name: str) -> int:
        """Of a process that runs."""
        return self._running[name].pid

    def ended(self, name: str, within_s: float = 60) -> None:
        """Wait until a process that was asked to end has done so."""
        self._running.pop(name).wait(within_s)

    def stop(self) -> None:
        """End everything, at once: nobody looks at it any more, and in order it takes seconds."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._running.values():
            process.wait()
        self._running.clear()

    def logs(self, lines: int = 30) -> str:
        """The end of every process's log."""
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            parts += [f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(parts)

    def _ready(self) -> bool:
        try:
            http("GET", f"{self.base}/readyz")
            http("GET", f"{self.carrier.base}/_emulator/health")
        except (Refused, OSError):
            return False
        logs = [self.folder / f"{name}.log" for name in self.members if name.startswith("worker")]
        return all("ready" in log.read_text(errors="replace") for log in logs)

    def _argv(self, name: str) -> list[str]:
        python = sys.executable
        celery = [python, "-m", "celery", "-A", "workers"]
        return {
            "carrier": [
                python, "-m", "callback.emulator", "--port", str(self.carrier_port), "--account-sid", ACCOUNT,
                "--auth-token", CARRIER_TOKEN, "--public-base-url", self.base,
                "--speed", str(self.speed), *self._numbers(), *self.carrier_options,
            ],
            "web": [
                python, "-m", "gunicorn", "callback.serve:application()", "--bind", f"127.0.0.1:{self.port}",
                "--workers", "1", *self.web_options, *PATIENCE, "--no-control-socket", "--log-level", "warning",
            ],
            "worker": [
                *celery, "worker", "-Q", "dial,messages,sweep,persist", "--concurrency", str(self.concurrency),
                "--hostname", f"{name}@%h",
                "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle", "--without-heartbeat",
                "--loglevel", "INFO",
            ],
            "beat": [*celery, "beat", "--scheduler", "workers.ticker.Ticker", "--pidfile=", "--loglevel", "WARNING"],
        }[name.partition("-")[0]]  # fmt: skip

    def _numbers(self) -> list[str]:
        return [part for number in (NUMBER, *SHOP_NUMBERS) for part in ("--number", number)]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PUBLIC_BASE_URL": self.base,
            "PORT": str(self.port),
            "SECRET_KEY": SECRET,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": CARRIER_TOKEN,
            "TWILIO_API_BASE_URL": self.carrier.base,
            "CARRIER_CALLS_PER_SECOND": "50",
            "CARRIER_QUEUE_S": "3",
            "RECONCILE_MARGIN_S": "2",
            "VAR_DIR": str(self.folder / "var"),
            **self.settings,
        }

    def audit(self, *, since: int = 0) -> dict[str, Any]:
        """What `callback audit` finds from that row of the journal on."""
        words = ["audit", "--json", "--since", str(since)]
        done = CliRunner().invoke(main, words, env=self._environment())  # here: another process costs a second to start
        if not done.stdout.startswith("{"):
            raise AssertionError(f"the audit failed: {done.stderr[-2000:]} {done.exception!r}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    # --- the carrier's own hand -----------------------------------------------------------------------------------

    def webhook(self, url: str, form: Mapping[str, str]) -> tuple[int, str]:
        """A webhook as the carrier would send it, signed: the status and the document."""
        return post_form(url, form, self.signed(url, form))

    def signed(self, url: str, form: Mapping[str, str]) -> dict[str, str]:
        """The headers with which the carrier would send it."""
        return {"X-Twilio-Signature": sign(CARRIER_TOKEN, url, form)}

    # --- the API --------------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of `/api/v1` with the admin token; header names with underscores for dashes."""
        sent = {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                return http(method, f"{self.base}/api/v1{path}", body, sent)
            except Refused as refused:
                if refused.status != UNAVAILABLE or time.monotonic() >= deadline:
                    raise
            time.sleep(AGAIN_S)

    def furnish(self, agents: int = 1, **policy: Any) -> None:
        """The queue `support` with its number, and agents a1, a2, … who answer and press their key."""
        self.api("PUT", "/queues/support", {"name": "Support", "numbers": [NUMBER], "policy": {**FAST, **policy}})
        for at in range(1, agents + 1):
            self.hire(f"a{at}", f"Agent {at}", f"+1201555020{at}", "support")

    def hire(self, key: str, name: str, contact: str, *queues: str) -> None:
        """An agent, offline at first, who answers after a second and presses their key."""
        self.api("PUT", f"/agents/{key}", {"name": name, "contact": contact, "queues": list(queues)})
        self.carrier.person(contact, on_say=[{"match": "ress 1|请按", "press": "1"}], after_s=1)

    def shop(self, agents: int = 1, **policy: Any) -> "Shop":
        """A new queue with a number of its own and so many agents, all of them available."""
        at = next(self._shops)
        shop = Shop(self, f"q{at}", SHOP_NUMBERS[at], tuple(f"q{at}-a{one}" for one in range(1, agents + 1)))
        return shop.open({**FAST, **policy})

    def new_number(self) -> str:
        """Somebody's number, which nobody else has."""
        return f"+1212555{next(self._people) + 1000}"

    def presence(self, agent: str, status: str) -> Any:
        """An agent says whether they take calls."""
        return self.api("POST", f"/agents/{agent}/presence", {"status": status})

    def callbacks(self, **filters: str) -> list[dict[str, Any]]:
        """The callbacks as the API lists them."""
        items: list[dict[str, Any]] = self.api("GET", f"/callbacks?{urlencode(filters)}")["items"]
        return items

    def journal(self, *, after: int = 0, **only: str) -> list[dict[str, Any]]:
        """The whole journal from there on, or the entries with these values."""
        found: list[dict[str, Any]] = []
        cursor: Any = after
        while cursor is not None:
            page = self.api("GET", f"/journal?after={cursor}")
            found += page["items"]
            cursor = page["next"] if page["items"] else None
        return [entry for entry in found if all(entry[name] == value for name, value in only.items())]

    def states(self, callback: str) -> list[str]:
        """The states that a callback went through."""
        return [entry["to"] for entry in self.journal(kind="callback", subject=callback)]


OpenShop = Callable[..., "Shop"]
"""Opens a shop with so many agents and these policy fields, and closes it at the end of the test."""


@dataclass
class Shop:
    """A queue, its number and its agents, and all that a journey asks about them."""

    home: Installation
    key: str
    number: str
    agents: tuple[str, ...]
    opened_at: int = 0

    def open(self, policy: dict[str, Any]) -> "Shop":
        """Make it, point its number here, and have every agent available."""
        self.opened_at = last_seq(self.home)
        self.home.api("PUT", f"/queues/{self.key}", {"name": "Support", "numbers": [self.number], "policy": policy})
        self.home.carrier.point(self.number, self.home.base)
        for at, agent in enumerate(self.agents):
            self.home.hire(agent, f"Agent {at + 1}", self.contact(at), self.key)
            self.home.presence(agent, "available")
        return self

    def close(self) -> None:
        """Nobody of this shop troubles the next one."""
        self.policy(dialing=False, accepting=False)
        for agent in self.agents:
            self.home.presence(agent, "offline")
        self.home.carrier.do("POST", "reset", {})

    def contact(self, at: int = 0) -> str:
        """The number of an agent's telephone."""
        return f"+1202555{int(self.key[1:]):03}{at}"

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Change the policy."""
        changed: dict[str, Any] = self.home.api("PATCH", f"/queues/{self.key}/policy", changes)
        return changed

    def now(self) -> dict[str, Any]:
        """The queue at this moment."""
        found: dict[str, Any] = self.home.api("GET", f"/queues/{self.key}")
        return found

    # --- callers --------------------------------------------------------------------------------------------------

    def ring(self, *script: dict[str, Any], number: str | None = None, **more: Any) -> str:
        """Somebody rings the shop and does as the script says; returns the call's sid. `more` is their behaviour."""
        body = {"from": number or self.home.new_number(), "to": self.number, "behaviour": {"script": script, **more}}
        sid: str = self.home.carrier.do("POST", "call_in", body)["sid"]
        return sid

    def occupy(self, at: int = 0) -> str:
        """Keep an agent talking until this call is hung up; returns its sid."""
        sid = self.ring()
        self.home.carrier.until(sid, "bridged")
        self.until(at, "busy")
        return sid

    def callback(self, number: str) -> dict[str, Any]:
        """The latest callback to that number."""
        found = eventually(lambda: self.home.callbacks(queue=self.key, number=number), every_s=0.1, within_s=PATIENCE_S)
        return found[0]

    def in_state(self, number: str, *states: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The callback to that number once it is in one of these states."""
        seen: list[str] = []

        def there() -> dict[str, Any]:
            callback = self.callback(number)
            seen.append(callback["state"])
            return callback if callback["state"] in states else {}

        try:
            return eventually(there, within_s=within_s, every_s=0.1)
        except AssertionError:
            story = json.dumps(self.story(number), indent=1)
            raise AssertionError(f"{number} is {seen[-1]}, not {' or '.join(states)}:\n{story}") from None

    def story(self, number: str) -> list[dict[str, Any]]:
        """The journal of the callback to that number."""
        return self.journal(kind="callback", subject=self.callback(number)["id"])

    def states(self, number: str) -> list[str]:
        """The states that the callback to that number went through."""
        return [entry["to"] for entry in self.story(number)]

    # --- agents ---------------------------------------------------------------------------------------------------

    def agent(self, at: int = 0) -> dict[str, Any]:
        """An agent at this moment."""
        found: dict[str, Any] = self.home.api("GET", f"/agents/{self.agents[at]}")
        return found

    def until(self, at: int, status: str, *, within_s: float = PATIENCE_S) -> None:
        """Wait until an agent is in that status."""
        eventually(
            lambda: self.agent(at)["status"] == status,
            within_s=within_s, every_s=0.1, what=f"{self.agents[at]} is {status}; they are {self.agent(at)}",
        )  # fmt: skip

    def presence(self, at: int, status: str) -> dict[str, Any]:
        """An agent says whether they take calls."""
        said: dict[str, Any] = self.home.presence(self.agents[at], status)
        return said

    # --- the witnesses --------------------------------------------------------------------------------------------

    def journal(self, **only: str) -> list[dict[str, Any]]:
        """What happened here since this shop was opened. (Of another shop's last calls the record may hear later.)"""
        found = self.home.journal(after=self.opened_at, **only)
        return [entry for entry in found if entry["queue"] in {"", self.key}]

    def told(self, kind: str, subject: str) -> list[dict[str, Any]]:
        """The journal of one call or agent."""
        return self.journal(kind=kind, subject=subject)

    def until_told(self, kind: str, subject: str, state: str, *, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The journal's entry by which that subject came to that state, once it is there."""

        def entry() -> dict[str, Any]:
            return next((one for one in reversed(self.told(kind, subject)) if one["to"] == state), {})

        return eventually(entry, within_s=within_s, every_s=0.2, what=f"{kind} {subject} came to {state}")

    def nobody_left(self, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the line is empty and every agent is free: nothing leaked."""

        def clean() -> bool:
            now = self.now()
            free: int = now["agents"]["available"]
            return now["waiting"] == {"live": 0, "callbacks": 0} and free == len(self.agents)

        eventually(clean, within_s=within_s, every_s=0.2, what=f"nobody waits, everybody is free: {self.now()}")


def last_seq(home: Installation) -> int:
    """Where the journal ends."""
    entries = home.journal(after=home.journal_mark)
    home.journal_mark = entries[-1]["seq"] if entries else home.journal_mark
    return home.journal_mark


class Carrier:
    """The emulator's control API: being people, and looking into the carrier."""

    def __init__(self, base: str) -> None:
        self.base = base

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """One control request."""
        return http(method, f"{self.base}/_emulator/{path}", body)

    def person(self, address: str, **behaviour: Any) -> None:
        """Somebody lives at this address."""
        self.do("POST", "endpoints", {"address": address, "behaviour": behaviour})

    def point(self, number: str, base: str, *, query: str = "") -> None:
        """Have a number's webhooks sent to an installation, by the carrier's REST API, as provisioning does."""
        urls = {
            "VoiceUrl": f"{base}/voice/incoming{query}",
            "VoiceFallbackUrl": f"{base}/voice/fallback{query}",
            "StatusCallback": f"{base}/voice/inbound/status{query}",
        }
        self.configure(number, **urls)

    def configure(self, number: str, **fields: str) -> None:
        """Set fields of a number of the account."""
        account = f"{self.base}/2010-04-01/Accounts/{ACCOUNT}"
        basic = base64.b64encode(f"{ACCOUNT}:{CARRIER_TOKEN}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        query = urlencode({"PhoneNumber": number})
        listing = http("GET", f"{account}/IncomingPhoneNumbers.json?{query}", None, headers)
        sid = listing["incoming_phone_numbers"][0]["sid"]
        post_form(f"{account}/IncomingPhoneNumbers/{sid}.json", fields, headers)

    def call_in(self, number: str, to: str = NUMBER, **params: str) -> str:
        """Somebody rings us; returns the call's sid."""
        sid: str = self.do("POST", "call_in", {"from": number, "to": to, "params": params})["sid"]
        return sid

    def until(self, sid: str, state: str, *, timeout: float = PATIENCE_S, **more: Any) -> dict[str, Any]:
        """The leg once it is in that state. Raises AssertionError with what it heard."""
        query = urlencode({"until": state, "timeout": timeout, **more})
        leg: dict[str, Any] = http("GET", f"{self.base}/_emulator/legs/{quote(sid)}/wait?{query}")
        if not leg["reached"]:
            raise AssertionError(f"the leg did not come to {state}: {json.dumps(leg, indent=1, ensure_ascii=False)}")
        return leg

    def hears(self, sid: str, pattern: str, *, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The leg once it has heard that. Raises AssertionError with what it heard instead."""
        query = urlencode({"heard": pattern, "timeout": timeout})
        leg: dict[str, Any] = http("GET", f"{self.base}/_emulator/legs/{quote(sid)}/wait?{query}")
        if not leg["reached"]:
            raise AssertionError(f"never heard {pattern!r}: {json.dumps(leg['heard'], indent=1, ensure_ascii=False)}")
        return leg

    def press(self, sid: str, digits: str) -> dict[str, Any]:
        """Keys, once they are waited for. A machine that stands still may bring them too late: then at the next
        question. Where it matters when, a script does it in the carrier's own time (`people`)."""
        while True:
            self.until(sid, "gather")
            lost = len(self.ledger("key-ignored", sid=sid))
            leg: dict[str, Any] = self.do("POST", f"legs/{sid}/press", {"digits": digits})
            if len(self.ledger("key-ignored", sid=sid)) == lost:
                return leg

    def hang_up(self, sid: str) -> None:
        """The person at this end rings off."""
        self.do("POST", f"legs/{sid}/hang_up", {})

    # --- what it saw ----------------------------------------------------------------------------------------------

    def leg(self, sid: str) -> dict[str, Any]:
        """A leg as it is now."""
        found: dict[str, Any] = self.do("GET", f"legs/{sid}")
        return found

    def said(self, sid: str) -> list[str]:
        """Everything that was said to a leg, one after the other."""
        return [heard["text"] for heard in self.leg(sid)["heard"] if heard["kind"] == "say"]

    def languages(self, sid: str) -> list[str]:
        """The language of everything that was said to a leg."""
        return [heard["language"] for heard in self.leg(sid)["heard"] if heard["kind"] == "say"]

    def texts(self, number: str) -> list[str]:
        """The texts to a number, oldest first."""
        return [text["body"] for text in self.do("GET", "messages")["messages"] if text["to"] == number]

    def ledger(self, kind: str, *, sid: str = "", after: int = 0) -> list[dict[str, Any]]:
        """The carrier's account of one kind of event, in order."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"kind": kind, "sid": sid, "after": found[-1]["seq"] if found else after, "limit": 1000})
            page = self.do("GET", f"ledger?{query}")["entries"]
            found += page
            if len(page) < 1000:
                return found

    def mark(self) -> int:
        """Where its account ends now."""
        last: int = self.do("GET", "ledger?limit=1")["last"]
        return last

    def creations(self, *numbers: str) -> list[str]:
        """Whom we asked the carrier to ring, of these numbers, in order: from its record of our requests."""
        asked = [entry for entry in self.ledger("rest") if entry["path"].endswith("/Calls.json")]
        return [entry["form"]["To"] for entry in asked if entry["method"] == "POST" and entry["form"]["To"] in numbers]

    def calls_to(self, number: str, least: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        """The calls to a number, oldest first; waits until there are `least`."""
        query = urlencode({"to": number, **({"min": least, "wait": wait} if least else {})})
        found: list[dict[str, Any]] = self.do("GET", f"calls?{query}")["calls"]
        return found

    def call_to(self, number: str, count: int = 1, *, timeout: float = PATIENCE_S) -> str:
        """The sid of the latest call to a number, once there have been `count`. Raises AssertionError."""
        found = self.calls_to(number, count, timeout)
        assert len(found) >= count, f"{len(found)} calls to {number}, not {count}"
        return str(found[-1]["sid"])
