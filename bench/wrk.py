"""The load generator: wrk, which is never the bottleneck, sending requests from a file as they are."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
_RESULT = re.compile(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


class LoadError(Exception):
    """The load was not carried as it should have been; the message says in what way."""


@dataclass(frozen=True)
class Load:
    """What a run of wrk measured."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def write(path: Path, requests: Iterable[bytes]) -> int:
    """Puts requests into a file for `load`; returns how many."""
    count = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n" % len(request) + request)
            count += 1
    return count


def load(url: str, requests: Path, *, seconds: float, connections: int, most: int | None = None) -> Load:
    """Sends the file's requests for so many whole seconds, or from the first again when they are used up.

    Raises LoadError when wrk is missing or fails, when an answer was no success, or when more than `most` were sent:
    then some came a second time, which is cheaper than the first.
    """
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is not installed: `make bench` does that (Debian, Ubuntu: apt-get install wrk)")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(SCRIPT), url, "--"]
    done = subprocess.run([*command, str(requests)], capture_output=True, text=True, check=False, timeout=seconds + 60)
    measured = read(done.stdout)
    if done.returncode != 0 or measured is None:
        raise LoadError(f"wrk failed:\n{done.stdout}{done.stderr}")
    if measured.failed:
        raise LoadError(f"{measured.failed} of {measured.requests} requests were not answered with success")
    if most is not None and measured.requests > most:
        raise LoadError(f"{measured.requests} requests were sent, but only {most} were prepared: prepare more")
    return measured


def read(output: str) -> Load | None:
    """wrk's output with the line that `wrk.lua` adds; None where there is none. Times there are microseconds."""
    found = _RESULT.search(output)
    if found is None:
        return None
    requests, duration, failed, p50, p99 = (int(number) for number in found.groups())
    return Load(requests, duration / 1e6, failed, p50 / 1e3, p99 / 1e3)
