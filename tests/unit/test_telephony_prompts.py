"""Prompts in words: what a caller, an agent and a text say, in English and in Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.adapters.telephony.prompts import UnknownPrompt, clean, say, spoken_language
from callback.domain.dialogue import Prompt

NINE_IN_NEW_YORK = "2026-03-03T14:00:00+00:00"
NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("prompt", "english", "chinese"),
    [
        (Prompt("welcome", {"queue": "Support"}), "Thank you for calling Support.", "感谢您致电Support。"),
        (Prompt("place", {"position": 1}), "You are first in line.", "您排在第1位。"),
        (Prompt("place", {"position": 2}), "You are number 2 in line.", "您排在第2位。"),
        (Prompt("place", {"position": 1200}), "You are number 1,200 in line.", "您排在第1,200位。"),
        (
            Prompt("wait_range", {"low": 4, "high": 6}),
            "The wait is about 4 to 6 minutes.",
            "预计等待时间约为4到6分钟。",
        ),
        (Prompt("wait_range", {"low": 1, "high": 1}), "The wait is about 1 minute.", "预计等待时间约为1分钟。"),
        (Prompt("wait_range", {"low": 0, "high": 2}), "The wait is about 2 minutes.", "预计等待时间约为2分钟。"),
        (
            Prompt("wait_range", {"low": 100, "high": 110}),
            "The wait is about 100 to 110 minutes.",
            "预计等待时间约为100到110分钟。",
        ),
        (
            Prompt("wait_range", {"low": 130, "high": 170}),
            "The wait is about 3 hours.",
            "预计等待时间约为3小时。",
        ),
        (
            Prompt("confirm_number", {"number": "+12015550123"}),
            "Your number is 2 0 1, 5 5 5, 0 1 2 3.",
            "您的号码是2 0 1，5 5 5，0 1 2 3。",
        ),
        (
            Prompt("promise", {"number": "+12015550123", "low": 8, "high": 12}),
            "Done. We will call you back at 2 0 1, 5 5 5, 0 1 2 3 in about 8 to 12 minutes.",
            "好的。我们将在大约8到12分钟后给您回电，拨打2 0 1，5 5 5，0 1 2 3。",
        ),
        (
            Prompt("promise_later", {"number": "+12015550123", "when": NINE_IN_NEW_YORK, "zone": NEW_YORK}),
            "Done. We will call you back at 2 0 1, 5 5 5, 0 1 2 3 on Tuesday, March 3, at 9:00 AM.",
            "好的。我们将于3月3日星期二上午9:00给您回电，拨打2 0 1，5 5 5，0 1 2 3。",
        ),
        (
            Prompt("closed", {"opens": "2026-03-03T09:00:00", "zone": "UTC"}),
            "We are closed now. We open again on Tuesday, March 3, at 9:00 AM. Goodbye.",
            "现在是非服务时间。我们将于3月3日星期二上午9:00恢复服务。再见。",
        ),
        (
            Prompt("whisper_live", {"queue": "Support", "minutes": 5, "name": ""}),
            "A call for Support. The caller has waited 5 minutes.",
            "Support的来电。对方已等待5分钟。",
        ),
        (
            Prompt("whisper_callback", {"queue": "Support", "minutes": 0, "name": "Ada"}),
            "A callback for Support. Ada has waited less than a minute.",
            "Support的回电。Ada已等待不到一分钟。",
        ),
        (
            Prompt("human_check", {"queue": "Support", "requested": NINE_IN_NEW_YORK, "zone": NEW_YORK}),
            "Hello, this is Support. You asked us on Tuesday, March 3, at 9:00 AM to call you back.",
            "您好，这里是Support。您在3月3日星期二上午9:00请我们给您回电。",
        ),
        (
            Prompt("human_check", {"queue": "Support"}),
            "Hello, this is Support. You asked us to call you back.",
            "您好，这里是Support。您请我们给您回电。",
        ),
        (
            Prompt("later_slots", {"slot1": NINE_IN_NEW_YORK, "slot2": "2026-03-03T19:30:00Z", "zone": NEW_YORK}),
            "For Tuesday, March 3, at 9:00 AM, press 1. For Tuesday, March 3, at 2:30 PM, press 2.",
            "3月3日星期二上午9:00，请按 1。3月3日星期二下午2:30，请按 2。",
        ),
        (
            Prompt("already_waiting", {"position": 3}),
            "Your callback is booked already. You are number 3 in line.",
            "您已经预约了回电，目前排在第3位。",
        ),
        (Prompt("already_waiting"), "Your callback is booked already.", "您已经预约了回电。"),
        (
            Prompt("not_accepting", {"reason": "full"}),
            "So many callbacks are booked that we cannot promise another one now.",
            "预约回电的人太多，现在无法再为您安排。",
        ),
        (
            Prompt("not_accepting", {"reason": "switched_off"}),
            "Sorry, we cannot arrange callbacks at the moment.",
            "抱歉，目前无法安排回电。",
        ),
    ],
)
def test_a_prompt_is_said_in_the_callers_language(prompt: Prompt, english: str, chinese: str) -> None:
    assert say(prompt, "en") == english
    assert say(prompt, "zh") == chinese


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (
            Prompt("text_promised", {"queue": "Support", "low": 8, "high": 12, "url": "https://c.example/c/t"}),
            "Support: we will call you back in about 8 to 12 minutes. Your place in line: https://c.example/c/t",
        ),
        (
            Prompt("text_promised", {"queue": "Support", "url": "https://c.example/c/t"}),
            "Support: we will call you back as soon as it is your turn. Your place in line: https://c.example/c/t",
        ),
        (
            Prompt("text_status", {"state": "waiting", "position": 1, "url": "https://c.example/c/t"}),
            "Your callback: you are first in line. https://c.example/c/t",
        ),
        (
            Prompt("text_status", {"state": "waiting", "url": "https://c.example/c/t"}),
            "Your callback is booked. We will call you as soon as it is your turn. https://c.example/c/t",
        ),
        (
            Prompt("text_status", {"state": "scheduled", "when": NINE_IN_NEW_YORK, "zone": NEW_YORK, "url": "u"}),
            "Your callback is booked for Tuesday, March 3, at 9:00 AM. u",
        ),
        (Prompt("text_status", {"state": "dialing", "url": "u"}), "We are calling you now. u"),
        (Prompt("text_status", {"state": "expired", "url": "u"}), "Your callback has ended. u"),
        (
            Prompt("text_status"),
            "We have no callback for this number. You can call us at any time.",
        ),
    ],
)
def test_a_text_says_what_is_known(prompt: Prompt, text: str) -> None:
    assert say(prompt, "en") == text


def test_another_language_is_offered_in_that_language() -> None:
    key = Prompt("language_key")

    assert (say(key, "en"), spoken_language(key, "en")) == ("中文请按 9。", "zh")
    assert (say(key, "zh"), spoken_language(key, "zh")) == ("For English, press 9.", "en")


def test_a_time_is_said_in_the_zone_of_the_prompt_on_either_side_of_a_clock_change() -> None:
    before = Prompt("later_done", {"when": "2026-03-07T14:00:00Z", "zone": NEW_YORK})
    after = Prompt("later_done", {"when": "2026-03-09T13:00:00Z", "zone": NEW_YORK})

    assert "Saturday, March 7, at 9:00 AM" in say(before, "en")
    assert "Monday, March 9, at 9:00 AM" in say(after, "en")


@pytest.mark.parametrize(
    ("prompt", "language", "complaint"),
    [
        (Prompt("no_such_prompt"), "en", "no sentence 'no_such_prompt'"),
        (Prompt("stay"), "tlh", "no catalogue for the language 'tlh'"),
        (Prompt("welcome"), "en", "'welcome' needs the value 'queue'"),
        (Prompt("place"), "en", "'place' needs the value 'position'"),
        (Prompt("promise", {"number": "+12015550123"}), "zh", "'promise' needs the value 'low'"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(prompt: Prompt, language: str, complaint: str) -> None:
    with pytest.raises(UnknownPrompt, match=complaint):
        say(prompt, language)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\n\tLovelace  ", "Ada Lovelace"),
        ("Ada\x00\x1b[31m", "Ada [31m"),
        ("half \ud800 a character", "half a character"),
        ("right\u202eleft", "right left"),
        ("王小明", "王小明"),
        ("x" * 900, "x" * 500),
    ],
)
def test_typed_text_is_made_fit_to_be_said(typed: str, said: str) -> None:
    assert clean(typed) == said


@given(st.text())
def test_typed_text_never_carries_what_xml_cannot(typed: str) -> None:
    assert all(character.isprintable() or character == " " or ord(character) > 0x9F for character in clean(typed))
    assert not any(0xD800 <= ord(character) <= 0xDFFF for character in clean(typed))
