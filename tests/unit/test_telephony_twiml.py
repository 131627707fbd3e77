"""Documents: what each verb becomes, that nothing typed can spoil one, and that the quick way equals the library's."""

import json
import wave
import xml.etree.ElementTree as ET
from pathlib import Path
from time import process_time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from callback.adapters.telephony import hold_tone
from callback.adapters.telephony.twiml import HOLD_MUSIC, HOLD_MUSIC_S, VOICES, Voice, render, render_plainly
from callback.domain.dialogue import (
    Ask,
    Connect,
    Forward,
    Goto,
    HangUp,
    Hold,
    LeaveQueue,
    Meet,
    Music,
    Prompt,
    Reject,
    Script,
    Silence,
    Speak,
    Step,
    Verb,
)
from callback.emulator import twiml

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT.parent / "shared" / "twilio"

# What the schema of speech takes from the standard's own, which is not fetched.
XML_NAMESPACE = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/XML/1998/namespace">
  <xs:attribute name="id" type="xs:ID"/>
  <xs:attribute name="lang" type="xs:language"/>
  <xs:attribute name="base" type="xs:anyURI"/>
  <xs:attribute name="space" type="xs:NCName"/>
</xs:schema>"""


class PlainUrls:
    """`ports.Urls` without a nonce, so that two renderings of one script can be compared."""

    base = "https://callback.example"

    def step(self, path: str, **query: str) -> str:
        return f"https://callback.example/voice/{path}" + (f"?{urlencode(query)}" if query else "")

    def status_page(self, token: str) -> str:
        return f"https://callback.example/c/{token}"


URLS = PlainUrls()
WELCOME = Prompt("welcome", {"queue": "Support"})


def document(*verbs: Verb, language: str = "en") -> str:
    return render(Script(language, verbs), URLS).removeprefix('<?xml version="1.0" encoding="UTF-8"?>')


def test_an_empty_script_is_an_empty_document() -> None:
    assert document() == "<Response />"


@pytest.mark.parametrize(
    ("verb", "xml"),
    [
        (
            Speak((WELCOME, Prompt("stay"))),
            (
                '<Say language="en-US" voice="Polly.Joanna">'
                "Thank you for calling Support. Please stay on the line. You keep your place.</Say>"
            ),
        ),
        (Silence(2), '<Pause length="2" />'),
        (Music(30), '<Play loop="3">/static/hold.wav</Play>'),
        (Music(31), '<Play loop="4">/static/hold.wav</Play>'),
        (
            Ask((Prompt("hold_offer"),), Step("hold/key", {"call": "CA1"}), music_s=20),
            (
                '<Gather action="https://callback.example/voice/hold/key?call=CA1" actionOnEmptyResult="true" '
                'input="dtmf" numDigits="1" timeout="5"><Say language="en-US" voice="Polly.Joanna">'
                'Press 1 at any time to be called back instead.</Say><Play loop="2">/static/hold.wav</Play></Gather>'
            ),
        ),
        (
            Ask((), Step("number"), digits=None, timeout=8),
            (
                '<Gather action="https://callback.example/voice/number" actionOnEmptyResult="true" finishOnKey="#" '
                'input="dtmf" timeout="8" />'
            ),
        ),
        (
            Hold("support", wait=Step("wait", {"a": "1", "b": "2"}), left=Step("left")),
            (
                '<Enqueue action="https://callback.example/voice/left" '
                'waitUrl="https://callback.example/voice/wait?a=1&amp;b=2">support</Enqueue>'
            ),
        ),
        (LeaveQueue(), "<Leave />"),
        (
            Meet("rs1", after=Step("after"), begun=Step("begun"), role="agent"),
            (
                '<Dial action="https://callback.example/voice/after"><Conference beep="false" '
                'endConferenceOnExit="true" startConferenceOnEnter="true" '
                'statusCallback="https://callback.example/voice/begun" statusCallbackEvent="start">rs1</Conference>'
                "</Dial>"
            ),
        ),
        (
            Meet("rs1-1", after=Step("after"), begun=None, role="agent"),
            (
                '<Dial action="https://callback.example/voice/after"><Conference beep="false" '
                'endConferenceOnExit="true" startConferenceOnEnter="true">rs1-1</Conference></Dial>'
            ),
        ),
        (
            Forward("+12015550177", after=Step("after"), timeout=25, caller_id="+12015550100"),
            (
                '<Dial action="https://callback.example/voice/after" callerId="+12015550100" timeout="25">'
                "<Number>+12015550177</Number></Dial>"
            ),
        ),
        (Goto(Step("offer")), "<Redirect>https://callback.example/voice/offer</Redirect>"),
        (HangUp(), "<Hangup />"),
        (Reject(), "<Reject />"),
    ],
)
def test_a_verb_becomes_its_element(verb: Verb, xml: str) -> None:
    assert document(verb) == f"<Response>{xml}</Response>"


@pytest.mark.parametrize(
    ("contact", "noun", "address"),
    [
        ("+12015550123", "Number", "+12015550123"),
        ("sip:ada@desk.example", "Sip", "sip:ada@desk.example"),
        ("client:ada", "Client", "ada"),
    ],
)
def test_an_agent_is_rung_where_they_are_and_whispered_to_before_the_bridge(
    contact: str, noun: str, address: str
) -> None:
    connect = Connect(contact, Step("whisper"), Step("status"), Step("after"), timeout=25, caller_id="+12015550100")

    dial = ET.fromstring(document(connect))[0]
    leg = dial[0]

    assert (dial.tag, dial.attrib) == (
        "Dial",
        {"action": "https://callback.example/voice/after", "timeout": "25", "callerId": "+12015550100"},
    )
    assert (leg.tag, leg.text) == (noun, address)
    assert leg.attrib == {
        "url": "https://callback.example/voice/whisper",
        "statusCallback": "https://callback.example/voice/status",
        "statusCallbackEvent": "initiated ringing answered completed",
    }


def test_each_language_is_said_by_its_own_voice() -> None:
    spoken = ET.fromstring(document(Speak((WELCOME, Prompt("language_key"), Prompt("stay")))))

    assert [(say.get("language"), say.get("voice"), say.text) for say in spoken] == [
        ("en-US", "Polly.Joanna", "Thank you for calling Support."),
        ("cmn-CN", "Polly.Zhiyu", "中文请按 9。"),
        ("en-US", "Polly.Joanna", "Please stay on the line. You keep your place."),
    ]


def test_voices_and_music_can_be_chosen() -> None:
    script = Script("en", (Speak((Prompt("stay"),)), Music(5)))

    chosen = render(script, URLS, voices={**VOICES, "en": Voice("en-GB", "Polly.Amy")}, music="https://m.example/a.mp3")

    assert '<Say language="en-GB" voice="Polly.Amy">' in chosen
    assert '<Play loop="1">https://m.example/a.mp3</Play>' in chosen


def test_nothing_said_or_played_leaves_no_element() -> None:
    assert document(Speak(()), Silence(0), Music(0), Speak((Prompt("later_slots"),))) == "<Response />"


HOSTILE = "</Say><Dial>+19005550100</Dial>&<!--\"'\x00\ud800]]>"


@pytest.mark.parametrize("way", [render, render_plainly])
def test_a_hostile_name_stays_text(way: type) -> None:
    script = Script(
        "en",
        (
            Speak((Prompt("welcome", {"queue": HOSTILE}),)),
            Hold(HOSTILE, Step("wait", {"name": "a&b<c>\"'"}), Step("left")),
            Connect(HOSTILE, Step("w"), Step("s"), Step("a"), 5, HOSTILE),
            Meet(HOSTILE, Step("a"), Step("b"), "customer"),
        ),
    )

    response = ET.fromstring(way(script, URLS).encode())

    assert [element.tag for element in response.iter()] == [
        "Response", "Say", "Enqueue", "Dial", "Number", "Dial", "Conference",
    ]  # fmt: skip
    assert "</Say><Dial>+19005550100</Dial>" in (response[0].text or "")


# --- the quick way and the library's ----------------------------------------------------------------------------

texts = st.text(max_size=40)
steps = st.builds(Step, st.sampled_from(["wait", "hold/key", "a/b/c"]), st.dictionaries(st.just("q"), texts))
seconds = st.integers(min_value=0, max_value=99)
prompts = st.one_of(
    st.builds(lambda queue: Prompt("welcome", {"queue": queue}), texts),
    st.builds(lambda position: Prompt("place", {"position": position}), st.integers(1, 10**6)),
    st.builds(lambda low, more: Prompt("wait_range", {"low": low, "high": low + more}), seconds, seconds),
    st.builds(lambda name: Prompt("whisper_live", {"queue": "Q", "minutes": 3, "name": name}), texts),
    st.sampled_from([Prompt("language_key"), Prompt("offer_keys"), Prompt("later_slots"), Prompt("stay")]),
)
said = st.lists(prompts, max_size=4).map(tuple)
contacts = st.one_of(st.just("+12015550123"), texts.map("sip:{}".format), texts.map("client:{}".format), texts)
verbs = st.one_of(
    st.builds(Speak, said),
    st.builds(Silence, seconds),
    st.builds(Music, seconds),
    st.builds(Ask, said, steps, st.one_of(st.none(), st.integers(1, 15)), seconds, seconds),
    st.builds(Hold, texts, steps, steps),
    st.builds(LeaveQueue),
    st.builds(Connect, contacts, steps, steps, steps, seconds, texts),
    st.builds(Meet, texts, steps, steps, st.sampled_from(["agent", "customer"])),
    st.builds(Goto, steps),
    st.builds(HangUp),
    st.builds(Reject),
)
scripts = st.builds(Script, st.sampled_from(["en", "zh"]), st.lists(verbs, max_size=6).map(tuple))


@given(scripts)
def test_the_quick_way_gives_exactly_what_the_library_gives(script: Script) -> None:
    """Byte for byte, but for an element without text, which has two spellings."""
    quick, plain = render(script, URLS), render_plainly(script, URLS)

    assert ET.canonicalize(quick) == ET.canonicalize(plain)
    assert quick == plain or "></" in quick


@given(scripts)
def test_every_document_is_well_formed(script: Script) -> None:
    assert ET.fromstring(render(script, URLS).encode()).tag == "Response"


def test_the_quick_way_takes_a_fraction_of_the_librarys_time() -> None:
    ratios = sorted(ratio_of_times() for _ in range(7))
    assert ratios[3] < 0.5, f"quick / library: {ratios}"


def ratio_of_times(documents: int = 100) -> float:
    """CPU time of the quick way over the library's, on the document of an arrival with ever new values."""
    scripts = [
        Script(
            "en",
            (
                Speak((WELCOME, Prompt("place", {"position": n}), Prompt("wait_range", {"low": n % 9, "high": 20}))),
                Hold("support", Step("wait", {"call": str(n)}), Step("left", {"call": str(n)})),
            ),
        )
        for n in range(documents)
    ]
    for script in scripts:
        render(script, URLS)
    start = process_time()
    for script in scripts:
        render(script, URLS)
    middle = process_time()
    for script in scripts:
        render_plainly(script, URLS)
    return (middle - start) / (process_time() - middle)


