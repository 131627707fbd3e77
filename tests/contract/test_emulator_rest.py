"""The carrier's REST API as its own SDK and its own description see it."""

import datetime as dt
import email.utils
import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callback.emulator import rest_account, rest_calls
from tests.support.emulator import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    NUMBER,
    PATIENCE_S,
    Application,
    Emulator,
    running_emulator,
)
from tests.support.waiting import eventually

HERE = "+14155550123"
ELSEWHERE = "+14155550124"
DESCRIPTION = Path(__file__).parents[2].parent / "shared" / "twilio" / "twilio_api_v2010.json"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    """One carrier for the module; each test starts on a quiet one."""
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def application() -> Iterator[Application]:
    """The application the carrier calls."""
    application = Application()
    yield application
    application.close()


@pytest.fixture
def client(carrier: Emulator, application: Application) -> Client:
    """The SDK on a quiet carrier whose number points to the application."""
    carrier.ask("POST", "reset")
    client = carrier.client()
    number = client.incoming_phone_numbers.list(phone_number=NUMBER)[0]
    number.update(voice_url=f"{application.url}/voice", sms_url=f"{application.url}/sms")
    application.documents["/voice"] = '<Enqueue waitUrl="/wait">line</Enqueue>'
    application.documents["/wait"] = '<Pause length="5"/>'
    return client


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """The carrier's published description of its API."""
    if not DESCRIPTION.exists():
        pytest.skip("the carrier's API description (../shared/twilio) is not present: cannot compare with it")
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


def refused(code: int, status: int = 400) -> Any:
    """Expects the SDK to report this refusal."""
    return pytest.raises(TwilioRestException, check=lambda error: (error.code, error.status) == (code, status))


def raw(carrier: Emulator, path: str) -> dict[str, Any]:
    """The JSON behind a path of the account."""
    request = urllib.request.Request(f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT_SID}/{path}")
    request.add_header("Authorization", "Basic " + b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode())
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        loaded: dict[str, Any] = json.load(response)
    return loaded


# Calls -------------------------------------------------------------------------------------------------------------


def test_a_created_call_is_queued_rings_is_answered_and_ends(
    carrier: Emulator, client: Client, application: Application
) -> None:
    carrier.endpoint(HERE, {"answer": "manual"})
    application.documents["/hello"] = "<Say>Hello there.</Say>"
    call = client.calls.create(to=HERE, from_=NUMBER, url=f"{application.url}/hello", timeout=600)
    assert call.status == "queued"
    assert call.direction == "outbound-api"
    carrier.wait(call.sid, "ringing")
    assert client.calls(call.sid).fetch().start_time is not None
    carrier.act(call.sid, "answer")
    leg = carrier.wait(call.sid, "ended")
    assert leg["status"] == "completed"
    assert carrier.heard(call.sid) == ["Hello there."]
    fetched = client.calls(call.sid).fetch()
    assert (fetched.status, fetched.duration) == ("completed", fetched.duration)
    assert fetched.end_time >= fetched.start_time
    assert application.to("/hello")[0].form["CallStatus"] == "in-progress"


@pytest.mark.parametrize(("answer", "status"), [("busy", "busy"), ("no-answer", "no-answer"), ("failed", "failed")])
def test_a_call_that_is_not_taken_ends_in_the_carriers_word(
    carrier: Emulator, client: Client, application: Application, answer: str, status: str
) -> None:
    carrier.endpoint(HERE, {"answer": answer})
    call = client.calls.create(to=HERE, from_=NUMBER, url=f"{application.url}/hello")
    assert carrier.wait(call.sid, "ended")["status"] == status
    assert application.to("/hello") == []
    assert client.calls(call.sid).fetch().duration is None


def test_a_number_that_nobody_answers_rings_out(carrier: Emulator, client: Client) -> None:
    call = client.calls.create(to=ELSEWHERE, from_=NUMBER, twiml="<Response/>", timeout=1)
    assert carrier.wait(call.sid, "ended")["status"] == "no-answer"


def test_an_unallocated_number_fails(carrier: Emulator, client: Client) -> None:
    carrier.ask("POST", "verdicts", {"address": ELSEWHERE, "unallocated": True})
    call = client.calls.create(to=ELSEWHERE, from_=NUMBER, twiml="<Response/>")
    assert carrier.wait(call.sid, "ended")["status"] == "failed"


@pytest.mark.parametrize(
    ("to", "code"),
    [("nonsense", 21211), ("+1", 21211), ("", 21201), ("+10000000000", 21217), ("+14155550100", None)],
)
def test_a_number_that_cannot_exist_is_refused(client: Client, to: str, code: int | None) -> None:
    if code is None:
        assert client.calls.create(to=to, from_=NUMBER, twiml="<Response/>").sid
        return
    with refused(code):
        client.calls.create(to=to, from_=NUMBER, twiml="<Response/>")


