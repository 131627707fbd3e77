"""A Redis and a PostgreSQL that can be killed, frozen and started again with or without their data."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer, valkey_binary

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")


class Server(Protocol):
    """What can be ended and started."""

    def kill(self) -> None:
        """At once."""

    def start(self) -> object:
        """With what it had."""


class Mortal:
    """A server that dies and comes back with what it had."""

    def restart(self: Server) -> None:
        """A crash and its recovery."""
        self.kill()
        self.start()

    @contextlib.contextmanager
    def away(self: Server) -> Iterator[None]:
        """Refuses connections meanwhile."""
        self.kill()
        try:
            yield
        finally:
            self.start()


class KeepingRedis(Mortal, RedisServer):
    """A Redis that survives its own death, as a production one does: what it acknowledged reached its file."""

    def __init__(self, binary: Path | None = None, *options: str) -> None:
        super().__init__(binary or valkey_binary(), *DURABLE, *options)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return Path(self._folder.name)

    def copy(self, name: str) -> Path:
        """A copy of its files as they are now, to go back to."""
        kept = self.folder.parent / f"{self.folder.name}-{name}"
        shutil.copytree(self.folder / "appendonlydir", kept, dirs_exist_ok=True)
        return kept

    def go_back(self, kept: Path) -> None:
        """Dies and comes back with an older copy of its files."""
        self.kill()
        shutil.rmtree(self.folder / "appendonlydir")
        shutil.copytree(kept, self.folder / "appendonlydir")
        self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Takes connections and answers nobody."""
        with stopped([self.pid]):
            yield


class MortalPostgres(Mortal, PostgresServer):
    """A PostgreSQL that dies and comes back."""

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Takes connections and answers nobody."""
        with stopped([self.pid, *children(self.pid)]):
            yield


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """These processes stand still meanwhile."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]
