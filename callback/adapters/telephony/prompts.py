"""A `Prompt` as a sentence in the listener's language, for the voice and for texts.

Flows name a sentence and its values; here the sentence is chosen among its variants, translated through the one
catalogue of the product (`callback/locale`, shared with the pages) and filled in as the language wants it: numbers and
plurals by locale, telephone numbers digit by digit in the groups people say, times in the zone the prompt names.

English is the source and needs no catalogue. Whoever adds a sentence puts it into `sentences.py` and runs
`python -m callback.locale.build`; pages use `flask_babel.gettext` over the same compiled catalogue, with their own
fragment `callback/locale/<language>/web.po`. See `callback/locale/build.py`.

A prompt heard by every caller, such as "You are number 7 in line.", costs a dictionary look-up after its first use.
Sentences that carry somebody's number or name are worded anew each time, so that no process keeps personal data.
"""

import gettext
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

import callback
from callback.adapters.telephony.sentences import SENTENCES
from callback.domain import phone
from callback.domain.dialogue import Prompt
from callback.domain.wording import BUILT_IN, Forms, InForce, form, written

LOCALE_FOLDER: Final = Path(callback.__file__).parent / "locale"
DOMAIN: Final = "messages"
SOURCE_LANGUAGE: Final = "en"

Value = str | int | float
Values = Mapping[str, Value]


@dataclass(frozen=True)
class Manner:
    """How a language writes what is not words: a moment (a CLDR pattern), what stands between things, and whether one
    of a thing is worded otherwise than several."""

    moment: str
    between_sentences: str
    between_groups: str
    counts: bool


MANNERS: Final[dict[str, Manner]] = {
    "en": Manner("EEEE, MMMM d, 'at' h:mm a", " ", ", ", True),
    "zh": Manner("M月d日EEEEah:mm", "", "，", False),
}
OTHER: Final = {"en": "zh", "zh": "en"}
"""The language that is offered while the first is spoken."""

IN_THE_OTHER_LANGUAGE: Final = frozenset({"language_key"})
"""Said to those who do not understand the language the call is in."""


class UnknownPrompt(LookupError):
    """No such sentence, no such language, or a value that its text needs is missing."""


def spoken_language(prompt: Prompt, language: str) -> str:
    """The language a prompt is said in during a call in `language`."""
    return OTHER[language] if prompt.id in IN_THE_OTHER_LANGUAGE else language


def say(prompt: Prompt, language: str, wording: InForce = BUILT_IN) -> str:
    """The prompt in words, without markup.

    Args:
        prompt: an id of `sentences.SENTENCES` or of `VARIANTS`, and its values: whole numbers, E.164 numbers, ISO 8601
            times (with the IANA zone they are to be said in as the value `zone`, else UTC), or plain text.
        language: of the call (`en` or `zh`).
        wording: what is said in place of built-in sentences.

    Raises:
        UnknownPrompt: for an id, a language or a missing value that the catalogue cannot serve.
    """
    if language not in MANNERS:
        raise UnknownPrompt(f"there is no catalogue for the language {language!r}")
    if _IMPERSONAL.issuperset(prompt.values):
        return _say_again(prompt.id, tuple(prompt.values.items()), language, wording)
    return _say_anew(prompt, language, wording)


def joined(texts: list[str], language: str) -> str:
    """Sentences one after the other, as the language writes them."""
    return MANNERS[language].between_sentences.join(texts)


@lru_cache(maxsize=4096)
def _say_again(name: str, values: tuple[tuple[str, Value], ...], language: str, wording: InForce) -> str:
    return _say_anew(Prompt(name, dict(values)), language, wording)


def _say_anew(prompt: Prompt, language: str, wording: InForce) -> str:
    spoken = spoken_language(prompt, language)
    choose = VARIANTS.get(prompt.id)
    chosen = (prompt,) if choose is None else choose(prompt)
    return joined([_in_own_words(variant, spoken, wording) or _worded(variant, spoken) for variant in chosen], spoken)


