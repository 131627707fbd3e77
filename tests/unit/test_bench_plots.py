"""The pictures of the method: that they can be read by a browser, and show what is inside their axes."""

import re
import xml.etree.ElementTree as ET

from bench import plots
from bench.svg import Axis, Chart, Series
from callback.domain.policy import Policy
from callback.lab import backtest
from tests.support.traffic import crowd

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_a_document_that_names_its_series_and_escapes_its_words() -> None:
    series = [Series("a & b", [(0, 1), (5, 2), (50, 3)]), Series("bare", [(1, 1)], line=False)]
    drawn = ET.fromstring(Chart('A "title" <here>', "note", Axis("x", 0, 10), Axis("y", 0, 4), series).svg())
    words = [text.text for text in drawn.iter(f"{SVG}text")]
    assert {'A "title" <here>', "a & b", "bare", "x", "y"} <= set(words)
    (line,) = drawn.iter(f"{SVG}polyline")
    assert len(line.attrib["points"].split()) == 2
    assert "prefers-color-scheme:dark" in "".join(style.text or "" for style in drawn.iter(f"{SVG}style"))


def test_an_axis_has_round_numbers_on_it() -> None:
    assert Axis("s", 0, 87).ticks() == [0, 20, 40, 60, 80]
    assert Axis("h", 7, 23, step=3).ticks() == [9, 12, 15, 18, 21]


def test_what_was_said_is_drawn_against_what_happened() -> None:
    report = backtest.run([], crowd(400), policy=Policy())
    calibration, by_hour = (
        plots.calibration(report.predictions, "here"),
        plots.error_by_hour(report.predictions, "here"),
    )
    assert [len(series.points) for series in calibration.series] == [4, 4, 4, 2]
    assert [series.name for series in by_hour.series] == ["ours", *plots.FIELD]
    assert all(re.search(r"\d", chart.svg()) and ET.fromstring(chart.svg()) for chart in (calibration, by_hour))
