"""The real adapter against a server that answers what a test says: what is sent, how often, and what is made of it."""

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from callback.adapters.telephony.client import MOST_PAGES, TwilioCarrier
from callback.adapters.telephony.transport import Transport
from callback.domain.ids import CallSid
from callback.ports import CarrierBusy, CarrierError, LegGone, NewCall, OutcomeUnknown
from tests.support.ports import free_port
from tests.support.waiting import eventually

ACCOUNT = "AC" + "0" * 32
SECRET = "a-secret-of-the-tests"
SID = CallSid("CA" + "a" * 32)
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
CALL = NewCall(
    to="+12015550123",
    from_="+12015550100",
    url="https://callback.example/voice/answer?a=1&x=2",
    status_url="https://callback.example/voice/status?a=1",
    timeout=25,
)


@dataclass(frozen=True)
class Answer:
    """What the server says. `hang` keeps it silent; `cut` closes the connection instead."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    headers: dict[str, str]
    connection: int


class StubServer(ThreadingHTTPServer):
    """Gives the answers in order, the last one for ever, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        self.let_go = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: StubServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        parts = urlsplit(self.path)
        form = parse_qs(body, keep_blank_values=True)
        connection = int(self.client_address[1])
        headers = dict(self.headers.items())
        self.server.asked.append(Asked(self.command, parts.path, parse_qs(parts.query), form, headers, connection))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.hang:
            self.server.let_go.wait(10)
        if answer.cut or answer.hang:
            self.close_connection = True
            return
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The test's own output is enough."""


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A server of this test's own."""
    stub = StubServer()
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield stub
    stub.let_go.set()
    stub.shutdown()
    thread.join()
    stub.server_close()


@pytest.fixture
def carrier(server: StubServer) -> Iterator[TwilioCarrier]:
    """The adapter, patient enough for a server that shares one processor with many others."""
    adapter = TwilioCarrier(ACCOUNT, SECRET, server.address, timeout_s=20)
    yield adapter
    adapter.close()


@pytest.fixture
def hurried(server: StubServer) -> Iterator[TwilioCarrier]:
    """The adapter, with little patience."""
    adapter = TwilioCarrier(ACCOUNT, SECRET, server.address, timeout_s=0.4)
    yield adapter
    adapter.close()


def created(sid: object = SID, **more: object) -> Answer:
    return Answer(201, json.dumps({"sid": sid, "status": "queued", **more}))


def refused(status: int, code: int = 0, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps({"code": code, "message": "No.", "status": status}), names)