def _in_own_words(prompt: Prompt, language: str, wording: InForce) -> str:
    """ "" where the house has no words of its own, or none that fit any more: the built-in ones always do."""
    own = wording.templates.get((language, prompt.id))
    if own is None or prompt.id not in SENTENCES:
        return ""
    try:
        return form(own, _count(prompt.values, SENTENCES[prompt.id].count)) % _Filled(prompt.values, language)
    except KeyError:
        return ""


def _worded(prompt: Prompt, language: str) -> str:
    sentence = SENTENCES.get(prompt.id)
    if sentence is None:
        raise UnknownPrompt(f"there is no sentence {prompt.id!r}")
    try:
        template = _template(sentence.text, sentence.plural, _count(prompt.values, sentence.count), language)
        return template % _Filled(prompt.values, language)
    except KeyError as missing:
        raise UnknownPrompt(f"the sentence {prompt.id!r} needs the value {missing}") from missing


def _count(values: Values, name: str) -> int:
    return int(values[name]) if name else 0


def _template(text: str, plural: str, count: int, language: str) -> str:
    catalogue = _catalogue(language)
    return catalogue.ngettext(text, plural, count) if plural else catalogue.gettext(text)


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALE_FOLDER, [language])


def built_in(name: str, language: str) -> Forms:
    """The sentence as the catalogue has it, with its places as `{name}`, in each form that the language has: for the
    count 1 and for any other, where there are two. () where there is no such sentence or language."""
    sentence = SENTENCES.get(name)
    if sentence is None or language not in MANNERS:
        return ()
    counts = (1, 2) if sentence.plural and MANNERS[language].counts else (1,)
    return tuple(written(_template(sentence.text, sentence.plural, count, language)) for count in counts)


# --- values -----------------------------------------------------------------------------------------------------


class _Filled(dict[str, str]):
    """The values as the sentence shows them, each formatted when its place is reached."""

    def __init__(self, values: Values, language: str) -> None:
        super().__init__()
        self._values = values
        self._language = language

    def __missing__(self, name: str) -> str:
        if name in COMPUTED:
            return COMPUTED[name](self._values, self._language)
        return FORMATTERS.get(name, _plain)(self._values, name, self._language)


def _plain(values: Values, name: str, language: str) -> str:
    value = values[name]
    return _number(value, language) if isinstance(value, int | float) else clean(value)


def _number(value: float, language: str) -> str:
    return format_decimal(value, locale=_locale(language))


def _digits(values: Values, name: str, language: str) -> str:
    """A telephone number, every digit by itself and a pause between the groups: "2 0 1, 5 5 5, 0 1 2 3"."""
    groups = (" ".join(group) for group in phone.groups(str(values[name])))
    return MANNERS[language].between_groups.join(groups)


def _moment(values: Values, name: str, language: str) -> str:
    """A time by weekday, date and clock in the zone of the prompt; never "tomorrow", which ages while one waits."""
    moment = datetime.fromisoformat(str(values[name]))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    zone = ZoneInfo(str(values.get("zone") or "UTC"))
    return format_datetime(aware, MANNERS[language].moment, tzinfo=zone, locale=_locale(language))


