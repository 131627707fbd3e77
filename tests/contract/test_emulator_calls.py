"""What happens on a call: documents, keys, queues, dialled people, rooms, machines; seen from both ends."""

from collections.abc import Iterator

import pytest
from twilio.rest import Client

from tests.support.emulator import NUMBER, Application, Asked, Emulator, running_emulator
from tests.support.waiting import eventually

CALLER = "+14155550123"
AGENT = "+14155550777"
OTHER = "sip:bob@desk.example"


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
    (number,) = carrier.client().incoming_phone_numbers.list()
    number.update(voice_url=f"{application.url}/voice", status_callback="", voice_fallback_url="")
    yield application
    crashes = carrier.ledger("crash")
    application.close()
    assert crashes == []


@pytest.fixture
def client(carrier: Emulator) -> Client:
    """The SDK."""
    return carrier.client()


def errors(carrier: Emulator, sid: str) -> list[int]:
    """The error numbers written about a call."""
    return [entry["code"] for entry in carrier.ledger("error", sid)]


# Documents and keys ------------------------------------------------------------------------------------------------


def test_a_caller_hears_the_documents_in_order_and_the_call_ends_after_the_last(
    carrier: Emulator, application: Application
) -> None:
    application.documents["/voice"] = '<Say language="zh-CN">您好</Say><Pause/><Redirect>next?step=2</Redirect>'
    application.documents["/next"] = "<Say>Goodbye.</Say><Hangup/><Say>Never heard.</Say>"
    sid = carrier.call_in(params={"StirVerstat": "TN-Validation-Passed-A"})
    leg = carrier.wait(sid, "ended")
    kinds = [(sound["kind"], sound["text"], sound["language"]) for sound in leg["heard"]]
    assert kinds == [
        ("ringing", "", ""),
        ("say", "您好", "zh-CN"),
        ("pause", "1", ""),
        ("say", "Goodbye.", "en-US"),
        ("ended", "", ""),
    ]
    first, second = application.to("/voice")[0], application.to("/next")[0]
    assert first.form["CallStatus"] == "ringing"
    assert first.form["StirVerstat"] == "TN-Validation-Passed-A"
    assert second.form["CallStatus"] == "in-progress"
    assert second.query == {"step": "2"}


