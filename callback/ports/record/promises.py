"""Promises, and what fails again and again."""

from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, CallSid, QueueKey
from callback.domain.lifecycle import Event, State
from callback.ports.line import Appointment, Placed


@dataclass(frozen=True)
class Failure:
    """Something that fails and is no fault of the house as a whole: how often, and what became of it.

    `kind` is callback, call, text, event (of the line's stream) or step (a part of the sweep), `subject` its id. From
    `held_at` until `resolved_at` it is in quarantine: nobody takes it up. `reason` names nobody.
    """

    id: str
    kind: str
    subject: str
    queue: str
    step: str  # what was being done
    reason: str
    times: int
    first_at: datetime
    last_at: datetime
    held_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str = ""  # retried, dropped, went_away
    by: str = ""


@dataclass(frozen=True)
class Damaged:
    """A row that a list left out because it cannot be read."""

    kind: str  # callback, call, text
    subject: str
    queue: str
    why: str  # names nobody


@dataclass(frozen=True)
class Page:
    """A page of a list and the cursor of the next (None at the end)."""

    items: tuple[Any, ...]
    next: str | None = None


class Promises(Protocol):
    """Callbacks, as they were asked for and became."""

    def add_callback(
        self, callback: Callback, *, event: Event, reason: str, cause: str, idempotency: tuple[str, str] | None = None
    ) -> Callback:
        """Insert and journal. Raises DuplicateOpen (number open in that queue), KeyReused. With an idempotency
        (key, body hash) seen before, or an `origin` call that made one already, the stored callback is returned."""
        ...

    def callback(self, id: CallbackId, *, lock: bool = False) -> Callback:
        """Raises NotFound, Unreadable. `lock` holds the row until the end of the transaction (PostgreSQL)."""
        ...

    def callback_by_token(self, token: str) -> Callback | None: ...
    def callback_by_origin(self, call: CallSid) -> Callback | None: ...
    def open_callback(self, queue: QueueKey, number: str) -> Callback | None: ...
    def rung(self, number: str) -> Callback | None:
        """The callback for which we are ringing this number now, or talk on that call, whatever its queue."""
        ...

    def move(
        self,
        callback: Callback,
        event: Event,
        *,
        reason: str,
        cause: str,
        at: datetime,
        data: dict[str, Any] | None = None,
    ) -> Callback | None:
        """Save `callback` (its fields as changed by the caller, its `state` still the one before) with the state that
        the table gives for `event`, `version` + 1, and a journal row. None: the event is late and changed nothing.
        Raises Stale (somebody else saved it since), IllegalMove, and NumberBusy where the number is being rung for
        another callback; the transaction must end then."""
        ...

    def moves(
        self, callback: Callback, steps: Sequence[tuple[Event, str]], *, cause: str, at: datetime
    ) -> Callback | None:
        """`move` by each event in turn, with the reason beside it and a journal row of its own, saved at once. None:
        one of the events is late, and nothing was changed."""
        ...

    def save(self, callback: Callback) -> Callback:
        """Save fields that are no state change (no journal row). Raises Stale."""
        ...

    def callbacks(
        self,
        *,
        queue: QueueKey | None = None,
        states: Iterable[State] | None = None,
        number: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page: ...
    def outstanding(self, queue: QueueKey, *, before: datetime | None = None, lock: bool = False) -> int:
        """How many promises of a queue are open; appointments at or after `before` are left out. With `lock`, nobody
        else who counts so makes a promise in this queue until the end of the transaction."""
        ...

    def booked(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[datetime]:
        """The times of the appointments of a queue from `since` to before `until`."""
        ...

    def counts(self) -> dict[State, int]:
        """How many callbacks the record has in each state; a state without any may be missing."""
        ...

    def due_callbacks(self, now: datetime, limit: int = 500) -> list[Callback]:
        """`waiting` with `next_attempt_at` <= now, and `scheduled` with `requested_for` <= now, earliest first; none
        that is in quarantine."""
        ...

    def in_state(
        self,
        states: Iterable[State],
        *,
        older_than: datetime | None = None,
        limit: int = 500,
        after: CallbackId | None = None,
        held: bool = True,
    ) -> list[Callback]:
        """By id, from `after`; fewer than `limit` are the last. `older_than` compares the time of the last move; `held`
        False leaves out what is in quarantine."""
        ...

    def ended_among(self, ids: Collection[CallbackId]) -> set[CallbackId]:
        """Which of these have ended, or never were."""
        ...

    def placed(self) -> Generator[Placed, None, None]:
        """Whoever is `waiting` and not in quarantine, in no order, as they are when the first is asked for: only what a
        rebuild needs, without opening a seal. To be read or closed before the transaction ends."""
        ...

    def appointments(self, *, since: datetime | None = None) -> Generator[Appointment, None, None]:
        """Every scheduled promise, read as it is needed; with `since` those that became so, or were moved, since."""
        ...

    def damaged(self) -> list[Damaged]:
        """The rows that the lists of this transaction left out so far, since they cannot be read."""
        ...


class Failures(Protocol):
    """What fails again and again, and is set aside."""

    def note_failure(
        self, kind: str, subject: str, *, queue: str, step: str, reason: str, at: datetime, hold_at: int
    ) -> Failure:
        """Once more, or for the first time since it was resolved; the `hold_at`th time puts it into quarantine."""
        ...

    def failure(self, id: str) -> Failure:
        """Raises NotFound."""
        ...

    def failures(self, *, limit: int = 1000) -> list[Failure]:
        """All that are not resolved, in quarantine or not, oldest first."""
        ...

    def quarantine(self, *, cursor: str | None = None, limit: int = 50) -> Page:
        """What is in quarantine, newest first."""
        ...

    def is_held(self, kind: str, subject: str) -> bool: ...
    def held_count(self) -> int:
        """How many are in quarantine."""
        ...

    def resolve(self, id: str, resolution: str, *, by: str, at: datetime) -> bool:
        """False: it was resolved before. Raises NotFound."""
        ...

    def settle_failures(self, *, before: datetime, at: datetime) -> int:
        """Resolves as `went_away` what has not failed since `before` and is not held, and whatever is about a callback
        or a text that is over. Returns how many."""
        ...

    def write_off(self, id: CallbackId, event: Event, *, reason: str, cause: str, at: datetime) -> State | None:
        """As `move` for a row that cannot be read: only its state and its end are written. None: late. Raises NotFound,
        IllegalMove."""
        ...

    def write_off_text(self, id: str, reason: str) -> None:
        """A text that will not be sent, whether or not it can be read."""
        ...