def _span(values: Values, language: str) -> str:
    """ "4 to 6 minutes", in hours from two hours on, and one figure where both are the same."""
    low, high = int(values["low"]), int(values["high"])
    if high < 1:
        return _worded(Prompt("under_a_minute"), language)
    unit = "minutes" if high < _IN_HOURS_FROM_MIN else "hours"
    if unit == "hours":
        low, high = -(-low // 60), -(-high // 60)
    if 0 < low < high:
        return _worded(Prompt(f"span_{unit}", {"low": low, "high": high}), language)
    return _worded(Prompt(f"about_{unit}", {unit: high}), language)


def _waited(values: Values, language: str) -> str:
    return _span({"low": values["minutes"], "high": values["minutes"]}, language)


_IN_HOURS_FROM_MIN: Final = 120

FORMATTERS: Final[dict[str, Callable[[Values, str, str], str]]] = {
    **dict.fromkeys(("number", "caller_id"), _digits),
    **dict.fromkeys(("when", "opens", "requested", "slot"), _moment),
}
"""How the values of a name are said; any other is a number by locale, or plain text."""

COMPUTED: Final[dict[str, Callable[[Values, str], str]]] = {"wait": _span, "waited": _waited}
"""Places that stand for more than one value: the range from `low` to `high` minutes, and `minutes` of waiting."""

_IMPERSONAL: Final = frozenset({"queue", "position", "low", "high", "reason"})
"""Values that say nothing about anybody and come back all the time."""

_LONGEST_VALUE: Final = 500
_UNSPEAKABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]+"
)


def clean(text: str) -> str:
    """A value somebody typed, fit to be said: no control characters, single spaces, at most 500 characters.

    What XML cannot carry goes with them, so that a name can never spoil a document.
    """
    if text.isascii() and text.isprintable() and len(text) <= _LONGEST_VALUE:
        return text
    return " ".join(_UNSPEAKABLE.sub(" ", text).split())[:_LONGEST_VALUE]


@lru_cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


# --- variants ---------------------------------------------------------------------------------------------------


def _named(prompt: Prompt) -> tuple[Prompt, ...]:
    """A whisper tells the caller's name where there is one."""
    return (Prompt(f"{prompt.id}_named" if prompt.values.get("name") else prompt.id, prompt.values),)


def _dated(prompt: Prompt) -> tuple[Prompt, ...]:
    return (Prompt("human_check" if prompt.values.get("requested") else "human_check_undated", prompt.values),)


def _with_place(prompt: Prompt) -> tuple[Prompt, ...]:
    """Who is booked for a later time has no place yet."""
    return (Prompt("already_waiting" if prompt.values.get("position") else "already_booked", prompt.values),)


def _with_wait(prompt: Prompt) -> tuple[Prompt, ...]:
    return (Prompt("text_promised" if prompt.values.get("high") else "text_promised_unknown", prompt.values),)


def _slots(prompt: Prompt) -> tuple[Prompt, ...]:
    """One sentence a slot, each with its key. Slots that are missing or empty are left out."""
    zone = prompt.values.get("zone", "")
    slots = ((key, prompt.values.get(f"slot{key}")) for key in ("1", "2", "3"))
    return tuple(Prompt("later_slot", {"slot": slot, "key": key, "zone": zone}) for key, slot in slots if slot)


def _refusal(prompt: Prompt) -> tuple[Prompt, ...]:
    named = f"not_accepting_{prompt.values.get('reason', '')}"
    return (Prompt(named if named in SENTENCES else "not_accepting"),)


_STATUS: Final = {
    "waiting": "waiting",
    "scheduled": "scheduled",
    **dict.fromkeys(("reserved", "dialing", "answered", "bridged", "reconciling"), "calling"),
    "completed": "completed",
    "cancelled": "cancelled",
    "unreached": "unreached",
    "": "none",
}
"""A callback's state → the sentence about it. Ends not named here are simply over."""


def _status(prompt: Prompt) -> tuple[Prompt, ...]:
    state = _STATUS.get(str(prompt.values.get("state", "")), "over")
    if state == "waiting" and prompt.values.get("position"):
        state = "place"
    if state == "scheduled" and prompt.values.get("when"):
        state = "scheduled_at"
    return (Prompt(f"text_status_{state}", prompt.values),)


VARIANTS: Final[dict[str, Callable[[Prompt], tuple[Prompt, ...]]]] = {
    "whisper_live": _named,
    "whisper_callback": _named,
    "human_check": _dated,
    "already_waiting": _with_place,
    "text_promised": _with_wait,
    "later_slots": _slots,
    "not_accepting": _refusal,
    "text_status": _status,
}
"""Prompts whose sentence depends on their values."""
