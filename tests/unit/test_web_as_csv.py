"""A table as a file for spreadsheets."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from callback.web.as_csv import cell, csv_file


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (3, 3),
        (-2.5, -2.5),
        ("a name, with a comma", "a name, with a comma"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1+2", "'-1+2"),
        ("\n=1+2", "'\n=1+2"),
        ("\uff1d1+2", "'\uff1d1+2"),
        ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
        ("+15550001111", "+15550001111"),
        ("-12.5", "-12.5"),
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "2026-03-02T09:00:00.000Z"),
    ],
)
def test_a_cell_is_what_a_spreadsheet_should_show_and_never_a_formula(value: object, written: object) -> None:
    assert cell(value) == written


def test_rows_are_sent_as_they_come_and_not_all_at_once() -> None:
    app = Flask(__name__)
    with app.test_request_context():
        answer = csv_file("calls.csv", (["x" * 1000, number] for number in range(1000)))
        pieces = list(answer.iter_encoded())
    assert answer.headers["Content-Disposition"] == 'attachment; filename="calls.csv"'
    assert len(pieces) > 10
    assert b"".join(pieces).count(b"\r\n") == 1000
