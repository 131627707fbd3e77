"""Everything a flow may use, and its smaller parts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from callback.domain.callback import Agent, Callback
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Queue
from callback.domain.wording import BUILT_IN, HOUSE, Forms, InForce
from callback.ports.board import Board, NoBoard
from callback.ports.carrier import Carrier, NoNumbers, NotLooked, Numbers, Outside
from callback.ports.clock import Clock
from callback.ports.dispatch import Dispatch
from callback.ports.line import Line
from callback.ports.record.work import Store
from callback.ports.runs import NoRuns, Runs
from callback.ports.waits import NoSaid, NoWaits, Said, Waits


class Disk(Protocol):
    """The folder of what this machine keeps."""

    def free(self) -> tuple[int, int] | None:
        """Bytes that are left for us, and bytes in all. None: cannot be told."""
        ...


class NoDisk:
    """`Disk` of a house that keeps nothing on this machine."""

    def free(self) -> tuple[int, int] | None:
        """Nothing to tell."""
        return None


class Once(Protocol):
    """Documents are computed once per nonce: a repeated request gets the same text and has no second effect."""

    def document(self, nonce: str, compute: Callable[[], str]) -> str:
        """The document of this nonce. Two at once: one computes, the other waits (at most a second) for it."""
        ...

    def forget(self, about: Callable[[str], bool]) -> int:
        """Lets go of the documents that are kept for a repeat and that `about` finds somebody in; how many."""
        ...


class Urls(Protocol):
    """Builds the absolute URLs that are handed to the carrier and to callers."""

    @property
    def base(self) -> str:
        """What they all begin with, without a slash at its end."""
        ...

    def step(self, path: str, **query: str) -> str:
        """A document URL below `/voice/`, with a fresh nonce."""
        ...

    def status_page(self, token: str) -> str: ...


class Book(Protocol):
    """The queues and their policies as this process knows them, at most seconds old."""

    def queue(self, key: QueueKey) -> Queue:
        """Raises NotFound."""
        ...

    def find(self, key: str | None, number: str) -> Queue | None:
        """The queue named by `key`, else the one that `number` leads to."""
        ...

    def agent(self, key: AgentKey) -> Agent:
        """Raises NotFound."""
        ...

    def check(self, version: int) -> None:
        """A verb of the line answered with this version: load again if it is not the one at hand."""
        ...

    def wording(self, queue: str = HOUSE) -> InForce:
        """What is said in that queue in place of the built-in wordings. Never raises: while nothing is known, those."""
        ...


class Words(Protocol):
    """The wording of texts, in the caller's language, and what stands in the catalogue."""

    def built_in(self, sentence: str, language: str) -> Forms:
        """The built-in wording, with its places as `{name}`; () where there is no such sentence or language."""
        ...

    def text(
        self, kind: str, callback: Callback, queue_name: str, zone: str, url: str, wording: InForce = BUILT_IN
    ) -> str:
        """The body of a text of `kind`: promised, nearly, unreached, cancelled, status."""
        ...

    def code(self, kind: str, language: str, queue_name: str, code: str, wording: InForce = BUILT_IN) -> str:
        """The body of a text with a one-time code; `kind` is one of `domain.proof.CODES`."""
        ...


@dataclass(frozen=True)
class Knobs:
    """The installation's own figures (environment), as far as flows use them."""

    calls_per_second: float = 1
    sweep_s: float = 1
    lease_s: float = 10
    carrier_queue_s: float = 30
    reconcile_margin_s: float = 10
    caller_id: str | None = None
    outside_per_number: int = 20  # so often a day is one number outside rung for callers
    outside_per_agent: int = 60  # and so many such rings may one agent ask for
    gone_s: float = 30  # without a worker who dials, no callback is promised after this long
    predictions_days: float = 90  # after this, what callers were told is forgotten
    retention_days: float | None = None  # after this, nobody is named any more in what is over; None: kept
    retention_at_carrier: bool = False  # and the carrier forgets it as well


def pause(seconds: float) -> None:
    """Let others go on for a moment. Looked up when it is needed: under green threads `time.sleep` is replaced after
    this module was loaded."""
    time.sleep(seconds)


class Backend(Protocol):
    """What the house cannot do without (`line`, `record`), as this process finds it now. Reading it asks nobody."""

    @property
    def name(self) -> str: ...

    @property
    def since(self) -> datetime | None:
        """Since when it cannot be reached (aware UTC); None while it can."""
        ...

    @property
    def why(self) -> str:
        """What it said last, for those who run the house; "" while it can be reached."""
        ...


@dataclass(frozen=True)
class House:
    """Everything a flow may use. Built in `wiring`, handed to every flow as its first argument."""

    clock: Clock
    line: Line
    store: Store
    carrier: Carrier
    dispatch: Dispatch
    once: Once
    urls: Urls
    words: Words
    book: Book
    knobs: Knobs = field(default_factory=Knobs)
    backends: tuple[Backend, ...] = ()
    pause: Callable[[float], None] = pause
    board: Board = field(default_factory=NoBoard)
    disk: Disk = field(default_factory=NoDisk)
    waits: Waits = field(default_factory=NoWaits)
    said: Said = field(default_factory=NoSaid)
    runs: Runs = field(default_factory=NoRuns)
    numbers: Numbers = field(default_factory=NoNumbers)
    outside: Outside = field(default_factory=NotLooked)
