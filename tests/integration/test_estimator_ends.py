"""The estimator as a process: it leads, says so, and ends soon when it is asked to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from callback.adapters.line.client import make_client
from callback.adapters.line.waits import LEADS
from callback.adapters.store import migrate
from callback.cli.estimate import END_S
from tests.support.tree import ROOT
from tests.support.waiting import eventually

SLOW_S = 10
"""A crowded machine takes this much longer; whoever waits for a silent server does so for ever."""


def test_an_estimator_leads_and_gives_its_lead_back_when_it_ends(redis_url: str, tmp_path: Path) -> None:
    surroundings = {
        **os.environ, "REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{tmp_path}/record.sqlite3",
        "SECRET_KEY": "a secret of thirty-two characters!", "VAR_DIR": str(tmp_path),
    }  # fmt: skip
    migrate.upgrade(surroundings["DATABASE_URL"])
    with (tmp_path / "log").open("wb") as log, make_client(redis_url, timeout_s=10) as client:
        running = subprocess.Popen(
            [Path(sys.executable).with_name("callback"), "estimate"], cwd=ROOT, env=surroundings, stdout=log, stderr=log
        )
        try:
            eventually(lambda: client.exists(LEADS), within_s=60, what="it leads")
            running.send_signal(signal.SIGTERM)
            assert running.wait(END_S + SLOW_S) in (0, -signal.SIGALRM), (tmp_path / "log").read_text()
            eventually(lambda: not client.exists(LEADS), what="somebody else may lead")
        finally:
            running.kill()
            running.wait()
    assert "estimate.leads" in (tmp_path / "log").read_text()
