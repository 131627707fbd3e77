"""The benchmarks run from end to end: each kind of row once, with so little effort that the figures mean nothing."""

import json
import math
import os
import subprocess
import sys

import pytest

from tests.support.tree import ROOT

FIGURES = {
    "arrival-sqlite": 6,
    "dial-postgresql": 2,
    "line": 2,
    "rebuild-sqlite": 7,
    "pacing": 18,
    "backtest": 3,
    "rehearse": 2,
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", FIGURES)
def test_a_row_is_measured_and_told_as_json(row: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", "--only", row],
        cwd=ROOT, env={**os.environ, "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "1"},
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "processors" in told["machine"]
    assert [figure["row"] for figure in told["figures"]] == [row] * FIGURES[row]
    assert all(math.isfinite(figure["ours"]) and figure["ours"] > 0 for figure in told["figures"])
