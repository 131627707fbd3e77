"""Promises in SQL: made once, moved only as the table of `domain.lifecycle` says, and never lost to a race.

Every save is one conditional UPDATE on id, version and the state before; whoever comes second gets `Stale`. That a
number has one open callback per queue, an origin call one callback and an idempotency key one answer, is decided by
unique indexes: ON CONFLICT DO NOTHING waits for whoever inserts the same at this moment, then the winner's row is read.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, literal_column, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from callback.adapters.store.sealed import Sealer, token_hash
from callback.adapters.store.tables import END_STATES, OPEN_STATES, callbacks, idempotency
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain import lifecycle
from callback.domain.callback import Callback, Entry
from callback.domain.errors import DuplicateOpen, IllegalMove, InvalidInput, KeyReused, NotFound, Stale
from callback.domain.ids import CallbackId, CallSid, QueueKey
from callback.domain.lifecycle import ENDS, OPEN, Event, State
from callback.ports import Page, Placed

Private: TypeAlias = tuple[str, str, str, str]
"""The sealed fields as they were read: a copy, since `context` can be changed in place."""
SEALED = ("number", "name", "token", "context")
_TRIES = 5
"""How often a conflicting row may have ended before it could be read, until we give up."""

c = callbacks.c
_IS_OPEN = c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES])
_HAS_ENDED = c.state.in_([literal_column(f"'{state}'") for state in END_STATES])
"""In the words of the partial indexes: a query with bound values instead could not use them."""
_IS_WAITING = c.state == literal_column("'waiting'")
_IS_SCHEDULED = c.state == literal_column("'scheduled'")
_BY_ID = select(callbacks).where(c.id == bindparam("b_id"))
_BY_ID_LOCKED = _BY_ID.with_for_update(key_share=True)  # its attempts can be inserted meanwhile
_BY_TOKEN = select(callbacks).where(c.token_hash == bindparam("b_hash"))
_BY_ORIGIN = select(callbacks).where(c.origin == bindparam("b_call"))
_OPEN_ONE = select(callbacks).where(c.queue == bindparam("b_queue"), c.number_hash == bindparam("b_hash"), _IS_OPEN)
_BY_KEY = select(idempotency.c.body_hash, idempotency.c.callback).where(idempotency.c.key == bindparam("b_key"))
_COUNTS = [select(c.state, func.count()).where(those).group_by(c.state) for those in (_IS_OPEN, _HAS_ENDED)]
_PLACED = (
    select(c.id, c.queue, c.score, c.joined_at, c.next_attempt_at, c.number_hash)
    .where(_IS_OPEN, _IS_WAITING)
    .order_by(c.id)
)
_SAVE = update(callbacks).where(
    c.id == bindparam("b_id"), c.version == bindparam("b_version"), c.state == bindparam("b_state")
)


class Promises(Transaction):
    """The verbs on callbacks."""

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        super().__init__(connection, sealer)
        self._seen: dict[CallbackId, Private] = {}

    def add_callback(
        self, callback: Callback, *, event: Event, reason: str, cause: str, idempotency: tuple[str, str] | None = None
    ) -> Callback:
        made = replace(callback, state=_first(event))
        standing = self._claim(idempotency, made)
        if standing is None:
            standing = self._insert(made, idempotency)
        if standing is not None:
            return standing
        self._remember(made)
        self._journal(None, made, reason, cause, made.created_at, None)
        return made

    def _claim(self, key: tuple[str, str] | None, made: Callback) -> Callback | None:
        """Takes the idempotency key for `made`, or gives what it stands for already. Raises KeyReused."""
        if key is None:
            return None
        claim = {"key": key[0], "body_hash": key[1], "callback": made.id, "at": made.created_at}
        if self._insert_new(idempotency, claim):
            return None
        body_hash, existing = self._sql.execute(_BY_KEY, {"b_key": key[0]}).one()
        if body_hash != key[1]:
            raise KeyReused("this Idempotency-Key was used before with another body: take a new key")
        return self.callback(existing)

    def _insert(self, made: Callback, key: tuple[str, str] | None) -> Callback | None:
        """None: inserted. Else the callback that the same call made before. Raises DuplicateOpen."""
        for _ in range(_TRIES):
            if self._insert_new(callbacks, _values(made, self._sealer) | {"moved_at": made.created_at}):
                return None
            standing = self._standing_instead(made)
            if standing is None:
                continue
            self._point(key, standing.id)
            if made.origin is not None and standing.origin == made.origin:
                return standing
            raise DuplicateOpen(standing.id)
        raise Stale("this promise collides with one that cannot be read: try again")

    def _standing_instead(self, made: Callback) -> Callback | None:
        by_origin = self.callback_by_origin(made.origin) if made.origin is not None else None
        return by_origin or self.open_callback(made.queue, made.number)

    def _point(self, key: tuple[str, str] | None, existing: CallbackId) -> None:
        """Lets the key stand for the callback that was there before, so that a repeat gets the same answer."""
        if key is not None:
            self._sql.execute(update(idempotency).where(idempotency.c.key == key[0]).values(callback=existing))

    def callback(self, id: CallbackId, *, lock: bool = False) -> Callback:
        found = self._one(_BY_ID_LOCKED if lock else _BY_ID, {"b_id": id})
        if found is None:
            raise NotFound(f"there is no callback {id}")
        return found

    def callback_by_token(self, token: str) -> Callback | None:
        return self._one(_BY_TOKEN, {"b_hash": token_hash(token)})

    def callback_by_origin(self, call: CallSid) -> Callback | None:
        return self._one(_BY_ORIGIN, {"b_call": call})

    def open_callback(self, queue: QueueKey, number: str) -> Callback | None:
        return self._one(_OPEN_ONE, {"b_queue": queue, "b_hash": self._sealer.number_hash(number)})

    def move(
        self, callback: Callback, event: Event, *, reason: str, cause: str, at: datetime,
        data: dict[str, Any] | None = None,
    ) -> Callback | None:  # fmt: skip
        after = lifecycle.move(callback.state, event)
        if after is None:
            return None
        moved = replace(callback, state=after, version=callback.version + 1)
        if after in ENDS:
            moved = replace(moved, ended_at=at, end_reason=reason)
        self._save(callback, moved, {"moved_at": at})
        self._journal(callback.state, moved, reason, cause, at, data)
        return moved

    def save(self, callback: Callback) -> Callback:
        saved = replace(callback, version=callback.version + 1)
        self._save(callback, saved, {})
        return saved

    def callbacks(
        self, *, queue: QueueKey | None = None, states: Iterable[State] | None = None, number: str | None = None,
        cursor: str | None = None, limit: int = 50,
    ) -> Page:  # fmt: skip
        conditions: list[ColumnElement[bool]] = [] if states is None else _in(states)
        if queue is not None:
            conditions.append(c.queue == queue)
        if number is not None:
            conditions.append(c.number_hash == self._sealer.number_hash(number))
        if cursor is not None:
            conditions.append(tuple_(c.created_at, c.id) < _from_cursor(cursor))
        newest = select(callbacks).where(*conditions).order_by(c.created_at.desc(), c.id.desc())
        found = self._all(newest.limit(limit + 1))
        page = found[:limit]
        return Page(tuple(page), _to_cursor(page[-1]) if len(found) > limit else None)

    def counts(self) -> dict[State, int]:
        """Read from two indexes, but from all of them: for a page or a scrape, not for a call."""
        return {state: count for counted in _COUNTS for state, count in self._sql.execute(counted)}

    def due_callbacks(self, now: datetime, limit: int = 500) -> list[Callback]:
        retries = select(callbacks).where(_IS_WAITING, c.next_attempt_at <= now)
        requested = select(callbacks).where(_IS_SCHEDULED, c.requested_for <= now)
        both = self._all(retries.order_by(c.next_attempt_at).limit(limit))
        both += self._all(requested.order_by(c.requested_for).limit(limit))
        return sorted(both, key=lambda due: _due_at(due, now))[:limit]

    def in_state(
        self, states: Iterable[State], *, older_than: datetime | None = None, limit: int = 500,
        after: CallbackId | None = None,
    ) -> list[Callback]:  # fmt: skip
        conditions = _in(states)
        if older_than is not None:
            conditions.append(c.moved_at < older_than)
        if after is not None:
            conditions.append(c.id > after)
        return self._all(select(callbacks).where(*conditions).order_by(c.id).limit(limit))

    def placed(self, *, after: CallbackId | None = None, limit: int = 1000) -> list[Placed]:
        query = _PLACED if after is None else _PLACED.where(c.id > after)
        return [Placed(*row) for row in self._sql.execute(query.limit(limit))]

    # --- below the verbs

    def _one(self, query: Any, values: dict[str, Any]) -> Callback | None:
        row = self._sql.execute(query, values).one_or_none()
        return None if row is None else self._read(row)

    def _all(self, query: Any) -> list[Callback]:
        return [self._read(row) for row in self._sql.execute(query)]

    def _read(self, row: Row[Any]) -> Callback:
        return self._remember(_callback(row, self._sealer))

    def _remember(self, callback: Callback) -> Callback:
        """Keeps what the row holds, so that a save seals again only what changed."""
        self._seen[callback.id] = _private(callback)
        return callback

    def _save(self, before: Callback, after: Callback, more: dict[str, Any]) -> None:
        same = self._seen.get(before.id) == _private(after)
        changed = _plain(after) if same else _values(after, self._sealer)
        del changed["id"]
        values = changed | more | {"b_id": before.id, "b_version": before.version, "b_state": before.state}
        if same:
            self._execute(values, after)
        else:
            self._execute_guarded(values, after)
        self._remember(after)

    def _execute(self, values: dict[str, Any], after: Callback) -> None:
        if self._sql.execute(_SAVE, values).rowcount == 1:
            return
        self.callback(after.id)  # raises NotFound
        raise Stale(f"callback {after.id} was changed by somebody else since it was read")

    def _execute_guarded(self, values: dict[str, Any], after: Callback) -> None:
        """With a number that may be waiting in this queue already. Raises DuplicateOpen."""
        try:
            with self._sql.begin_nested():
                self._execute(values, after)
        except IntegrityError:
            other = self.open_callback(after.queue, after.number)
            if other is None:
                raise
            raise DuplicateOpen(other.id) from None

    def _journal(
        self, before: State | None, after: Callback, reason: str, cause: str, at: datetime, data: dict[str, Any] | None
    ) -> None:
        self.write(Entry(at, "callback", after.id, before, after.state, reason, cause, after.queue, data or {}))


def _first(event: Event) -> State:
    state = lifecycle.move(None, event)
    if state is None:
        raise IllegalMove(f"{event} makes no promise")
    return state


def _in(states: Iterable[State]) -> list[ColumnElement[bool]]:
    """One of `states`, told in the words of the partial index where it can serve."""
    wanted = sorted(set(states))
    chosen: ColumnElement[bool] = c.state.in_(wanted)
    return [_IS_OPEN, chosen] if OPEN.issuperset(wanted) else [chosen]


def _due_at(callback: Callback, otherwise: datetime) -> datetime:
    due = callback.requested_for if callback.state is State.SCHEDULED else callback.next_attempt_at
    return due or otherwise


def _about(column: str, callback: str) -> str:
    return f"callbacks.{column}:{callback}"


def _private(callback: Callback) -> Private:
    return callback.number, callback.name, callback.token, repr(callback.context)


def _plain(callback: Callback) -> dict[str, Any]:
    return plain_values(callback, SEALED)


def _values(callback: Callback, sealer: Sealer) -> dict[str, Any]:
    """Every column but `moved_at`."""
    key = callback.id
    return _plain(callback) | {
        "number": sealer.seal(callback.number, _about("number", key)),
        "number_hash": sealer.number_hash(callback.number),
        "name": sealer.seal(callback.name, _about("name", key)) if callback.name else None,
        "token": sealer.seal(callback.token, _about("token", key)) if callback.token else None,
        "token_hash": token_hash(callback.token) if callback.token else None,
        "context": sealer.seal_json(callback.context, _about("context", key)),
    }


def _callback(row: Row[Any], sealer: Sealer) -> Callback:
    key = row.id
    return Callback(
        **plain_row(Callback, row, SEALED),
        number=sealer.open(row.number, _about("number", key)),
        name=sealer.open(row.name, _about("name", key)) if row.name else "",
        token=sealer.open(row.token, _about("token", key)) if row.token else "",
        context=sealer.open_json(row.context, _about("context", key)),
    )


def _to_cursor(last: Callback) -> str:
    return base64.urlsafe_b64encode(f"{last.created_at.isoformat()} {last.id}".encode()).decode().rstrip("=")


def _from_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        moment = datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        raise InvalidInput("cursor", "this cursor was not made here: start again without one") from None
    if moment.tzinfo is None:
        raise InvalidInput("cursor", "this cursor was not made here: start again without one")
    return moment, key
