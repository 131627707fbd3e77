"""The emulated carrier's reading of TwiML: what it refuses, and where a verb may stand."""

import pytest

from callback.emulator.twiml import Mode, TwimlError, parse, speech_seconds


@pytest.mark.parametrize(
    "body",
    [
        "<Shout>hello</Shout>",
        "<say>hello</say>",
        '<Say lang="en-US">hello</Say>',
        '<Say language="English">hello</Say>',
        '<Say voice="loud">hello</Say>',
        "<Say></Say>",
        "<Say>hello <b>you</b></Say>",
        "hello",
        '<Pause length="long"/>',
        '<Pause length="-1"/>',
        "<Pause>5</Pause>",
        '<Gather numDigits="0"/>',
        '<Gather timeout="auto"/>',
        '<Gather input="speech"/>',
        "<Gather><Gather/></Gather>",
        "<Gather><Dial>+14155550123</Dial></Gather>",
        "<Gather>Press 1</Gather>",
        '<Hangup reason="busy"/>',
        '<Reject reason="tired"/>',
        "<Redirect/>",
        "<Enqueue/>",
        f"<Enqueue>{'q' * 65}</Enqueue>",
        '<Enqueue workflowSid="WW1">q</Enqueue>',
        "<Dial/>",
        '<Dial timeout="0">+14155550123</Dial>',
        "<Dial>+14155550123<Number>+14155550124</Number></Dial>",
        "<Dial><Queue>a</Queue><Number>+14155550124</Number></Dial>",
        f"<Dial>{'<Number>+14155550124</Number>' * 11}</Dial>",
        "<Dial><Client/></Dial>",
        '<Dial><Number statusCallbackEvent="hangup">+14155550124</Number></Dial>',
        '<Dial method="PUT">+14155550123</Dial>',
        "<Play/>",
        '<Play digits="12">http://example.test/a.mp3</Play>',
        "<Number>+14155550123</Number>",
    ],
)
def test_a_document_with_a_mistake_is_refused(body: str) -> None:
    with pytest.raises(TwimlError) as refusal:
        parse(f"<Response>{body}</Response>")
    assert refusal.value.code == 12200


@pytest.mark.parametrize(
    "document",
    ["", "hello", "<Response>", "<Reply/>", "<Response/><Response/>", '<!DOCTYPE a [<!ENTITY b "c">]><Response/>'],
)
def test_what_is_no_response_at_all_cannot_be_parsed(document: str) -> None:
    with pytest.raises(TwimlError) as refusal:
        parse(document)
    assert refusal.value.code == 12100


def test_an_attribute_of_the_response_itself_is_refused() -> None:
    with pytest.raises(TwimlError):
        parse('<Response version="2"/>')


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [
        (Mode.WAIT, {"Say", "Play", "Pause", "Hangup", "Redirect", "Leave", "Gather"}),
        (Mode.WHISPER, {"Say", "Play", "Pause", "Hangup", "Redirect", "Gather", "Record"}),
        (Mode.HOLD, {"Say", "Play", "Pause", "Redirect"}),
    ],
)
def test_some_verbs_have_no_place_while_waiting_whispering_or_holding(mode: Mode, allowed: set[str]) -> None:
    verbs = {
        "Say": "<Say>a</Say>",
        "Play": "<Play>/a</Play>",
        "Pause": "<Pause/>",
        "Gather": "<Gather/>",
        "Redirect": "<Redirect>/a</Redirect>",
        "Hangup": "<Hangup/>",
        "Reject": "<Reject/>",
        "Leave": "<Leave/>",
        "Enqueue": "<Enqueue>a</Enqueue>",
        "Record": "<Record/>",
        "Dial": "<Dial>+14155550123</Dial>",
    }
    accepted = set()
    for name, verb in verbs.items():
        assert parse(f"<Response>{verb}</Response>", Mode.CALL)
        try:
            parse(f"<Response>{verb}</Response>", mode)
        except TwimlError:
            continue
        accepted.add(name)
    assert accepted == allowed


def test_spoken_text_is_what_stands_between_the_tags_with_single_spaces() -> None:
    (say,) = parse("<Response><Say>\n  You are <emphasis>second</emphasis>\n  in line. </Say></Response>")
    assert say.text == "You are second in line."


def test_comments_and_an_xml_declaration_are_harmless() -> None:
    (verb,) = parse('<?xml version="1.0" encoding="UTF-8"?>\n<Response><!-- note --><Hangup/></Response>')
    assert verb.name == "Hangup"


@pytest.mark.parametrize(("text", "seconds"), [("x" * 30, 2.0), ("您好您好您", 1.0), ("", 0.0)])
def test_speech_takes_its_time(text: str, seconds: float) -> None:
    assert speech_seconds(text) == pytest.approx(seconds)
