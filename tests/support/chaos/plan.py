"""What will happen in a soak: who rings when and what they are like, what is killed when, and how the carrier
misbehaves. All of it follows from the seed; times are seconds from the start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.support.chaos.acts import PRESSES
from tests.support.people import HUMAN_CHECK, OFFER, READBACK

KNOWN: Final = "Your callback is booked (already|for)"
Behaviour = dict[str, Any]
KINDS: Final = {
    "holder": 22, "taker": 26, "Chinese": 6, "program": 6, "cancels by program": 6, "cancels on the page": 5,
    "cancels by telephone": 4, "abandons": 7, "rings again and keeps": 4, "rings again and holds": 4, "voicemail": 3,
    "busy": 3, "no answer": 2, "wrong keys": 2, "misses it and says so": 3, "moves it, then is ready": 3,
    "moves it, then rings in and holds": 3, "moves it, then rings in and cancels": 2,
    "moves it, then rings in and keeps": 2, "gives another number": 3,
}  # fmt: skip
"""What people are like, by weight."""
APPOINTED: Final = tuple(kind for kind in KINDS if kind.startswith(("moves it", "gives")))
DEATHS: Final = (
    "a web process", "a worker", "a worker's pool", "beat", "Redis", "the database", "Redis frozen",
    "the database frozen",
)  # fmt: skip
MISCHIEF: Final[tuple[Behaviour, ...]] = (
    {"side": "webhook", "copies": 1, "concurrent": True},
    {"side": "webhook", "copies": 2},
    {"side": "webhook", "purpose": "status", "delay_s": 0.5, "jitter_s": 3.0},
    {"side": "webhook", "purpose": "status", "reverse": 3},
    {"side": "webhook", "purpose": "status", "drop": True},
    {"side": "webhook", "url": r"/voice/(dialled|left)\b", "drop": True, "times": 1},  # twice on a call: it gives up
    {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "status": 429, "code": 20429},
    {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "status": 503, "when": "after"},
    {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "status": 503, "when": "before"},
    {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "hang_s": 6.0, "disconnect": True, "when": "after"},
)
"""Rules of the carrier, each in force for a few requests."""


@dataclass(frozen=True)
class Person:
    """One caller. `rings` is what they do when they ring us (None: they never do), `answers` how each of our calls is
    taken, `then_s` when they change their mind or ring again, counted from their arrival."""

    at_s: float
    kind: str
    number: str
    queue: int
    rings: Behaviour | None
    answers: tuple[Behaviour, ...]
    then_s: float

    @property
    def has_an_appointment(self) -> bool:
        """Made by a program, so that there is one however few wait."""
        return self.kind in APPOINTED

    @property
    def other_number(self) -> str:
        """The telephone beside them."""
        return self.number.replace("+1212555", "+1212556")


@dataclass(frozen=True)
class Death:
    """Something of ours ends, or stands still, for so long."""

    at_s: float
    what: str
    span_s: float
    dice: int


@dataclass(frozen=True)
class Prank:
    """The carrier misbehaves for a few requests."""

    at_s: float
    rule: Behaviour


@dataclass(frozen=True)
class Plan:
    """All of it."""

    seed: int
    people: tuple[Person, ...]
    deaths: tuple[Death, ...]
    pranks: tuple[Prank, ...]

    @property
    def ends_s(self) -> float:
        """When the last caller rings."""
        return self.people[-1].at_s


def draw(seed: int, callers: int, *, queues: int, rate: float, death_every_s: float, prank_every_s: float) -> Plan:
    """The plan of a seed: `rate` callers a second."""
    dice = Random(seed)
    at, people = 0.0, []
    for index in range(callers):
        at += dice.expovariate(rate)
        people.append(_person(dice, at, f"+1212555{1000 + index}", dice.randrange(queues)))
    deaths = tuple(
        Death(when, dice.choice(DEATHS), dice.uniform(0.2, 2.0), dice.randrange(10**6))
        for when in _moments(dice, death_every_s, at)
    )
    pranks = tuple(
        Prank(when, {"times": dice.randint(1, 6), **dice.choice(MISCHIEF)})
        for when in _moments(dice, prank_every_s, at)
    )
    return Plan(seed, tuple(people), deaths, pranks)


def _moments(dice: Random, every_s: float, until_s: float) -> list[float]:
    found, at = [], 4.0
    while (at := at + dice.expovariate(1 / every_s)) < until_s:
        found.append(at)
    return found


def _person(dice: Random, at: float, number: str, queue: int) -> Person:
    kind = dice.choices(list(KINDS), weights=list(KINDS.values()))[0]
    talk_s = dice.uniform(50, 130)
    there = {"on_say": [on(HUMAN_CHECK, "1")], "talk_s": talk_s, "after_s": dice.uniform(1, 15)}
    takes = {"on_say": [on(OFFER, "1"), on(READBACK, "1")], "talk_s": talk_s, "patience_s": 2400}
    rings, answers = _WAYS.get(kind, _taker)(takes, there, talk_s, dice)
    return Person(at, kind, number, queue, rings, answers, dice.uniform(2, 20))


Ways = Callable[[Behaviour, Behaviour, float, Random], tuple[Behaviour | None, tuple[Behaviour, ...]]]


def on(match: str, keys: str) -> Behaviour:
    """Press keys on hearing that."""
    return {"match": match, "press": keys}


def _taker(takes: Behaviour, there: Behaviour, _: float, __: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    return takes, (there,)


def _holder(_: Behaviour, there: Behaviour, talk_s: float, __: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    return {"on_say": [on(OFFER, "2")], "talk_s": talk_s, "patience_s": 2400}, (there,)


def _abandons(_: Behaviour, there: Behaviour, talk_s: float, dice: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    return {"on_say": [on(OFFER, "2")], "talk_s": talk_s, "patience_s": dice.uniform(5, 120)}, (there,)


def _wrong_keys(_: Behaviour, there: Behaviour, talk_s: float, __: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    return {"on_say": [on(OFFER, "7")], "talk_s": talk_s, "patience_s": 2400}, (there,)


def _chinese(_: Behaviour, there: Behaviour, talk_s: float, __: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    keys = [{**on(OFFER, "9"), "times": 1}, on("保留您的位置，请按", "1"), on("号码正确", "1")]
    answers = {**there, "on_say": [on("现在通话", "1"), on(HUMAN_CHECK, "1")]}
    return {"on_say": keys, "talk_s": talk_s, "patience_s": 2400}, (answers,)


def _program(_: Behaviour, there: Behaviour, __: float, ___: Random) -> tuple[None, tuple[Behaviour, ...]]:
    return None, (there,)


def _by_telephone(takes: Behaviour, there: Behaviour, _: float, __: Random) -> tuple[Behaviour, tuple[Behaviour, ...]]:
    return takes, ({**there, "on_say": [on(HUMAN_CHECK, "3")]},)


def _missed(_: Behaviour, there: Behaviour, __: float, ___: Random) -> tuple[None, tuple[Behaviour, ...]]:
    return None, ({"answer": "busy"}, there)


def _first(how: Behaviour) -> Ways:
    return lambda takes, there, _, __: (takes, (how, there))


_WAYS: Final[dict[str, Ways]] = {
    "holder": _holder, "abandons": _abandons, "wrong keys": _wrong_keys, "Chinese": _chinese, "program": _program,
    "cancels by telephone": _by_telephone, "voicemail": _first({"answer": "machine", "after_s": 4}),
    "busy": _first({"answer": "busy"}), "misses it and says so": _missed,
    **dict.fromkeys(APPOINTED, _program), "no answer": _first({"answer": "no-answer", "after_s": 30}),
}  # fmt: skip

AGENT: Final[Behaviour] = PRESSES
"""How an agent's telephone is answered."""
