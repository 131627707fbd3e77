"""The trace CSV: the one format of recorded and synthetic traffic, read with care.

One row is one wait of one caller, from joining the line until its outcome. What cannot be read is refused with the
line, the column and how to mend it, so that nobody scores an estimator on rows that were guessed. A callback is two
rows: the first ends with the promise (`callback`), the row named `CALL_ID-r` begins there, in the same place.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from callback.domain.errors import InvalidInput

COLUMNS = ("call_id", "queue", "priority", "arrived_at", "outcome", "waited_s", "handled_s", "agent")
RETURN = "-r"
"""A row whose id ends so is the callback of the row whose id is the rest."""
MISTAKES_TOLD = 5


class Outcome(StrEnum):
    """How a wait ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    CALLBACK = "callback"


class TraceError(InvalidInput):
    """A file that is no trace; says where and how to mend it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One wait. `written` is `arrived_at` as the file has it and `at` the same in seconds since the epoch; `extra` are
    the columns that the format does not know."""

    call_id: str
    queue: str
    priority: str
    arrived_at: datetime
    written: str
    at: float
    outcome: Outcome
    waited_s: float
    handled_s: float
    agent: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_return(self) -> bool:
        """Whether this is the second half of a callback."""
        return self.call_id.endswith(RETURN)


def read(path: Path, zone: tzinfo = UTC) -> list[Row]:
    """The rows of a trace in the order of their arrival. Times without a zone are times in `zone`.

    Raises TraceError with the first mistakes, each with its line and what to do.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse(lines, name=path.name, zone=zone)
    except UnicodeDecodeError as error:
        raise TraceError(path.name, "is not text in UTF-8: save it again as CSV UTF-8") from error
    except OSError as error:
        raise TraceError(str(path), f"cannot be read ({error.strerror}): check the path and its permissions") from error


def parse(lines: Iterable[str], *, name: str = "trace", zone: tzinfo = UTC) -> list[Row]:
    """As `read`, from lines of text."""
    reader = csv.DictReader(lines)
    _check_header(name, reader.fieldnames or ())
    rows: list[Row] = []
    mistakes: list[str] = []
    for cells in reader:
        try:
            rows.append(_row(cells, zone))
        except ValueError as error:
            mistakes.append(f"line {reader.line_num}: {error}")
            if len(mistakes) == MISTAKES_TOLD:
                break
    mistakes = mistakes or _repeated(rows)
    if mistakes:
        raise TraceError(name, "\n  ".join(["cannot be used:", *mistakes]))
    return sorted(rows, key=lambda row: row.at)


def write(file: TextIO, rows: Iterable[Row]) -> int:
    """The rows as a trace, without extra columns; how many there were. `file` was opened with `newline=""`."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for count, row in enumerate(rows, 1):  # noqa: B007 - counted
        seconds = (f"{row.waited_s:.3f}", f"{row.handled_s:.3f}")
        writer.writerow((row.call_id, row.queue, row.priority, row.written, row.outcome, *seconds, row.agent))
    return count


def _check_header(name: str, found: Iterable[str]) -> None:
    missing = [column for column in COLUMNS if column not in set(found)]
    if missing:
        raise TraceError(
            name, f"line 1: no column {', '.join(missing)}: the header must name {','.join(COLUMNS)}, in any order"
        )


def _row(cells: Mapping[str | None, str | None], zone: tzinfo) -> Row:
    """One row of the file. Raises ValueError that names the column and the remedy."""
    if None in cells or None in cells.values():
        raise ValueError("has more or fewer cells than the header: quote cells that contain a comma")
    known = {column: (cells[column] or "").strip() for column in COLUMNS}
    if not known["call_id"]:
        raise ValueError("call_id is empty: give every row an id of its own")
    arrived_at = _moment(known["arrived_at"], zone)
    return Row(
        call_id=known["call_id"],
        queue=known["queue"],
        priority=known["priority"],
        arrived_at=arrived_at,
        written=known["arrived_at"],
        at=arrived_at.timestamp(),
        outcome=_outcome(known["outcome"]),
        waited_s=_seconds("waited_s", known["waited_s"]),
        handled_s=_seconds("handled_s", known["handled_s"] or "0"),
        agent=known["agent"],
        extra={column: cell or "" for column, cell in cells.items() if column and column not in known},
    )


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"arrived_at {text!r} is no time: write it like 2026-03-02T09:00:00") from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:
        raise ValueError(f"outcome {text!r} is unknown: write {', '.join(Outcome)}") from None


def _seconds(column: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{column} {text!r} is no duration: write seconds, 0 or more")
    return seconds


def _repeated(rows: Iterable[Row]) -> list[str]:
    """What is wrong with the ids: each may stand once."""
    seen: set[str] = set()
    twice: list[str] = []
    for row in rows:
        if row.call_id in seen:
            twice.append(f"call_id {row.call_id!r} stands twice: keep one row for each wait")
        seen.add(row.call_id)
    return twice[:MISTAKES_TOLD]