# --- the carrier's schema ---------------------------------------------------------------------------------------


class Local(etree.Resolver):
    """Serves what the schemas include from their own folder, and the one file of the standard from here."""

    def resolve(self, url: str, _public_id: str, context: object) -> object:
        if url.endswith("xml.xsd"):
            return self.resolve_string(XML_NAMESPACE, context)
        return self.resolve_filename(str(SCHEMAS / Path(url).name), context)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    path = SCHEMAS / "twiml_v20100401_twilioRealtimeCallSchema.xsd"
    if not path.exists():
        pytest.skip(f"the carrier's TwiML schemas are not present at {SCHEMAS}")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local())
    return etree.XMLSchema(etree.parse(str(path), parser))


EVERY_SCRIPT = [
    Script(language, (verb,))
    for language in ("en", "zh")
    for verb in (
        Speak((WELCOME, Prompt("language_key"))),
        Silence(1),
        Music(20),
        Ask((Prompt("offer_keys"), Prompt("language_key")), Step("offer"), music_s=15),
        Ask((Prompt("enter_number"),), Step("number"), digits=None),
        Hold("support", Step("wait"), Step("left")),
        *(
            Connect(contact, Step("w"), Step("s"), Step("a"), 20, "+12015550100")
            for contact in ("+12015550123", "sip:ada@desk.example", "client:ada")
        ),
        Meet("rs1", Step("after"), Step("begun"), "customer"),
        Meet("rs1-1", Step("after"), None, "agent"),
        Forward("+12015550177", Step("after"), 25, "+12015550100"),
        Goto(Step("offer")),
        HangUp(),
        Reject(),
    )
]


