"""How long things take, as those read it who set thresholds and watch a line."""

from collections.abc import Iterator

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
