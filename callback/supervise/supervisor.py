"""The loop that starts, hears, restarts and ends the processes. One thread, so that nothing happens twice at once."""

import contextlib
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from callback.supervise import guardian
from callback.supervise.logs import LineLog
from callback.supervise.process import Command, Process

RELEASE = "release"
TURN_S = 0.1
"""How often is looked at what the kernel cannot tell us of."""
REST_S = 1.0
"""While everything runs we are woken by what happens; this is for what might go by unheard."""


class SupervisorError(Exception):
    """What was to come before everything else failed; the message ends with its last lines."""


class EventKind(StrEnum):
    """What happened to a process."""

    STARTED = "started"
    LINE = "line"
    EXITED = "exited"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Event:
    """Something to tell about the process `name`. `text` is its line, or its last lines when it exited."""

    kind: EventKind
    name: str
    text: str = ""
    pid: int | None = None
    code: int | None = None  # negative: ended by that signal
    restart_in_s: float | None = None  # None: it is not started again


class Backoff:
    """How long to wait before the next start: doubling from `first_s` to `most_s`, anew after `healthy_s` of life."""

    def __init__(self, first_s: float = 0.2, most_s: float = 5.0, healthy_s: float = 10.0) -> None:
        self._first_s, self._most_s, self._healthy_s = first_s, most_s, healthy_s
        self._next_s = first_s

    def after(self, lived_s: float) -> float:
        """Seconds to wait after a life of `lived_s` seconds."""
        if lived_s >= self._healthy_s:
            self._next_s = self._first_s
        wait_s, self._next_s = self._next_s, min(self._most_s, self._next_s * 2)
        return wait_s


@dataclass
class _Ward:
    """A command in our care, between and during its lives."""

    name: str
    command: Command
    log: LineLog
    backoff: Backoff
    process: Process | None = None
    started_at: float = 0.0
    due_at: float | None = None  # of the next start; None: none is planned
    code: int | None = None
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))


