"""A `Script` as the document the carrier fetches (TwiML).

`render_plainly` builds it with the carrier's own library, which knows the names and the escaping. That costs about a
tenth of a millisecond a document, at every webhook of every caller. `render` gives the same text in a fraction of it:
documents of one shape (the same verbs with the same settings) differ only in words and URLs, so the library writes
each shape once, with marks where the values go, and afterwards only values are escaped and filled in. Tests hold both
against each other on random scripts.

What stands in a document follows from carrier behaviour:

- `Gather` always asks its action, since silence would otherwise fall through to nothing.
- `Dial` never has `answerOnBridge`: it would keep a fresh inbound call ringing, and what rings cannot be redirected.
- An agent's leg runs the whisper before the bridge; whoever hangs up or stays silent there is never bridged.
- A conference of two ends with either side, so that nobody is left alone in it. Of three, the agent may leave.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, groupby
from typing import Any, Final

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from callback.adapters.telephony.prompts import clean, joined, say, spoken_language
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
from callback.domain.wording import BUILT_IN, InForce
from callback.ports import Urls


@dataclass(frozen=True)
class Voice:
    """Who speaks a language: its tag and the voice, both as the carrier names them."""

    tag: str
    name: str


VOICES: Final[dict[str, Voice]] = {"en": Voice("en-US", "Polly.Joanna"), "zh": Voice("cmn-CN", "Polly.Zhiyu")}

HOLD_MUSIC: Final = "/static/hold.wav"
"""Made by `hold_tone`. The carrier resolves it against the document's own address."""

HOLD_MUSIC_S: Final = 10

STATUS_EVENTS: Final = "initiated ringing answered completed"

Shape = tuple[Any, ...]
"""What a verb has in common with others written alike: its kind and its settings."""

Outline = tuple[Shape, list[str]]
"""A shape and the values that go with it."""


def render(
    script: Script,
    urls: Urls,
    *,
    wording: InForce = BUILT_IN,
    voices: dict[str, Voice] = VOICES,
    music: str = HOLD_MUSIC,
) -> str:
    """The document of a script.

    Args:
        script: what to do; an empty one gives an empty document, which after a whisper means: bridge.
        urls: turns steps into URLs; asked once for every step of the script.
        wording: what is said in place of built-in sentences.
        voices: language → voice.
        music: URL of the hold music, `HOLD_MUSIC_S` seconds long.

    Raises:
        prompts.UnknownPrompt: for a sentence the catalogue does not have.
    """
    outlines = _outlines(script, _Edge(urls, script.language, voices, music, wording))
    return _template(tuple(shape for shape, _ in outlines)).filled(
        [value for _, values in outlines for value in values]
    )


def render_plainly(script: Script, urls: Urls, *, voices: dict[str, Voice] = VOICES, music: str = HOLD_MUSIC) -> str:
    """The same document, built by the carrier's library from beginning to end."""
    outlines = _outlines(script, _Edge(urls, script.language, voices, music))
    return _built(
        [shape for shape, _ in outlines],
        iter([value for _, values in outlines for value in values]),
    )


# --- from verbs to shapes and values ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """Where values become words and URLs."""

    urls: Urls
    language: str
    voices: dict[str, Voice]
    music: str
    wording: InForce = BUILT_IN

    def url(self, step: Step) -> str:
        return self.urls.step(step.path, **step.query)

    def says(self, prompts: Sequence[Prompt]) -> tuple[tuple[Shape, ...], list[str]]:
        """One `Say` for every run of prompts in the same language."""
        shapes: list[Shape] = []
        texts: list[str] = []
        for language, run in groupby(prompts, key=lambda prompt: spoken_language(prompt, self.language)):
            text = joined([say(prompt, self.language, self.wording) for prompt in run], language)
            if text:
                voice = self.voices[language]
                shapes.append(("Say", voice.tag, voice.name))
                texts.append(text)
        return tuple(shapes), texts


def _outlines(script: Script, edge: _Edge) -> list[Outline]:
    return [outline for verb in script.verbs for outline in _OUTLINES[type(verb)](verb, edge)]


