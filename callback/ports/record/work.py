"""One transaction on the record, and the record."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from callback.domain.callback import Callback
from callback.ports.record.access import People
from callback.ports.record.calls import Calls
from callback.ports.record.configuration import Configuration, Staff
from callback.ports.record.desk import Desks
from callback.ports.record.epochs import Epochs
from callback.ports.record.journal import Acts, Audited, Journal
from callback.ports.record.learning import Lessons, WaitModels
from callback.ports.record.privacy import Exports, Forgetting, Resealing
from callback.ports.record.promises import Failures, Promises
from callback.ports.record.reports import Counted, Ratings
from callback.ports.record.texts import Proofs, Texts
from callback.ports.record.told import Told

Answer = TypeVar("Answer")


class Work(
    Promises,
    Failures,
    Calls,
    Texts,
    Proofs,
    Journal,
    Audited,
    Acts,
    Configuration,
    Staff,
    People,
    Desks,
    Forgetting,
    Exports,
    Resealing,
    Lessons,
    WaitModels,
    Epochs,
    Counted,
    Ratings,
    Told,
    Protocol,
):
    """One transaction on the record. Nothing in it crosses the network but the database itself."""


Along = Callable[[Work, Callback], object]
"""What whoever asks for a change of a callback has written with it, in the same transaction."""


class Store(Protocol):
    """The record."""

    def begin(self) -> AbstractContextManager[Work]:
        """A transaction: committed at the end of the block, rolled back on an exception."""
        ...

    def look(self) -> AbstractContextManager[Work]:
        """A transaction that only reads: on SQLite too no writer waits for it."""
        ...

    def ask(self, question: Callable[[Work], Answer]) -> Answer:
        """The answer to one quick question, such as for a row by its key: the shortest way to it."""
        ...

    def number_hash(self, number: str) -> str:
        """The keyed hash by which a number is looked up without being stored in clear."""
        ...

    def code_hash(self, subject: str, code: str) -> str:
        """The keyed hash of a one-time code, which is good for this subject alone."""
        ...

    def conceal(self, number: str) -> str:
        """A number, or a text with one in it, in a form that may lie in the line: only `reveal` reads it."""
        ...

    def reveal(self, concealed: str) -> str:
        """What was concealed; "" for "" and for what no key at hand opens."""
        ...

    def ping(self) -> None:
        """Raises when the record cannot be reached within a second."""
        ...
