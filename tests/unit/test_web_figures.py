"""Charts as data: what is drawn and the table beside it are the same figures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_babel
import pytest
from flask import Flask

from callback.web import languages
from callback.web.figures import Figure, Kind, Series, Unit, said

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_figure_gives_the_same_values_as_data_and_as_a_table() -> None:
    app = Flask(__name__)
    languages.install(app)
    with app.test_request_context("/?lang=en"):
        languages.in_zone("Asia/Shanghai")
        figure = Figure(
            "Waits",
            [BEGIN, BEGIN + timedelta(minutes=15)],
            [Series("told", [65.0, None], Kind.AREA), Series("limit", [120, 120], Kind.LIMIT)],
            Unit.SECONDS,
        )
        drawn = figure.as_json()
        assert (drawn["timed"], drawn["zone"], drawn["x"][0]) == (True, "Asia/Shanghai", BEGIN.timestamp())
        assert [one["values"] for one in drawn["series"]] == [[65.0, None], [120, 120]]
        assert list(figure.rows()) == [
            ("17:00", [("told", "1:05"), ("limit", "2:00")]), ("17:15", [("told", "–"), ("limit", "2:00")]),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.853, Unit.SHARE, "85%"), (1234567, Unit.COUNT, "1,234,567"), (1.5, Unit.MONEY, "1.50"),
        (None, Unit.MONEY, "–"), (3725, Unit.SECONDS, "1:02:05"),
    ],
)  # fmt: skip
def test_values_are_written_by_their_unit(value: float | None, unit: Unit, words: str) -> None:
    app = Flask(__name__)
    languages.install(app)
    with app.test_request_context("/?lang=en"):
        assert flask_babel.get_locale().language == "en"
        assert said(value, unit) == words


def test_both_places_of_the_dark_colours_agree() -> None:
    sheet = (Path(languages.__file__).parent / "static" / "app.css").read_text()
    by_system = sheet.split(":root:not([data-theme]) {")[1].split("}")[0].split()
    by_choice = sheet.split(":root[data-theme=dark] {")[1].split("}")[0].split()
    assert by_system == by_choice
