"""Work that takes seconds, done beside the pages that ask for it: in a process of its own, one at a time.

A page asks, shows that it is being worked out, and asks again until the answer is there. Whoever asks the same within
the hour gets the same answer. Answers are kept by each web process for itself; losing them costs a few seconds. What is
long has a lease besides (`ports.Runs`): of those, everybody has one at a time in the whole house, sees how far it is
from any web process, and may stop it.
"""

import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Any, cast

import structlog
from flask import current_app

from callback.ports import Runs

ERRANDS = "callback.errands"
KEPT = 64
KEPT_S = 3600.0
LIMIT_S = 300.0
"""A child that takes longer is ended."""
MOST = 4
"""So many without a lease are taken on at a time; whoever asks for more has to ask again."""
AGAIN_S = 20.0
"""So long after a failure the same is not tried again."""
LEASE_S = 15.0
"""A run of a process that died is over after this."""
BEAT_S = 2.0
"""A child that says nothing is asked after this often: whether it was stopped."""
LOOK_S = 0.2
PERCENT = "percent "
"""A line that begins with this tells how much a child has done; any other is its answer."""

Json = dict[str, Any]
Told = Callable[[int], bool]
"""Hears how much is done, in per cent. False: it is to stop."""
Child = Callable[[str, str, Told], str]
"""Runs a module with this on its standard input, and gives what it writes."""

_log = structlog.get_logger("callback.errands")


class Stopped(Exception):
    """Whoever asked for it does not want it any more."""


def in_a_child(module: str, asked: str, told: Told = lambda _: True) -> str:
    """The module in a Python of its own. Raises Stopped, CalledProcessError, TimeoutExpired, OSError."""
    command = [sys.executable, "-m", module]
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as child:  # fmt: skip
            try:
                answer = _followed(child, asked, told)
            finally:
                child.kill()  # one that has ended is left as it is
        if child.returncode:
            errors.seek(0)
            raise subprocess.CalledProcessError(child.returncode, command, stderr=errors.read())
    return answer


def _followed(child: "subprocess.Popen[str]", asked: str, told: Told) -> str:
    stdin, lines = cast(Any, child.stdin), queue.Queue[str | None]()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    stdin.write(asked)
    stdin.close()
    answer, percent, until = "", 0, monotonic() + LIMIT_S
    while (line := _next(lines)) is not None:
        if line.startswith(PERCENT):
            percent = int(line.removeprefix(PERCENT))
        elif line:
            answer = line
        if not told(percent):
            raise Stopped
        if monotonic() > until:
            raise subprocess.TimeoutExpired(child.args, LIMIT_S)
    child.wait()
    return answer


def _read(out: Iterable[str], lines: "queue.Queue[str | None]") -> None:
    for line in out:
        lines.put(line)
    lines.put(None)


def _next(lines: "queue.Queue[str | None]") -> str | None:
    """The next line; "" where none came for a while, None at the end."""
    try:
        return lines.get(timeout=BEAT_S)
    except queue.Empty:
        return ""


@dataclass(frozen=True)
class Lease:
    """The right of somebody to one run at a time."""

    runs: Runs
    who: str


@dataclass
class Errand:
    """Something asked for. `answer` is there once `done` is set; None then: it failed, or was `stopped`. `elsewhere`:
    another process works it out; `busy`: something else is worked out, for them or for too many others, and this has to
    be asked for again."""

    began: float
    done: threading.Event = field(default_factory=threading.Event)
    answer: Json | None = None
    percent: int = 0
    elsewhere: bool = False
    busy: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class _Question:
    module: str
    text: str
    lease: Lease | None

    @property
    def what(self) -> str:
        return sha256(f"{self.module} {self.text}".encode()).hexdigest()


class Errands:
    """The errands of one process."""

    def __init__(self, child: Child = in_a_child, now: Callable[[], float] = monotonic) -> None:
        self._child, self._now = child, now
        self._known: OrderedDict[str, Errand] = OrderedDict()
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def ask(
        self,
        module: str,
        asked: Mapping[str, Any],
        *,
        wait_s: float = 0.0,
        lease: Lease | None = None,
        begin: bool = True,
    ) -> Errand:
        """The errand for this question, begun now if it is new (and `begin`); waits up to so many seconds for its
        answer."""
        question = _Question(module, json.dumps(asked, sort_keys=True), lease)
        until = monotonic() + wait_s
        while True:
            with self._lock:
                errand = self._find(question, begin)
            left = max(until - monotonic(), 0.0)
            waits = (errand.elsewhere or errand.busy) and left > 0
            if errand.done.wait(min(left, LOOK_S) if waits else left) or not waits:
                return errand

    def _find(self, question: _Question, begin: bool) -> Errand:
        errand = self._known.get(question.what)
        if errand is None or self._stale(errand):
            errand = self._elsewhere(question, begin)
            if errand is None:
                errand = self._begin(question)
        return errand

    def _begin(self, question: _Question) -> Errand:
        if question.lease is None and sum(not one.done.is_set() for one in self._known.values()) >= MOST:
            return Errand(self._now(), busy=True)
        errand = self._known[question.what] = Errand(self._now())
        threading.Thread(target=self._run, args=(errand, question), daemon=True).start()
        self._known.move_to_end(question.what)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return errand

    def _elsewhere(self, question: _Question, begin: bool) -> Errand | None:
        """What other processes know of it. None: it is ours to begin."""
        errand, lease = Errand(self._now()), question.lease
        kept = lease.runs.answer(question.what) if lease else None
        if kept is not None:
            errand.answer = json.loads(kept)
            errand.done.set()
            return errand
        running = lease.runs.running(lease.who) if lease else None
        if lease and running is None and begin and not lease.runs.begin(lease.who, question.what, for_s=LEASE_S):
            running = lease.runs.running(lease.who)
        if running is not None:
            errand.busy = running.what != question.what
            errand.elsewhere, errand.percent = not errand.busy, running.percent
            return errand
        if begin:
            return None
        errand.stopped = True
        errand.done.set()
        return errand

    def _stale(self, errand: Errand) -> bool:
        age = self._now() - errand.began
        failed = errand.done.is_set() and errand.answer is None
        return errand.stopped or age > (AGAIN_S if failed else KEPT_S)

    def _run(self, errand: Errand, question: _Question) -> None:
        lease = question.lease

        def told(percent: int) -> bool:
            errand.percent = percent
            return lease is None or lease.runs.tell(lease.who, question.what, percent, for_s=LEASE_S)

        try:
            answer = self._in_turn(question, told)
            errand.answer = json.loads(answer)
            if lease is not None:
                lease.runs.keep(question.what, answer, for_s=KEPT_S)
        except Stopped:
            errand.stopped = True
        except (OSError, ValueError, subprocess.SubprocessError) as failure:
            said = getattr(failure, "stderr", "") or ""
            _log.error("an errand failed", module=question.module, error=str(failure), said=str(said)[-2000:])
        finally:
            if lease is not None:
                lease.runs.end(lease.who, question.what)
            errand.done.set()

    def _in_turn(self, question: _Question, told: Told) -> str:
        """One child at a time. Raises what the child does."""
        while not self._one_at_a_time.acquire(timeout=BEAT_S):
            if not told(0):
                raise Stopped
        try:
            return self._child(question.module, question.text, told)
        finally:
            self._one_at_a_time.release()


def errands() -> Errands:
    """Those of the application at hand."""
    return cast(Errands, current_app.extensions.setdefault(ERRANDS, Errands()))
