"""Who is shown what is held about them, and who is forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from callback.domain.erasure import Blanked, Erasure, Export
from callback.domain.ids import CallbackId, EntryId


@dataclass(frozen=True)
class Resealed:
    """What came of a batch: in how many rows there was something to seal, in how many of them something could not be
    read, and the last row that was looked at (None: it was the last of all)."""

    rows: int
    unreadable: int
    last: str | None


class Resealing(Protocol):
    """What was sealed under a key that is not the one in force any more."""

    def sealed_before(self) -> dict[str, int]:
        """How many rows have such a value, by table; tables without any are missing."""
        ...

    def reseal(self, table: str, *, after: str, limit: int) -> Resealed:
        """Look at the next `limit` rows of a table, by key, from `after`, and seal such values again."""
        ...


class Forgetting(Protocol):
    """What is held about a number, and how it is blanked."""

    def number_of(self, id: CallbackId) -> tuple[str, str]:
        """The hash of a callback's number and, where it can be read, the number itself ("" else). Both are "" once it
        was erased. Raises NotFound."""
        ...

    def is_forgotten(self, entry: EntryId) -> bool:
        """Whether whoever this call or callback was of has been forgotten since."""
        ...

    def unfinished(self, number_hash: str) -> tuple[list[CallbackId], int]:
        """The open promises to this number, and how many calls from it are going on."""
        ...

    def holdings(self, number_hash: str) -> dict[str, int]:
        """How many rows about this number there are, by place; places without any are missing."""
        ...

    def everything(self, number_hash: str) -> dict[str, list[dict[str, Any]]]:
        """All rows about this number, by place, with what is sealed in them opened."""
        ...

    def blank(self, number_hash: str, *, until: datetime | None = None, protection: bool = False) -> Blanked:
        """Take the number, the name and the words out of every row about this number (written until then) whose time is
        over; texts that were not sent never are. `protection`: also that it must not be rung or texted."""
        ...

    def blank_old(self, before: datetime, limit: int) -> Blanked:
        """As `blank`, for whatever was over before; at most so many callbacks, calls and texts, the oldest."""
        ...

    def put_erasure(self, erasure: Erasure) -> Erasure:
        """Insert or overwrite by id."""
        ...

    def erasure(self, id: str, *, lock: bool = False) -> Erasure:
        """Raises NotFound. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def erasure_of(self, number_hash: str, *, lock: bool = False) -> Erasure | None:
        """The one of this number that is not done yet. `lock` holds the row until the end of the transaction
        (PostgreSQL)."""
        ...

    def erasures_due(self, now: datetime, limit: int = 20) -> list[str]:
        """The ids of those that a keeper has to go on with, the longest due first."""
        ...

    def erasures(self, limit: int = 50) -> list[Erasure]:
        """Newest first."""
        ...


class Exports(Protocol):
    """What was taken out."""

    def put_export(self, export: Export) -> Export:
        """Insert or overwrite by id."""
        ...

    def sheets(self) -> dict[str, tuple[str, ...]]:
        """The names of what is taken out for an archive, each with its columns. No token and no hash is among them."""
        ...

    def sheet_rows(self, name: str, *, since: datetime, until: datetime) -> int:
        """How many rows of a sheet were written from `since` to before `until`."""
        ...

    def read_out(
        self, name: str, *, since: datetime, until: datetime, numbers: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Those rows, oldest first, as they are needed: to be read or closed before the transaction ends. Without
        `numbers` nobody is named: numbers are masked, names and words are None."""
        ...

    def exports_of(self, number_hash: str) -> list[Export]:
        """What was taken out that may have this number in it: about it, or a record with numbers of a time in which
        there was something about it."""
        ...
