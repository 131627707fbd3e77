"""One suite for whoever plays the carrier: the fake in memory, and the real adapter with the emulated carrier."""

import itertools
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import pytest

from callback.adapters.telephony.client import TwilioCarrier
from callback.domain.ids import CallSid
from callback.ports import (
    Carrier,
    CarrierBusy,
    CarrierCall,
    CarrierStopped,
    LegGone,
    NewCall,
    NumberUndialable,
    OutcomeUnknown,
    StillGoing,
)
from tests.fakes.carrier import FakeCarrier
from tests.support.clock import ManualClock
from tests.support.waiting import eventually

CALLER_ID = "+15005550006"
UNKNOWN = CallSid("CA" + "f" * 32)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Stage(Protocol):
    """A carrier and the hands that move the world behind it."""

    carrier: Carrier
    base: str
    caller: str
    neighbour: str

    def now(self) -> datetime: ...
    def answer(self, call: CallSid) -> None:
        """The call rings and somebody picks up."""
        ...

    def end(self, call: CallSid) -> None:
        """The one who picked up hangs up."""
        ...

    def keep_queued(self) -> None:
        """From now on the carrier queues creations and dials none."""
        ...

    def undialable(self, number: str, code: int) -> None: ...
    def opted_out(self, number: str) -> None: ...
    def stop_account(self) -> None: ...
    def too_much(self) -> None:
        """The next creation is one too many."""
        ...

    def lose(self, *, accepted: bool) -> None:
        """The next creation is answered by a 503, before or after it is carried out."""
        ...

    def texts(self) -> list[tuple[str, str]]:
        """(to, body) of every text taken."""
        ...


# --- the fake ---------------------------------------------------------------------------------------------------


class FakeStage:
    """The fake and its own levers."""

    base = "http://127.0.0.1:1"
    caller = "+12015550123"
    neighbour = "+12015550124"

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.fake = FakeCarrier(self.clock)
        self.carrier: Carrier = self.fake

    def now(self) -> datetime:
        return self.clock.now()

    def answer(self, call: CallSid) -> None:
        self.fake.ring(call)
        self.fake.answer(call)

    def end(self, call: CallSid) -> None:
        self.fake.end(call)

    def keep_queued(self) -> None:
        """The fake dials nothing by itself."""

    def undialable(self, number: str, code: int) -> None:
        self.fake.undialable[number] = code

    def opted_out(self, number: str) -> None:
        self.fake.opted_out.add(number)

    def stop_account(self) -> None:
        self.fake.fail_next(CarrierStopped("account suspended", 20005))

    def too_much(self) -> None:
        self.fake.fail_next(CarrierBusy("too much", 20429))

    def lose(self, *, accepted: bool) -> None:
        self.fake.fail_next(OutcomeUnknown("503"), accepted=accepted)

    def texts(self) -> list[tuple[str, str]]:
        return [(text.to, text.body) for text in self.fake.texts]


# --- the real adapter and the emulated carrier ------------------------------------------------------------------


class Documents(BaseHTTPRequestHandler):
    """The application as the emulated carrier sees it: every document is a long pause."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b'<Response><Pause length="60"/></Response>'
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The test's own output is enough."""