def _speak(verb: Speak, edge: _Edge) -> Iterator[Outline]:
    shapes, texts = edge.says(verb.prompts)
    for shape, text in zip(shapes, texts, strict=True):
        yield shape, [text]


def _silence(verb: Silence, _edge: _Edge) -> Iterator[Outline]:
    if verb.seconds > 0:
        yield ("Pause", verb.seconds), []


def _music(verb: Music, edge: _Edge) -> Iterator[Outline]:
    if verb.seconds > 0:
        yield ("Play", _loops(verb.seconds)), [edge.music]


def _ask(verb: Ask, edge: _Edge) -> Iterator[Outline]:
    shapes, texts = edge.says(verb.prompts)
    music = [edge.music] if verb.music_s > 0 else []
    loops = _loops(verb.music_s)
    yield ("Gather", verb.digits, verb.timeout, shapes, loops), [edge.url(verb.action), *texts, *music]


def _hold(verb: Hold, edge: _Edge) -> Iterator[Outline]:
    yield ("Enqueue",), [edge.url(verb.left), edge.url(verb.wait), clean(verb.name)]


def _leave(_verb: LeaveQueue, _edge: _Edge) -> Iterator[Outline]:
    yield ("Leave",), []


def _connect(verb: Connect, edge: _Edge) -> Iterator[Outline]:
    kind, target = _target(clean(verb.contact))
    values = [edge.url(verb.after), clean(verb.caller_id), edge.url(verb.whisper), edge.url(verb.status), target]
    yield ("Dial", verb.timeout, kind), values


def _meet(verb: Meet, edge: _Edge) -> Iterator[Outline]:
    begun = [] if verb.begun is None else [edge.url(verb.begun)]
    yield ("Meet", bool(begun), verb.ends), [edge.url(verb.after), clean(verb.room), *begun]


def _forward(verb: Forward, edge: _Edge) -> Iterator[Outline]:
    picked_up = [] if verb.picked_up is None else [edge.url(verb.picked_up)]
    values = [edge.url(verb.after), clean(verb.caller_id), *picked_up, clean(verb.number)]
    yield ("Forward", verb.timeout, bool(picked_up)), values


def _goto(verb: Goto, edge: _Edge) -> Iterator[Outline]:
    yield ("Redirect",), [edge.url(verb.step)]


def _hang_up(_verb: HangUp, _edge: _Edge) -> Iterator[Outline]:
    yield ("Hangup",), []


def _reject(_verb: Reject, _edge: _Edge) -> Iterator[Outline]:
    yield ("Reject",), []


_OUTLINES: Final[dict[type[Verb], Callable[[Any, _Edge], Iterator[Outline]]]] = {
    Speak: _speak,
    Silence: _silence,
    Music: _music,
    Ask: _ask,
    Hold: _hold,
    LeaveQueue: _leave,
    Connect: _connect,
    Meet: _meet,
    Forward: _forward,
    Goto: _goto,
    HangUp: _hang_up,
    Reject: _reject,
}


def _loops(seconds: int) -> int:
    return math.ceil(seconds / HOLD_MUSIC_S)


def _target(contact: str) -> tuple[str, str]:
    if contact.startswith("sip:"):
        return "Sip", contact
    if contact.startswith("client:"):
        return "Client", contact.removeprefix("client:")
    return "Number", contact


# --- from shapes to documents -----------------------------------------------------------------------------------


def _built(shapes: Sequence[Shape], values: Iterator[str]) -> str:
    """The document of these shapes, by the carrier's library. Builders take values in the order outlines give them."""
    response = VoiceResponse()
    for name, *settings in shapes:
        _BUILDERS[name](response, settings, values)
    return str(response)


def _build_say(parent: VoiceResponse | Gather, settings: list[Any], values: Iterator[str]) -> None:
    tag, name = settings
    parent.say(next(values), language=tag, voice=name)


def _build_pause(parent: VoiceResponse, settings: list[Any], _values: Iterator[str]) -> None:
    parent.pause(length=settings[0])


def _build_play(parent: VoiceResponse | Gather, settings: list[Any], values: Iterator[str]) -> None:
    parent.play(next(values), loop=settings[0])


