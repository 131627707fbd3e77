"""Reading TwiML strictly: an unknown verb, attribute, value or nesting is an error, never ignored.

The real carrier forgives much and says so only in a debugger nobody watches; this one refuses, so that a typing
mistake in a document is found by the first call. The tables below are the grammar. An attribute that the carrier
knows and this emulator does not act on is listed as *inert* only where ignoring it cannot change what a caller
experiences; everything else is refused by name.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

PARSE_FAILURE = 12100
INVALID_DOCUMENT = 12200


class TwimlError(Exception):
    """A document that cannot be executed; ``code`` is the carrier's error number."""

    def __init__(self, message: str, code: int = INVALID_DOCUMENT) -> None:
        super().__init__(message)
        self.code = code


class Mode(Enum):
    """Where a document is executed, which decides the verbs it may use."""

    CALL = "call"
    WAIT = "wait"
    WHISPER = "whisper"
    HOLD = "hold"


Check = Callable[[str], bool]


def _whole(low: int, high: int) -> Check:
    return lambda value: re.fullmatch(r"\d{1,9}", value) is not None and low <= int(value) <= high


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _some_of(*words: str) -> Check:
    return lambda value: bool(value.split()) and set(value.split()) <= set(words)


def _matches(pattern: str) -> Check:
    return lambda value: re.fullmatch(pattern, value) is not None


def _anything(_value: str) -> bool:
    return True