class EmulatorStage:
    """The adapter, the emulated carrier in its own process, and its control API.

    The record of calls stays as long as the process, so every stage has people of its own.
    """

    _numbers = itertools.count(2_000_000)

    def __init__(self, address: str, base: str) -> None:
        self.address = address
        self.base = base
        self.adapter = TwilioCarrier(ACCOUNT, SECRET, address, timeout_s=5)
        self.carrier: Carrier = self.adapter
        self.caller, self.neighbour = (f"+1201{next(self._numbers)}" for _ in range(2))
        for number in (self.caller, self.neighbour):
            self.control("endpoints", {"address": number, "behaviour": {"answer": "manual"}})

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asks the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/_emulator/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def now(self) -> datetime:
        return datetime.now(UTC)

    def answer(self, call: CallSid) -> None:
        assert self.control(f"legs/{call}/wait?until=ringing")["reached"]
        self.control(f"legs/{call}/answer", {})
        eventually(lambda: self.control(f"legs/{call}")["status"] == "in-progress", what="the call is answered")

    def end(self, call: CallSid) -> None:
        self.control(f"legs/{call}/hang_up", {})

    def keep_queued(self) -> None:
        self.control("account", {"calls_per_second": 0.001})
        self.carrier.create_call(new_call(self, to="+12015550199"))  # takes the one that may start at once

    def undialable(self, number: str, code: int) -> None:
        self.control("verdicts", {"address": number, "call_error": code})

    def opted_out(self, number: str) -> None:
        self.control("verdicts", {"address": number, "sms_error": 21610})

    def stop_account(self) -> None:
        self.control("account", {"suspended": True})

    def too_much(self) -> None:
        self._fault(status=429, code=20429, when="before")

    def lose(self, *, accepted: bool) -> None:
        self._fault(status=503, when="after" if accepted else "before")

    def texts(self) -> list[tuple[str, str]]:
        return [(text["to"], text["body"]) for text in self.control("messages")["messages"]]

    def close(self) -> None:
        """Everything is forgotten, for the next test."""
        self.control("account", {"calls_per_second": None})
        self.control("reset", {})
        self.adapter.close()

    def _fault(self, **strike: object) -> None:
        self.control("faults", {"side": "rest", "method": "POST", "url": r"/Calls\.json", "times": 1, **strike})


ACCOUNT = "AC" + "0" * 31 + "7"
SECRET = "a-secret-of-the-tests"


@pytest.fixture(scope="module")
def application() -> Iterator[str]:
    """Where the documents are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def emulator(application: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulated carrier's address."""
    folder = tmp_path_factory.mktemp("carrier")
    port_file, log = folder / "port", folder / "log"
    command = [sys.executable, "-m", "callback.emulator", "--port-file", str(port_file), "--number", CALLER_ID]
    command += ["--account-sid", ACCOUNT, "--auth-token", SECRET, "--public-base-url", application]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, cwd=Path(__file__).parents[2])
    try:
        eventually(port_file.exists, what=f"the emulated carrier listens; its log:\n{log.read_text()}")
        yield f"http://127.0.0.1:{port_file.read_text()}"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(params=["fake", "real"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A carrier without calls."""
    if request.param == "fake":
        yield FakeStage()
        return
    real = EmulatorStage(request.getfixturevalue("emulator"), request.getfixturevalue("application"))
    yield real
    real.close()


def new_call(stage: Stage, to: str = "", **changes: Any) -> NewCall:
    """A call to the caller."""
    url, status_url = f"{stage.base}/voice/answer?a=1", f"{stage.base}/voice/status?a=1"
    return NewCall(to=to or stage.caller, from_=CALLER_ID, url=url, status_url=status_url, **{"timeout": 30, **changes})


def status(stage: Stage, call: CallSid) -> str:
    """What the carrier's record says of a call."""
    found = stage.carrier.fetch(call)
    assert found is not None
    return found.status


# --- the contract -----------------------------------------------------------------------------------------------


def test_a_created_call_is_on_record(stage: Stage) -> None:
    before = stage.now().replace(microsecond=0)

    sid = stage.carrier.create_call(new_call(stage))

    found = stage.carrier.fetch(sid)
    assert found is not None
    assert (found.sid, found.to, found.from_) == (sid, stage.caller, CALLER_ID)
    assert found.status in {"queued", "ringing"}
    assert found.created_at is not None
    assert before <= found.created_at <= stage.now()
    assert (found.ended_at, found.duration_s) == (None, None)


def test_all_that_a_creation_can_ask_for_is_accepted(stage: Stage) -> None:
    call = new_call(stage, fallback_url=f"{stage.base}/voice/fallback", detect_machine=True)

    assert stage.carrier.create_call(call)


def test_every_creation_is_a_call_of_its_own(stage: Stage) -> None:
    first, second = stage.carrier.create_call(new_call(stage)), stage.carrier.create_call(new_call(stage))

    assert first != second


def test_an_unknown_call_is_not_on_record(stage: Stage) -> None:
    assert stage.carrier.fetch(UNKNOWN) is None


def test_a_call_that_talked_tells_its_times(stage: Stage) -> None:
    sid = stage.carrier.create_call(new_call(stage))
    stage.answer(sid)
    stage.end(sid)

    found = ended(stage, sid)
    assert found.status == "completed"
    assert found.started_at is not None
    assert found.ended_at is not None
    assert found.duration_s is not None
    assert found.started_at <= found.ended_at


def ended(stage: Stage, call: CallSid) -> CarrierCall:
    """The call once it has ended."""

    def over() -> CarrierCall | None:
        found = stage.carrier.fetch(call)
        return found if found is not None and found.ended_at is not None else None

    found = eventually(over, what="the call ends")
    assert found is not None
    return found


class TestTheRecordOfCallsBetweenTwoNumbers:
    def test_has_those_that_are_not_dialled_yet(self, stage: Stage) -> None:
        stage.keep_queued()
        sid = stage.carrier.create_call(new_call(stage))

        found = stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=LONG_AGO)

        assert [(call.sid, call.status, call.started_at) for call in found] == [(sid, "queued", None)]

    def test_has_those_that_have_ended(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        stage.carrier.hang_up(sid)

        assert [call.sid for call in stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=LONG_AGO)] == [sid]

    def test_has_nobody_elses(self, stage: Stage) -> None:
        stage.carrier.create_call(new_call(stage, to=stage.neighbour))

        assert stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=LONG_AGO) == []
        assert stage.carrier.calls(to=stage.neighbour, from_="+15005550099", since=LONG_AGO) == []

    def test_has_none_from_before(self, stage: Stage) -> None:
        stage.carrier.create_call(new_call(stage))

        assert stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=stage.now() + timedelta(seconds=5)) == []

    def test_has_one_created_in_the_very_second(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        found = stage.carrier.fetch(sid)
        assert found is not None
        assert found.created_at is not None

        since = found.created_at.replace(microsecond=999_999)

        assert [call.sid for call in stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=since)] == [sid]


