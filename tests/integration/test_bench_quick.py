"""The benchmarks run from end to end: each kind of row once, with so little effort that the figures mean nothing."""

import json
import math
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.support.tree import ROOT

FIGURES = {
    "with servers": {"arrival-sqlite": 6, "dial-postgresql": 2},
    "alone": {"line": 2, "rebuild-sqlite": 7, "pacing": 18, "backtest": 3, "rehearse": 2, "reports-sqlite": 18},
}


@pytest.mark.slow
@pytest.mark.timeout(700)
@pytest.mark.parametrize("rows", FIGURES.values(), ids=FIGURES)
def test_rows_are_measured_and_told_as_json(rows: dict[str, int]) -> None:
    only = [word for row in rows for word in ("--only", row)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", *only],
        cwd=ROOT, env={**os.environ, "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "1"},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "processors" in told["machine"]
    assert Counter(figure["row"] for figure in told["figures"]) == rows
    assert all(math.isfinite(figure["ours"]) and figure["ours"] > 0 for figure in told["figures"])