_FLAG = _one_of("true", "false")
_METHOD = _one_of("GET", "POST")
_URL = _matches(r"[^\s<>\"]*")
_LANGUAGE = _matches(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?")
_VOICE = _matches(r"man|woman|alice|(Polly|Google)\.[A-Za-z0-9-]+")
_LEVEL = _matches(r"(x-)?(low|high|slow|fast|soft|loud)|medium|default|silent|[+-]?\d+(\.\d+)?(%|dB|st)")
_RECORD = _one_of(
    "do-not-record",
    "false",
    "true",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
)
_EVENTS = _some_of("initiated", "ringing", "answered", "completed")
_NOUN = {
    "url": _URL,
    "method": _METHOD,
    "statusCallback": _URL,
    "statusCallbackMethod": _METHOD,
    "statusCallbackEvent": _EVENTS,
}


@dataclass(frozen=True)
class Grammar:
    """What one element may carry.

    Args:
        attributes: those that have an effect, each with its check.
        inert: those that are checked and have no effect here.
        children: elements that may stand inside it.
        text: whether character data is ``none``, ``optional`` or ``required``.
        required: attributes that must be there.
    """

    attributes: Mapping[str, Check] = field(default_factory=dict)
    inert: Mapping[str, Check] = field(default_factory=dict)
    children: frozenset[str] = frozenset()
    text: str = "none"
    required: frozenset[str] = frozenset()


_INLINE = frozenset({"break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w"})
_SSML = _INLINE | {"p", "s"}
_PROMPTS = frozenset({"Say", "Play", "Pause"})
GRAMMAR: Mapping[str, Grammar] = {
    "Say": Grammar(
        {"language": _LANGUAGE, "loop": _whole(0, 1000)}, {"voice": _VOICE}, children=_SSML, text="required"
    ),
    "Play": Grammar({"loop": _whole(0, 1000), "digits": _matches(r"[0-9*#wWA-D]{1,32}")}, text="optional"),
    "Pause": Grammar({"length": _whole(0, 600)}),
    "Gather": Grammar(
        {
            "numDigits": _whole(1, 128),
            "finishOnKey": _matches(r"[0-9*#]*"),
            "timeout": _whole(0, 600),
            "action": _URL,
            "method": _METHOD,
            "actionOnEmptyResult": _FLAG,
            "input": _one_of("dtmf"),
        },
        children=_PROMPTS,
    ),
    "Redirect": Grammar({"method": _METHOD}, text="required"),
    "Hangup": Grammar(),
    "Reject": Grammar({"reason": _one_of("busy", "rejected")}),
    "Leave": Grammar(),
    "Enqueue": Grammar(
        {"action": _URL, "method": _METHOD, "waitUrl": _URL, "waitUrlMethod": _METHOD, "maxQueueSize": _whole(1, 5000)},
        text="required",
    ),
    "Record": Grammar(
        {
            "action": _URL,
            "method": _METHOD,
            "timeout": _whole(0, 600),
            "maxLength": _whole(1, 14400),
            "finishOnKey": _matches(r"[0-9*#]*"),
            "playBeep": _FLAG,
        },
        {"trim": _one_of("trim-silence", "do-not-trim")},
    ),
    "Dial": Grammar(
        {
            "action": _URL,
            "method": _METHOD,
            "timeout": _whole(1, 600),
            "callerId": _anything,
            "timeLimit": _whole(1, 86400),
            "hangupOnStar": _FLAG,
            "answerOnBridge": _FLAG,
        },
        {"record": _RECORD, "ringTone": _matches(r"[a-z]{2}(-old)?")},
        children=frozenset({"Number", "Client", "Sip", "Queue", "Conference"}),
        text="optional",
    ),
    "Number": Grammar({**_NOUN, "sendDigits": _matches(r"[0-9*#wW]{1,64}")}, text="required"),
    "Client": Grammar(_NOUN, children=frozenset({"Identity", "Parameter"}), text="optional"),
    "Sip": Grammar(_NOUN, {"username": _anything, "password": _anything}, text="required"),
    "Queue": Grammar({"url": _URL, "method": _METHOD}, text="required"),
    "Conference": Grammar(
        {
            "startConferenceOnEnter": _FLAG,
            "endConferenceOnExit": _FLAG,
            "muted": _FLAG,
            "beep": _one_of("true", "false", "onEnter", "onExit"),
            "waitUrl": _URL,
            "waitMethod": _METHOD,
            "maxParticipants": _whole(2, 250),
            "statusCallback": _URL,
            "statusCallbackMethod": _METHOD,
            "statusCallbackEvent": _some_of("start", "end", "join", "leave", "mute", "hold", "modify", "speaker"),
        },
        {"record": _one_of("do-not-record", "record-from-start"), "participantLabel": _anything},
        text="required",
    ),
    "Identity": Grammar(text="required"),
    "Parameter": Grammar({"name": _anything, "value": _anything}, required=frozenset({"name", "value"})),
    # Speech markup: spoken as plain text here, so every attribute is inert.
    "break": Grammar(
        {},
        {
            "strength": _one_of("none", "x-weak", "weak", "medium", "strong", "x-strong"),
            "time": _matches(r"\d+(\.\d+)?m?s"),
        },
    ),
    "emphasis": Grammar(
        {}, {"level": _one_of("strong", "moderate", "reduced", "none")}, children=_INLINE, text="optional"
    ),
    "lang": Grammar({}, {"xml:lang": _LANGUAGE}, children=_SSML, text="optional", required=frozenset({"xml:lang"})),
    "p": Grammar(children=_INLINE | {"s"}, text="optional"),
    "phoneme": Grammar(
        {},
        {"alphabet": _one_of("ipa", "x-sampa", "x-amazon-pinyin", "x-amazon-jyutping"), "ph": _anything},
        text="optional",
        required=frozenset({"ph"}),
    ),
    "prosody": Grammar({}, {"volume": _LEVEL, "rate": _LEVEL, "pitch": _LEVEL}, children=_SSML, text="optional"),
    "s": Grammar(children=_INLINE, text="optional"),
    "say-as": Grammar(
        {},
        {"interpret-as": _matches(r"[a-z-]+"), "format": _matches(r"[a-z]+")},
        text="optional",
        required=frozenset({"interpret-as"}),
    ),
    "sub": Grammar({}, {"alias": _anything}, text="optional", required=frozenset({"alias"})),
    "w": Grammar(children=_INLINE - {"w", "lang"}, text="optional"),
}

VERBS: Mapping[Mode, frozenset[str]] = {
    Mode.CALL: _PROMPTS | {"Gather", "Redirect", "Hangup", "Reject", "Enqueue", "Leave", "Record", "Dial"},
    Mode.WAIT: _PROMPTS | {"Hangup", "Redirect", "Leave", "Gather"},
    Mode.WHISPER: _PROMPTS | {"Gather", "Redirect", "Hangup", "Record"},
    Mode.HOLD: _PROMPTS | {"Redirect"},
}

_XML_NAMESPACE = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True)
class Verb:
    """One element of a document that passed every check."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Verb, ...]

    def get(self, name: str, default: str = "") -> str:
        """An attribute as written."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An attribute as a whole number."""
        return int(self.attributes.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is ``true`` or ``false``."""
        return self.attributes[name] == "true" if name in self.attributes else default


def parse(document: str, mode: Mode = Mode.CALL) -> tuple[Verb, ...]:
    """Reads a ``<Response>``.

    Raises:
        TwimlError: 12100 when it is not XML with that root; 12200 for anything the grammar does not allow in ``mode``.
    """
    if "<!DOCTYPE" in document:
        raise TwimlError("a document type declaration is not allowed", PARSE_FAILURE)
    try:
        root = ET.fromstring(document.strip().encode())  # noqa: S314 - declarations are refused above
    except ET.ParseError as error:
        raise TwimlError(f"not well-formed XML: {error}", PARSE_FAILURE) from error
    if root.tag != "Response":
        raise TwimlError(f"the root element is <{root.tag}>, not <Response>", PARSE_FAILURE)
    if root.attrib:
        raise TwimlError(f"<Response> has no attribute {next(iter(root.attrib))!r}")
    _refuse_text(root, "Response")
    verbs = tuple(_element(child, VERBS[Mode.CALL], "Response") for child in root)
    for verb in verbs:
        if verb.name not in VERBS[mode]:
            raise TwimlError(f"<{verb.name}> is not allowed in a {mode.value} document")
    return verbs


def _element(element: ET.Element, allowed: frozenset[str], parent: str) -> Verb:
    name = element.tag
    if name not in allowed:
        raise TwimlError(f"<{name}> is not a known element of <{parent}>")
    grammar = GRAMMAR[name]
    attributes = {key.replace(_XML_NAMESPACE, "xml:"): value for key, value in element.attrib.items()}
    _check_attributes(name, attributes, grammar)
    children = tuple(_element(child, grammar.children, name) for child in element)
    verb = Verb(name, attributes, _text(element, grammar), children)
    _check_shape(verb)
    return verb


def _check_attributes(name: str, attributes: Mapping[str, str], grammar: Grammar) -> None:
    for attribute, value in attributes.items():
        check = grammar.attributes.get(attribute) or grammar.inert.get(attribute)
        if check is None:
            raise TwimlError(f"<{name}> has no attribute {attribute!r} that is known here")
        if not check(value):
            raise TwimlError(f"<{name} {attribute}> cannot be {value!r}")
    missing = sorted(grammar.required - set(attributes))
    if missing:
        raise TwimlError(f"<{name}> needs {', '.join(missing)}")


def _text(element: ET.Element, grammar: Grammar) -> str:
    if grammar.text == "none":
        _refuse_text(element, element.tag)
        return ""
    spoken = element.tag == "Say" or element.tag in _SSML
    text = re.sub(r"\s+", " ", "".join(element.itertext()) if spoken else _own_text(element)).strip()
    if grammar.text == "required" and not text:
        raise TwimlError(f"<{element.tag}> must not be empty")
    return text


def _own_text(element: ET.Element) -> str:
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _refuse_text(element: ET.Element, name: str) -> None:
    loose = _own_text(element)
    if loose.strip():
        raise TwimlError(f"<{name}> cannot contain text: {loose.strip()[:40]!r}")


def _check_shape(verb: Verb) -> None:
    """The few rules about combinations that the tables cannot say."""
    if verb.name == "Dial":
        _check_dial(verb)
    if verb.name == "Play" and bool(verb.text) == ("digits" in verb.attributes):
        raise TwimlError("<Play> needs either a URL or digits")
    if verb.name == "Client":
        _check_client(verb)
    if verb.name == "Enqueue" and len(verb.text) > 64:
        raise TwimlError("<Enqueue> queue names have at most 64 characters")


def identity(client: Verb) -> str:
    """Whom a ``<Client>`` names, in either of its two spellings."""
    return client.text or next((child.text for child in client.children if child.name == "Identity"), "")


def _check_client(verb: Verb) -> None:
    names = [child.name for child in verb.children]
    if names.count("Identity") != (0 if verb.text else 1) or "Identity" in names[1:]:
        raise TwimlError("<Client> needs one identity, before its parameters")


def _check_dial(verb: Verb) -> None:
    kinds = {child.name for child in verb.children}
    if bool(kinds) == bool(verb.text):
        raise TwimlError("<Dial> needs either a number as its text or nouns to dial")
    if len(verb.children) > 1 and kinds & {"Queue", "Conference"}:
        raise TwimlError("<Dial> takes a single <Queue> or <Conference>")
    if len(verb.children) > 10:
        raise TwimlError("<Dial> rings at most ten at once")


def speech_seconds(text: str) -> float:
    """How long it takes to say ``text``: 15 characters a second, 5 for Chinese, Japanese and Korean."""
    wide = sum(1 for character in text if "\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af")
    return wide / 5 + (len(text) - wide) / 15
