"""Who the simulated callers are: numbers, languages, patience and wishes, drawn once and kept.

Every trait of every person has a stream of random numbers of its own, so that the same seed gives the same people
whatever happens to them, and a trait that is added later changes nobody else.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from callback.emulator.arrivals import lognormal, stream
from callback.emulator.speech import Intent

ENGLISH: Final = "en"
CHINESE: Final = "zh"

# Area codes of the United States; 555-0100 to 555-0199 are set aside there for stories.
_AREAS: Final = (201, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229)
_OTHER_AREAS: Final = (
    303,
    305,
    307,
    308,
    309,
    310,
    312,
    313,
    314,
    315,
    316,
    317,
    318,
    319,
    320,
    321,
    323,
    325,
    330,
    331,
)
# How a full name is put together, and of what.
_NAMES: Final = {
    ENGLISH: (
        "{given} {family}",
        (
            "Ruth",
            "Omar",
            "Grace",
            "Ivan",
            "Nora",
            "Luis",
            "Amy",
            "Theo",
            "Priya",
            "Jack",
            "Elena",
            "Sam",
            "Hana",
            "Zoe",
        ),
        (
            "Hale",
            "Reed",
            "Kim",
            "Petrov",
            "Quinn",
            "Ortega",
            "Stone",
            "Brandt",
            "Nair",
            "Dunn",
            "Rossi",
            "Okoro",
            "Sato",
        ),
    ),
    CHINESE: (
        "{family}{given}",
        ("娜", "伟", "洋", "静", "帆", "敏", "磊", "婷", "刚", "丽", "建国", "雨桐"),
        ("李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "马"),
    ),
}


@dataclass(frozen=True)
class Figures:
    """What people are like on average. Times in simulated seconds, the rest are shares from 0 to 1."""

    talk_s: float = 240.0
    talk_variation: float = 0.8
    patience_s: float = 600.0
    patience_variation: float = 0.8
    take_offer: float = 0.6
    prefer_later: float = 0.06
    speak_chinese: float = 0.25
    withheld: float = 0.04
    other_number: float = 0.1
    fumble: float = 0.04
    end_talk: float = 0.4
    answer: float = 0.85
    busy: float = 0.03
    voicemail: float = 0.06
    talk_when_called: float = 0.9
    later_when_called: float = 0.05


@dataclass(frozen=True)
class Person:
    """Who somebody is, drawn before they ring.

    `gives_in_after` is how many times somebody who chose to hold hears the offer again before taking it.
    `lead` marks those whose story the demo tells: they take the offer and answer their phone.
    """

    index: int
    name: str
    number: str
    language: str
    wish: Intent
    patience_s: float
    talk_s: float
    ends_talk: bool = False
    withheld: bool = False
    other_number: str | None = None
    fumbles: bool = False
    gives_in_after: int = 1000
    reaction_s: float = 1.0
    lead: bool = False


def story_number(index: int, areas: tuple[int, ...] = _AREAS) -> str:
    """A valid, fictional number of the United States in E.164; 2,000 of them, then they repeat."""
    return f"+1{areas[index % len(areas)]}5550{100 + index // len(areas) % 100}"


def draw_person(index: int, figures: Figures, seed: int) -> Person:
    """Person number `index` of this run. Each trait has a stream of its own."""

    def draw(trait: str) -> Random:
        return stream(seed, "person", index, trait)

    language = CHINESE if draw("language").random() < figures.speak_chinese else ENGLISH
    withheld = draw("withheld").random() < figures.withheld
    gives_number = draw("other number").random() < (0.6 if withheld else figures.other_number)
    return Person(
        index=index,
        name=_draw_name(draw("name"), language),
        number=story_number(index),
        language=language,
        wish=_draw_wish(draw("wish"), figures, reachable=gives_number or not withheld),
        patience_s=lognormal(draw("patience"), figures.patience_s, figures.patience_variation),
        talk_s=lognormal(draw("talk"), figures.talk_s, figures.talk_variation),
        ends_talk=draw("ends talk").random() < figures.end_talk,
        withheld=withheld,
        other_number=story_number(index, _OTHER_AREAS) if gives_number else None,
        fumbles=draw("fumbles").random() < figures.fumble,
        gives_in_after=1 + int(draw("gives in").expovariate(0.1)),
        reaction_s=draw("reaction").uniform(0.5, 1.8),
    )


def _draw_name(rng: Random, language: str) -> str:
    order, given, family = _NAMES[language]
    return order.format(given=rng.choice(given), family=rng.choice(family))


def _draw_wish(rng: Random, figures: Figures, *, reachable: bool) -> Intent:
    drawn = rng.random()
    if not reachable:
        return Intent.STAY
    if drawn < figures.take_offer:
        return Intent.CALLBACK
    return Intent.LATER if drawn < figures.take_offer + figures.prefer_later else Intent.STAY
