"""The workers without a broker: tasks are collected, and run when a test says so, in the order it says.

Delivery is at least once and in no promised order, so besides the given order there are the reverse, and each task
twice. A task that lies in the future waits until the clock is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from callback.domain.ids import AttemptId, CallSid, Token
from callback.flows import persist, rebuild, tasks
from callback.ports import Clock, House

Order = Literal["given", "reversed", "twice"]


@dataclass(frozen=True)
class Task:
    """One piece of work: its name, its ids, and when it may run."""

    name: str
    args: tuple[str, ...]
    due: datetime
    paced: bool = False
    tries: int = 0
    or_end: bool = False


@dataclass
class RecordingDispatch:
    """`ports.Dispatch` that keeps the tasks.

    Attributes:
        waiting: what nobody has run yet.
        done: what was run, in order.
    """

    clock: Clock
    waiting: list[Task] = field(default_factory=list)
    done: list[Task] = field(default_factory=list)

    # --- what a test does -------------------------------------------------------------------------------------

    def run_all(self, house: House, order: Order = "given", *, only: str = "") -> int:
        """Run whatever is due (of the name `only`), and what that leads to; returns how many tasks were run."""
        ran = 0
        while batch := self.take(order, only=only):
            for task in batch:
                self.done.append(task)
                run(house, task)
            ran += len(batch)
        return ran

    def take(self, order: Order = "given", *, only: str = "") -> list[Task]:
        """Remove and give what is due, as the broker would deliver it."""
        due = [task for task in self.waiting if task.due <= self.clock.now() and only in ("", task.name)]
        self.waiting = [task for task in self.waiting if task not in due]
        if order == "reversed":
            return due[::-1]
        return [task for task in due for _ in range(2)] if order == "twice" else due

    def lose_all(self) -> None:
        """The broker was lost with everything in it."""
        self.waiting.clear()

    def names(self) -> list[str]:
        """Of the tasks that wait."""
        return [task.name for task in self.waiting]

    # --- the port ---------------------------------------------------------------------------------------------

    def connect(self, token: Token, delay_s: float = 0, *, paced: bool = False) -> None:
        self._add("connect", token, delay_s=delay_s, paced=paced)

    def dial_customer(self, attempt: AttemptId, delay_s: float = 0, *, paced: bool = False) -> None:
        self._add("dial_customer", attempt, delay_s=delay_s, paced=paced)

    def hang_up(self, call: CallSid, delay_s: float = 0, *, tries: int = 0) -> None:
        self._add("hang_up", call, delay_s=delay_s, tries=tries)

    def redirect(self, call: CallSid, url: str, *, or_end: bool = False) -> None:
        self._add("redirect", call, url, or_end=or_end)

    def text(self, id: str) -> None:
        self._add("text", id)

    def persist(self) -> None:
        self._add("persist")

    def rebuild(self) -> None:
        self._add("rebuild")

    def _add(self, name: str, *args: str, delay_s: float = 0, **how: Any) -> None:
        self.waiting.append(Task(name, args, self.clock.now() + timedelta(seconds=delay_s), **how))


def run(house: House, task: Task) -> None:
    """What the worker of this task does."""
    BODIES[task.name](house, task)


def _connect(house: House, task: Task) -> None:
    tasks.connect(house, Token(task.args[0]), paced=task.paced)


def _dial_customer(house: House, task: Task) -> None:
    tasks.dial_customer(house, AttemptId(task.args[0]), paced=task.paced)


def _hang_up(house: House, task: Task) -> None:
    tasks.hang_up(house, CallSid(task.args[0]), tries=task.tries)


def _redirect(house: House, task: Task) -> None:
    tasks.redirect(house, CallSid(task.args[0]), task.args[1], or_end=task.or_end)


def _text(house: House, task: Task) -> None:
    tasks.text(house, task.args[0])


def _persist(house: House, _task: Task) -> None:
    persist.persist(house)


def _rebuild(house: House, _task: Task) -> None:
    rebuild.rebuild_if_lost(house)


BODIES: dict[str, Callable[[House, Task], None]] = {
    "connect": _connect,
    "dial_customer": _dial_customer,
    "hang_up": _hang_up,
    "redirect": _redirect,
    "text": _text,
    "persist": _persist,
    "rebuild": _rebuild,
}
