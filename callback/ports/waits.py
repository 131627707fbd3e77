"""What is expected of a wait, and what callers were told of it."""

from collections.abc import Mapping
from typing import Protocol

from callback.domain.ids import QueueKey
from callback.domain.said import Saying
from callback.domain.table import Table

SAID_DROPPED = "said_dropped"
"""The figure on the board: how much of what callers were told found no room while the line was away."""


class Said(Protocol):
    """What callers are told goes through here to the record: noted in memory, sent together a moment later.

    Somebody on the phone waits while it is noted, so that costs no round trip and never fails. What was noted and not
    sent is lost with the process; what finds no room goes before what is newer, and is counted.
    """

    def note(self, saying: Saying) -> None:
        """Remember this, for the record. Never raises."""
        ...

    def flush(self) -> None:
        """Send what was noted, now. Never raises."""
        ...

    def drain(self, after: str, limit: int) -> list[tuple[str, list[Saying]]]:
        """What was sent after the id, oldest first; at most so many batches. What cannot be read in one is missing."""
        ...

    def forget(self, upto: str) -> None:
        """Up to and including this batch, the record has it."""
        ...


class NoSaid:
    """`Said` of a house that keeps no record of it."""

    def note(self, saying: Saying) -> None:
        """Nobody asks later."""

    def flush(self) -> None:
        """There is nothing."""

    def drain(self, after: str, limit: int) -> list[tuple[str, list[Saying]]]:  # noqa: ARG002
        """Nothing."""
        return []

    def forget(self, upto: str) -> None:
        """There is nothing."""


class Waits(Protocol):
    """Where the estimator leaves what it expects of every place of a queue. It hangs in the line, is good for seconds,
    and may be lost at any time: the simple rule stands in for it."""

    def table(self, queue: QueueKey) -> Table | None:
        """What was left last, a second old at most or as it was last seen while the line is away; None where nothing
        was, or nothing that can be read. Never raises."""
        ...

    def leave(self, tables: Mapping[QueueKey, Table | None]) -> None:
        """These tables instead of those that hang there; None takes one down. Raises what the line raises when it is
        away."""
        ...

    def lead(self, for_s: float) -> bool:
        """Whether this process is the one that leaves tables: for so many seconds from now, if nobody else is. Raises
        what the line raises when it is away."""
        ...

    def resign(self) -> None:
        """Somebody else may lead at once. Never raises."""
        ...


class NoWaits:
    """`Waits` of a house without an estimator: the simple rule speaks."""

    def table(self, queue: QueueKey) -> Table | None:  # noqa: ARG002
        """Nothing."""
        return None

    def leave(self, tables: Mapping[QueueKey, Table | None]) -> None:
        """Nobody looks."""

    def lead(self, for_s: float) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def resign(self) -> None:
        """There is nobody else."""
