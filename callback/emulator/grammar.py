"""The grammar of TwiML as this carrier knows it: elements, attributes, values, nesting, and where a verb may stand.

The tables are all there is to say; :mod:`callback.emulator.twiml` applies them. An attribute that the carrier knows and
this emulator does not act on is listed as *inert* only where ignoring it cannot change what a caller experiences;
everything else is unknown and so refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


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
SSML = _INLINE | {"p", "s"}
_PROMPTS = frozenset({"Say", "Play", "Pause"})
GRAMMAR: Mapping[str, Grammar] = {
    "Say": Grammar({"language": _LANGUAGE, "loop": _whole(0, 1000)}, {"voice": _VOICE}, children=SSML, text="required"),
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
    "lang": Grammar({}, {"xml:lang": _LANGUAGE}, children=SSML, text="optional", required=frozenset({"xml:lang"})),
    "p": Grammar(children=_INLINE | {"s"}, text="optional"),
    "phoneme": Grammar(
        {},
        {"alphabet": _one_of("ipa", "x-sampa", "x-amazon-pinyin", "x-amazon-jyutping"), "ph": _anything},
        text="optional",
        required=frozenset({"ph"}),
    ),
    "prosody": Grammar({}, {"volume": _LEVEL, "rate": _LEVEL, "pitch": _LEVEL}, children=SSML, text="optional"),
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
