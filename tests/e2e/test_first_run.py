"""`make run` in an empty folder: everything starts, people live in it, one of them is called back, Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import http
from tests.support.ports import free_port
from tests.support.tree import ROOT

STORY = (
    "presses 1 (confirm)",
    "gets a text with a link",
    "has hung up, keeps the place",
    "is called back",
    "talks with",
)
"""What is told of somebody who is called back, in this order."""
WITHIN_S = 150


def told(run: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of the terminal, as they come."""
    assert run.stdout is not None
    until = time.monotonic() + WITHIN_S
    for line in run.stdout:
        yield line
        assert time.monotonic() < until, "nobody was called back in time"


def follow(lines: Iterator[str]) -> list[str]:
    """Reads until the whole story was told of one person. Returns all lines."""
    heard: list[str] = []
    at: dict[str, int] = {}
    for line in lines:
        heard.append(line)
        who, _, what = line[10:].partition("  ")
        step = at.get(who, 0)
        if STORY[step] in what:
            at[who] = step + 1
            if at[who] == len(STORY):
                break
    return heard


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_first_run_shows_somebody_called_back_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    surroundings = keep | {"VAR_DIR": str(tmp_path / "var"), "PORT": str(port), "DEMO_SPEED": "30"}
    command = [sys.executable, "-u", "-c", "from callback.cli import main; main()", "run"]
    with subprocess.Popen(
        command, env=surroundings, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as run:  # fmt: skip
        try:
            heard = follow(told(run))
            assert run.poll() is None, "".join(heard)
            assert http("GET", f"http://127.0.0.1:{port}/readyz")
        finally:
            run.send_signal(signal.SIGINT)
            rest, _ = run.communicate(timeout=60)
    whole = "".join(heard) + rest
    assert run.returncode == 0, whole
    assert "supervisor@example.com" in whole
    assert "Traceback" not in whole
