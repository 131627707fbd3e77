"""A year of recorded traffic through `callback backtest`: is it quick enough to be tried again and again?

The traffic is synthetic, from a house with a daily wave in which most callers wait. The command is timed from its start
until its table stands there. The reference replays the same rows with the eight formulas of the field and nothing of
ours, so that the ratio says what learning costs.
"""

import csv
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, Target
from callback.domain.floor import Floor, Joined
from callback.lab import baselines, replay, scenarios
from callback.lab.trace import COLUMNS, Row

ROW = "backtest"
CALLS, QUICK_CALLS = 100_000, 1_500
LEARNT_FROM = 0.25
"""The share of the calls that is there to learn from at first."""
LIMIT_S = 60.0
HOUSE = replace(scenarios.SCENARIOS[0], name="a year", agents=8, load=1.0, swing=0.25)
COMMAND = Path(sys.executable).with_name("callback")


def measure(quick: bool, tick: Callable[[], None]) -> list[Figure]:
    """Seconds of wall clock and of processor for the command, beside the reference."""
    rows, _ = scenarios.traffic(HOUSE, QUICK_CALLS if quick else CALLS, seed=1)
    waits = sum(row.waited_s > 0 for row in rows)
    what = f"{len(rows):,} calls, {waits:,} of which wait"
    begun = time.perf_counter()
    _formulas(rows)
    formulas_s = time.perf_counter() - begun
    ours_s, processor_s = _ours(rows)
    tick()
    return [
        Figure(ROW, what, "s", ours_s, target=Target(LIMIT_S)),
        Figure(ROW, "processor time of it", "s", processor_s),
        Figure(ROW, "against the eight formulas alone", "s", ours_s, formulas_s, ours_s / formulas_s),
    ]


def _ours(rows: Sequence[Row]) -> tuple[float, float]:
    """Seconds by the wall clock and of the processor that the command takes. Raises CalledProcessError if it fails."""
    cut = int(len(rows) * LEARNT_FROM)
    with TemporaryDirectory() as folder:
        train, test = save(rows[:cut], Path(folder, "train.csv")), save(rows[cut:], Path(folder, "test.csv"))
        words = [COMMAND, "backtest", "--train", train, "--test", test, "--out", Path(folder, "out.csv"), "--json"]
        line = [str(word) for word in words]
        begun, used = time.perf_counter(), _children_s()
        subprocess.run(line, check=True, capture_output=True)
        return time.perf_counter() - begun, _children_s() - used


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def save(rows: Iterable[Row], path: Path) -> Path:
    """The rows as a trace file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in rows:
            known = {"arrived_at": row.written, "outcome": str(row.outcome)}
            table.writerow(known.get(column) or getattr(row, column) for column in COLUMNS)
    return path


def _formulas(rows: Sequence[Row]) -> None:
    floor = Floor()
    field = baselines.Field(floor)
    for event, row in replay.events(rows, {}):
        field.see(floor.apply(event))
        if isinstance(event, Joined) and row.waited_s > 0:
            field.predict(event.call, row.queue)
