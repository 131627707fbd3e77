"""What everybody in the house must know of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Notice:
    """A trouble that one process noticed and every other must know of. `key` is what it is about: `carrier`, or
    `carrier:NUMBER` where it concerns one caller id alone."""

    key: str
    word: str  # what is wrong with it: stopped, busy, silent, full
    why: str  # the code or the sentence that told
    by: str  # the machine and process that noticed it last
    since: datetime
    last: datetime  # when it was noticed last
    times: int = 1


@dataclass(frozen=True)
class Picture:
    """What hung on the board at `at` (None: it has never been read, since the line is away).

    `beats` says when each kind of worker was heard of last; `ticking` whether a beat lives; `counts` are figures that
    workers left there; `refusals` how often the carrier refused, by word, since the line was last empty."""

    at: datetime | None = None
    beats: Mapping[str, datetime] = field(default_factory=dict)
    ticking: bool = True
    notices: tuple[Notice, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)

    def notice(self, key: str) -> Notice | None:
        """The notice about `key`."""
        return next((one for one in self.notices if one.key == key), None)


class Board(Protocol):
    """Where the processes of a house leave word for each other. It hangs in the line and holds nothing that would not
    be noticed again, so it may be lost at any time.

    Only `post`, `clear`, `claim` raise when the line cannot be reached; a sign of life that is lost is no harm.
    """

    def read(self) -> Picture:
        """The board, a second old at most, or as it was last seen while the line is away. Never raises."""
        ...

    def beat(self, *kinds: str) -> None:
        """These kinds of work are being done: a sign of life."""
        ...

    def count(self, **figures: int) -> None:
        """Leave these figures."""
        ...

    def post(self, key: str, word: str, why: str, *, now: datetime) -> bool:
        """Notice a trouble, or that it goes on (`since` stays as long as the word does). True: it is new."""
        ...

    def clear(self, key: str) -> Notice | None:
        """The trouble is over; gives what hung there. None: nothing did, or somebody else took it down."""
        ...

    def claim(self, name: str, for_s: float) -> bool:
        """True for one process in `for_s` seconds, until `unclaim`."""
        ...

    def unclaim(self, name: str) -> None:
        """The next may claim it at once."""
        ...

    def tell(self, name: str) -> bool:
        """True for the first who says so, of all processes that can be asked, until `untell`. Never raises."""
        ...

    def untell(self, name: str) -> bool:
        """True for the first who takes it back. Never raises."""
        ...


class NoBoard:
    """`Board` of a house in which nobody else works: nothing hangs there, and everybody is first."""

    def read(self) -> Picture:
        """Nothing."""
        return Picture()

    def beat(self, *kinds: str) -> None:
        """Nobody looks."""

    def count(self, **figures: int) -> None:
        """Nobody looks."""

    def post(self, key: str, word: str, why: str, *, now: datetime) -> bool:  # noqa: ARG002
        """Nobody looks."""
        return True

    def clear(self, key: str) -> Notice | None:  # noqa: ARG002
        """Nothing hung there."""
        return None

    def claim(self, name: str, for_s: float) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def unclaim(self, name: str) -> None:
        """There is nobody else."""

    def tell(self, name: str) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True

    def untell(self, name: str) -> bool:  # noqa: ARG002
        """There is nobody else."""
        return True