@pytest.mark.parametrize("code", [21214, 21215, 21216, 21217])
def test_a_number_the_network_refuses_is_refused_with_its_error(carrier: Emulator, client: Client, code: int) -> None:
    carrier.ask("POST", "verdicts", {"address": HERE, "call_error": code})
    with refused(code):
        client.calls.create(to=HERE, from_=NUMBER, twiml="<Response/>")


def test_a_country_that_is_not_enabled_is_refused(carrier: Emulator, client: Client) -> None:
    carrier.ask("POST", "account", {"countries": ["1"]})
    with refused(21215):
        client.calls.create(to="+861012345678", from_=NUMBER, twiml="<Response/>")


def test_a_caller_id_that_is_not_the_accounts_is_refused(client: Client) -> None:
    with refused(21210):
        client.calls.create(to=HERE, from_=ELSEWHERE, twiml="<Response/>")


def test_wrong_credentials_are_refused(carrier: Emulator) -> None:
    with refused(20003, 401):
        carrier.client(token="wrong").calls("CA" + "0" * 32).fetch()


def test_a_suspended_account_can_do_nothing(carrier: Emulator, client: Client) -> None:
    carrier.ask("POST", "account", {"suspended": True})
    with refused(20005, 403):
        client.calls("CA" + "0" * 32).fetch()


def test_asynchronous_detection_needs_an_address_for_its_verdict(client: Client) -> None:
    with refused(21262):
        client.calls.create(to=HERE, from_=NUMBER, twiml="<Response/>", machine_detection="Enable", async_amd="true")


def test_a_document_is_needed_and_may_not_be_too_long(client: Client) -> None:
    with refused(21205):
        client.calls.create(to=HERE, from_=NUMBER)
    with refused(21205):
        client.calls.create(to=HERE, from_=NUMBER, url="not a url")
    with refused(20001):
        client.calls.create(to=HERE, from_=NUMBER, twiml=f"<Response><Say>{'a' * 4000}</Say></Response>")


def test_a_parameter_nobody_knows_is_refused_and_named(client: Client) -> None:
    with refused(20001) as refusal:
        client.calls.create(to=HERE, from_=NUMBER, twiml="<Response/>", byoc="BY" + "0" * 32)
    assert "Byoc" in str(refusal.value)


def test_a_call_that_does_not_exist_is_not_found(client: Client) -> None:
    with refused(20404, 404):
        client.calls("CA" + "0" * 32).fetch()


def test_only_a_call_in_progress_can_be_redirected(carrier: Emulator, client: Client, application: Application) -> None:
    carrier.endpoint(HERE, {"answer": "manual"})
    call = client.calls.create(to=HERE, from_=NUMBER, twiml='<Response><Pause length="600"/></Response>', timeout=600)
    carrier.wait(call.sid, "ringing")
    with refused(21220):
        client.calls(call.sid).update(url=f"{application.url}/other")
    carrier.act(call.sid, "answer")
    application.documents["/other"] = "<Say>Another document.</Say>"
    client.calls(call.sid).update(url=f"{application.url}/other")
    carrier.wait(call.sid, "ended")
    assert carrier.heard(call.sid) == ["Another document."]


def test_a_call_can_be_redirected_to_twiml_given_with_the_request(carrier: Emulator, client: Client) -> None:
    sid = carrier.call_in()
    carrier.wait(sid, "enqueued")
    client.calls(sid).update(twiml="<Response><Say>Here you are.</Say></Response>")
    carrier.wait(sid, heard="Here you are")


def test_cancelling_stops_a_ringing_call_but_not_one_in_progress(carrier: Emulator, client: Client) -> None:
    carrier.endpoint(HERE, {"answer": "manual"})
    ringing = client.calls.create(to=HERE, from_=NUMBER, twiml="<Response/>", timeout=600)
    carrier.wait(ringing.sid, "ringing")
    assert client.calls(ringing.sid).update(status="canceled").status == "canceled"
    twiml = '<Response><Pause length="600"/></Response>'
    talking = client.calls.create(to=HERE, from_=NUMBER, twiml=twiml, timeout=600)
    carrier.wait(talking.sid, "ringing")
    carrier.act(talking.sid, "answer")
    assert client.calls(talking.sid).update(status="canceled").status == "in-progress"
    assert client.calls(talking.sid).update(status="completed").status == "completed"


