"""Telephones in browsers at the emulated carrier: rung while they are registered, by those who hold a token."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from queue import Queue
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlsplit

import pytest

from callback.adapters.telephony.softphone import ApiKey, access_token
from tests.support.emulator import ACCOUNT_SID, NUMBER, PATIENCE_S, Application, Emulator, running_emulator

KEY = ApiKey(ACCOUNT_SID, "SK" + "1" * 32, "a-secret-of-a-key-that-only-tests-know")
PAGE = "http://desk.test"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    with running_emulator("--api-key", f"{KEY.sid}:{KEY.secret}", "--public-base-url", PAGE) as emulator:
        yield emulator


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    application.documents["/ask"] = '<Gather numDigits="1" action="/pressed" timeout="300"><Say>Press 1.</Say></Gather>'
    application.documents["/pressed"] = '<Say>Thank you.</Say><Pause length="600"/>'
    yield application
    application.close()


class Browser:
    """A page that is registered as a client."""

    def __init__(self, carrier: Emulator, name: str = "eve", token: str = "") -> None:
        self.base = f"{carrier.url}/softphone/{name}"
        self.token = token or access_token(KEY, name, datetime.now(UTC))
        self._connection = HTTPConnection(urlsplit(carrier.url).netloc, timeout=30)
        self._connection.request("GET", f"/softphone/{name}/events?token={self.token}")
        self._socket = self._connection.sock
        self.stream = self._connection.getresponse()
        self.events: Queue[tuple[str, dict[str, Any]]] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if self.stream.status == 200:
            self._reader.start()

    def _read(self) -> None:
        event = ""
        with suppress(OSError, HTTPException):
            for line in self.stream:
                text = line.decode().strip()
                if text.startswith("event: "):
                    event = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    self.events.put((event, json.loads(text.removeprefix("data: "))))

    def until(self, event: str, **about: Any) -> dict[str, Any]:
        """The next of these events."""
        while True:
            name, data = self.events.get(timeout=PATIENCE_S)
            if name == event and about.items() <= data.items():
                return data

    def act(self, sid: str, act: str, **body: Any) -> int:
        """What a person does in the page; the status of the answer."""
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/calls/{sid}/{act}?token={self.token}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def close(self) -> None:
        """The page is closed."""
        self._socket.shutdown(SHUT_RDWR)
        if self._reader.ident is not None:
            self._reader.join(5)
        self.stream.close()
        self._connection.close()


def test_a_registered_browser_is_rung_answers_presses_and_hangs_up(carrier: Emulator, application: Application) -> None:
    page = Browser(carrier)
    assert page.until("registered") == {"identity": "client:eve"}
    assert page.stream.headers["Access-Control-Allow-Origin"] == PAGE
    call = carrier.client().calls.create(to="client:eve", from_=NUMBER, url=f"{application.url}/ask", timeout=600)
    assert page.until("incoming") == {"sid": call.sid, "from": NUMBER}
    assert page.act(call.sid, "answer") == 204
    assert page.until("accepted") == {"sid": call.sid}
    page.until("heard", kind="gather")
    assert page.act(call.sid, "digits", digits="1") == 204
    assert page.until("heard", kind="say", text="Thank you.")
    again = Browser(carrier)  # the page was loaded anew: it is told of the call it is in
    again.until("accepted", sid=call.sid)
    page.close()
    assert again.act(call.sid, "mute", muted=True) == 204
    assert again.until("mute") == {"sid": call.sid, "muted": True}
    assert again.act(call.sid, "hangup") == 204
    again.until("disconnect", sid=call.sid)
    assert carrier.leg(call.sid)["status"] == "completed"
    assert again.act(call.sid, "hangup") == 404
    again.close()


def test_a_call_that_is_declined_is_busy_and_nobody_answers_where_nobody_is_registered(
    carrier: Emulator, application: Application
) -> None:
    page = Browser(carrier, "bo")
    page.until("registered")
    url = f"{application.url}/ask"
    call = carrier.client().calls.create(to="client:bo", from_=NUMBER, url=url, timeout=600)
    page.until("incoming")
    page.act(call.sid, "decline")
    page.until("cancel", sid=call.sid)
    assert carrier.wait(call.sid, "ended")["status"] == "busy"
    alone = carrier.client().calls.create(to="client:nobody", from_=NUMBER, url=url, timeout=1)
    assert carrier.wait(alone.sid, "ended")["status"] == "no-answer"
    page.close()


@pytest.mark.parametrize("token", ["nonsense", "another's"])
def test_a_browser_without_a_token_of_its_own_is_let_nowhere(carrier: Emulator, token: str) -> None:
    given = token if token == "nonsense" else access_token(KEY, "mallory", datetime.now(UTC))
    page = Browser(carrier, "eve", given)
    assert page.stream.status == 401
    assert json.loads(page.stream.read())["code"] == 20101
    page.close()
