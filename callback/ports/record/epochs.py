"""How far the record has followed the line, and how old the line should be."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Epoch:
    """How old the line should be, as the record has it. `rebuilding_until`: somebody fills the line again, and renews
    this in time if they live."""

    number: int
    run: str
    at: datetime
    rebuilding_until: datetime | None = None


class Epochs(Protocol):
    """The stream's mark, and the line's age."""

    def mark(self) -> str:
        """The id of the last stream event that the record has ("0" at first)."""
        ...

    def set_mark(self, id: str) -> None: ...
    def epoch(self) -> Epoch | None:
        """None: this record has never had a line."""
        ...

    def first_epoch(self, number: int, run: str, at: datetime) -> bool:
        """Adopt the line as it is. False: somebody has numbered it already."""
        ...

    def advance_epoch(self, number: int, to: int, at: datetime) -> bool:
        """From `number` to `to`. False: it has another number, or is being rebuilt."""
        ...

    def claim_rebuild(self, now: datetime, until: datetime) -> int | None:
        """The number of a new rebuild, higher than any before. None: somebody is rebuilding now."""
        ...

    def renew_rebuild(self, number: int, until: datetime) -> bool:
        """False: that rebuild is over, or another has been started instead of it."""
        ...

    def end_rebuild(self, number: int, run: str, at: datetime) -> bool:
        """False: as `renew_rebuild`."""
        ...
