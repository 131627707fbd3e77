"""How long things take as those read it who watch a line, and when things are as callers read it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from callback.web import languages


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    app = Flask(__name__)
    languages.install(app)
    with app.test_request_context("/?lang=en"):
        yield


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (2.5, "2.5 s"), (18, "18 s"), (119, "119 s"), (120, "2 min"), (150, "2.5 min"), (600, "10 min")],
)
def test_a_threshold_is_said_as_it_was_set(seconds: float, words: str) -> None:
    assert languages.lasting(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, 5), (1, 5), (41, 45), (45, 45), (119.5, 120), (120, 120), (121, 180), (600, 600)]
)
def test_an_expected_wait_is_rounded_up(seconds: float, said: int) -> None:
    assert languages.rounded(seconds) == said


HALVES = [(0, "12:05 AM"), (9, "9:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (13, "1:05 PM"), (23, "11:05 PM")]


@pytest.mark.parametrize(("hour", "told"), HALVES)
def test_a_caller_in_english_reads_the_time_that_was_said_on_the_phone(hour: int, told: str) -> None:
    languages.speak("en")
    at = datetime(2026, 3, 2, hour, 5, 9, tzinfo=UTC)
    assert languages.clock(at) == told.replace(" ", "\N{NO-BREAK SPACE}")
    assert languages.updated(at) == told.replace("05", "05:09")
    half = told[-2:]
    assert languages.between(at, at + timedelta(minutes=5)).count(half) == 1


def test_a_window_names_the_half_of_the_day_once_unless_it_spans_noon() -> None:
    languages.speak("en")
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    begin = datetime(2026, 3, 2, 11, 40, tzinfo=UTC)
    assert languages.span(begin, begin + timedelta(minutes=15), now) == "11:40–11:55\xa0AM"
    assert languages.span(begin, begin + timedelta(minutes=30), now) == "11:40\xa0AM–12:10\xa0PM"
    tomorrow = begin + timedelta(days=1)
    assert languages.span(tomorrow, tomorrow + timedelta(minutes=15), now) == "tomorrow at 11:40–11:55\xa0AM"


def test_everybody_else_reads_the_hours_of_a_whole_day() -> None:
    at = datetime(2026, 3, 2, 13, 5, 9, tzinfo=UTC)
    assert languages.clock(at) == "13:05"
    assert languages.updated(at) == "13:05:09"


def test_a_caller_in_chinese_reads_the_hours_of_a_whole_day() -> None:
    app = Flask(__name__)
    languages.install(app)
    with app.test_request_context("/"):
        languages.speak("zh")
        assert languages.clock(datetime(2026, 3, 2, 13, 5, tzinfo=UTC)) == "13:05"