class TestACreation:
    def test_sends_all_it_needs_once(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [created()]

        assert carrier.create_call(CALL) == SID

        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", f"{CALLS}.json")
        assert asked.form == {
            "To": ["+12015550123"],
            "From": ["+12015550100"],
            "Url": ["https://callback.example/voice/answer?a=1&x=2"],
            "StatusCallback": ["https://callback.example/voice/status?a=1"],
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            "Timeout": ["25"],
        }
        assert asked.headers["Authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode()

    def test_asks_for_detection_and_a_fallback_where_they_are_wanted(
        self, server: StubServer, carrier: TwilioCarrier
    ) -> None:
        server.answers = [created()]
        call = NewCall(CALL.to, CALL.from_, CALL.url, CALL.status_url, 25, "https://callback.example/fallback", True)

        carrier.create_call(call)

        assert server.asked[0].form["FallbackUrl"] == ["https://callback.example/fallback"]
        assert server.asked[0].form["MachineDetection"] == ["Enable"]

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(201, "{}"),
            Answer(201, ""),
            Answer(201, "<html>created</html>"),
            Answer(201, "[]"),
            Answer(201, '"CA"'),
            Answer(201, '{"sid": "CA'),
            created(None),
            created(17),
            created("CA123"),
            created("PN" + "a" * 32),
            created(SID, date_created=17),
            Answer(200, "null"),
            refused(500),
            refused(503, 20503),
            Answer(502, "<html>bad gateway</html>"),
            Answer(cut=True),
        ],
    )
    def test_whose_answer_tells_nothing_has_an_unknown_outcome_and_is_not_repeated(
        self, answer: Answer, server: StubServer, carrier: TwilioCarrier
    ) -> None:
        server.answers = [answer, created()]

        with pytest.raises(OutcomeUnknown):
            carrier.create_call(CALL)

        assert len(server.asked) == 1

    def test_waits_no_longer_than_its_patience_and_is_not_repeated_then(
        self, server: StubServer, hurried: TwilioCarrier
    ) -> None:
        server.answers = [Answer(hang=True), created()]
        start = time.monotonic()

        with pytest.raises(OutcomeUnknown):
            hurried.create_call(CALL)

        assert time.monotonic() - start < 5, "a hanging server lets go after ten"
        eventually(lambda: server.asked, what="the request has been read")
        assert len(server.asked) == 1

    def test_that_is_one_too_many_says_when_to_come_back(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [refused(429, 20429, Retry_After="7")]

        with pytest.raises(CarrierBusy) as busy:
            carrier.create_call(CALL)

        assert (busy.value.retry_after_s, busy.value.code, len(server.asked)) == (7, 20429, 1)

    def test_is_surely_not_processed_where_nobody_listens(self) -> None:
        adapter = TwilioCarrier(ACCOUNT, SECRET, f"http://127.0.0.1:{free_port()}", timeout_s=0.4)

        with pytest.raises(CarrierBusy):
            adapter.create_call(CALL)

    def test_is_not_sent_elsewhere_by_a_redirection(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [Answer(307, "{}", {"Location": "http://127.0.0.1:1/"}), created()]

        with pytest.raises(CarrierError):
            carrier.create_call(CALL)

        assert len(server.asked) == 1


def test_the_carriers_clock_is_compared_with_ours_at_each_answer(server: StubServer) -> None:
    transport = Transport(server.address, 20)
    try:
        assert transport.clock_ahead_s is None
        began = time.monotonic()
        transport.request("GET", f"{server.address}{CALLS}")
        asking_s = time.monotonic() - began
        assert transport.clock_ahead_s is not None
        assert abs(transport.clock_ahead_s) < 2 + asking_s, "a second is the finest that an answer tells"
    finally:
        transport.close()


def test_an_error_tells_neither_the_secret_nor_the_number(server: StubServer, carrier: TwilioCarrier) -> None:
    server.answers = [Answer(400, json.dumps({"code": 21211, "message": f"{CALL.to} is not valid"}))]

    with pytest.raises(CarrierError) as error:
        carrier.create_call(CALL)

    assert SECRET not in repr(error.value)
    assert CALL.to not in repr(error.value)


class TestTheConnection:
    def test_is_kept_open(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [created()]

        for _ in range(3):
            carrier.create_call(CALL)

        assert len({asked.connection for asked in server.asked}) == 1

    def test_is_never_shared_with_another_process(
        self, server: StubServer, carrier: TwilioCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.answers = [created()]
        carrier.create_call(CALL)

        me, own = threading.get_ident(), os.getpid
        with monkeypatch.context() as forked:  # this thread alone: another test's may still use connections of its own
            forked.setattr("os.getpid", lambda: 1 if threading.get_ident() == me else own())
            carrier.create_call(CALL)

        assert len({asked.connection for asked in server.asked}) == 2

    def test_of_one_thread_never_gets_anothers_answer(self, server: StubServer, carrier: TwilioCarrier) -> None:
        sids = [f"CA{number:032x}" for number in range(40)]
        server.answers = [created(), *(Answer(body=json.dumps({"sid": sid, "status": "ringing"})) for sid in sids)]
        carrier.create_call(CALL)
        found: list[str] = []

        def look() -> None:
            for _ in range(10):
                call = carrier.fetch(SID)
                found.append(call.sid if call else "")

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(found) == sids

    def test_to_this_machine_takes_no_proxy(
        self, server: StubServer, carrier: TwilioCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        server.answers = [created()]

        assert carrier.create_call(CALL) == SID

    def test_goes_to_the_carrier_itself_unless_told_otherwise(self) -> None:
        refused_by_the_test: list[object] = []
        me, look_up = threading.get_ident(), socket.getaddrinfo

        def no_address(host: Any, *more: Any, **named: Any) -> Any:
            if threading.get_ident() != me:  # what other tests left running has names of its own to look up
                return look_up(host, *more, **named)
            refused_by_the_test.append(host)
            raise socket.gaierror("no names here")

        with pytest.MonkeyPatch.context() as offline:
            offline.setattr(socket, "getaddrinfo", no_address)
            with pytest.raises(CarrierBusy):
                TwilioCarrier(ACCOUNT, SECRET, timeout_s=0.4).create_call(CALL)

        assert refused_by_the_test == ["api.twilio.com"]


class TestHangingUp:
    def test_takes_one_request_where_the_call_is_live(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [Answer(body=json.dumps({"sid": SID, "status": "completed"}))]

        carrier.hang_up(SID)

        assert [(asked.path, asked.form) for asked in server.asked] == [
            (f"{CALLS}/{SID}.json", {"Status": ["completed"]}),
        ]

    @pytest.mark.parametrize(
        ("answers", "asked"),
        [
            ((refused(400, 21220), "canceled"), ["completed", "canceled"]),
            (("queued", "canceled"), ["completed", "canceled"]),
            (("ringing", "in-progress", "completed"), ["completed", "canceled", "completed"]),
            ((refused(400, 21220), "in-progress", "completed"), ["completed", "canceled", "completed"]),
            ((refused(400, 21220),), ["completed", "canceled", "completed"]),
            ((refused(404, 20404),), ["completed"]),
        ],
    )
    def test_does_not_leave_a_call_that_the_first_request_could_not_end(
        self, answers: tuple[str | Answer, ...], asked: list[str], server: StubServer, carrier: TwilioCarrier
    ) -> None:
        server.answers = [
            answer if isinstance(answer, Answer) else Answer(body=json.dumps({"sid": SID, "status": answer}))
            for answer in answers
        ]

        carrier.hang_up(SID)

        assert [request.form["Status"] for request in server.asked] == [[status] for status in asked]

    def test_tells_when_the_carrier_does_not_answer(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [refused(503)]

        with pytest.raises(OutcomeUnknown):
            carrier.hang_up(SID)


def test_a_redirect_asks_for_the_url_once(server: StubServer, carrier: TwilioCarrier) -> None:
    server.answers = [Answer(body=json.dumps({"sid": SID, "status": "in-progress"})), refused(400, 21220)]

    carrier.redirect(SID, "https://callback.example/voice/connect?r=1")
    with pytest.raises(LegGone):
        carrier.redirect(SID, "https://callback.example/voice/connect?r=1")

    assert [asked.form for asked in server.asked] == [
        {"Url": ["https://callback.example/voice/connect?r=1"], "Method": ["POST"]}
    ] * 2


class TestTheRecord:
    NEW = "Mon, 02 Mar 2026 09:00:00 +0000"
    OLD = "Mon, 02 Mar 2026 08:00:00 +0000"
    SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

    def page(self, *created_at: str | None, more: bool = False) -> Answer:
        calls = [
            {"sid": SID, "to": CALL.to, "from": CALL.from_, "status": "queued", "date_created": moment}
            for moment in created_at
        ]
        following = f"{CALLS}.json?To=%2B12015550123&Page=1&PageToken=t" if more else None
        return Answer(body=json.dumps({"calls": calls, "next_page_uri": following}))

    def listed(self, carrier: TwilioCarrier) -> int:
        return len(carrier.calls(to=CALL.to, from_=CALL.from_, since=self.SINCE))

    def test_is_asked_for_by_both_numbers_and_by_no_time(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [self.page(self.NEW)]

        assert self.listed(carrier) == 1
        assert server.asked[0].query == {"To": [CALL.to], "From": [CALL.from_], "PageSize": ["200"]}

    def test_is_read_page_by_page(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [self.page(self.NEW, self.NEW, more=True), self.page(None, self.OLD)]

        assert self.listed(carrier) == 3
        assert server.asked[1].query["PageToken"] == ["t"]

    def test_is_read_no_further_than_needed(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [self.page(self.NEW, self.OLD, more=True), self.page(self.OLD, more=True)]

        assert self.listed(carrier) == 1
        assert len(server.asked) == 2

    def test_that_never_ends_is_no_answer(self, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [self.page(self.NEW, more=True)]

        with pytest.raises(OutcomeUnknown):
            self.listed(carrier)
        assert len(server.asked) <= MOST_PAGES + 1

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(body="{}"),
            Answer(body="[]"),
            Answer(body='{"calls": null, "next_page_uri": null}'),
            Answer(body='{"calls": [{}], "next_page_uri": null}'),
            refused(500),
        ],
    )
    def test_that_cannot_be_read_is_no_answer(self, answer: Answer, server: StubServer, carrier: TwilioCarrier) -> None:
        server.answers = [answer]

        with pytest.raises(OutcomeUnknown):
            self.listed(carrier)

    def test_of_one_call_tells_what_became_of_it(self, server: StubServer, carrier: TwilioCarrier) -> None:
        record = {
            "sid": SID, "to": CALL.to, "from": CALL.from_, "status": "completed", "duration": "31",
            "date_created": self.OLD, "start_time": self.NEW, "end_time": self.NEW, "answered_by": "human",
        }  # fmt: skip
        server.answers = [Answer(body=json.dumps(record))]

        call = carrier.fetch(SID)

        assert call is not None
        assert (call.to, call.from_, call.status, call.duration_s) == (CALL.to, CALL.from_, "completed", 31)
        assert call.answered_by == "human"
        assert call.created_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
        assert call.started_at == call.ended_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_text_is_sent_once(server: StubServer, carrier: TwilioCarrier) -> None:
    server.answers = [created("SM" + "b" * 32)]

    sid = carrier.send_text(to=CALL.to, from_=CALL.from_, body="您好", status_url="https://callback.example/sms/status")

    assert sid == "SM" + "b" * 32
    assert server.asked[0].path.endswith("/Messages.json")
    assert server.asked[0].form == {
        "To": [CALL.to],
        "From": [CALL.from_],
        "Body": ["您好"],
        "StatusCallback": ["https://callback.example/sms/status"],
    }