def test_calls_are_listed_newest_first_in_pages_that_do_not_shift(carrier: Emulator, client: Client) -> None:
    made = [client.calls.create(to="+14155559999", from_=NUMBER, twiml="<Response/>").sid for _ in range(7)]
    first = client.calls.page(to="+14155559999", page_size=3)
    seen = [call.sid for call in first]
    made.append(client.calls.create(to="+14155559999", from_=NUMBER, twiml="<Response/>").sid)
    page = first.next_page()
    while page is not None:
        seen += [call.sid for call in page]
        page = page.next_page()
    assert seen == list(reversed(made[:7]))
    assert len(client.calls.list(to="+14155559999", page_size=2)) == 8


def test_calls_are_filtered_by_number_status_and_start(carrier: Emulator, client: Client) -> None:
    dialled = client.calls.create(to="+14155558888", from_=NUMBER, twiml="<Response/>")
    carrier.wait(dialled.sid, "ringing")
    carrier.ask("POST", "account", {"calls_per_second": 0.001})
    try:
        client.calls.create(to=ELSEWHERE, from_=NUMBER, twiml="<Response/>")
        waiting = client.calls.create(to="+14155558888", from_=NUMBER, twiml="<Response/>")
        now = dt.datetime.now(dt.UTC)
        hour = dt.timedelta(hours=1)
        assert waiting.start_time is None
        assert [call.sid for call in client.calls.list(to="+14155558888", status="queued")] == [waiting.sid]
        assert [call.sid for call in client.calls.list(to="+14155558888", start_time_after=now - hour)] == [dialled.sid]
        day = client.calls(dialled.sid).fetch().start_time.strftime("%Y-%m-%d")
        assert [call.sid for call in client.calls.list(to="+14155558888", start_time=day)] == [dialled.sid]
        assert client.calls.list(to="+14155558888", start_time_before=now - hour) == []
        assert client.calls.list(from_="+14155558888") == []
        client.calls(waiting.sid).update(status="canceled")
    finally:
        carrier.ask("POST", "account", {"calls_per_second": None})


def test_calls_beyond_the_pace_are_queued_and_say_how_long_they_waited(carrier: Emulator, client: Client) -> None:
    carrier.ask("POST", "account", {"calls_per_second": 2})
    try:
        before = time.monotonic()
        sids = [client.calls.create(to=ELSEWHERE, from_=NUMBER, twiml="<Response/>", timeout=5).sid for _ in range(4)]
        asking_ms = (time.monotonic() - before) * 1000
        for sid in sids:
            carrier.wait(sid, "ringing")
        waits = [int(client.calls(sid).fetch().queue_time) for sid in sids]
        assert waits[3] + asking_ms >= waits[0] + 1490, "three more at two a second"
        assert waits[3] - waits[0] < 4500
    finally:
        carrier.ask("POST", "account", {"calls_per_second": None})


def test_a_record_can_be_deleted_once_the_call_has_ended(carrier: Emulator, client: Client) -> None:
    sid = carrier.call_in()
    carrier.wait(sid, "enqueued")
    with refused(20009, 409):
        client.calls(sid).delete()
    carrier.act(sid, "hang_up")
    assert client.calls(sid).delete()
    with refused(20404, 404):
        client.calls(sid).fetch()


# Messages ----------------------------------------------------------------------------------------------------------


def sent_in_order(carrier: Emulator, application: Application, sid: str) -> list[str]:
    """The statuses of a text that the carrier told, in its order; all have come, whichever overtook another."""
    told = {one.form["MessageStatus"] for one in application.wait_for("/status", 3)}
    sent: list[str] = [entry["form"]["MessageStatus"] for entry in carrier.ledger("webhook", sid)]
    assert told == set(sent)
    return sent


def test_a_text_goes_from_queued_over_sent_to_delivered(
    carrier: Emulator, client: Client, application: Application
) -> None:
    carrier.endpoint("+14155550131")
    text = client.messages.create(
        to="+14155550131", from_=NUMBER, body="Your turn is near.", status_callback=f"{application.url}/status"
    )
    assert text.status == "queued"
    assert sent_in_order(carrier, application, text.sid) == ["queued", "sent", "delivered"]
    assert carrier.ask("GET", "endpoints", None, address="+14155550131")["texts"] == [
        {"from": NUMBER, "body": "Your turn is near."}
    ]
    assert client.messages(text.sid).fetch().date_sent is not None
    assert text.sid in [message.sid for message in client.messages.list(to="+14155550131")]


