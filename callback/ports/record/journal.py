"""What changed and who did it, and what audits, forecasts and trends read from that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callback.domain.acts import Act
from callback.domain.callback import Entry
from callback.domain.ids import AttemptId, CallbackId, QueueKey
from callback.domain.lifecycle import State
from callback.domain.trend import Connected, Stood


@dataclass(frozen=True)
class Traffic:
    """What came of the callers of a queue who joined within a quarter of an hour from `at`, and of the talks that calls
    back from it led to: seconds talked (and the sum of their squares) without wrap-up, seconds waited on the line."""

    at: datetime
    calls: int
    handled: int
    handled_s: float
    handled_squares: float
    abandoned: int
    waited_s: float


@dataclass(frozen=True)
class Promised:
    """An open promise as its row has it, for an audit: nothing in it is sealed. `held`: it is in quarantine."""

    id: CallbackId
    queue: QueueKey
    state: State
    next_attempt_at: datetime | None
    held: bool


@dataclass(frozen=True)
class Dial:
    """An attempt for which the carrier was asked, for an audit. `number_hash` is the same for the same telephone."""

    id: AttemptId
    callback: CallbackId
    number_hash: str
    created_at: datetime
    asked_at: datetime
    ended_at: datetime | None
    cancelled_at: datetime | None  # of its callback, where that was cancelled


class Journal(Protocol):
    """What changed, from, to, why, when and because of what; and how a line moved lately."""

    def write(self, entry: Entry) -> None: ...
    def journal(
        self, *, after: int, limit: int = 200, kind: str | None = None, subject: str | None = None
    ) -> list[Entry]: ...
    def last_of_agents(self, *, since: datetime, but: Iterable[str] = ()) -> list[Entry]:
        """The last row of each agent of whom one was written since; rows with one of the reasons `but` do not count."""
        ...

    def seq_before(self, since: datetime) -> int:
        """The number of the last journal row before this time."""
        ...

    def last_seq(self) -> int:
        """The `seq` of the journal's last entry, 0 while it is empty."""
        ...

    def stood(self, queue: QueueKey, *, since: datetime) -> list[Stood]:
        """Who stood in this queue's line at any moment since, in no order."""
        ...

    def connected(self, queue: QueueKey, *, since: datetime) -> list[Connected]:
        """Live callers who were connected since, as far as a wait was announced to them on arrival; in no order."""
        ...


class Audited(Protocol):
    """What audits and forecasts read."""

    def number_hashes(self, ids: Sequence[CallbackId]) -> dict[CallbackId, str]:
        """By which the same telephone is known again. A callback that is not there is missing."""
        ...

    def promised(self, *, after: CallbackId | None = None, limit: int = 1000) -> list[Promised]:
        """Every open promise, by id, from `after`."""
        ...

    def dials(self, *, after: tuple[datetime, AttemptId] | None = None, limit: int = 1000) -> list[Dial]:
        """Every attempt for which the carrier was asked, by the time it was made and its id, from `after`."""
        ...

    def traffic(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[Traffic]:
        """What came to this queue, by quarter of an hour; one in which nothing happened is missing. Callbacks that were
        asked for otherwise than by a call count as callers."""
        ...


class Acts(Protocol):
    """What people and programs did."""

    def act(self, act: Act) -> None:
        """Append it; nothing changes or deletes it afterwards."""
        ...

    def acts(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        by: str | None = None,
        what: str | None = None,
        subject: str | None = None,
        queue: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Act]:
        """Newest first, those below the `seq` `before`. `until` is left out."""
        ...

    def alone(self, *about: str) -> None:
        """Until the transaction ends, whoever else asks to be alone with one of these waits: what is counted stays true
        until it is written down. Names are any words. Asked for once in a transaction."""
        ...