class Supervisor:
    """Runs `commands` until it is stopped, and leaves nothing running.

    A command named `release` runs first, to its end; early ones run before and after everything else. Each process's
    output goes to `log_dir/NAME.log` and, line by line, to `on_event`.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        log_dir: Path,
        on_event: Callable[[Event], None] = lambda _event: None,
        *,
        grace_s: float = 10.0,
        ready_within_s: float = 30.0,
        backoff: Callable[[], Backoff] = Backoff,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wards = {
            name: _Ward(name, c, LineLog(log_dir / f"{name}.log"), backoff()) for name, c in commands.items()
        }
        self._log_dir = log_dir
        self._on_event = on_event
        self._grace_s = grace_s
        self._ready_within_s = ready_within_s
        self._monotonic = monotonic
        self._selector = selectors.DefaultSelector()
        self._guardian: subprocess.Popen[str] | None = None
        self._stop_requests = 0
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    def run(self) -> None:
        """Runs until `stop`, Ctrl-C, SIGTERM or SIGHUP; then everything has ended. To be called once.

        Raises SupervisorError when the release step fails or an early command does not get ready.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._selector.register(self._woken, selectors.EVENT_READ)
        with self._selector, self._woken, self._waker, self._signals(), self._guarded():
            try:
                self._bring_up()
                while not self._stop_requests:
                    self._turn(self._rest_s())
            finally:
                self._bring_down()

    def stop(self) -> None:
        """Asks `run` to end everything; asked a second time, to kill it. Callable from signals and other threads."""
        self._stop_requests += 1
        with contextlib.suppress(OSError):  # it is awake already, or has ended
            self._waker.send(b".")

    # --- the order of things --------------------------------------------------------------------------------------

    def _bring_up(self) -> None:
        early = [ward for ward in self._wards.values() if ward.command.early]
        for ward in early:
            self._start(ward)
        self._await_ready(early)
        if RELEASE in self._wards:
            self._release(self._wards[RELEASE])
        for ward in self._wards.values():
            if ward.process is None and ward.due_at is None and ward.name != RELEASE and not self._stop_requests:
                self._start(ward)

    def _await_ready(self, wards: Iterable[_Ward]) -> None:
        for ward in wards:
            ready = ward.command.ready or (lambda: True)
            if not self._turn_until(ready, within_s=self._ready_within_s) and not self._stop_requests:
                raise SupervisorError(_failure(ward, f"did not get ready in {self._ready_within_s:g} s"))

    def _release(self, ward: _Ward) -> None:
        if self._stop_requests:
            return
        self._start(ward)
        self._turn_until(lambda: ward.process is None)
        if ward.code and not self._stop_requests:
            raise SupervisorError(_failure(ward, f"failed with exit code {ward.code}"))

    def _bring_down(self) -> None:
        self._stop_requests = max(1, self._stop_requests)  # nothing is started from here on
        for early in (False, True):
            self._end([ward for ward in self._wards.values() if ward.command.early is early and ward.process])

    def _end(self, wards: list[_Ward]) -> None:
        for ward in wards:
            if ward.process:
                self._tell(EventKind.STOPPING, ward, pid=ward.process.pid)
                ward.process.ask_to_end()
        deadline = self._monotonic() + self._grace_s
        while any(ward.process for ward in wards):
            if self._stop_requests > 1 or self._monotonic() >= deadline:
                for ward in wards:
                    if ward.process:
                        ward.process.kill()
            self._turn()

    # --- one turn of the loop -------------------------------------------------------------------------------------

    def _turn_until(self, condition: Callable[[], bool], within_s: float = float("inf")) -> bool:
        """Turns until `condition` (True), or a stop is asked for or `within_s` have passed (False)."""
        deadline = self._monotonic() + within_s
        while not condition():
            if self._stop_requests or self._monotonic() >= deadline:
                return False
            self._turn()
        return True

    def _rest_s(self) -> float:
        """How long nothing has to be done unless we are woken: until the next start, at most."""
        running = [ward.process for ward in self._wards.values() if ward.process]
        longest_s = TURN_S if any(process.end is None for process in running) else REST_S
        due_at = [ward.due_at for ward in self._wards.values() if ward.due_at is not None]
        return max(0.0, min([longest_s, *(at - self._monotonic() for at in due_at)]))

    def _turn(self, within_s: float = TURN_S) -> None:
        for key, _ in self._selector.select(within_s):
            if isinstance(key.data, _Ward):
                self._hear(key.data)
            elif key.fileobj is self._woken:
                self._woken.recv(100)
        for ward in self._wards.values():
            self._look_after(ward)

    def _hear(self, ward: _Ward) -> None:
        if ward.process is None:
            return
        lines = ward.process.lines()
        if lines is None:  # it closed its output; whether it lives is another question
            self._selector.unregister(ward.process.output)
        elif lines:
            self._pass_on(ward, lines)

    def _look_after(self, ward: _Ward) -> None:
        if ward.process is not None:
            code = ward.process.ended()
            if code is not None:
                self._bury(ward, ward.process, code)
        elif ward.due_at is not None and not self._stop_requests and self._monotonic() >= ward.due_at:
            self._start(ward)

    def _start(self, ward: _Ward) -> None:
        ward.due_at = None
        ward.started_at = self._monotonic()
        ward.process = Process(ward.command)
        self._tell_guardian(f"+{ward.process.pid}")
        self._selector.register(ward.process.output, selectors.EVENT_READ, ward)
        if ward.process.end is not None:
            self._selector.register(ward.process.end, selectors.EVENT_READ)
        self._tell(EventKind.STARTED, ward, pid=ward.process.pid)

    def _bury(self, ward: _Ward, process: Process, code: int) -> None:
        self._pass_on(ward, process.last_words())
        with contextlib.suppress(KeyError):
            self._selector.unregister(process.output)
        if process.end is not None:
            self._selector.unregister(process.end)
        process.close()
        self._tell_guardian(f"-{process.pid}")
        ward.process, ward.code = None, code
        if self._stop_requests:
            self._tell(EventKind.STOPPED, ward, pid=process.pid, code=code)
            return
        wait_s = None
        if ward.name != RELEASE:
            wait_s = ward.backoff.after(self._monotonic() - ward.started_at)
            ward.due_at = self._monotonic() + wait_s
        text = "\n".join(ward.last_lines)
        self._tell(EventKind.EXITED, ward, text=text, pid=process.pid, code=code, restart_in_s=wait_s)

    def _pass_on(self, ward: _Ward, lines: list[str]) -> None:
        if not lines:
            return
        ward.log.write(lines)
        ward.last_lines.extend(lines)
        for line in lines:
            self._tell(EventKind.LINE, ward, text=line)

    def _tell(
        self,
        kind: EventKind,
        ward: _Ward,
        *,
        text: str = "",
        pid: int | None = None,
        code: int | None = None,
        restart_in_s: float | None = None,
    ) -> None:
        self._on_event(Event(kind, ward.name, text, pid, code, restart_in_s))

    # --- what outlives us, and what interrupts us -----------------------------------------------------------------

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Within this, a guardian ends the processes should we be killed."""
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, str(self._grace_s)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        try:
            yield
        finally:
            self._guardian.communicate()

    def _tell_guardian(self, words: str) -> None:
        if self._guardian and self._guardian.stdin:
            with contextlib.suppress(BrokenPipeError):  # it was killed: the kernel's own signal is left
                self._guardian.stdin.write(words + "\n")
                self._guardian.stdin.flush()

    def _signals(self) -> AbstractContextManager[None]:
        """Within this, signals that mean "end" call `stop`. Elsewhere than in the main thread, signals are not ours."""
        if threading.current_thread() is not threading.main_thread():
            return contextlib.nullcontext()
        return _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), self.stop)


@contextlib.contextmanager
def _handled(signals: Iterable[signal.Signals], act: Callable[[], None]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda _number, _frame: act()) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(ward: _Ward, what: str) -> str:
    return "\n".join([f"{ward.name} {what}", *ward.last_lines])