def test_a_text_that_cannot_be_delivered_says_why(carrier: Emulator, client: Client, application: Application) -> None:
    carrier.ask("POST", "verdicts", {"address": HERE, "sms": "undelivered:30006"})
    text = client.messages.create(to=HERE, from_=NUMBER, body="Hello", status_callback=f"{application.url}/status")
    assert sent_in_order(carrier, application, text.sid) == ["queued", "sent", "undelivered"]
    (last,) = [one for one in application.to("/status") if one.form["MessageStatus"] == "undelivered"]
    assert last.form["ErrorCode"] == "30006"


def test_who_texts_stop_is_not_texted_until_they_text_start(
    carrier: Emulator, client: Client, application: Application
) -> None:
    carrier.ask("POST", "text_in", {"from": HERE, "to": NUMBER, "body": "Stop"})
    assert application.wait_for("/sms")[0].form["Body"] == "Stop"
    with refused(21610):
        client.messages.create(to=HERE, from_=NUMBER, body="Hello")
    carrier.ask("POST", "text_in", {"from": HERE, "to": NUMBER, "body": "START"})
    assert client.messages.create(to=HERE, from_=NUMBER, body="Hello").sid


def test_a_text_to_the_application_can_be_answered(carrier: Emulator, client: Client, application: Application) -> None:
    application.documents["/sms"] = "<Message>Thank you.</Message>"
    carrier.endpoint("+14155550132")
    carrier.ask("POST", "text_in", {"from": "+14155550132", "to": NUMBER, "body": "Hi"})
    texts = eventually(lambda: carrier.ask("GET", "endpoints", None, address="+14155550132")["texts"])
    assert texts == [{"from": NUMBER, "body": "Thank you."}]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": HERE, "from_": ELSEWHERE, "body": "x"}, 21606),
        ({"to": HERE, "from_": NUMBER, "body": ""}, 21602),
        ({"to": HERE, "from_": NUMBER, "body": "x" * 1601}, 21617),
        ({"to": "x", "from_": NUMBER, "body": "x"}, 21211),
        ({"to": "", "from_": NUMBER, "body": "x"}, 21604),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused(client: Client, fields: Mapping[str, str], code: int) -> None:
    with refused(code):
        client.messages.create(**fields)


# Queues and numbers ------------------------------------------------------------------------------------------------


def test_a_queue_lists_its_members_and_lets_one_be_taken(
    carrier: Emulator, client: Client, application: Application
) -> None:
    first = carrier.call_in()
    carrier.wait(first, "enqueued")
    second = carrier.call_in(from_=ELSEWHERE)
    carrier.wait(second, "enqueued")
    queue = next(queue for queue in client.queues.list() if queue.friendly_name == "line")
    assert client.queues(queue.sid).fetch().current_size == 2
    members = client.queues(queue.sid).members.list()
    assert [(member.call_sid, member.position) for member in members] == [(first, 1), (second, 2)]
    application.documents["/taken"] = "<Say>It is your turn.</Say>"
    taken = client.queues(queue.sid).members("Front").update(url=f"{application.url}/taken")
    assert taken.call_sid == first
    carrier.wait(first, heard="your turn")
    assert client.queues(queue.sid).members(second).fetch().position == 1
    with refused(20404, 404):
        client.queues(queue.sid).members(first).fetch()


def test_a_queue_is_made_once_by_name(client: Client) -> None:
    queue = client.queues.create(friendly_name="made by hand", max_size=2)
    assert queue.max_size == 2
    with refused(22003):
        client.queues.create(friendly_name="made by hand")
    with refused(20001):
        client.queues.create(friendly_name="x" * 65)


def test_a_number_is_found_and_pointed_somewhere_else(client: Client) -> None:
    (number,) = client.incoming_phone_numbers.list(phone_number=NUMBER)
    changed = number.update(
        voice_url="http://127.0.0.1:1/v", voice_method="GET", status_callback="http://127.0.0.1:1/s"
    )
    assert (changed.voice_url, changed.voice_method) == ("http://127.0.0.1:1/v", "GET")
    assert client.incoming_phone_numbers(number.sid).fetch().status_callback == "http://127.0.0.1:1/s"
    assert client.incoming_phone_numbers.list(phone_number="+19995550000") == []
    number.update(voice_method="POST", status_callback="")


def test_the_numbers_configuration_survives_a_restart(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "numbers.json"))
    with running_emulator(*state) as before:
        (number,) = before.client().incoming_phone_numbers.list()
        number.update(voice_url="http://127.0.0.1:1/kept")
    with running_emulator(*state) as after:
        (again,) = after.client().incoming_phone_numbers.list()
    assert (again.sid, again.voice_url) == (number.sid, "http://127.0.0.1:1/kept")


