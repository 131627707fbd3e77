"""What an announced wait rests on: a sentence for programs and the record, and the same as data.

The record and the API keep the sentence in English, since it has to be read without us. A page reads the data back
from it and says it in its reader's language, also of what was written long ago.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Ground(Enum):
    """On what it rests; the value is the sentence."""

    UNKNOWN = "unknown"  # nobody is staffed, or the line is not whole
    FREE = "free"  # an agent is free
    MEASURED = "simple rule: {talks} talks measured"
    EXPECTED = "simple rule: {handle_s} s a talk expected, nothing measured yet"
    EXPECTED_ONE = "simple rule: {handle_s} s a talk expected, {talks} talk measured"
    EXPECTED_SOME = "simple rule: {handle_s} s a talk expected, {talks} talks measured"
    UNLEARNT = "simple rule: {waits} waits seen, nothing learnt yet"
    LEARNT = "learnt from {waits} waits, model {model}"
    MIXED = "{percent}% learnt from {waits} waits, model {model}, the rest by the simple rule"
    OUTDONE = "simple rule: better lately than what was learnt from {waits} waits, model {model}"


@dataclass(frozen=True)
class Basis:
    """`ground` and what its sentence names: talks measured, the seconds a talk is expected to last, waits, the version
    of the model and how much of it is in the figures."""

    ground: Ground
    talks: int = 0
    handle_s: float = 0.0
    waits: int = 0
    model: int = 0
    percent: int = 0

    def __str__(self) -> str:
        return self.ground.value.format(
            talks=f"{self.talks:,}", handle_s=f"{self.handle_s:g}", waits=f"{self.waits:,}", model=self.model,
            percent=self.percent,
        )  # fmt: skip


def talks(measured: int, handle_s: float, enough: int) -> Basis:
    """Of the simple rule: what was measured, and the prior beside it until that is `enough`."""
    if measured >= enough:
        return Basis(Ground.MEASURED, talks=measured)
    some = {0: Ground.EXPECTED, 1: Ground.EXPECTED_ONE}.get(measured, Ground.EXPECTED_SOME)
    return Basis(some, talks=measured, handle_s=handle_s)


def learnt(waits: int, model: int, share: float) -> Basis:
    """Of a model that is mixed in by this `share`."""
    ground = Ground.LEARNT if share >= 1 else Ground.OUTDONE if share <= 0 else Ground.MIXED
    percent = round(100 * share) if ground is Ground.MIXED else 0
    return Basis(ground, waits=waits, model=model, percent=percent)


def read(sentence: str) -> Basis | None:
    """The data of a sentence; None for one that is none of ours."""
    for ground, pattern in _PATTERNS.items():
        found = pattern.fullmatch(sentence)
        if found is not None:
            numbers = {name: text.replace(",", "") for name, text in found.groupdict().items()}
            handle_s = float(numbers.pop("handle_s", "0"))
            return Basis(ground, handle_s=handle_s, **{name: int(text) for name, text in numbers.items()})
    return None


_DIGITS = {"handle_s": r"[-+.e\d]+"}
_NAME = re.compile(r"\\\{(\w+)\\\}")


def _pattern(ground: Ground) -> re.Pattern[str]:
    """Of the sentence with any numbers in it."""
    return re.compile(
        _NAME.sub(lambda name: f"(?P<{name[1]}>{_DIGITS.get(name[1], '[,0-9]+')})", re.escape(ground.value))
    )


_PATTERNS = {ground: _pattern(ground) for ground in Ground}
