"""How the carrier asks the application: signed, with limits, with retries, and as badly as a test wants."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.support.emulator import AUTH_TOKEN, NUMBER, Application, Asked, Emulator, running_emulator
from tests.support.waiting import eventually

CALLEE = "+14155550123"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    """One carrier for the module."""
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def application(carrier: Emulator) -> Iterator[Application]:
    """The application to which the carrier's number points."""
    carrier.ask("POST", "reset")
    application = Application()
    point(carrier, f"{application.url}/voice")
    yield application
    crashes = carrier.ledger("crash")
    application.close()
    assert crashes == []


@pytest.fixture
def client(carrier: Emulator) -> Client:
    """The SDK."""
    return carrier.client()


def point(carrier: Emulator, url: str, **more: str) -> None:
    """Points the number's voice webhook somewhere."""
    (number,) = carrier.client().incoming_phone_numbers.list()
    number.update(**{"voice_url": url, "voice_method": "POST", "voice_fallback_url": "", **more})


def fault(carrier: Emulator, side: str, **rule: Any) -> str:
    """Puts a rule in force; gives its id."""
    return str(carrier.ask("POST", "faults", {"side": side, **rule})["id"])


def place(client: Client, **more: Any) -> str:
    """Calls the callee; gives the call sid."""
    return str(client.calls.create(to=CALLEE, from_=NUMBER, **{"twiml": "<Response/>", **more}).sid)


def signed(asked: Asked) -> bool:
    """Whether the SDK accepts the request's signature."""
    signature = asked.headers["X-Twilio-Signature"]
    return bool(RequestValidator(AUTH_TOKEN).validate(asked.url, dict(asked.form), signature))


# Signatures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/voice", "/voice?queue=a%20b&x=1&x=2", "/voice/?q=%E6%82%A8%E5%A5%BD", "/voice?b=2&a=1"]
)
def test_a_posted_webhook_is_signed_over_its_exact_url(carrier: Emulator, application: Application, path: str) -> None:
    point(carrier, application.url + path)
    carrier.wait(carrier.call_in(params={"CallerName": "Größe & 您好 "}), "ended")
    (asked,) = application.asked
    assert asked.url == application.url + path
    assert asked.form["CallerName"] == "Größe & 您好 "
    assert signed(asked)


def test_a_webhook_by_get_is_signed_with_its_parameters_in_the_query(
    carrier: Emulator, application: Application
) -> None:
    point(carrier, f"{application.url}/voice?queue=line", voice_method="GET")
    carrier.wait(carrier.call_in(), "ended")
    (asked,) = application.asked
    assert (asked.method, asked.query["queue"], asked.query["From"]) == ("GET", "line", CALLEE)
    assert signed(asked)


def test_a_changed_request_does_not_pass(carrier: Emulator, application: Application) -> None:
    carrier.wait(carrier.call_in(), "ended")
    (asked,) = application.asked
    forged = Asked(asked.method, asked.path, asked.query, {**asked.form, "From": NUMBER}, asked.headers, asked.url)
    assert signed(asked)
    assert not signed(forged)


# Limits, retries and fragments -------------------------------------------------------------------------------------


def test_the_fragment_is_obeyed_and_not_sent(carrier: Emulator, application: Application) -> None:
    times: list[float] = []

    def slow(_: Asked) -> str:
        times.append(time.monotonic())
        time.sleep(0.5)
        return ""

    application.documents["/voice"] = slow
    point(carrier, f"{application.url}/voice?a=1#rt=200&rc=2&rp=rt", voice_fallback_url=f"{application.url}/fallback")
    carrier.wait(carrier.call_in(), "ended")
    asked = application.wait_for("/voice", 3)
    assert len(asked) == 3
    assert all(one.url == f"{application.url}/voice?a=1" and signed(one) for one in asked)
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in asked}) == 1
    assert application.wait_for("/fallback")[0].form["ErrorCode"] == "11200"


