"""One supervised process: started in a session of its own, heard through a pipe, ended with everything it started."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from callback.supervise import bound

LONGEST_LINE = 65_536


@dataclass(frozen=True)
class Command:
    """What to run, in which folder and with which whole environment (None inherits the supervisor's).

    `holds` are sockets of the supervisor's that it inherits. An `early` command starts before the release step and
    stops after all others; the release waits until its `ready`.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    holds: tuple[int, ...] = ()
    early: bool = False
    ready: Callable[[], bool] | None = None


class Process:
    """A running command. Ending it never leaves a member of its process group behind. `end` is readable from the moment
    it has ended; None where the kernel cannot tell, and one has to look."""

    def __init__(self, command: Command) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", bound.__file__, str(os.getpid()), *command.argv],
            cwd=command.cwd,
            env=None if command.env is None else dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=command.holds,
            bufsize=0,
        )
        if self._popen.stdout is None:
            raise RuntimeError("the process has no output pipe")
        self.output = self._popen.stdout
        os.set_blocking(self.output.fileno(), False)
        self._rest = b""
        self.end = _watch(self._popen.pid)

    @property
    def pid(self) -> int:
        """Also the id of its process group."""
        return self._popen.pid

    def lines(self) -> list[str] | None:
        """What was written since the last look, in whole lines; None at the end of the output."""
        try:
            block = os.read(self.output.fileno(), LONGEST_LINE)
        except BlockingIOError:
            return []
        if not block:
            return None
        *whole, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) >= LONGEST_LINE:
            whole, self._rest = [*whole, self._rest], b""
        return [_text(line) for line in whole]

    def last_words(self) -> list[str]:
        """What is left in the pipe of an ended process, the unfinished line included."""
        words: list[str] = []
        while new := self.lines():
            words += new
        rest, self._rest = self._rest, b""
        return [*words, _text(rest)] if rest else words

    def ended(self) -> int | None:
        """The exit code once the command has ended (negative: by which signal), with its group killed; else None."""
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.kill()  # before it is reaped: until then nobody else can have its group's number
        return self._popen.wait()

    def ask_to_end(self) -> None:
        """SIGTERM to the command alone: gunicorn and Celery tell their own children, and in the right order."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Gives the pipe back, and the watch."""
        self.output.close()
        if self.end is not None:
            os.close(self.end)
            self.end = None


def _watch(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the kernel has none to give."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