def _build_gather(parent: VoiceResponse, settings: list[Any], values: Iterator[str]) -> None:
    digits, timeout, says, loops = settings
    end = {"finish_on_key": "#"} if digits is None else {"num_digits": digits}
    gather = parent.gather(input="dtmf", action=next(values), timeout=timeout, action_on_empty_result=True, **end)
    for _, *voice in says:
        _build_say(gather, voice, values)
    if loops:
        _build_play(gather, [loops], values)


def _build_enqueue(parent: VoiceResponse, _settings: list[Any], values: Iterator[str]) -> None:
    left, wait, name = next(values), next(values), next(values)
    parent.enqueue(name, action=left, wait_url=wait)


def _build_leave(parent: VoiceResponse, _settings: list[Any], _values: Iterator[str]) -> None:
    parent.leave()


def _build_dial(parent: VoiceResponse, settings: list[Any], values: Iterator[str]) -> None:
    timeout, kind = settings
    dial = parent.dial(action=next(values), timeout=timeout, caller_id=next(values))
    noun = {"url": next(values), "status_callback": next(values), "status_callback_event": STATUS_EVENTS}
    _NOUNS[kind](dial, next(values), **noun)


def _build_forward(parent: VoiceResponse, settings: list[Any], values: Iterator[str]) -> None:
    dial = parent.dial(action=next(values), timeout=settings[0], caller_id=next(values))
    told = {"url": next(values)} if settings[1] else {}
    dial.number(next(values), **told)


def _build_meet(parent: VoiceResponse, settings: list[Any], values: Iterator[str]) -> None:
    dial = parent.dial(action=next(values))
    room = next(values)
    told = {"status_callback": next(values), "status_callback_event": "start"} if settings[0] else {}
    dial.conference(room, start_conference_on_enter=True, end_conference_on_exit=settings[1], beep=False, **told)


def _build_redirect(parent: VoiceResponse, _settings: list[Any], values: Iterator[str]) -> None:
    parent.redirect(next(values))


def _build_hangup(parent: VoiceResponse, _settings: list[Any], _values: Iterator[str]) -> None:
    parent.hangup()


def _build_reject(parent: VoiceResponse, _settings: list[Any], _values: Iterator[str]) -> None:
    parent.reject()


_NOUNS: Final[dict[str, Callable[..., Any]]] = {"Number": Dial.number, "Client": Dial.client, "Sip": Dial.sip}

_BUILDERS: Final[dict[str, Callable[[Any, list[Any], Iterator[str]], None]]] = {
    "Say": _build_say,
    "Pause": _build_pause,
    "Play": _build_play,
    "Gather": _build_gather,
    "Enqueue": _build_enqueue,
    "Leave": _build_leave,
    "Dial": _build_dial,
    "Meet": _build_meet,
    "Forward": _build_forward,
    "Redirect": _build_redirect,
    "Hangup": _build_hangup,
    "Reject": _build_reject,
}


# --- templates --------------------------------------------------------------------------------------------------

_MARK: Final = re.compile('([">])\ue000(\\d+)\ue001')
"""A place for a value, with the character before it, which tells an attribute from text."""


@dataclass(frozen=True)
class _Template:
    """A document with places: literal pieces, and between two of them the index of a value and how it is escaped."""

    pieces: tuple[str, ...]
    places: tuple[tuple[int, Callable[[str], str]], ...]

    def filled(self, values: Sequence[str]) -> str:
        parts = [self.pieces[0]]
        for (index, escape), piece in zip(self.places, self.pieces[1:], strict=True):
            parts.append(escape(values[index]))
            parts.append(piece)
        return "".join(parts)


@lru_cache(maxsize=1024)
def _template(shapes: tuple[Shape, ...]) -> _Template:
    marked = _built(shapes, (f"\ue000{number}\ue001" for number in count()))
    pieces, places, end = [], [], 0
    for mark in _MARK.finditer(marked):
        pieces.append(marked[end : mark.end(1)])
        places.append((int(mark[2]), _escaped_attribute if mark[1] == '"' else _escaped_text))
        end = mark.end()
    return _Template((*pieces, marked[end:]), tuple(places))


def _escaped_text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped_attribute(value: str) -> str:
    return _escaped_text(value).replace('"', "&quot;")
