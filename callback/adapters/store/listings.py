"""Callbacks by the many: pages for people, and what the sweep and a rebuild go through."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, func, select, tuple_

from callback.adapters.store.callback_rows import (
    HAS_ENDED_ROW,
    IS_OPEN_ROW,
    IS_SCHEDULED_ROW,
    IS_WAITING_ROW,
    CallbackRows,
    c,
)
from callback.adapters.store.sealed import Unsealable
from callback.adapters.store.tables import callbacks
from callback.domain.callback import Callback
from callback.domain.errors import InvalidInput
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import OPEN, State
from callback.ports import Page, Placed

_log = structlog.get_logger("callback.store")

_COUNTS = [select(c.state, func.count()).where(those).group_by(c.state) for those in (IS_OPEN_ROW, HAS_ENDED_ROW)]
_PLACED = (
    select(c.id, c.queue, c.score, c.joined_at, c.next_attempt_at, c.number_hash)
    .where(IS_OPEN_ROW, IS_WAITING_ROW)
    .order_by(c.id)
)


class Listings(CallbackRows):
    """The verbs that list callbacks."""

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
        rows = self._sql.execute(newest.limit(limit + 1)).all()
        more = len(rows) > limit
        return Page(tuple(self._readable(rows[:limit])), _to_cursor(rows[limit - 1]) if more else None)

    def counts(self) -> dict[State, int]:
        """Read from two indexes, but from all of them: for a page or a scrape, not for a call."""
        return {state: count for counted in _COUNTS for state, count in self._sql.execute(counted)}

    def due_callbacks(self, now: datetime, limit: int = 500) -> list[Callback]:
        retries = select(callbacks).where(IS_WAITING_ROW, c.next_attempt_at <= now)
        requested = select(callbacks).where(IS_SCHEDULED_ROW, c.requested_for <= now)
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

    def _all(self, query: Any) -> list[Callback]:
        return list(self._readable(self._sql.execute(query)))

    def _readable(self, rows: Iterable[Row[Any]]) -> Iterator[Callback]:
        """One row that cannot be read (a lost key, damage) must not keep the others from being served."""
        for row in rows:
            try:
                yield self._read(row)
            except Unsealable as damage:
                _log.warning("callback_unreadable", callback=row.id, why=str(damage))


def _in(states: Iterable[State]) -> list[ColumnElement[bool]]:
    """One of `states`, told in the words of the partial index where it can serve."""
    wanted = sorted(set(states))
    chosen: ColumnElement[bool] = c.state.in_(wanted)
    return [IS_OPEN_ROW, chosen] if OPEN.issuperset(wanted) else [chosen]


def _due_at(callback: Callback, otherwise: datetime) -> datetime:
    due = callback.requested_for if callback.state is State.SCHEDULED else callback.next_attempt_at
    return due or otherwise


def _to_cursor(last: Row[Any]) -> str:
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
