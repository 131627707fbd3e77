"""The emulated carrier as its own process, and a small application for it to talk to.

`Emulator` starts `python -m callback.emulator` on a free port and speaks its control API; `Application` is an HTTP
server in a thread that answers the carrier's requests with the documents a test gives it and remembers what was
asked.
"""

import json
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.support.waiting import eventually

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "a-token-only-tests-know"
NUMBER = "+12025550100"
SPEED = 20.0
PATIENCE_S = 30.0
"""Seconds for what has to happen at all: how soon is not what is asked."""

Answer = str | tuple[int, str] | tuple[int, str, str]
Document = Answer | Callable[["Asked"], Answer]


@dataclass(frozen=True)
class Asked:
    """One request of the carrier."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    url: str


class Application:
    """Documents by path; a document is TwiML without its `<Response>`, a full answer, or a function of the request."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.asked: list[Asked] = []
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("GET", {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                self._answer("POST", dict(urllib.parse.parse_qsl(body, keep_blank_values=True)))

            def _answer(self, method: str, form: Mapping[str, str]) -> None:
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
                asked = Asked(method, parts.path, query, form, dict(self.headers.items()), application.url + self.path)
                application.asked.append(asked)
                status, body, kind = application.answer(asked)
                content = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep the terminal quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its base."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, asked: Asked) -> tuple[int, str, str]:
        """The status, body and content type for a request; an empty `<Response/>` for a path without a document."""
        document = self.documents.get(asked.path, "")
        answer = document(asked) if callable(document) else document
        if isinstance(answer, str):
            return 200, f'<?xml version="1.0" encoding="UTF-8"?><Response>{answer}</Response>', "text/xml"
        status, body, *kind = answer
        return status, body, (kind or ["text/xml"])[0]

    def to(self, path: str) -> list[Asked]:
        """What was asked at a path, in order."""
        return [asked for asked in self.asked if asked.path == path]

    def wait_for(self, path: str, count: int = 1, within_s: float = 30.0) -> list[Asked]:
        """What was asked at a path, once there are at least `count`."""
        return (
            eventually(
                lambda: self.to(path) if len(self.to(path)) >= count else None,
                within_s=within_s,
                what=f"{count} x {path}",
            )
            or []
        )

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Emulator:
    """A running carrier."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self, *, token: str = AUTH_TOKEN, timeout_s: float = PATIENCE_S) -> Client:
        """The carrier's own SDK, pointed here."""
        client = Client(ACCOUNT_SID, token, http_client=TwilioHttpClient(timeout=timeout_s))
        client.api.base_url = self.url
        return client

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: object) -> dict[str, Any]:
        """One request to the control API; raises HTTPError on a refusal."""
        url = f"{self.url}/_emulator/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=70) as response:
            text = response.read()
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer

    def call_in(self, *, from_: str = "+14155550123", to: str = NUMBER, **more: Any) -> str:
        """Somebody calls; gives the call sid."""
        return str(self.ask("POST", "call_in", {"from": from_, "to": to, **more})["sid"])

    def endpoint(self, address: str, *behaviours: Mapping[str, Any]) -> None:
        """Says how an address is answered, one behaviour a ring."""
        self.ask("POST", "endpoints", {"address": address, "behaviours": list(behaviours or [{}])})

    def leg(self, sid: str) -> dict[str, Any]:
        """A leg as it is now."""
        return self.ask("GET", f"legs/{sid}")

    def act(self, sid: str, act: str, **how: str) -> dict[str, Any]:
        """What the person on a leg does: press, hang_up, answer, decline, answer_as_machine."""
        return self.ask("POST", f"legs/{sid}/{act}", how)

    def wait(self, sid: str, until: str = "", **more: object) -> dict[str, Any]:
        """The leg once it is in a state or has heard something; fails when it does not come to that."""
        query = {"timeout": PATIENCE_S, **({"until": until} if until else {}), **more}
        leg = self.ask("GET", f"legs/{sid}/wait", None, **query)
        assert leg["reached"], f"{query} not reached by {leg}"
        return leg

    def called(self, address: str, count: int = 1, wait_s: float = PATIENCE_S) -> list[dict[str, Any]]:
        """The legs to an address, once there are `count`."""
        legs: list[dict[str, Any]] = self.ask("GET", "calls", None, to=address, wait=wait_s, min=count)["calls"]
        assert len(legs) >= count, f"{address} was called {len(legs)} times"
        return legs

    def ledger(self, kind: str = "", sid: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Entries of the ledger."""
        entries: list[dict[str, Any]] = self.ask("GET", "ledger", None, kind=kind, sid=sid, after=after, limit=100000)[
            "entries"
        ]
        return entries

    def heard(self, sid: str, kind: str = "say") -> list[str]:
        """The texts of what a leg heard."""
        return [sound["text"] for sound in self.leg(sid)["heard"] if sound["kind"] == kind]


@contextmanager
def running_emulator(*arguments: str, speed: float = SPEED, numbers: tuple[str, ...] = (NUMBER,)) -> Iterator[Emulator]:
    """Starts a carrier with these further arguments and stops it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [sys.executable, "-m", "callback.emulator", "--port-file", str(port_file), "--speed", str(speed)]
        command += ["--account-sid", ACCOUNT_SID, "--auth-token", AUTH_TOKEN, *arguments]
        for number in numbers:
            command += ["--number", number]
        process = subprocess.Popen(command)
        try:
            eventually(lambda: port_file.exists() or process.poll() is not None, within_s=30, what="the carrier")
            assert process.poll() is None, "the carrier did not start"
            yield Emulator(f"http://127.0.0.1:{port_file.read_text()}", process)
        finally:
            process.terminate()
            process.wait(60)
