"""Somebody wants to be forgotten: how far that has come, and when it is tried again.

The record, the line and the carrier forget one after the other, and any of them may be away: so the wish is a row of
its own, which a keeper brings to its end whatever dies meanwhile. In the end it tells that it was done, and of nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
"""Before it is tried again; the last for ever."""
LATE = timedelta(minutes=10)
"""Whatever was on its way when somebody was forgotten has arrived within this: then it is looked for once more."""


class Stage(StrEnum):
    """How far it has come."""

    ASKED = "asked"
    BLANKED = "blanked"  # here nothing is left; the carrier's records are next
    DONE = "done"


@dataclass(frozen=True)
class Erasure:
    """A wish to be forgotten. `number` is there only as long as the carrier has to be asked by it, `number_hash` until
    it was looked for once more; `records` are the carrier's names of what it still has."""

    id: str
    number_hash: str
    asked_at: datetime
    by: str
    stage: Stage = Stage.ASKED
    number: str = field(default="", repr=False)
    protection: bool = False  # also forget that this number must not be rung or texted
    at_carrier: bool = True
    blanked_at: datetime | None = None
    done_at: datetime | None = None
    next_at: datetime | None = None  # when a keeper goes on with it; None: never again
    tries: int = 0
    error: str = ""
    found: Mapping[str, int] = field(default_factory=dict)  # how many rows of each place were blanked
    records: tuple[str, ...] = ()


def next_try(tries: int, now: datetime) -> datetime:
    """When to try again after so many failures in a row; the first pause is for the first and for none."""
    return now + PAUSES[min(max(tries, 1), len(PAUSES)) - 1]


@dataclass(frozen=True)
class Blanked:
    """What was blanked: rows by place, and the carrier's names for the calls and texts among it."""

    found: Mapping[str, int] = field(default_factory=dict)
    records: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """In all."""
        return sum(self.found.values())


@dataclass(frozen=True)
class Export:
    """Personal data that left the house: what, for whom, and where it was put (`place`, "" where it was only shown).
    With `number_hash` it is about one person; else `numbers` tells whether it names anybody."""

    id: str
    at: datetime
    by: str
    kind: str  # person, record, trace
    place: str = field(default="", repr=False)
    number_hash: str = ""
    numbers: bool = False
    since: datetime | None = None
    until: datetime | None = None
    rows: int = 0
