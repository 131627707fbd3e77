"""A whole installation of real processes: Redis, a database, the carrier, web, workers and beat, on loopback.

A journey drives it as the world does: people ring through the carrier's control API, programs use `/api/v1`, and the
witnesses are the journal and the carrier's ledger. A process can be ended by its pid and started again.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.ports import ApiToken
from callback.web.credentials import new_token, token_hash
from tests.support.ports import free_port
from tests.support.tree import ROOT
from tests.support.waiting import eventually

NUMBER = "+12015550100"
"""The number that leads to the queue `support`."""
SECRET = "a secret of thirty-two characters!"
ACCOUNT = "AC" + "5" * 32
CARRIER_TOKEN = "carrier-token"
NAMES = ("web", "worker", "beat", "carrier")


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


@dataclass
class Installation:
    """The processes and the two ways to talk to them."""

    folder: Path
    redis_url: str
    database_url: str
    speed: float = 10.0
    settings: dict[str, str] = field(default_factory=dict)
    carrier_options: tuple[str, ...] = ()
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port, self.carrier_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.carrier = Carrier(f"http://127.0.0.1:{self.carrier_port}")
        self.token = new_token()

    # --- processes ------------------------------------------------------------------------------------------------

    def start(self) -> "Installation":
        """Migrate, make an API token, start everything, wait until it answers."""
        migrate.upgrade(self.database_url)
        store = SqlStore(self.database_url, SECRET)
        with store.begin() as work:
            work.put_token(ApiToken("test", "admin", token_hash(self.token)))
        store.close()
        for name in ("carrier", "web", "worker", "beat"):
            self.start_process(name)
        eventually(self._ready, within_s=30, what=f"the installation answers\n{self.logs()}")
        return self

    def start_process(self, name: str) -> int:
        """Start one process; returns its pid."""
        log = (self.folder / f"{name}.log").open("ab")
        self._running[name] = subprocess.Popen(
            self._argv(name), env=self._environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """End a process and all it started, at once, as a crash of its machine would."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End everything."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
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
        return "ready" in (self.folder / "worker.log").read_text(errors="replace")

    def _argv(self, name: str) -> list[str]:
        python = sys.executable
        celery = [python, "-m", "celery", "-A", "workers"]
        return {
            "carrier": [
                python, "-m", "callback.emulator", "--port", str(self.carrier_port), "--account-sid", ACCOUNT,
                "--auth-token", CARRIER_TOKEN, "--public-base-url", self.base, "--number", NUMBER,
                "--speed", str(self.speed), *self.carrier_options,
            ],
            "web": [
                python, "-m", "gunicorn", "callback.serve:application()", "--bind", f"127.0.0.1:{self.port}",
                "--workers", "1", "--threads", "16", "--worker-class", "gthread", "--no-control-socket",
                "--log-level", "warning",
            ],
            "worker": [
                *celery, "worker", "-Q", "dial,messages,sweep,persist", "--concurrency", "2", "--prefetch-multiplier", "1",
                "--without-gossip", "--without-mingle", "--loglevel", "INFO",
            ],
            "beat": [*celery, "beat", "--scheduler", "redbeat.RedBeatScheduler", "--pidfile=", "--loglevel", "WARNING"],
        }[name]  # fmt: skip

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

    # --- the API --------------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of `/api/v1` with the admin token; header names with underscores for dashes."""
        sent = {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return http(method, f"{self.base}/api/v1{path}", body, sent)

    def furnish(self, agents: int = 1, **policy: Any) -> None:
        """The queue `support` with its number, and agents a1, a2, … who answer and press their key."""
        fast = {"offer_at_wait_s": 5, "stop_offering_at_wait_s": 2, "prior_handle_s": 30, "wrap_up_s": 0, "cut_off_s": 0,
                "retry_delays_s": [1], "ring_timeout_s": 20}  # fmt: skip
        self.api("PUT", "/queues/support", {"name": "Support", "numbers": [NUMBER], "policy": {**fast, **policy}})
        for at in range(1, agents + 1):
            contact = f"+1201555020{at}"
            self.api("PUT", f"/agents/a{at}", {"name": f"Agent {at}", "contact": contact, "queues": ["support"]})
            self.carrier.person(contact, on_say=[{"match": "ress 1|请按", "press": "1"}], answer=True, after_s=1)

    def presence(self, agent: str, status: str) -> Any:
        """An agent says whether they take calls."""
        return self.api("POST", f"/agents/{agent}/presence", {"status": status})

    def callbacks(self, **filters: str) -> list[dict[str, Any]]:
        """The callbacks as the API lists them."""
        items: list[dict[str, Any]] = self.api("GET", f"/callbacks?{urlencode(filters)}")["items"]
        return items

    def journal(self, **only: str) -> list[dict[str, Any]]:
        """The whole journal, or the entries with these values."""
        found: list[dict[str, Any]] = []
        after: Any = 0
        while after is not None:
            page = self.api("GET", f"/journal?after={after}")
            found += page["items"]
            after = page["next"] if page["items"] else None
        return [entry for entry in found if all(entry[name] == value for name, value in only.items())]

    def states(self, callback: str) -> list[str]:
        """The states that a callback went through."""
        return [entry["to"] for entry in self.journal(kind="callback", subject=callback)]


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

    def call_in(self, number: str, to: str = NUMBER, **params: str) -> str:
        """Somebody rings us; returns the call's sid."""
        sid: str = self.do("POST", "call_in", {"from": number, "to": to, "params": params})["sid"]
        return sid

    def until(self, sid: str, state: str, *, timeout: float = 20, **more: Any) -> dict[str, Any]:
        """The leg once it is in that state. Raises AssertionError with what it heard."""
        query = urlencode({"until": state, "timeout": timeout, **more})
        leg: dict[str, Any] = http("GET", f"{self.base}/_emulator/legs/{quote(sid)}/wait?{query}")
        if not leg["reached"]:
            raise AssertionError(f"the leg did not come to {state}: {json.dumps(leg, indent=1, ensure_ascii=False)}")
        return leg

    def hears(self, sid: str, pattern: str, *, timeout: float = 20) -> dict[str, Any]:
        """The leg once it has heard that. Raises AssertionError with what it heard instead."""
        query = urlencode({"heard": pattern, "timeout": timeout})
        leg: dict[str, Any] = http("GET", f"{self.base}/_emulator/legs/{quote(sid)}/wait?{query}")
        if not leg["reached"]:
            raise AssertionError(f"never heard {pattern!r}: {json.dumps(leg['heard'], indent=1, ensure_ascii=False)}")
        return leg

    def press(self, sid: str, digits: str) -> dict[str, Any]:
        """Keys."""
        leg: dict[str, Any] = self.do("POST", f"legs/{sid}/press", {"digits": digits})
        return leg

    def hang_up(self, sid: str) -> None:
        """The person at this end rings off."""
        self.do("POST", f"legs/{sid}/hang_up", {})

    def calls_to(self, number: str, least: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        """The calls to a number, oldest first; waits until there are `least`."""
        query = urlencode({"to": number, **({"min": least, "wait": wait} if least else {})})
        found: list[dict[str, Any]] = self.do("GET", f"calls?{query}")["calls"]
        return found