class TestARedirect:
    def test_moves_a_call_in_progress(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        stage.answer(sid)

        stage.carrier.redirect(sid, f"{stage.base}/voice/connect")

        assert status(stage, sid) == "in-progress"

    def test_finds_no_leg_where_it_is_not_answered_yet(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))

        with pytest.raises(LegGone) as gone:
            stage.carrier.redirect(sid, f"{stage.base}/voice/connect")
        assert gone.value.code == 21220

    def test_finds_no_leg_where_it_has_ended(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        stage.answer(sid)
        stage.end(sid)
        ended(stage, sid)

        with pytest.raises(LegGone):
            stage.carrier.redirect(sid, f"{stage.base}/voice/connect")

    def test_finds_no_leg_where_there_never_was_one(self, stage: Stage) -> None:
        with pytest.raises(LegGone) as gone:
            stage.carrier.redirect(UNKNOWN, f"{stage.base}/voice/connect")
        assert gone.value.code == 20404


class TestHangingUp:
    def test_cancels_a_call_in_the_carriers_queue(self, stage: Stage) -> None:
        stage.keep_queued()
        sid = stage.carrier.create_call(new_call(stage))

        stage.carrier.hang_up(sid)

        assert status(stage, sid) == "canceled"

    def test_cancels_a_call_that_is_on_its_way(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))

        stage.carrier.hang_up(sid)

        assert status(stage, sid) == "canceled"

    def test_ends_a_call_in_progress(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        stage.answer(sid)

        stage.carrier.hang_up(sid)

        assert ended(stage, sid).status == "completed"

    def test_is_no_error_where_it_has_ended(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))

        stage.carrier.hang_up(sid)
        stage.carrier.hang_up(sid)

        assert status(stage, sid) == "canceled"

    def test_is_no_error_where_there_never_was_a_call(self, stage: Stage) -> None:
        stage.carrier.hang_up(UNKNOWN)


