"""A table as a file that a spreadsheet opens: streamed, so that a million rows take no more memory than ten."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from flask import Response, stream_with_context

from callback.flows import look

CONTENT_TYPE = "text/csv; charset=utf-8"
CHUNK = 1 << 16
"""So many characters are sent at once."""
FORMULA = re.compile("[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
"""How a formula begins; some spreadsheets in East Asian languages take the wide signs for the narrow ones."""
NUMBER = re.compile(r"[+-]?[\d.]+")


def csv_file(name: str, rows: Iterable[Sequence[Any]]) -> Response:
    """These rows, the head first, as a file of this name. Rows may still come out of the record while it is sent."""

    def lines() -> Iterator[str]:
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            writer.writerow([cell(value) for value in row])
            if text.tell() > CHUNK:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()

    answer = Response(stream_with_context(lines()), content_type=CONTENT_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def cell(value: Any) -> Any:
    """A value as a cell has it: nothing for None, times as in the API, and no text that a spreadsheet would take for a
    formula (a quote before it makes it text; a number, also one that is rung, is none)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return look.stamp(value)
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
