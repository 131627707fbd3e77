"""Versions of the product beside each other: trees on disk, and an installation whose processes come from any of them.

All web servers of an installation share one listening socket, which the test holds, as `callback run` and a service
manager do. A connection goes to whichever is free, so a call's documents come from both versions in turn.
"""

import os
import shutil
import socket
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from callback.serve import HELD_SOCKET
from tests.support.installation import Installation
from tests.support.tree import ROOT
from tests.support.waiting import eventually

PARTS = ("callback", "workers", "migrations")
"""What a version is made of when it runs."""

READY = {"web": '"web.ready"', "worker": "ready."}
"""What a process says when it can do its work."""


def copied(to: Path) -> Path:
    """This version, in a tree of its own that a test may change into the next."""
    for part in PARTS:
        shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def checked_out(commit: str, to: Path) -> Path:
    """The version of a commit. Raises AssertionError where the history does not reach back to it."""
    found = subprocess.run(["git", "archive", commit, *PARTS], cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 0, (
        f"commit {commit} is needed and cannot be read ({found.stderr.decode().strip()}): "
        "fetch the whole history (`git fetch --unshallow`)"
    )
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(to, filter="data")
    return to


def rewrite(file: Path, *changes: tuple[str, str]) -> None:
    """Change a version's text. Raises AssertionError where it does not hold what is to be changed, once."""
    text = file.read_text()
    for before, after in changes:
        assert text.count(before) == 1, f"{file} holds {before!r} {text.count(before)} times"
        text = text.replace(before, after)
    file.write_text(text)


def in_tree(tree: Path, code: str, *arguments: str) -> str:
    """Run Python on that version; what it printed. Raises AssertionError with what it complained of."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def migrate_with(tree: Path, database_url: str, to: str = "head") -> str:
    """Migrate with that version's own code; the revision that stands afterwards."""
    code = "import sys; from callback.adapters.store.migrate import upgrade; print(upgrade(*sys.argv[1:]))"
    return in_tree(tree, code, database_url, to)


@dataclass
class Rollout(Installation):
    """An installation whose processes are named `web@new`, `worker@old`: what they are, and from which tree.

    `web` and the others without a tree are of this version.
    """

    trees: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._held = socket.create_server(("127.0.0.1", self.port), backlog=512)

    def stop(self) -> None:
        """End everything, and give the socket back."""
        super().stop()
        self._held.close()

    def start_process(self, name: str) -> int:
        """Start one process of a version, and wait until it can take over; returns its pid."""
        kind, _, version = name.partition("@")
        tree = self.trees[version] if version else ROOT
        environment = {**self._environment(), "PYTHONPATH": str(tree), HELD_SOCKET: str(self._held.fileno())}
        log = (self.folder / f"{name}.log").open("ab")
        self._running[name] = subprocess.Popen(
            self._argv(kind), env=environment, cwd=tree, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=(self._held.fileno(),),
        )  # fmt: skip
        log.close()
        if kind in READY and kind != name:
            eventually(lambda: self._says(name).count(READY[kind]) >= 1, within_s=60, what=f"{name} is ready")
        return self._running[name].pid

    def _says(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def replace(self, *names: str, signal: int) -> None:
        """Ask processes to end, all at once, and wait until they have."""
        for name in names:
            os.kill(self.pid(name), signal)
        for name in names:
            self.ended(name, within_s=60)

    def _argv(self, name: str) -> list[str]:
        """The web is started as people start it: two processes of green threads, on PostgreSQL."""
        if name == "web":
            return [sys.executable, "-c", "from callback.cli import main; main()", "web"]
        return super()._argv(name)