@pytest.mark.parametrize(
    "script", EVERY_SCRIPT, ids=lambda script: f"{script.language}-{type(script.verbs[0]).__name__}"
)
def test_the_carriers_schema_accepts_every_document(script: Script, schema: etree.XMLSchema) -> None:
    """All but `Leave`, which the published schema does not know, though the carrier documents it."""
    schema.assertValid(etree.fromstring(render(script, URLS).encode()))


def mode_of(verb: Verb) -> twiml.Mode:
    """`Leave` has its place only in a document heard while queueing."""
    return twiml.Mode.WAIT if isinstance(verb, LeaveQueue) else twiml.Mode.CALL


@pytest.mark.parametrize("script", [*EVERY_SCRIPT, Script("en", (LeaveQueue(),)), Script("en")], ids=repr)
def test_the_emulated_carrier_accepts_every_document_strictly(script: Script) -> None:
    mode = mode_of(script.verbs[0]) if script.verbs else twiml.Mode.WHISPER

    assert len(twiml.parse(render(script, URLS), mode)) == len(ET.fromstring(render(script, URLS)))


# --- hold music -------------------------------------------------------------------------------------------------


def test_the_hold_music_is_what_its_maker_makes_and_as_long_as_documents_count_on() -> None:
    path = ROOT / "callback" / "web" / HOLD_MUSIC.lstrip("/")

    with wave.open(str(path)) as file:
        assert file.getnframes() / file.getframerate() == hold_tone.SECONDS == HOLD_MUSIC_S
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
    assert path.stat().st_size < 200_000


def test_the_hold_music_repeats_without_a_click() -> None:
    tone = hold_tone.tone()
    with wave.open(str(ROOT / "callback" / "web" / HOLD_MUSIC.lstrip("/"))) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")

    assert len(tone) == 44 + 2 * len(samples)
    assert max(samples) < 0.35 * 32768
    assert abs(samples[0] - samples[-1]) < 100
    assert json.dumps(list(samples)) == json.dumps(list(memoryview(tone[44:]).cast("h")))
