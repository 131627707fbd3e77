"""Figures: what a ratio is, when a target is met, and what is written down of both."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.__main__ import main, table
from bench.figures import Figure, Target, compared, percentile
from bench.rows import ROWS, named


def test_the_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_the_medians() -> None:
    figure = compared("row", "what", "ms", [1, 10, 9], [2, 4, 3], Target(3))
    assert (figure.ours, figure.reference, figure.ratio) == (9, 3, 2.5)
    assert figure.met


def test_a_round_that_was_disturbed_on_both_sides_changes_nothing() -> None:
    calm = compared("row", "what", "ms", [2, 2, 2], [1, 1, 1], None)
    disturbed = compared("row", "what", "ms", [2, 2, 20], [1, 1, 10], None)
    assert calm.ratio == disturbed.ratio == 2


@pytest.mark.parametrize(("ours", "reference"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_rounds_that_do_not_belong_together_are_refused(ours: list[float], reference: list[float]) -> None:
    with pytest.raises(ValueError):
        compared("row", "what", "ms", ours, reference, None)


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(0.45, at_least=True), 0.45, True),
        (Target(0.45, at_least=True), 0.44, False),
        (Target(1.25), 1.25, True),
        (Target(1.25), 1.26, False),
        (Target(1.25), float("nan"), False),
    ],
)
def test_a_target_is_a_bound_that_may_be_reached(target: Target, value: float, met: bool) -> None:
    assert target.met_by(value) is met


def test_without_a_reference_the_target_is_about_the_figure_itself() -> None:
    assert Figure("line", "memory", "bytes", 290, target=Target(400)).met is True
    assert Figure("line", "memory", "bytes", 290, reference=1, ratio=500, target=Target(400)).met is False
    assert Figure("line", "memory", "bytes", 290).met is None


def test_the_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.01) == 7


@pytest.mark.parametrize(("values", "p"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_there_is_no_percentile_of_nothing(values: list[float], p: float) -> None:
    with pytest.raises(ValueError):
        percentile(values, p)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_at_least_the_share_lies_at_or_below_the_percentile(values: list[float], p: float) -> None:
    found = percentile(values, p)
    assert found in values
    assert sum(value <= found for value in values) >= p * len(values) - 1e-6


def test_the_target_is_written_as_it_is_read() -> None:
    written = json.loads(json.dumps(compared("row", "what", "ms", [1], [2], Target(0.45, at_least=True)).as_json()))
    assert (written["target"], written["met"], written["ratio"]) == ("≥ 0.45", True, 0.5)


def test_every_figure_has_a_line_in_the_table() -> None:
    figures = [compared("row", "what", "ms", [1], [2], Target(1)), Figure("row", "size", "bytes", 12_345)]
    assert table(figures).row_count == 2


def test_rows_are_chosen_by_how_their_name_begins() -> None:
    assert [row.name for row in named(("dial",))] == ["dial-postgresql", "dial-sqlite"]
    assert named(()) == list(ROWS.values())
    with pytest.raises(KeyError):
        named(("arrival", "departure"))


def test_an_unknown_row_is_refused_with_the_names_of_those_there_are() -> None:
    done = CliRunner().invoke(main, ["--only", "departure"])
    assert done.exit_code == 2
    assert "arrival-postgresql" in done.output
