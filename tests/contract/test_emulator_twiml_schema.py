"""Whatever TwiML the emulated carrier accepts, the carrier's published schema accepts too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from callback.emulator.grammar import GRAMMAR, VERBS, Mode
from callback.emulator.twiml import TwimlError, parse

SCHEMA = Path(__file__).parents[2].parent / "shared" / "twilio" / "twiml_v20100401_twilioRealtimeCallSchema.xsd"

# What the carrier has documented since that schema was written.
NEWER_VERBS = {"Leave"}
NEWER_ATTRIBUTES = {
    "Enqueue": {"maxQueueSize"},
    "Conference": {"participantLabel"},
}
TYPES = {
    "Say": "SayType",
    "Play": "PlayType",
    "Pause": "PauseType",
    "Gather": "GatherType",
    "Redirect": "RedirectType",
    "Hangup": "HangupType",
    "Reject": "RejectType",
    "Enqueue": "EnqueueType",
    "Record": "RecordType",
    "Dial": "DialType",
    "Number": "NumberType",
    "Client": "ClientType",
    "Sip": "SipType",
    "Queue": "QueueType",
    "Conference": "conferenceType",
    "Parameter": "ClientParamType",
}
SAMPLES = {
    "language": ["en-US", "zh-CN"],
    "voice": ["woman", "Polly.Joanna"],
    "loop": ["1", "3"],
    "digits": ["1w2"],
    "finishOnKey": ["#", "*"],
    "input": ["dtmf"],
    "reason": ["busy", "rejected"],
    "trim": ["trim-silence"],
    "record": ["do-not-record"],
    "ringTone": ["us"],
    "sendDigits": ["ww12"],
    "statusCallbackEvent": ["completed"],
    "beep": ["true", "onEnter"],
    "maxParticipants": ["5"],
    "callerId": ["+14155550123"],
    "xml:lang": ["zh-CN"],
    "strength": ["weak"],
    "time": ["300ms", "1s"],
    "level": ["strong"],
    "rate": ["slow", "90%"],
    "volume": ["loud", "+6dB"],
    "pitch": ["high", "+1st"],
    "alphabet": ["ipa"],
    "interpret-as": ["ordinal"],
    "format": ["mdy"],
}
JUNK = ["", "x", "-1", "true", "1", "GET", "99999", "http://example.test/"]


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema10:
    """The published schema."""
    if not SCHEMA.exists():
        pytest.skip("the carrier's TwiML schema (../shared/twilio) is not present: cannot compare with it")
    return xmlschema.XMLSchema10(str(SCHEMA), allow="local")


def samples(element: str, name: str) -> st.SearchStrategy[str]:
    """Mostly values that the attribute may have, and now and then anything."""
    grammar = GRAMMAR[element]
    check = grammar.attributes.get(name) or grammar.inert.get(name) or bool
    usual = SAMPLES.get(name, ["1", "5", "60", "true", "false", "POST", "/next?a=1&b=2", "completed"])
    return st.one_of(
        st.sampled_from([value for value in usual if check(value)] or usual), rarely(st.sampled_from(JUNK))
    )


def rarely(what: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One time in eight."""
    return st.integers(0, 7).flatmap(lambda die: what if die == 0 else st.just("1"))


@st.composite
def elements(draw: st.DrawFn, names: tuple[str, ...], depth: int) -> str:
    """An element of the grammar, or something like it."""
    odd = draw(st.integers(0, 14)) == 0
    name = draw(st.sampled_from(names))
    grammar = GRAMMAR[name]
    known = sorted({*grammar.attributes, *grammar.inert} - NEWER_ATTRIBUTES.get(name, set())) + ["wrong"] * odd
    chosen = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
    chosen += [] if odd else sorted(grammar.required - set(chosen))
    attributes = "".join(f" {attribute}={quoteattr(draw(samples(name, attribute)))}" for attribute in chosen)
    inner = names if odd else tuple(sorted(grammar.children))
    count = draw(st.integers(0, 2)) if depth and inner else 0
    children = "".join(draw(elements(inner, depth - 1)) for _ in range(count))
    wanted = {"none": False, "required": True}.get(grammar.text, not children)
    text = draw(st.sampled_from(["Hello & welcome", "+14155550123", "sip:ada@example.test"])) if wanted or odd else ""
    return f"<{name}{attributes}>{escape(text)}{children}</{name}>"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A whole response."""
    names = tuple(sorted(VERBS[Mode.CALL] - NEWER_VERBS))
    body = "".join(draw(elements(names, 2)) for _ in range(draw(st.integers(0, 3))))
    return f"<Response>{body}</Response>"


@given(document=documents())
def test_an_accepted_document_is_valid_by_the_schema(schema: xmlschema.XMLSchema10, document: str) -> None:
    try:
        parse(document)
    except TwimlError:
        return
    schema.validate(document)


def test_the_grammar_goes_beyond_the_schema_only_where_the_carrier_did(schema: xmlschema.XMLSchema10) -> None:
    known: Any = schema.types["responseType"]
    verbs = {element.local_name for element in known.content.iter_elements()}
    assert VERBS[Mode.CALL] - verbs == NEWER_VERBS
    beyond: dict[str, set[str]] = {}
    for name, type_name in TYPES.items():
        described: Mapping[str | None, object] = schema.types[type_name].attributes  # type: ignore[union-attr]
        extra = ({*GRAMMAR[name].attributes, *GRAMMAR[name].inert}) - {
            attribute for attribute in described if attribute
        }
        if extra:
            beyond[name] = extra
    assert beyond == {name: extra for name, extra in NEWER_ATTRIBUTES.items() if name in TYPES}


ACCEPTED = [
    '<Say language="zh-CN" voice="Polly.Zhiyu">您好，请按 1。</Say>',
    '<Say><prosody rate="slow">Your <say-as interpret-as="ordinal">2</say-as></prosody><break time="1s"/></Say>',
    '<Gather numDigits="1" action="/a" actionOnEmptyResult="true"><Say>Press 1.</Say><Pause length="2"/></Gather>',
    '<Enqueue waitUrl="/wait?t=1" waitUrlMethod="POST" action="/left">support</Enqueue>',
    '<Dial answerOnBridge="true" timeout="20"><Number url="/w" statusCallback="/s">+14155550123</Number></Dial>',
    '<Dial><Client><Identity>ada</Identity><Parameter name="a" value="b"/></Client></Dial>',
    "<Dial><Sip>sip:ada@example.test;transport=tls</Sip></Dial>",
    '<Dial><Queue url="/before">support</Queue></Dial>',
    '<Dial><Conference startConferenceOnEnter="false" endConferenceOnExit="true" beep="false">room</Conference></Dial>',
    '<Play loop="0">https://example.test/hold.mp3</Play>',
    '<Record maxLength="10" playBeep="true" finishOnKey="#" action="/r"/>',
    '<Redirect method="GET">/next</Redirect><Hangup/>',
    '<Reject reason="busy"/>',
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_what_an_application_writes_is_accepted_by_both(schema: xmlschema.XMLSchema10, body: str) -> None:
    document = f"<Response>{body}</Response>"
    assert parse(document)
    schema.validate(document)
