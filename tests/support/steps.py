"""A process that can be ended after any step that others see: every verb and every commit is counted on the way out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from callback.adapters.line.client import LineAway
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.sql_store import SqlStore
from callback.ports import Work
from callback.ports.record.work import Answer

READING = frozenset(
    {"standing", "reservation", "configuration", "agent", "agents", "listing", "drain", "silent", "lapsed", "forget"}
)
"""Verbs of the line after which a crash is the same as before them."""


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Steps:
    """What a process has done so far that others can see.

    Attributes:
        done: the steps by name.
        kill_after: the process ends after so many steps (0: never).
        fail_commit: raised by the next commit, which then has not happened.
        between: called after each step with its name; what it does happens before the process goes on. Not while a
            transaction is open: SQLite has one writer.
        inside: how many transactions are open.
        away: ports that cannot be reached: "line", "store".
    """

    _beside: bool = field(default=False, init=False)
    inside: int = field(default=0, init=False)

    done: list[str] = field(default_factory=list)
    kill_after: int = 0
    fail_commit: BaseException | None = None
    between: Callable[[str], object] | None = None
    away: frozenset[str] = frozenset()

    def reach(self, port: str) -> None:
        """Raises StoreUnavailable or LineAway where a port is away."""
        if port in self.away:
            raise StoreUnavailable("away") if port == "store" else LineAway("away")

    def step(self, name: str) -> None:
        """Something was done."""
        self.done.append(name)
        if self.kill_after and len(self.done) == self.kill_after:
            raise Killed(name)
        if self.between is not None and not self._beside and not self.inside:
            self._beside = True
            self.between(name)
            self._beside = False

    def restart(self, kill_after: int = 0) -> None:
        """A new process."""
        self.done.clear()
        self.kill_after = kill_after


class Watched:
    """A port whose verbs are counted."""

    def __init__(self, port: object, name: str, steps: Steps, quiet: frozenset[str] = frozenset()) -> None:
        self._port, self._name, self._steps, self._quiet = port, name, steps, quiet

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._port, verb)

        def watched(*args: Any, **named: Any) -> Any:
            self._steps.reach(self._name)
            answer = found(*args, **named)
            if verb not in self._quiet:
                self._steps.step(f"{self._name}.{verb}")
            return answer

        return watched


class WatchedStore:
    """`ports.Store` whose commits are counted, and fail when told to."""

    def __init__(self, store: SqlStore, steps: Steps) -> None:
        self._store, self._steps = store, steps

    def begin(self) -> AbstractContextManager[Work]:
        """As the real one."""
        return _Block(self._store.begin(), self._steps)

    def look(self) -> AbstractContextManager[Work]:
        """As the real one; nothing is committed, so it is no step."""
        self._steps.reach("store")
        return self._store.look()

    def ask(self, question: Callable[[Work], Answer]) -> Answer:
        """As the real one; no step either."""
        self._steps.reach("store")
        return self._store.ask(question)

    def number_hash(self, number: str) -> str:
        """As the real one."""
        return self._store.number_hash(number)

    def code_hash(self, subject: str, code: str) -> str:
        """As the real one."""
        return self._store.code_hash(subject, code)

    def conceal(self, number: str) -> str:
        """As the real one."""
        return self._store.conceal(number)

    def reveal(self, concealed: str) -> str:
        """As the real one."""
        return self._store.reveal(concealed)

    def ping(self) -> None:
        """As the real one."""
        self._store.ping()


class _Block(AbstractContextManager[Work]):
    def __init__(self, inner: AbstractContextManager[Work], steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def __enter__(self) -> Work:
        self._steps.reach("store")
        work = self._inner.__enter__()
        self._steps.inside += 1
        return work

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._steps.inside -= 1
        fault, self._steps.fail_commit = self._steps.fail_commit, None
        if fault is not None and error is None:
            self._inner.__exit__(type(fault), fault, None)
            raise fault
        self._inner.__exit__(kind, error, at)
        if error is None:
            self._steps.step("commit")