# The published description -----------------------------------------------------------------------------------------


def strict(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI schema as JSON schema that wants every property named and no other."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return strict(whole["components"]["schemas"][name], whole)
    result = {key: schema[key] for key in ("type", "enum", "pattern", "minLength", "maxLength") if key in schema}
    if schema.get("type") == "object" and "properties" in schema:
        result["properties"] = {name: strict(part, whole) for name, part in schema["properties"].items()}
        result["required"] = list(schema["properties"])
        result["additionalProperties"] = False
    if schema.get("type") == "array":
        result["items"] = strict(schema["items"], whole)
    if schema.get("format") == "date-time-rfc-2822":
        result["format"] = "date-time-rfc-2822"
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


def _is_rfc2822(value: object) -> bool:
    return not isinstance(value, str) or email.utils.parsedate_to_datetime(value).utcoffset() == dt.timedelta(0)


DATES = jsonschema.FormatChecker(formats=())
DATES.checks("date-time-rfc-2822", raises=(TypeError, ValueError))(_is_rfc2822)


def conforms(answer: object, schema: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """Fails unless the answer is exactly what the description says."""
    jsonschema.Draft202012Validator(strict(schema, whole), format_checker=DATES).validate(answer)


def operation(whole: Mapping[str, Any], path: str, method: str) -> Mapping[str, Any]:
    """An operation of the description by its path below the account."""
    found: Mapping[str, Any] = whole["paths"]["/2010-04-01/Accounts/{AccountSid}/" + path][method]
    return found


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("Calls.json", "Calls.json"),
        ("Calls/{Sid}.json", "Calls/{call}.json"),
        ("Messages.json", "Messages.json"),
        ("Messages/{Sid}.json", "Messages/{text}.json"),
        ("Queues.json", "Queues.json"),
        ("Queues/{Sid}.json", "Queues/{queue}.json"),
        ("Queues/{QueueSid}/Members.json", "Queues/{queue}/Members.json"),
        ("Queues/{QueueSid}/Members/{CallSid}.json", "Queues/{queue}/Members/Front.json"),
        ("IncomingPhoneNumbers.json", "IncomingPhoneNumbers.json"),
        ("IncomingPhoneNumbers/{Sid}.json", "IncomingPhoneNumbers/{number}.json"),
    ],
)
def test_every_answer_has_exactly_the_published_form(
    carrier: Emulator, client: Client, description: Mapping[str, Any], template: str, path: str
) -> None:
    call = carrier.call_in(params={"CallerName": "ADA"})
    carrier.wait(call, "enqueued")
    text = client.messages.create(to=HERE, from_=NUMBER, body="Hello")
    queue = next(queue for queue in client.queues.list() if queue.current_size)
    number = client.incoming_phone_numbers.list()[0]
    answer = raw(carrier, path.format(call=call, text=text.sid, queue=queue.sid, number=number.sid))
    responses = operation(description, template, "get")["responses"]
    conforms(answer, responses["200"]["content"]["application/json"]["schema"], description)


def test_no_parameter_is_accepted_that_the_description_does_not_name(description: Mapping[str, Any]) -> None:
    def posted(path: str) -> set[str]:
        body = operation(description, path, "post")["requestBody"]["content"]["application/x-www-form-urlencoded"]
        return set(body["schema"]["properties"])

    def queried(path: str) -> set[str]:
        return {parameter["name"] for parameter in operation(description, path, "get")["parameters"]}

    accepted = {
        "create a call": (rest_calls.CREATE, posted("Calls.json")),
        "update a call": (rest_calls.UPDATE, posted("Calls/{Sid}.json")),
        "list calls": (rest_calls.LIST, queried("Calls.json")),
        "send a text": (rest_account.SEND, posted("Messages.json")),
        "list texts": (rest_account.MESSAGES, queried("Messages.json")),
        "make a queue": (rest_account.QUEUE, posted("Queues.json")),
        "take a member": (rest_account.DEQUEUE, posted("Queues/{QueueSid}/Members/{CallSid}.json")),
        "list numbers": (rest_account.NUMBERS, queried("IncomingPhoneNumbers.json")),
        "point a number": (rest_account.CONFIGURE, posted("IncomingPhoneNumbers/{Sid}.json")),
    }
    unknown = {name: (ours.effective | ours.inert) - theirs for name, (ours, theirs) in accepted.items()}
    assert {name: extra for name, extra in unknown.items() if extra} == {}


def test_a_refusal_has_code_message_link_and_status(carrier: Emulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json", timeout=PATIENCE_S)
    body = json.loads(refusal.value.read())
    refusal.value.close()
    assert body == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }
