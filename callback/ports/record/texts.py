"""Texts, who wants none, and another number until it is proved."""

from datetime import datetime
from typing import Protocol

from callback.domain.callback import Text
from callback.domain.ids import CallbackId
from callback.domain.proof import NumberChange


class Texts(Protocol):
    """What was written to people, and who wants nothing more."""

    def add_text(self, text: Text) -> Text: ...
    def text(self, id: str, *, lock: bool = False) -> Text:
        """Raises NotFound, Unreadable. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def save_text(self, text: Text) -> Text: ...
    def unsent_texts(self, *, before: datetime, limit: int = 100) -> list[Text]:
        """Those the carrier was not asked to deliver, oldest first; none that is in quarantine."""
        ...

    def opt_out(self, number: str, at: datetime) -> None: ...
    def opted_out(self, number: str) -> bool: ...
    def suppress(self, number: str, reason: str, at: datetime) -> None:
        """This number is never rung again ("I did not ask for this")."""
        ...

    def suppressed(self, number: str) -> bool: ...
    def texts_to(self, number: str, kind: str, *, since: datetime, lock: bool = False) -> int:
        """How many texts of this kind were written to a number since. `lock`: nobody else who counts those to this
        number with it does so until the transaction ends."""
        ...

    def texts_about(self, callback: CallbackId, kind: str) -> int:
        """How many texts of this kind were written about a callback."""
        ...


class Proofs(Protocol):
    """Another number, until it is proved."""

    def put_number_change(self, change: NumberChange) -> None:
        """Insert, or overwrite the callback's last one. Old ones that nobody finished are forgotten."""
        ...

    def number_change(self, callback: CallbackId, *, lock: bool = False) -> NumberChange | None:
        """The change that is open. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def drop_number_change(self, callback: CallbackId) -> None: ...