def test_a_key_cuts_speech_short_and_reaches_the_action(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = (
        f'<Gather numDigits="1" action="/chosen"><Say>{"A long sentence. " * 99}</Say></Gather>'
    )
    application.documents["/chosen"] = "<Say>Chosen.</Say>"
    sid = carrier.call_in()
    carrier.wait(sid, "gather")
    carrier.act(sid, "press", digits="1")
    carrier.wait(sid, "ended")
    form = application.to("/chosen")[0].form
    assert (form["Digits"], form["msg"]) == ("1", "Gather End")


def test_several_keys_end_with_the_finish_key(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = (
        '<Gather action="/chosen" finishOnKey="#" timeout="300"><Say>Your number.</Say></Gather>'
    )
    sid = carrier.call_in()
    carrier.wait(sid, "gather")
    assert carrier.act(sid, "press", digits="4155550199")["gathering"]
    assert not carrier.act(sid, "press", digits="#")["gathering"]
    form = application.wait_for("/chosen")[0].form
    assert (form["Digits"], form["FinishedOnKey"]) == ("4155550199", "#")


def test_keys_entered_before_a_timeout_are_kept(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Gather action="/chosen" numDigits="5" timeout="60"/>'
    sid = carrier.call_in()
    carrier.wait(sid, "gather")
    carrier.act(sid, "press", digits="12")
    assert application.wait_for("/chosen")[0].form["Digits"] == "12"


def test_silence_falls_through_unless_the_empty_result_is_wanted(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = (
        '<Gather timeout="1" action="/never"/><Gather timeout="1" action="/empty" actionOnEmptyResult="true"/>'
    )
    carrier.wait(carrier.call_in(), "ended")
    assert application.to("/never") == []
    assert application.to("/empty")[0].form["Digits"] == ""


def test_keys_that_nobody_waits_for_are_lost(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Say>Hello.</Say><Pause length="20"/><Gather timeout="1" action="/chosen"/>'
    sid = carrier.call_in(behaviour={"script": [{"hear": "hello"}, {"press": "1"}]})
    carrier.wait(sid, "ended")
    assert [entry["verb"] for entry in carrier.ledger("verb", sid)] == ["Say", "Pause", "Gather"]
    assert application.to("/chosen") == []
    assert [entry["digit"] for entry in carrier.ledger("key-ignored", sid)] == ["1"]


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")])
def test_a_rejected_call_is_never_answered(
    carrier: Emulator, application: Application, reason: str, status: str
) -> None:
    application.documents["/voice"] = f'<Reject reason="{reason}"/>'
    leg = carrier.wait(carrier.call_in(), "ended")
    assert leg["status"] == status
    assert [sound["kind"] for sound in leg["heard"]] == ["ringing", "ended"]


def test_a_recording_ends_with_a_key_and_tells_where_it_is(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Record maxLength="300" timeout="300" action="/recorded" finishOnKey="#"/>'
    sid = carrier.call_in()
    carrier.wait(sid, "recording")
    carrier.act(sid, "press", digits="#")
    form = application.wait_for("/recorded")[0].form
    assert form["Digits"] == "#"
    assert int(form["RecordingDuration"]) >= 1
    assert form["RecordingUrl"].endswith(form["RecordingSid"])
    assert carrier.heard(sid, "beep") == [""]


def test_music_that_is_missing_is_an_error_that_the_call_survives(carrier: Emulator, application: Application) -> None:
    application.documents["/missing.wav"] = (404, "")
    application.documents["/voice"] = "<Play>/missing.wav</Play><Say>Still here.</Say>"
    sid = carrier.call_in()
    carrier.wait(sid, heard="Still here")
    assert errors(carrier, sid) == [11200]


# Errors and fallbacks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Shout>Hello</Shout>", 12200),
        ('<Say volume="11">Hello</Say>', 12200),
        ("<Gather><Dial>+14155550777</Dial></Gather>", 12200),
        ((200, "not xml"), 12100),
        ((200, "<Response/>", "application/json"), 12300),
        ((500, ""), 11200),
        ((404, ""), 11200),
    ],
)
def test_a_document_that_cannot_be_executed_is_replaced_by_the_fallback(
    carrier: Emulator, application: Application, document: str | tuple[int, str], code: int
) -> None:
    (number,) = carrier.client().incoming_phone_numbers.list()
    number.update(voice_fallback_url=f"{application.url}/fallback")
    application.documents["/voice"] = document
    application.documents["/fallback"] = "<Say>One moment.</Say>"
    sid = carrier.call_in()
    carrier.wait(sid, heard="One moment")
    form = application.to("/fallback")[0].form
    assert (form["ErrorCode"], form["ErrorUrl"]) == (str(code), f"{application.url}/voice")
    assert errors(carrier, sid) == [code]


def test_without_a_fallback_the_caller_hears_that_something_is_wrong(
    carrier: Emulator, application: Application
) -> None:
    application.documents["/voice"] = "<Shout/>"
    sid = carrier.call_in()
    carrier.wait(sid, heard="application error has occurred")
    assert carrier.wait(sid, "ended")["status"] == "completed"


# Queues ------------------------------------------------------------------------------------------------------------


def test_a_queued_caller_hears_the_wait_document_again_and_again(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Enqueue waitUrl="/wait" action="/left">line</Enqueue>'
    application.documents["/wait"] = "<Say>Please hold.</Say>"
    sid = carrier.call_in()
    asked = application.wait_for("/wait", 3)
    assert asked[0].form["QueuePosition"] == "1"
    assert asked[0].form["CurrentQueueSize"] == "1"
    assert {"QueueSid", "QueueTime", "AvgQueueTime", "MaxQueueSize"} <= set(asked[0].form)
    carrier.act(sid, "hang_up")
    left = application.wait_for("/left")[0].form
    assert (left["QueueResult"], left["CallStatus"]) == ("hangup", "completed")


def test_a_queued_caller_without_a_wait_document_hears_music(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = "<Enqueue>line</Enqueue>"
    sid = carrier.call_in()
    carrier.wait(sid, "enqueued")
    assert carrier.heard(sid, "music") == [""]


def test_a_key_in_the_wait_document_can_lead_out_of_the_queue(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Enqueue waitUrl="/wait" action="/left">line</Enqueue>'
    application.documents["/wait"] = '<Gather numDigits="1" action="/key" timeout="300"><Say>Press 1.</Say></Gather>'
    application.documents["/key"] = "<Leave/>"
    application.documents["/left"] = "<Say>We will call you.</Say>"
    sid = carrier.call_in()
    carrier.wait(sid, "gather")
    carrier.act(sid, "press", digits="1")
    carrier.wait(sid, heard="We will call you")
    assert application.to("/key")[0].form["QueuePosition"] == "1"
    assert application.to("/left")[0].form["QueueResult"] == "leave"


def test_dial_is_not_allowed_while_waiting(carrier: Emulator, application: Application) -> None:
    application.documents["/voice"] = '<Enqueue waitUrl="/wait" action="/left">line</Enqueue>'
    application.documents["/wait"] = f"<Dial>{AGENT}</Dial>"
    sid = carrier.call_in()
    assert application.wait_for("/left")[0].form["QueueResult"] == "error"
    assert errors(carrier, sid) == [12200]


def test_a_redirect_takes_the_caller_out_and_says_so(
    carrier: Emulator, application: Application, client: Client
) -> None:
    application.documents["/voice"] = '<Enqueue waitUrl="/wait" action="/left">line</Enqueue>'
    application.documents["/wait"] = '<Pause length="60"/>'
    sid = carrier.call_in()
    carrier.wait(sid, "enqueued")
    client.calls(sid).update(twiml="<Response><Say>Your turn.</Say></Response>")
    carrier.wait(sid, heard="Your turn")
    assert application.wait_for("/left")[0].form["QueueResult"] == "redirected"


def test_a_full_queue_sends_the_caller_on(carrier: Emulator, application: Application, client: Client) -> None:
    client.queues.create(friendly_name="short", max_size=1)
    application.documents["/voice"] = '<Enqueue action="/left">short</Enqueue>'
    carrier.wait(carrier.call_in(), "enqueued")
    carrier.call_in(from_=AGENT)
    assert application.wait_for("/left")[0].form["QueueResult"] == "queue-full"


def test_an_agent_who_dials_the_queue_talks_to_the_first_in_line(
    carrier: Emulator, application: Application, client: Client
) -> None:
    application.documents["/voice"] = '<Enqueue action="/left">pickup</Enqueue>'
    application.documents["/before"] = "<Say>You will now be connected.</Say>"
    application.documents["/dialled"] = "<Say>Thank you, agent.</Say>"
    first = carrier.call_in()
    carrier.wait(first, "enqueued")
    second = carrier.call_in(from_="+14155550124")
    carrier.wait(second, "enqueued")
    carrier.endpoint(AGENT)
    twiml = '<Response><Dial action="/dialled"><Queue url="/before">pickup</Queue></Dial></Response>'
    application.documents["/agent"] = twiml.removeprefix("<Response>").removesuffix("</Response>")
    agent = client.calls.create(to=AGENT, from_=NUMBER, url=f"{application.url}/agent")
    leg = carrier.wait(first, "bridged")
    assert leg["bridged_with"] == agent.sid
    assert carrier.heard(first)[-1] == "You will now be connected."
    assert application.to("/before")[0].form["DequeingCallSid"] == agent.sid
    assert carrier.leg(second)["doing"] == ["enqueued"]
    assert application.to("/left") == []
    carrier.act(first, "hang_up")
    dialled = application.wait_for("/dialled")[0].form
    assert (dialled["DialCallStatus"], dialled["DialBridged"], dialled["DialCallSid"]) == ("completed", "true", first)
    assert application.wait_for("/left")[0].form["QueueResult"] == "bridged"
    carrier.wait(agent.sid, heard="Thank you, agent")


def test_an_agent_waits_for_somebody_to_enter_an_empty_queue(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.endpoint(AGENT)
    application.documents["/voice"] = "<Enqueue>empty</Enqueue>"
    application.documents["/agent"] = '<Dial timeout="300"><Queue>empty</Queue></Dial>'
    agent = client.calls.create(to=AGENT, from_=NUMBER, url=f"{application.url}/agent")
    carrier.wait(agent.sid, "dialing")
    caller = carrier.call_in()
    carrier.wait(agent.sid, "bridged")
    assert carrier.leg(agent.sid)["bridged_with"] == caller


# Dialling people ---------------------------------------------------------------------------------------------------


def dialling(application: Application, nouns: str, attributes: str = "") -> None:
    """Has the number's document dial."""
    application.documents["/voice"] = f'<Dial action="/dialled" {attributes}>{nouns}</Dial>'


def test_a_called_agent_hears_the_whisper_and_accepts_by_a_key(carrier: Emulator, application: Application) -> None:
    dialling(application, f'<Number url="/whisper">{AGENT}</Number>')
    application.documents["/whisper"] = (
        '<Gather numDigits="1" action="/accept"><Say>Press 1 to accept.</Say></Gather><Hangup/>'
    )
    application.documents["/accept"] = ""
    application.documents["/dialled"] = "<Say>Goodbye.</Say>"
    carrier.endpoint(AGENT, {"on_say": [{"match": "press 1", "press": "1"}], "talk_s": 40})
    caller = carrier.call_in()
    leg = carrier.wait(caller, "bridged")
    agent = carrier.called(AGENT)[0]
    assert leg["bridged_with"] == agent["sid"]
    assert agent["parent_sid"] == caller
    whisper = application.to("/whisper")[0].form
    assert (whisper["CallSid"], whisper["ParentCallSid"], whisper["From"]) == (agent["sid"], caller, CALLER)
    form = application.wait_for("/dialled")[0].form
    assert (form["DialCallStatus"], form["DialBridged"], form["CallStatus"]) == ("completed", "true", "in-progress")
    assert int(form["DialCallDuration"]) >= 1
    carrier.wait(caller, heard="Goodbye")


def test_an_agents_voicemail_never_gets_the_caller(carrier: Emulator, application: Application) -> None:
    dialling(application, f'<Number url="/whisper">{AGENT}</Number>')
    application.documents["/whisper"] = (
        '<Gather numDigits="1" timeout="2"><Say>Press 1 to accept.</Say></Gather><Hangup/>'
    )
    carrier.endpoint(AGENT, {"answer": "machine"})
    caller = carrier.call_in()
    form = application.wait_for("/dialled")[0].form
    assert (form["DialCallStatus"], form["DialBridged"]) == ("completed", "false")
    assert "bridged" not in [sound["kind"] for sound in carrier.leg(caller)["heard"]]


@pytest.mark.parametrize(("answer", "status"), [("busy", "busy"), ("no-answer", "no-answer"), ("failed", "failed")])
def test_an_agent_who_cannot_be_reached_leaves_the_caller_with_the_action(
    carrier: Emulator, application: Application, answer: str, status: str
) -> None:
    dialling(application, f"<Number>{AGENT}</Number>")
    carrier.endpoint(AGENT, {"answer": answer})
    carrier.call_in()
    form = application.wait_for("/dialled")[0].form
    assert (form["DialCallStatus"], form["DialBridged"]) == (status, "false")
    assert "DialCallDuration" not in form


def test_after_the_caller_hung_up_the_action_is_still_requested(carrier: Emulator, application: Application) -> None:
    dialling(application, f"<Number>{AGENT}</Number>")
    carrier.endpoint(AGENT)
    caller = carrier.call_in()
    carrier.wait(caller, "bridged")
    carrier.act(caller, "hang_up")
    form = application.wait_for("/dialled")[0].form
    assert (form["CallStatus"], form["DialCallStatus"], form["DialBridged"]) == ("completed", "completed", "true")
    assert carrier.called(AGENT)[0]["status"] == "completed"


def test_a_caller_who_gives_up_while_it_rings_stops_the_ringing(carrier: Emulator, application: Application) -> None:
    dialling(application, f"<Number>{AGENT}</Number>", 'timeout="300"')
    carrier.endpoint(AGENT, {"answer": "manual"})
    caller = carrier.call_in()
    agent = carrier.called(AGENT)[0]["sid"]
    carrier.wait(agent, "ringing")
    carrier.act(caller, "hang_up")
    assert carrier.wait(agent, "ended")["status"] == "no-answer"
    form = application.wait_for("/dialled")[0].form
    assert (form["CallStatus"], form["DialCallStatus"], form["DialBridged"]) == ("completed", "no-answer", "false")


def test_several_ring_at_once_and_the_first_who_accepts_gets_the_call(
    carrier: Emulator, application: Application
) -> None:
    dialling(application, f"<Number>{AGENT}</Number><Sip>{OTHER}</Sip><Client>carol</Client>")
    carrier.endpoint(AGENT, {"answer": "manual"})
    carrier.endpoint(OTHER, {"after_s": 3})
    carrier.endpoint("client:carol", {"answer": "busy", "after_s": 1})
    caller = carrier.call_in()
    leg = carrier.wait(caller, "bridged")
    assert leg["bridged_with"] == carrier.called(OTHER)[0]["sid"]
    assert carrier.called(AGENT)[0]["status"] == "no-answer"
    assert carrier.called("client:carol")[0]["status"] == "busy"
    carrier.act(leg["bridged_with"], "hang_up")
    assert application.wait_for("/dialled")[0].form["DialCallSid"] == leg["bridged_with"]


def test_a_number_that_cannot_be_dialled_fails_at_once(carrier: Emulator, application: Application) -> None:
    dialling(application, "<Number>+1</Number>")
    caller = carrier.call_in()
    assert application.wait_for("/dialled")[0].form["DialCallStatus"] == "failed"
    assert errors(carrier, caller) == [13224]


def test_a_caller_id_must_be_ours_or_the_callers(carrier: Emulator, application: Application) -> None:
    dialling(application, f"<Number>{AGENT}</Number>", 'callerId="+14155559999"')
    caller = carrier.call_in()
    assert application.wait_for("/dialled")[0].form["DialCallStatus"] == "failed"
    assert errors(carrier, caller) == [13214]


def test_with_answer_on_bridge_the_caller_keeps_ringing_until_somebody_answers(
    carrier: Emulator, application: Application
) -> None:
    dialling(application, f"<Number>{AGENT}</Number>", 'answerOnBridge="true" timeout="300"')
    carrier.endpoint(AGENT, {"answer": "manual"})
    caller = carrier.call_in()
    agent = carrier.called(AGENT)[0]["sid"]
    carrier.wait(agent, "ringing")
    assert carrier.leg(caller)["status"] == "ringing"
    carrier.act(agent, "answer")
    assert carrier.wait(caller, "bridged")["status"] == "in-progress"


def test_star_ends_the_conversation_where_that_was_agreed(carrier: Emulator, application: Application) -> None:
    dialling(application, f"<Number>{AGENT}</Number>", 'hangupOnStar="true"')
    application.documents["/dialled"] = "<Say>Back with us.</Say>"
    carrier.endpoint(AGENT)
    caller = carrier.call_in()
    carrier.wait(caller, "bridged")
    carrier.act(caller, "press", digits="*")
    carrier.wait(caller, heard="Back with us")
    assert carrier.called(AGENT)[0]["status"] == "completed"


def test_the_time_limit_ends_the_conversation(carrier: Emulator, application: Application) -> None:
    dialling(application, f"<Number>{AGENT}</Number>", 'timeLimit="10"')
    carrier.endpoint(AGENT)
    carrier.call_in()
    assert application.wait_for("/dialled")[0].form["DialBridged"] == "true"


def test_a_redirected_agent_leg_leaves_the_caller_with_the_action(
    carrier: Emulator, application: Application, client: Client
) -> None:
    dialling(application, f"<Number>{AGENT}</Number>")
    application.documents["/dialled"] = "<Say>Please hold.</Say>"
    carrier.endpoint(AGENT)
    caller = carrier.call_in()
    agent = carrier.wait(caller, "bridged")["bridged_with"]
    client.calls(agent).update(twiml='<Response><Say>Something else.</Say><Pause length="30"/></Response>')
    carrier.wait(caller, heard="Please hold")
    carrier.wait(agent, heard="Something else")
    assert carrier.leg(agent)["status"] == "in-progress"


def test_a_redirected_caller_drops_the_agent_without_an_action(
    carrier: Emulator, application: Application, client: Client
) -> None:
    dialling(application, f"<Number>{AGENT}</Number>")
    carrier.endpoint(AGENT)
    caller = carrier.call_in()
    agent = carrier.wait(caller, "bridged")["bridged_with"]
    client.calls(caller).update(twiml="<Response><Say>Something else.</Say></Response>")
    carrier.wait(agent, "ended")
    carrier.wait(caller, heard="Something else")
    carrier.wait(caller, "ended")
    assert application.to("/dialled") == []


def test_a_dialled_leg_reports_each_turn_with_a_running_number(carrier: Emulator, application: Application) -> None:
    dialling(
        application,
        f'<Number statusCallback="/status" statusCallbackEvent="initiated ringing answered completed">{AGENT}</Number>',
    )
    carrier.endpoint(AGENT, {"talk_s": 5})
    carrier.call_in()
    told = application.wait_for("/status", 4)
    words = sorted((int(one.form["SequenceNumber"]), one.form["CallStatus"]) for one in told)
    assert words == [(0, "initiated"), (1, "ringing"), (2, "in-progress"), (3, "completed")]


# Conferences -------------------------------------------------------------------------------------------------------


def test_a_conference_starts_with_its_starter_and_ends_with_whom_it_was_agreed(
    carrier: Emulator, application: Application, client: Client
) -> None:
    room = 'statusCallback="/room" statusCallbackEvent="start end join leave"'
    application.documents["/voice"] = (
        f'<Dial action="/left"><Conference startConferenceOnEnter="false" waitUrl="/hold" {room}>R</Conference></Dial>'
    )
    application.documents["/hold"] = "<Say>Please hold.</Say>"
    application.documents["/agent"] = '<Dial><Conference endConferenceOnExit="true" beep="false">R</Conference></Dial>'
    application.documents["/left"] = "<Say>Goodbye.</Say>"
    carrier.endpoint(AGENT)
    caller = carrier.call_in()
    carrier.wait(caller, heard="Please hold")
    agent = client.calls.create(to=AGENT, from_=NUMBER, url=f"{application.url}/agent").sid
    carrier.wait(caller, "bridged")
    carrier.act(agent, "hang_up")
    carrier.wait(caller, heard="Goodbye")
    events = [
        one.form["StatusCallbackEvent"]
        for one in sorted(application.wait_for("/room", 6), key=lambda one: int(one.form["SequenceNumber"]))
    ]
    assert events == [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-leave",
        "conference-end",
        "participant-leave",
    ]
    assert application.to("/left")[0].form["DialCallStatus"] == "answered"


def test_whoever_a_leg_rang_is_sent_into_a_room_and_the_leg_follows_and_may_leave_it(
    carrier: Emulator, application: Application, client: Client
) -> None:
    def room(ends: str) -> str:
        return f'<Dial action="/over"><Conference endConferenceOnExit="{ends}" beep="false">R</Conference></Dial>'

    application.documents["/voice"] = '<Say>Hello.</Say><Pause length="600"/>'
    application.documents["/agent"] = f'<Dial action="/rang"><Number>{AGENT}</Number></Dial>'
    application.documents["/rang"] = room("false")
    application.documents["/room"] = room("true")
    application.documents["/over"] = "<Say>Goodbye.</Say>"
    carrier.endpoint(AGENT, {"talk_s": 600})
    agent, caller = carrier.call_in(), carrier.call_in()
    for leg in (agent, caller):
        carrier.wait(leg, "in-progress")
    client.calls(agent).update(url=f"{application.url}/agent")
    (other,) = carrier.called(AGENT)
    carrier.wait(other["sid"], "bridged")
    client.calls(other["sid"]).update(url=f"{application.url}/room")
    application.wait_for("/rang")
    client.calls(caller).update(url=f"{application.url}/room")
    carrier.wait(caller, "bridged")
    client.calls(agent).update(status="completed")
    carrier.wait(agent, "completed")
    assert carrier.leg(caller)["status"] == carrier.leg(other["sid"])["status"] == "in-progress"
    client.calls(other["sid"]).update(status="completed")
    carrier.wait(caller, heard="Goodbye")


# Called people -----------------------------------------------------------------------------------------------------


def test_a_created_call_reports_the_turns_it_was_asked_about(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.endpoint(CALLER, {"script": [{"sleep_s": 30}, {"hang_up": True}]})
    call = client.calls.create(
        to=CALLER,
        from_=NUMBER,
        twiml='<Response><Pause length="60"/></Response>',
        status_callback=f"{application.url}/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )
    told = sorted(application.wait_for("/status", 4), key=lambda one: int(one.form["SequenceNumber"]))
    assert [one.form["CallStatus"] for one in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert all(one.form["CallSid"] == call.sid for one in told)
    assert "CallDuration" in told[-1].form


def test_only_the_end_is_reported_when_nothing_else_was_asked_for(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.endpoint(CALLER, {"answer": "busy"})
    client.calls.create(to=CALLER, from_=NUMBER, twiml="<Response/>", status_callback=f"{application.url}/status")
    (told,) = application.wait_for("/status")
    assert (told.form["CallStatus"], told.form["SequenceNumber"]) == ("busy", "0")


def test_the_end_of_an_incoming_call_is_told_to_the_numbers_callback(
    carrier: Emulator, application: Application
) -> None:
    (number,) = carrier.client().incoming_phone_numbers.list()
    number.update(status_callback=f"{application.url}/ended")
    application.documents["/voice"] = "<Say>Hello.</Say>"
    sid = carrier.call_in()
    (told,) = application.wait_for("/ended")
    assert (told.form["CallSid"], told.form["CallStatus"]) == (sid, "completed")


@pytest.mark.parametrize(
    ("behaviour", "mode", "verdict"),
    [
        ({}, "Enable", "human"),
        ({"answer": "machine"}, "Enable", "machine_start"),
        ({"answer": "machine"}, "DetectMessageEnd", "machine_end_beep"),
        ({"answer": "machine", "machine": "fax"}, "Enable", "fax"),
        ({"amd": "unknown"}, "Enable", "unknown"),
        ({"amd": "machine_start"}, "Enable", "machine_start"),
    ],
)
def test_detection_holds_the_document_back_until_it_knows(
    carrier: Emulator, application: Application, client: Client, behaviour: dict[str, str], mode: str, verdict: str
) -> None:
    carrier.endpoint(CALLER, behaviour)
    application.documents["/hello"] = "<Hangup/>"
    call = client.calls.create(to=CALLER, from_=NUMBER, url=f"{application.url}/hello", machine_detection=mode)
    assert application.wait_for("/hello")[0].form["AnsweredBy"] == verdict
    assert client.calls(call.sid).fetch().answered_by == verdict


def test_asynchronous_detection_lets_the_document_start_and_tells_later(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.endpoint(CALLER, {"answer": "machine"})
    application.documents["/hello"] = '<Pause length="30"/>'
    client.calls.create(
        to=CALLER,
        from_=NUMBER,
        url=f"{application.url}/hello",
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback=f"{application.url}/amd",
    )
    form = application.wait_for("/amd")[0].form
    assert form["AnsweredBy"] == "machine_start"
    assert int(form["MachineDetectionDuration"]) >= 4000
    assert "AnsweredBy" not in application.to("/hello")[0].form


def test_a_voicemail_beeps_takes_the_message_and_hangs_up_when_full(
    carrier: Emulator, application: Application, client: Client
) -> None:
    carrier.endpoint(CALLER, {"answer": "machine"})
    application.documents["/hello"] = '<Pause length="10"/><Say>We tried to reach you.</Say><Pause length="300"/>'
    call = client.calls.create(to=CALLER, from_=NUMBER, url=f"{application.url}/hello")
    carrier.wait(call.sid, heard="We tried to reach you")
    assert carrier.heard(call.sid, "beep") == [""]
    assert carrier.wait(call.sid, "ended")["status"] == "completed"


def test_a_person_follows_a_script(carrier: Emulator, application: Application) -> None:
    pressed: list[str] = []

    def menu(asked: Asked) -> str:
        pressed.append(asked.form.get("Digits", ""))
        return '<Gather numDigits="1" action="/voice"><Say>Choose.</Say></Gather>'

    application.documents["/voice"] = menu
    script = [{"hear": "choose"}, {"press": "3"}, {"hear": "choose"}, {"press": "1"}, {"sleep_s": 2}, {"hang_up": True}]
    sid = carrier.call_in(behaviour={"script": script})
    carrier.wait(sid, "ended")
    eventually(lambda: pressed[:3] == ["", "3", "1"], what="both keys")
