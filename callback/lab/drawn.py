"""A day drawn from a forecast, as a trace file: for a rehearsal, or for whoever wants to look at it."""

import csv
from pathlib import Path

from callback.lab.forecasting import PATIENCE, DayForecast, day_rows
from callback.lab.trace import COLUMNS


def write(expected: DayForecast, path: Path, seed: int, queue: str) -> int:
    """Writes one day; returns how many callers it has. The waits in it are 0: a rehearsal finds them."""
    rows = day_rows(expected, seed, queue=queue)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, PATIENCE])
        for row in rows:
            writer.writerow(
                [row.call_id, row.queue, row.priority, row.written, row.outcome, row.waited_s, row.handled_s, row.agent,
                 row.extra[PATIENCE]]
            )  # fmt: skip
    return len(rows)