def test_by_default_only_a_failed_connection_is_retried(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = (503, "")
    carrier.wait(carrier.call_in(), "ended")
    assert len(application.to("/voice")) == 1
    point(carrier, "http://127.0.0.1:9/nobody")
    sid = carrier.call_in()
    carrier.wait(sid, "ended")
    assert [entry["attempt"] for entry in carrier.ledger("webhook", sid)] == [0, 1]
    assert [entry["code"] for entry in carrier.ledger("error", sid)] == [11205]


def test_an_answer_that_takes_too_long_in_all_is_given_up(carrier: Emulator, application: Application) -> None:
    fault(carrier, "webhook", purpose="document", delay_s=1.0)
    point(carrier, f"{application.url}/voice#tt=300")
    sid = carrier.call_in()
    carrier.wait(sid, heard="application error")
    assert carrier.ledger("webhook-timeout", sid)
    application.wait_for("/voice")


def test_two_webhooks_never_share_a_token(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = "<Redirect>/next</Redirect>"
    carrier.wait(carrier.call_in(), "ended")
    tokens = {asked.headers["I-Twilio-Idempotency-Token"] for asked in application.asked}
    assert len(tokens) == len(application.asked) == 2


# Switches on webhooks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrent", [True, False])
def test_every_webhook_can_come_several_times(carrier: Emulator, application: Application, concurrent: bool) -> None:
    fault(carrier, "webhook", copies=2, concurrent=concurrent)
    application.documents["/voice"] = "<Say>Hello.</Say>"
    sid = carrier.call_in()
    carrier.wait(sid, "ended")
    asked = application.wait_for("/voice", 3)
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in asked}) == 1
    assert all(one.form == asked[0].form and signed(one) for one in asked)
    assert carrier.heard(sid) == ["Hello."]


def test_a_webhook_can_be_dropped(carrier: Emulator, application: Application, client: Client) -> None:
    carrier.endpoint(CALLEE)
    fault(carrier, "webhook", purpose="status", form={"CallStatus": "in-progress"}, drop=True)
    events = ["initiated", "ringing", "answered", "completed"]
    sid = place(client, status_callback=f"{application.url}/status", status_callback_event=events)
    carrier.wait(sid, "ended")
    told = application.wait_for("/status", 3)
    assert {one.form["CallStatus"] for one in told} == {"initiated", "ringing", "completed"}
    assert carrier.ledger("webhook-dropped", sid)


def test_a_webhook_can_be_late(carrier: Emulator, application: Application, client: Client) -> None:
    carrier.endpoint(CALLEE)
    fault(carrier, "webhook", purpose="status", form={"CallStatus": "ringing"}, delay_s=3.0)
    events = ["ringing", "completed"]
    sid = place(client, status_callback=f"{application.url}/status", status_callback_event=events)
    carrier.wait(sid, "ended")
    assert [one.form["CallStatus"] for one in application.wait_for("/status", 2)] == ["completed", "ringing"]


def test_webhooks_can_come_in_reverse(carrier: Emulator, application: Application, client: Client) -> None:
    carrier.endpoint(CALLEE)
    fault(carrier, "webhook", purpose="status", reverse=4)
    events = ["initiated", "ringing", "answered", "completed"]
    place(client, status_callback=f"{application.url}/status", status_callback_event=events)
    told = application.wait_for("/status", 4)
    assert [int(one.form["SequenceNumber"]) for one in told] == [3, 2, 1, 0]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_held_webhooks_are_let_go_in_any_order(
    carrier: Emulator, application: Application, client: Client, order: tuple[int, ...]
) -> None:
    carrier.endpoint(CALLEE)
    fault(carrier, "webhook", purpose="status", hold=True)
    events = ["initiated", "ringing", "completed"]
    place(client, status_callback=f"{application.url}/status", status_callback_event=events)
    held = eventually(lambda: [] if len(shown := carrier.ask("GET", "held")["held"]) < 3 else shown)
    for count, place_in_line in enumerate(order, start=1):
        carrier.ask("POST", f"held/{held[place_in_line]['id']}/release")
        application.wait_for("/status", count)
    assert [int(one.form["SequenceNumber"]) for one in application.to("/status")] == list(order)


def test_a_rule_lets_some_pass_and_strikes_a_number_of_times(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = "<Redirect>/a</Redirect>"
    application.documents["/a"] = "<Redirect>/b</Redirect>"
    fault(carrier, "webhook", skip=1, times=1, copies=1)
    carrier.wait(carrier.call_in(), "ended")
    application.wait_for("/a", 2)
    assert [len(application.to(path)) for path in ("/voice", "/a", "/b")] == [1, 2, 1]


def test_a_rule_that_makes_no_sense_is_refused(carrier: Emulator) -> None:
    rules: list[dict[str, Any]] = [
        {"side": "webhook", "explode": True},
        {"side": "nowhere"},
        {"side": "rest", "url": "("},
    ]
    for rule in rules:
        answer = requests.post(f"{carrier.url}/_emulator/faults", json=rule, timeout=30)
        assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


# Switches on the REST API ------------------------------------------------------------------------------------------


def test_requests_can_be_refused_for_being_too_many(
    carrier: Emulator, application: Application, client: Client
) -> None:
    fault(carrier, "rest", method="POST", url="/Calls.json", status=429, times=2)
    for _ in range(2):
        with pytest.raises(TwilioRestException, check=lambda error: (error.status, error.code) == (429, 20429)):
            place(client)
    assert place(client)
    assert len(client.calls.list(to=CALLEE)) == 1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_503_tells_nothing_about_whether_the_call_was_made(
    carrier: Emulator, application: Application, client: Client, when: str, made: int
) -> None:
    fault(carrier, "rest", method="POST", url="/Calls.json", status=503, when=when, times=1)
    with pytest.raises(TwilioRestException, check=lambda error: error.status == 503):
        place(client)
    assert len(client.calls.list(to=CALLEE)) == made


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_cut_connection_tells_nothing_either(
    carrier: Emulator, application: Application, client: Client, when: str, made: int
) -> None:
    fault(carrier, "rest", method="POST", url="/Calls.json", disconnect=True, when=when, times=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        place(client)
    assert len(client.calls.list(to=CALLEE)) == made


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_request_that_hangs_is_carried_out_all_the_same(
    carrier: Emulator, application: Application, when: str
) -> None:
    fault(carrier, "rest", method="POST", url="/Calls.json", hang_s=1.6, when=when, times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        place(carrier.client(timeout_s=0.3))
    eventually(lambda: len(carrier.client().calls.list(to=CALLEE)) == 1, what="the call")


@pytest.mark.parametrize("body", ["{}", "<html>accepted</html>"])
def test_a_created_call_can_be_answered_with_garbage(
    carrier: Emulator, application: Application, client: Client, body: str
) -> None:
    fault(carrier, "rest", method="POST", url="/Calls.json", status=201, body=body, when="after", times=1)
    if body == "{}":
        assert client.calls.create(to=CALLEE, from_=NUMBER, twiml="<Response/>").sid is None
    else:
        with pytest.raises(json.JSONDecodeError):
            place(client)
    assert len(client.calls.list(to=CALLEE)) == 1


def test_more_requests_at_once_than_allowed_are_refused(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.ask("POST", "account", {"concurrency": 0})
    with pytest.raises(TwilioRestException, check=lambda error: error.code == 20429):
        place(client)


def test_rules_can_be_in_force_from_the_start() -> None:
    rule = '[{"side": "rest", "method": "POST", "url": "Calls.json", "status": 503}]'
    with (
        running_emulator("--flags", rule) as emulator,
        pytest.raises(TwilioRestException, check=lambda error: error.status == 503),
    ):
        place(emulator.client())


# The ledger --------------------------------------------------------------------------------------------------------


def test_the_ledger_tells_the_whole_story_in_order(carrier: Emulator, application: Application, client: Client) -> None:
    start = carrier.ask("GET", "ledger", None, limit=1)["last"]
    carrier.endpoint(CALLEE)
    application.documents["/hello"] = "<Say>Hello.</Say><Hangup/>"
    sid = place(client, url=f"{application.url}/hello")
    carrier.wait(sid, "ended")
    entries = [entry for entry in carrier.ledger(after=start) if entry["kind"] not in ("rest", "rest-answer")]
    story = [(entry["kind"], entry.get("status") or entry.get("verb") or entry.get("purpose")) for entry in entries]
    assert story == [
        ("call", "queued"),
        ("call", "ringing"),
        ("call", "in-progress"),
        ("webhook", "document"),
        ("answer", 200),
        ("verb", "Say"),
        ("verb", "Hangup"),
        ("call", "completed"),
    ]
    webhook = entries[3]
    assert webhook["answer"]["status"] == 200
    assert "<Say>Hello.</Say>" in webhook["answer"]["body"]
    created = carrier.ledger("rest", after=start)[0]
    assert created["form"]["To"] == CALLEE
    assert created["answer"]["status"] == 201
    numbers = [entry["seq"] for entry in carrier.ledger(after=start)]
    assert numbers == sorted(set(numbers))
