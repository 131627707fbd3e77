"""A house's own wording: what may be wrong with it, whose goes before whose, and how a text travels."""

import ast
import re

import pytest

from callback.adapters.telephony.prompts import built_in, say
from callback.adapters.telephony.sentences import PHRASES, SENTENCES
from callback.domain.dialogue import Prompt
from callback.domain.wording import (
    BUILT_IN,
    HOUSE,
    LONGEST,
    Own,
    Wrong,
    faults,
    in_force,
    sent,
    template,
    tidy,
    written,
)
from callback.flows.scenes import SCENES
from callback.web.admin.moments import MOMENTS, PLACES, is_text
from tests.support.tree import parsed, python_files

PLACE = ("You are next.", "You are number {position}.")


@pytest.mark.parametrize(
    ("text", "wrong", "about"),
    [
        ("Hello at {queue}.", None, ()),
        ("100 % {queue} <Dial>x</Dial> & more", None, ()),
        ("Hello.", Wrong.MISSING, ("queue",)),
        ("{queue} for {name}", Wrong.UNKNOWN, ("name",)),
        ("{queue} {", Wrong.BRACE, ()),
        ("{queue} {0 x}", Wrong.BRACE, ()),
        ("{queue}\x07", Wrong.UNSPEAKABLE, ("U+0007",)),
        ("{queue}\u202e", Wrong.UNSPEAKABLE, ("U+202E",)),
        ("{queue}" + "x" * LONGEST, Wrong.LONG, (str(LONGEST), str(LONGEST + 7))),
    ],
)
def test_a_wording_keeps_its_places_and_can_be_said(text: str, wrong: Wrong | None, about: tuple[str, ...]) -> None:
    found = faults((text,), ("Welcome to {queue}.",))
    assert [(one.wrong, one.about) for one in found] == ([] if wrong is None else [(wrong, about)])


def test_each_form_of_a_counted_sentence_keeps_its_own_places() -> None:
    assert faults(("First!", "Number {position}."), PLACE) == []
    assert faults(("First of all, {position}!", "Number {position}."), PLACE) == []
    assert [(one.at, one.wrong) for one in faults(("First!", "Further back."), PLACE)] == [(1, Wrong.MISSING)]
    assert [(one.at, one.wrong) for one in faults(("", "Number {position}."), PLACE)] == [(0, Wrong.EMPTY)]


def test_places_are_written_in_braces_and_a_percent_sign_is_one() -> None:
    assert template("{queue}: 50 % off, %(name)s") == "%(queue)s: 50 %% off, %%(name)s"
    assert written(template("{queue}: 50 % off")) == "{queue}: 50 % off"
    assert tidy("  one\r\ntwo\tthree ") == "one two three"


def test_a_queues_own_goes_before_the_houses_and_that_before_the_built_in() -> None:
    found = in_force(
        [
            Own(HOUSE, "welcome", "en", ("Hi from {queue}.",)),
            Own("sales", "welcome", "en", ("Sales here.",)),
            Own(HOUSE, "stay", "zh", ("请稍等。",)),
        ]
    )
    welcome = Prompt("welcome", {"queue": "Support"})
    assert say(welcome, "en", found[HOUSE]) == "Hi from Support."
    assert say(welcome, "en", found["sales"]) == "Sales here."
    assert say(Prompt("stay"), "zh", found["sales"]) == "请稍等。"
    assert say(welcome, "zh", found["sales"]) == say(welcome, "zh")
    assert say(welcome, "en", BUILT_IN) == "Thank you for calling Support."


def test_a_count_chooses_the_form_and_a_wording_that_no_longer_fits_gives_way_to_the_built_in_one() -> None:
    own = in_force([Own(HOUSE, "hold_place", "en", ("Next!", "{position}.")), Own(HOUSE, "stay", "en", ("{gone}",))])
    assert say(Prompt("hold_place", {"position": 1}), "en", own[HOUSE]) == "Next!"
    assert say(Prompt("hold_place", {"position": 4}), "en", own[HOUSE]) == "4."
    assert say(Prompt("stay"), "en", own[HOUSE]) == say(Prompt("stay"), "en")


@pytest.mark.parametrize(
    ("text", "plain", "units", "parts"),
    [
        ("a" * 160, True, 160, 1),
        ("a" * 161, True, 161, 2),
        ("a" * 306, True, 306, 2),
        ("a" * 307, True, 307, 3),
        ("€" * 80, True, 160, 1),
        ("€" * 81, True, 162, 2),
        ("您" * 70, False, 70, 1),
        ("您" * 71, False, 71, 2),
        ("a" * 69 + "😀", False, 71, 2),
        ("it’s", False, 4, 1),
    ],
)
def test_a_text_is_sent_in_parts(text: str, plain: bool, units: int, parts: int) -> None:
    found = sent(text)
    assert (found.plain, found.units, found.parts) == (plain, units, parts)


NEVER_SAID = {
    "full", "place", "not_asked_done", "text_cancelled", "text_status_place", "text_status_scheduled",
    "text_status_completed", "text_status_cancelled", "text_status_unreached", "text_status_over", "text_status_none",
}  # fmt: skip


def test_everything_that_is_said_can_be_worded_and_heard() -> None:
    assert set(SENTENCES) - set(PHRASES) - NEVER_SAID == set(MOMENTS)
    assert {one for one in MOMENTS if not is_text(one)} == set(SCENES)


def test_whatever_is_said_to_a_caller_is_said_in_the_words_of_their_queue() -> None:
    without = [
        f"{path}:{node.lineno}"
        for path in python_files("callback/flows")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Script"
        and ast.unparse(node.args[0]) in ("place.language", "callback.language")
        and re.search("Prompt|Speak", ast.unparse(node))
        and len(node.args) < 3
    ]
    assert without == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_built_in_wordings_are_wordings_and_their_places_have_words(language: str) -> None:
    for sentence in MOMENTS:
        forms = built_in(sentence, language)
        assert forms, sentence
        assert faults(forms, forms) == [], sentence
    assert built_in("hold_place", "en") == ("You are next.", "You are now number {position} in line.")
    assert len(built_in("hold_place", "zh")) == 1
    assert built_in("nothing", "en") == built_in("welcome", "fr") == ()
    assert {"queue", "wait", "url"} <= set(PLACES)