class TestACreationThatFails:
    def test_for_a_number_that_can_never_be_dialled(self, stage: Stage) -> None:
        stage.undialable(stage.caller, 21211)

        with pytest.raises(NumberUndialable) as refused:
            stage.carrier.create_call(new_call(stage))
        assert refused.value.code == 21211

    def test_for_an_account_that_is_stopped(self, stage: Stage) -> None:
        stage.stop_account()

        with pytest.raises(CarrierStopped):
            stage.carrier.create_call(new_call(stage))

    @pytest.mark.parametrize(
        ("lever", "error"),
        [
            (lambda stage: stage.too_much(), CarrierBusy),
            (lambda stage: stage.lose(accepted=False), OutcomeUnknown),
        ],
    )
    def test_leaves_no_call_and_the_next_one_works(
        self, stage: Stage, lever: Callable[[Stage], None], error: type[Exception]
    ) -> None:
        lever(stage)

        with pytest.raises(error):
            stage.carrier.create_call(new_call(stage))

        assert stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=LONG_AGO) == []
        assert stage.carrier.create_call(new_call(stage))

    def test_without_an_answer_may_have_made_exactly_one_call(self, stage: Stage) -> None:
        stage.lose(accepted=True)

        with pytest.raises(OutcomeUnknown):
            stage.carrier.create_call(new_call(stage))

        assert len(stage.carrier.calls(to=stage.caller, from_=CALLER_ID, since=LONG_AGO)) == 1


class TestAText:
    def test_is_taken(self, stage: Stage) -> None:
        url = f"{stage.base}/sms/status"

        sid = stage.carrier.send_text(to=stage.caller, from_=CALLER_ID, body="Support: 您好 & hello", status_url=url)

        assert sid.startswith("SM")
        assert stage.texts()[-1] == (stage.caller, "Support: 您好 & hello")

    def test_is_refused_for_who_opted_out(self, stage: Stage) -> None:
        stage.opted_out(stage.caller)

        with pytest.raises(NumberUndialable) as refused:
            stage.carrier.send_text(
                to=stage.caller, from_=CALLER_ID, body="hello", status_url=f"{stage.base}/sms/status"
            )
        assert refused.value.code == 21610


class TestWhatTheCarrierForgets:
    def test_every_call_and_text_to_or_from_a_number_is_found_and_nobody_elses(self, stage: Stage) -> None:
        mine = stage.carrier.create_call(new_call(stage))
        text = stage.carrier.send_text(
            to=stage.caller, from_=CALLER_ID, body="Your turn is near.", status_url=f"{stage.base}/sms"
        )
        theirs = stage.carrier.create_call(new_call(stage, to=stage.neighbour))

        found = stage.carrier.records_of(stage.caller)

        assert set(found) == {mine, text}
        assert stage.carrier.records_of(stage.neighbour) == [theirs]

    def test_a_call_is_forgotten_once_it_has_ended_and_not_before(self, stage: Stage) -> None:
        sid = stage.carrier.create_call(new_call(stage))
        stage.answer(sid)
        with pytest.raises(StillGoing):
            stage.carrier.delete_record(sid)
        stage.end(sid)
        ended(stage, sid)

        stage.carrier.delete_record(sid)

        assert stage.carrier.fetch(sid) is None
        assert stage.carrier.records_of(stage.caller) == []

    def test_a_text_is_forgotten(self, stage: Stage) -> None:
        sid = stage.carrier.send_text(
            to=stage.caller, from_=CALLER_ID, body="Your turn is near.", status_url=f"{stage.base}/sms"
        )

        def deleted() -> bool:
            try:
                stage.carrier.delete_record(sid)
            except StillGoing:
                return False
            return True

        eventually(deleted, what="the text is delivered, and can be deleted")
        assert stage.carrier.records_of(stage.caller) == []

    def test_what_the_carrier_does_not_know_needs_no_forgetting(self, stage: Stage) -> None:
        stage.carrier.delete_record(UNKNOWN)
        stage.carrier.delete_record("SM" + "f" * 32)
