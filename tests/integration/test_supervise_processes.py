"""The supervisor with real processes: order, restarts, and that nothing is ever left running."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from callback.embedded import EmbeddedRedis
from callback.supervise import Backoff, Command, Event, EventKind, Supervisor, SupervisorError
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
FOREVER = "while true; do sleep 1; done"
STUBBORN = "trap '' TERM; echo deaf; while true; do sleep 1; done"


def sh(script: str, *, early: bool = False, ready: Callable[[], bool] | None = None) -> Command:
    return Command(("/bin/sh", "-c", script), early=early, ready=ready)


def runs(pid: int) -> bool:
    """Whether a process does anything still: one that nobody has reaped does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


class Watched:
    """A supervisor in a thread of its own, and all it said."""

    def __init__(self, folder: Path, commands: dict[str, Command], grace_s: float = 10.0) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self.supervisor = Supervisor(
            commands,
            folder / "log",
            self.events.append,
            grace_s=grace_s,
            ready_within_s=30,
            backoff=lambda: Backoff(0.01, 0.02),
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run()
        except SupervisorError as error:
            self.error = error

    def of(self, kind: EventKind, name: str | None = None) -> list[Event]:
        return [event for event in self.events if event.kind is kind and name in {None, event.name}]

    def heard(self, text: str) -> Event:
        return eventually(
            lambda: next((event for event in self.of(EventKind.LINE) if text in event.text), None), what=f"hears {text}"
        )

    def pid_of(self, name: str, start: int = 1) -> int:
        pid = eventually(lambda: self.of(EventKind.STARTED, name)[start - 1 :], what=f"{name} starts")[0].pid
        assert pid is not None
        return pid

    def end(self) -> None:
        self.supervisor.stop()
        self.wait()

    def wait(self) -> None:
        self._thread.join(40)
        assert not self._thread.is_alive()


Watch = Callable[..., Watched]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watched: list[Watched] = []

    def start(commands: dict[str, Command], **options: float) -> Watched:
        watched.append(Watched(tmp_path, commands, **options))
        return watched[-1]

    yield start
    for each in watched:
        each.supervisor.stop()
        each.supervisor.stop()
        each.wait()


def test_the_release_step_ends_before_anything_else_starts(watch: Watch) -> None:
    watched = watch({"web": sh(FOREVER), "release": sh("echo migrated")})
    watched.pid_of("web")
    told = [(event.kind, event.name) for event in watched.events]
    assert told == [
        (EventKind.STARTED, "release"),
        (EventKind.LINE, "release"),
        (EventKind.EXITED, "release"),
        (EventKind.STARTED, "web"),
    ]


def test_a_failed_release_step_starts_nothing_and_says_why(watch: Watch) -> None:
    watched = watch({"release": sh("echo no such table; exit 3"), "web": sh(FOREVER)})
    watched.wait()
    assert "release failed with exit code 3\nno such table" in str(watched.error)
    assert watched.of(EventKind.STARTED, "web") == []


def test_an_early_process_is_ready_before_the_release_step_and_stops_last(watch: Watch, tmp_path: Path) -> None:
    sign = tmp_path / "ready"
    watched = watch(
        {
            "redis": sh(f"touch {sign}; exec sleep 100", early=True, ready=sign.exists),
            "release": sh(f"test -e {sign}"),
            "web": sh("exec sleep 100"),
        }
    )
    watched.pid_of("web")
    watched.end()
    assert [event.name for event in watched.of(EventKind.STARTED)] == ["redis", "release", "web"]
    assert [event.name for event in watched.of(EventKind.STOPPED)] == ["web", "redis"]


def test_an_early_process_that_never_gets_ready_fails_the_start(tmp_path: Path) -> None:
    commands = {"redis": sh("echo cannot bind; exec sleep 100", early=True, ready=lambda: False), "web": sh(FOREVER)}
    events: list[Event] = []
    with pytest.raises(SupervisorError, match=r"redis did not get ready in 2 s\ncannot bind"):
        Supervisor(commands, tmp_path, events.append, ready_within_s=2).run()
    assert [event.name for event in events if event.kind is EventKind.STARTED] == ["redis"]


def test_whatever_dies_is_started_again(watch: Watch) -> None:
    watched = watch({"web": sh(FOREVER), "worker": sh(FOREVER)})
    first = watched.pid_of("worker")
    os.kill(first, signal.SIGKILL)
    second = watched.pid_of("worker", start=2)
    assert second != first
    exited = watched.of(EventKind.EXITED)
    assert [(event.name, event.code) for event in exited] == [("worker", -signal.SIGKILL)]
    assert len(watched.of(EventKind.STARTED, "web")) == 1


def test_even_a_clean_exit_is_started_again(watch: Watch) -> None:
    watched = watch({"beat": sh("exit 0")})
    watched.pid_of("beat", start=3)
    assert {event.code for event in watched.of(EventKind.EXITED)} == {0}


def test_a_command_that_does_not_exist_says_so_and_is_tried_again(watch: Watch) -> None:
    watched = watch({"web": Command(("/no/such/program",))})
    watched.pid_of("web", start=2)
    assert "cannot run /no/such/program" in watched.of(EventKind.LINE)[0].text
    assert watched.of(EventKind.EXITED)[0].code == 127


def test_what_a_dead_process_had_started_dies_before_its_successor_starts(watch: Watch) -> None:
    watched = watch({"web": sh(f"sleep 100 & echo child $!; {FOREVER}")})
    child = int(watched.heard("child").text.split()[1])
    assert runs(child)
    os.kill(watched.pid_of("web"), signal.SIGKILL)
    watched.pid_of("web", start=2)
    eventually(lambda: not runs(child), what="the child has ended")


def test_stopping_asks_each_process_to_end_by_itself(watch: Watch) -> None:
    watched = watch({"web": sh("trap 'echo farewell; exit 0' TERM; echo up; while true; do sleep 0.05; done")})
    watched.heard("up")
    watched.end()
    assert watched.of(EventKind.STOPPED)[0].code == 0
    assert watched.heard("farewell")


def test_what_does_not_end_within_the_grace_is_killed(watch: Watch) -> None:
    watched = watch({"web": sh(STUBBORN)}, grace_s=0.3)
    watched.heard("deaf")
    watched.end()
    assert watched.of(EventKind.STOPPED)[0].code == -signal.SIGKILL


def test_asked_twice_it_does_not_wait_for_the_grace(watch: Watch) -> None:
    watched = watch({"web": sh(STUBBORN)}, grace_s=1_000)
    watched.heard("deaf")
    watched.supervisor.stop()
    watched.end()
    assert watched.of(EventKind.STOPPED)[0].code == -signal.SIGKILL


def test_stopping_during_the_release_step_starts_nothing_more(watch: Watch) -> None:
    watched = watch({"release": sh("exec sleep 100"), "web": sh(FOREVER)})
    watched.pid_of("release")
    watched.end()
    assert watched.error is None
    assert watched.of(EventKind.STARTED, "web") == []


def test_output_reaches_the_log_file_to_the_last_unfinished_line(watch: Watch, tmp_path: Path) -> None:
    watched = watch({"release": sh("echo one; echo two >&2; printf three"), "web": sh(FOREVER)})
    watched.pid_of("web")
    assert (tmp_path / "log" / "release.log").read_text() == "one\ntwo\nthree\n"


def test_a_talkative_process_is_never_held_up(watch: Watch, tmp_path: Path) -> None:
    watched = watch({"release": sh("seq 200000"), "web": sh(FOREVER)})
    watched.pid_of("web")
    assert len((tmp_path / "log" / "release.log").read_text().splitlines()) == 200_000


PROGRAM = """
import sys
from pathlib import Path
from callback.supervise import Command, Supervisor
script = "sleep 100 & echo $$ $! > pids; trap '' TERM; while true; do sleep 1; done"
Supervisor({"web": Command(("/bin/sh", "-c", script))}, Path("log"), grace_s=float(sys.argv[1])).run()
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[float], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(grace_s: float) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-c", PROGRAM, str(grace_s)]
        started.append(subprocess.Popen(argv, cwd=tmp_path, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def pids_in(folder: Path) -> list[int]:
    written = folder / "pids"
    return [int(word) for word in written.read_text().split()] if written.exists() else []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(
    program: Callable[[float], subprocess.Popen[bytes]], tmp_path: Path, how: signal.Signals
) -> None:
    running = program(0.2)
    pids = eventually(lambda: pids_in(tmp_path), what="the processes run")
    running.send_signal(how)
    assert running.wait(30) == 0
    assert not any(runs(pid) for pid in pids)


def test_nothing_is_left_even_when_the_supervisor_is_killed(
    program: Callable[[float], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    running = program(0.2)
    pids = eventually(lambda: pids_in(tmp_path), what="the processes run")
    assert len(pids) == 2
    running.kill()
    eventually(lambda: not any(runs(pid) for pid in pids), what="all of them have ended")


def test_the_kernel_ends_the_processes_when_supervisor_and_guardian_are_killed_together(tmp_path: Path) -> None:
    script = "from callback.supervise.process import Command, Process; import time\n"
    script += "print(Process(Command(('sleep', '100'))).pid, flush=True); time.sleep(100)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", script]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    eventually(lambda: not runs(child), what="the child has ended")


def test_a_killed_embedded_redis_is_back_at_the_same_address_with_what_it_held(watch: Watch, tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    watched = watch({"redis": Command(server.argv, early=True, ready=server.answers), "web": sh(FOREVER)})
    watched.pid_of("web")
    before = server.url
    with redis.Redis.from_url(before) as client:
        client.set("kept", "yes")
        client.waitaof(1, 0, 5_000)
    os.kill(watched.pid_of("redis"), signal.SIGKILL)
    watched.pid_of("redis", start=2)
    eventually(server.answers, what="the server answers again")
    with redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"yes"
    assert server.url == before


SERVES_ONE = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as listening:
    listening.setblocking(True)
    print("listens", flush=True)
    connection, _ = listening.accept()
    connection.sendall(sys.argv[2].encode() + connection.recv(10))
    connection.close()
    sys.exit("served one, and died")
"""


def test_a_connection_waits_in_a_held_socket_while_its_server_is_started_again(watch: Watch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        held.set_inheritable(False)  # the supervisor passes it on, whatever it was
        serves = Command((sys.executable, "-c", SERVES_ONE, str(held.fileno()), "heard "), holds=(held.fileno(),))
        watch({"web": serves})
        for at in range(3):
            with socket.create_connection(held.getsockname(), timeout=20) as caller:
                caller.sendall(str(at).encode())
                assert caller.recv(20) == f"heard {at}".encode()
