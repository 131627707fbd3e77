"""Versions of the product beside each other: trees on disk, and an installation whose processes come from any of them.

All web servers of an installation share one listening socket, which the test holds, as `callback run` and a service
manager do. A connection goes to whichever is free, so a call's documents come from both versions in turn.
"""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from callback.adapters.store import migrate
from callback.serve import HELD_SOCKET
from tests.support.installation import Installation
from tests.support.tree import ROOT
from tests.support.waiting import eventually

EXPANDED, CONTRACTED = "9001", "9002"
"""The revisions of the next version's own migrations."""
PARTS = ("callback", "workers", "migrations")
"""What a version is made of when it runs."""

READY = {"web": b'"web.ready"', "worker": b"ready."}
"""What a process says when it can do its work."""

EXPAND = '''"""Expand: the column gets its new name beside the old one, and whoever writes either writes both."""

import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{newest}"

SYNC = """CREATE FUNCTION keep_both() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.ending := COALESCE(NULLIF(NEW.ending, ''), NEW.end_reason, '');
  ELSIF NEW.end_reason IS DISTINCT FROM OLD.end_reason THEN
    NEW.ending := NEW.end_reason;
  END IF;
  NEW.end_reason := NEW.ending;
  RETURN NEW; END $$"""


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("ending", sa.String, nullable=False, server_default=""))
    op.alter_column("callbacks", "end_reason", server_default="")
    op.execute("UPDATE callbacks SET ending = end_reason")
    op.execute(SYNC)
    op.execute("CREATE TRIGGER keep_both BEFORE INSERT OR UPDATE ON callbacks "
               "FOR EACH ROW EXECUTE FUNCTION keep_both()")


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_both ON callbacks")
    op.execute("DROP FUNCTION keep_both()")
    op.drop_column("callbacks", "ending")
'''
CONTRACT = '''"""Contract: nobody knows the old name any more."""

from alembic import op

revision = "9002"
down_revision = "9001"


def upgrade() -> None:
    op.execute("DROP TRIGGER keep_both ON callbacks")
    op.execute("DROP FUNCTION keep_both()")
    op.drop_column("callbacks", "end_reason")


def downgrade() -> None:
    raise RuntimeError("the old column is gone")
'''


def copied(to: Path) -> Path:
    """This version, in a tree of its own that a test may change into the next."""
    for part in PARTS:
        unfinished = shutil.ignore_patterns("*.pyc.*")  # what is compiled comes along: a file keeps its time
        shutil.copytree(ROOT / part, to / part, ignore=unfinished)
    return to


def the_next(to: Path) -> Path:
    """The version after this one: a column of the callbacks has another name there."""
    tables = copied(to) / "callback" / "adapters" / "store" / "tables.py"
    rewrite(tables, ('Column("end_reason", String, nullable=False)',
                     'Column("ending", String, key="end_reason", nullable=False)'))  # fmt: skip
    versions = to / "migrations" / "versions"
    (versions / "9001_expand.py").write_text(EXPAND.replace("{newest}", migrate.newest()))
    (versions / "9002_contract.py").write_text(CONTRACT)
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
        self.start_processes(name)
        return self._running[name].pid

    def start_processes(self, *names: str) -> None:
        """Start these at once, and wait until all can take over."""
        for name, said in [(name, self._launch(name)) for name in names]:
            word = READY.get(name.partition("@")[0], b"")
            eventually(lambda: word in self._said(name, said), within_s=60, what=f"{name} is ready")  # noqa: B023

    def _launch(self, name: str) -> int:
        """Start one process; where its log began."""
        kind, _, version = name.partition("@")
        tree = self.trees[version] if version else ROOT
        environment = {**self._environment(), "PYTHONPATH": str(tree), HELD_SOCKET: str(self._held.fileno())}
        log = (self.folder / f"{name}.log").open("ab")
        said = log.tell()
        self._running[name] = subprocess.Popen(
            self._argv(kind), env=environment, cwd=tree, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=(self._held.fileno(),),
        )  # fmt: skip
        log.close()
        return said

    def _said(self, name: str, after: int) -> bytes:
        return (self.folder / f"{name}.log").read_bytes()[after:]

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
