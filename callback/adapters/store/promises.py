"""Promises in SQL: made once, moved only as the table of `domain.lifecycle` says, and never lost to a race.

Every save is one conditional UPDATE on id, version and the state before; whoever comes second gets `Stale`. That a
number has one open callback per queue and is rung once at a time, that an origin call has one callback and an
idempotency key one answer, is decided by unique indexes: ON CONFLICT DO NOTHING waits for whoever inserts the same at
this moment, then the winner's row is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from callback.adapters.store.callback_rows import (
    IS_OPEN_ROW,
    IS_RUNG_ROW,
    IS_SUPPRESSED,
    LEFT_ALONE,
    CallbackRows,
    all_values,
    c,
    differences,
    private,
)
from callback.adapters.store.tables import callbacks, idempotency
from callback.domain import lifecycle
from callback.domain.callback import Callback, Entry
from callback.domain.errors import DuplicateOpen, IllegalMove, KeyReused, NotFound, NumberBusy, Stale
from callback.domain.ids import CallbackId, CallSid, QueueKey, token_hash
from callback.domain.lifecycle import ENDS, Event, State

_TRIES = 5
"""How often a conflicting row may have ended before it could be read, until we give up."""

_BY_ID = select(callbacks).where(c.id == bindparam("b_id"))
_BY_ID_LOCKED = (  # its attempts can be inserted meanwhile; the answer to what whoever rings asks next comes with it
    _BY_ID.add_columns(IS_SUPPRESSED.label(LEFT_ALONE)).with_for_update(key_share=True, of=callbacks)
)
_BY_TOKEN = select(callbacks).where(c.token_hash == bindparam("b_hash"))
_BY_ORIGIN = select(callbacks).where(c.origin == bindparam("b_call"))
_OPEN_ONE = select(callbacks).where(c.queue == bindparam("b_queue"), c.number_hash == bindparam("b_hash"), IS_OPEN_ROW)
_RUNG = select(callbacks).where(c.number_hash == bindparam("b_hash"), IS_RUNG_ROW)
_BY_KEY = select(idempotency.c.body_hash, idempotency.c.callback).where(idempotency.c.key == bindparam("b_key"))
_SAVE = update(callbacks).where(
    c.id == bindparam("b_id"), c.version == bindparam("b_version"), c.state == bindparam("b_state")
)


class Promises(CallbackRows):
    """The verbs on one callback."""

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
            if self._insert_new(callbacks, all_values(made, self._sealer) | {"moved_at": made.created_at}):
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

    def rung(self, number: str) -> Callback | None:
        return self._one(_RUNG, {"b_hash": self._sealer.number_hash(number)})

    def move(
        self, callback: Callback, event: Event, *, reason: str, cause: str, at: datetime,
        data: dict[str, Any] | None = None,
    ) -> Callback | None:  # fmt: skip
        return self.moves(callback, ((event, reason),), cause=cause, at=at, data=data)

    def moves(
        self, callback: Callback, steps: Sequence[tuple[Event, str]], *, cause: str, at: datetime,
        data: dict[str, Any] | None = None,
    ) -> Callback | None:  # fmt: skip
        states = [callback.state]
        for event, _ in steps:
            after = lifecycle.move(states[-1], event)
            if after is None:
                return None
            states.append(after)
        moved = replace(callback, state=states[-1], version=callback.version + 1)
        if moved.state in ENDS:
            moved = replace(moved, ended_at=at, end_reason=steps[-1][1])
        self._save(callback, moved, {"moved_at": at})
        for (_, reason), before, after in zip(steps, states, states[1:], strict=False):
            self._journal(before, replace(moved, state=after), reason, cause, at, data)
        return moved

    def save(self, callback: Callback) -> Callback:
        saved = replace(callback, version=callback.version + 1)
        self._save(callback, saved, {})
        return saved

    # --- below the verbs

    def _save(self, before: Callback, after: Callback, more: dict[str, Any]) -> None:
        seen = self._seen.get(before.id)
        same = seen is not None and seen.callback.version == before.version and seen.private == private(after)
        changed = differences(seen.callback, after) if seen and same else all_values(after, self._sealer)
        values = changed | more | {"b_id": before.id, "b_version": before.version, "b_state": before.state}
        if same:
            self._execute(values, after)
        else:
            self._execute_guarded(values, after)
        self._remember(after)

    def _execute(self, values: dict[str, Any], after: Callback) -> None:
        """Raises NumberBusy: on PostgreSQL the transaction is over then."""
        try:
            found = self._sql.execute(_SAVE, values).rowcount
        except IntegrityError as taken:
            if _rung_twice(taken):
                raise NumberBusy("this number is being rung for another callback") from None
            raise
        if found == 1:
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
        known: dict[str, Any] = {"score": after.score} | ({"attempt": after.attempt} if after.attempt else {})
        if after.state is State.BRIDGED and after.agent:
            known["agent"] = after.agent
        told = known | (data or {})
        self.write(Entry(at, "callback", after.id, before, after.state, reason, cause, after.queue, told))


def _rung_twice(taken: IntegrityError) -> bool:
    """Whether it was the index that lets a number ring once at a time. PostgreSQL names it, SQLite its columns."""
    name = getattr(getattr(taken.orig, "diag", None), "constraint_name", None)
    return name == "uq_callbacks_rung_number" or str(taken.orig) == "UNIQUE constraint failed: callbacks.number_hash"


def _first(event: Event) -> State:
    state = lifecycle.move(None, event)
    if state is None:
        raise IllegalMove(f"{event} makes no promise")
    return state
