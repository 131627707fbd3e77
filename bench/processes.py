"""Servers as child processes of a benchmark: started, waited for, and ended by their own pid."""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.tree import ROOT
from tests.support.waiting import eventually

GRACE_S = 10
START_S = 60


class Died(Exception):
    """A process ended before its time; the message is the end of its log."""


@contextmanager
def running(
    argv: Sequence[str], env: Mapping[str, str], ready: Callable[[str], bool], what: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process while the block runs. It counts as started when `ready(its log)` holds.

    Raises Died when it ends before that, AssertionError when it takes more than a minute.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                argv, env={**_kept(), **env}, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=written, stderr=written,
                start_new_session=True,
            )  # fmt: skip

        def started() -> bool:
            said = log.read_text(errors="replace")
            if process.poll() is not None:
                raise Died(f"{what} ended with {process.returncode}:\n{said[-3000:]}")
            return ready(said)

        try:
            eventually(started, within_s=START_S, what=f"{what} is up")
            yield process
        finally:
            _end(process)


def processor_s(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that the process and all it started have used so far (Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == process.pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def answers(url: str) -> Callable[[str], bool]:
    """A readiness that asks a web server: any HTTP answer counts."""

    def ready(_log: str) -> bool:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    return ready


def says(word: str, times: int = 1) -> Callable[[str], bool]:
    """A readiness that reads the log."""
    return lambda log: log.count(word) >= times


def python(*arguments: str) -> list[str]:
    """A command of this interpreter."""
    return [sys.executable, *arguments]


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
