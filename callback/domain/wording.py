"""A house's own wording of what callers hear and read: how it is written, what may be wrong with it, what is in force.

Every sentence has a built-in wording in every language. A house may put its own in its place, for all queues or for
one, in one language or more: a queue's own goes before the house's, and that before the built-in one. Places such as
`{queue}` stand for values and are filled in when it is said; each that the built-in wording has must stay, since what a
caller has to know hangs on it (which number, which key, when).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from math import ceil
from typing import Final, NamedTuple

HOUSE: Final = ""
"""In place of a queue's key: the wording for every queue that has none of its own."""
LONGEST: Final = 500
"""Characters of one wording. What is said at once holds at most five of them and their values, and the carrier speaks
4096 characters at once; as a text it is at most eight parts."""

Forms = tuple[str, ...]
"""A wording in one language: one text, or one for the count 1 and one for any other."""

PLACE: Final = re.compile(r"\{(\w+)\}")
UNSPEAKABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff]"
    "|[\ue000-\uf8ff]|[\U000f0000-\U0010ffff]"
)
"""Control and formatting characters, halves of characters, and those that mean nothing to anybody else."""


@dataclass(frozen=True)
class Wording:
    """A version of the wording of `sentence` in `queue` (`HOUSE`: in all): by language what is said in place of the
    built-in one. No texts: the built-in wording, or the house's, is back. `version` counts from 1."""

    queue: str
    sentence: str
    version: int
    texts: Mapping[str, Forms]
    at: datetime
    by: str
    why: str = ""


class Own(NamedTuple):
    """One wording in force, as it is published."""

    queue: str
    sentence: str
    language: str
    forms: Forms


@dataclass(frozen=True, eq=False)
class InForce:
    """What is said in one queue in place of the built-in wordings: by language and sentence, ready to be filled in by
    the `%` operator. Each is itself alone, so that what was worded with it can be remembered by it."""

    templates: Mapping[tuple[str, str], Forms] = field(default_factory=dict)


BUILT_IN: Final = InForce()


def published(saved: Iterable[Wording]) -> list[Own]:
    """The newest versions as they are published, in an order of their own."""
    return sorted(
        Own(one.queue, one.sentence, language, forms) for one in saved for language, forms in one.texts.items()
    )


def in_force(owns: Iterable[Own]) -> dict[str, InForce]:
    """By queue what is in force there. A queue that is not named has what `HOUSE` has."""
    by_queue = {
        queue: {(own.language, own.sentence): tuple(map(template, own.forms)) for own in those}
        for queue, those in groupby(sorted(owns), key=lambda own: own.queue)
    }
    house = by_queue.get(HOUSE, {})
    return {queue: InForce(house | own) for queue, own in {HOUSE: house, **by_queue}.items()}


def form(forms: Forms, count: int) -> str:
    """The one of them for this count."""
    return forms[0] if len(forms) == 1 or count == 1 else forms[1]


# --- how it is written --------------------------------------------------------------------------------------------


def template(text: str) -> str:
    """A wording for the `%` operator: `{name}` becomes `%(name)s`, and a `%` is one."""
    return PLACE.sub(r"%(\1)s", text.replace("%", "%%"))


def written(template: str) -> str:
    """The other way round: as people read and write it."""
    return re.sub(r"%\((\w+)\)s", r"{\1}", template).replace("%%", "%")


def places(text: str) -> tuple[str, ...]:
    """The places of a wording, in order, each once."""
    return tuple(dict.fromkeys(PLACE.findall(text)))


def tidy(text: str) -> str:
    """As it is kept: lines of a form become one, spaces single."""
    return re.sub(r"[ \t\r\n\u00a0]+", " ", text).strip()


# --- what may be wrong with it ------------------------------------------------------------------------------------


class Wrong(StrEnum):
    """What is wrong with a text."""

    EMPTY = "empty"  # while the other form of it is not
    LONG = "long"
    UNSPEAKABLE = "unspeakable"
    BRACE = "brace"
    UNKNOWN = "unknown"
    MISSING = "missing"


class Fault(NamedTuple):
    """What is wrong with the form `at` of a wording. `about`: the places, the character, or how many there may be."""

    at: int
    wrong: Wrong
    about: tuple[str, ...] = ()


def faults(forms: Forms, built_in: Forms) -> list[Fault]:
    """What is wrong with a wording that is to stand in place of `built_in`, at most one fault of each form.

    A form must have the places that this form has built in, and may have those of any.
    """
    allowed = frozenset(name for one in built_in for name in places(one))
    found = (_fault(text, frozenset(places(needed)), allowed) for text, needed in zip(forms, built_in, strict=True))
    return [Fault(at, *fault) for at, fault in enumerate(found) if fault is not None]


def _fault(text: str, needed: frozenset[str], allowed: frozenset[str]) -> tuple[Wrong, tuple[str, ...]] | None:
    there = places(text)
    unspeakable = UNSPEAKABLE.search(text)
    unknown, missing = [name for name in there if name not in allowed], sorted(needed - set(there))
    if not text:
        return Wrong.EMPTY, ()
    if unspeakable:
        return Wrong.UNSPEAKABLE, (f"U+{ord(unspeakable[0]):04X}",)
    if len(text) > LONGEST:
        return Wrong.LONG, (str(LONGEST), str(len(text)))
    if re.search(r"[{}]", PLACE.sub("", text)):
        return Wrong.BRACE, ()
    if unknown:
        return Wrong.UNKNOWN, tuple(unknown)
    return (Wrong.MISSING, tuple(missing)) if missing else None


# --- how a text is sent -------------------------------------------------------------------------------------------

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€")
"""The alphabet of texts (3GPP TS 23.038): those of the second count twice."""


@dataclass(frozen=True)
class Sent:
    """How a text travels: in parts, each billed. `plain`: in the alphabet of texts, 160 characters in one part and 153
    in each of several; else 70 and 67. `foreign` are the first characters that make the difference."""

    plain: bool
    units: int
    parts: int
    foreign: str = ""


def sent(text: str) -> Sent:
    """How this text travels."""
    foreign = "".join(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENDED))[:5]
    if foreign:
        units, alone, each = len(text.encode("utf-16-be")) // 2, 70, 67
    else:
        units, alone, each = len(text) + sum(char in _EXTENDED for char in text), 160, 153
    return Sent(not foreign, units, 1 if units <= alone else ceil(units / each), foreign)
