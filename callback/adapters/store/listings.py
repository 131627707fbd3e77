"""Callbacks by the many: pages for people, and what the sweep and a rebuild go through."""

from collections.abc import Collection, Generator, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from callback.adapters.store.callback_rows import (
    HAS_ENDED_ROW,
    IS_NOT_HELD,
    IS_OPEN_ROW,
    IS_SCHEDULED_ROW,
    IS_WAITING_ROW,
    CallbackRows,
    c,
)
from callback.adapters.store.columns import raw, reader
from callback.adapters.store.damage import Found, Torn
from callback.adapters.store.engine import READ_ONLY
from callback.adapters.store.pages import from_cursor, to_cursor
from callback.adapters.store.tables import callbacks, queues
from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import OPEN, State
from callback.ports import Appointment, Page, Placed

_FETCHED = 1_000
"""Rows that are fetched at once where all of them are read."""
_COUNTS = [select(c.state, func.count()).where(those).group_by(c.state) for those in (IS_OPEN_ROW, HAS_ENDED_ROW)]
_SCHEDULED = (
    select(c.queue, c.id, c.number_hash).where(IS_SCHEDULED_ROW, IS_NOT_HELD).execution_options(yield_per=_FETCHED)
)
_PLACED = (
    select(c.id, c.queue, c.score, raw(c.joined_at), raw(c.next_attempt_at), c.number_hash)
    .where(IS_OPEN_ROW, IS_WAITING_ROW, IS_NOT_HELD)
    .execution_options(yield_per=_FETCHED)
)
"""One query for all, read as it is needed: a query a page would be planned anew each time, and badly by a database that
has not counted its rows yet. The times are read one by one afterwards: one that is none would end all the reading."""


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
            conditions.append(tuple_(c.created_at, c.id) < from_cursor(cursor))
        newest = select(callbacks).where(*conditions).order_by(c.created_at.desc(), c.id.desc())
        rows = self._fetch(newest.limit(limit + 1), c.id)
        return Page(tuple(self._callbacks(rows[:limit])), _next(rows[:limit]) if len(rows) > limit else None)

    def outstanding(self, queue: QueueKey, *, before: datetime | None = None, lock: bool = False) -> int:
        if lock:  # of the queue's row, so that another promise can still refer to it; SQLite has one writer anyway
            self._sql.execute(select(queues.c.key).where(queues.c.key == queue).with_for_update(key_share=True))
        conditions: list[ColumnElement[bool]] = [IS_OPEN_ROW, c.queue == queue]
        if before is not None:
            conditions.append(or_(c.state != State.SCHEDULED, c.requested_for < before))
        found: int = self._sql.execute(select(func.count()).select_from(callbacks).where(*conditions)).scalar_one()
        return found

    def booked(self, queue: QueueKey, *, since: datetime, until: datetime) -> list[datetime]:
        those = (IS_SCHEDULED_ROW, c.queue == queue, c.requested_for >= since, c.requested_for < until)
        return list(self._sql.execute(select(c.requested_for).where(*those)).scalars())

    def counts(self) -> dict[State, int]:
        """Read from two indexes, but from all of them: for a page or a scrape, not for a call."""
        return {state: count for counted in _COUNTS for state, count in self._sql.execute(counted)}

    def due_callbacks(self, now: datetime, limit: int = 500) -> list[Callback]:
        retries = select(callbacks).where(IS_WAITING_ROW, c.next_attempt_at <= now, IS_NOT_HELD)
        requested = select(callbacks).where(IS_SCHEDULED_ROW, c.requested_for <= now, IS_NOT_HELD)
        both = self._all(retries.order_by(c.next_attempt_at).limit(limit))
        both += self._all(requested.order_by(c.requested_for).limit(limit))
        return sorted(both, key=lambda due: _due_at(due, now))[:limit]

    def ended_among(self, ids: Collection[CallbackId]) -> set[CallbackId]:
        """Without opening a seal."""
        going_on = self._sql.execute(select(c.id).where(IS_OPEN_ROW, c.id.in_(ids))).scalars()
        return set(ids) - set(map(CallbackId, going_on))

    def in_state(
        self, states: Iterable[State], *, older_than: datetime | None = None, limit: int = 500,
        after: CallbackId | None = None, held: bool = True,
    ) -> list[Callback]:  # fmt: skip
        conditions = _in(states)
        if older_than is not None:
            conditions.append(c.moved_at < older_than)
        if not held:
            conditions.append(IS_NOT_HELD)
        query = select(callbacks).where(*conditions).order_by(c.id)
        found: list[Callback] = []
        while len(found) < limit:  # what cannot be read is made up for, so that a short page is always the last
            some = query if after is None else query.where(c.id > after)
            rows = self._fetch(some.limit(limit - len(found)), c.id)
            short = len(rows) < limit - len(found)
            found += self._callbacks(rows)
            if short:
                break
            after = CallbackId(rows[-1].id)
        return found

    def appointments(self, *, since: datetime | None = None) -> Generator[Appointment, None, None]:
        self._read_on()
        rows: Any
        with self._sql.execute(_SCHEDULED if since is None else _SCHEDULED.where(c.moved_at >= since)) as rows:
            for row in rows:
                yield Appointment(QueueKey(row[0]), CallbackId(row[1]), row[2])

    def _read_on(self) -> None:
        if self._dialect == "postgresql" and self._sql.get_execution_options().get(READ_ONLY):
            self._sql.exec_driver_sql("BEGIN")  # in which the server reads on; it ends with ours

    def placed(self) -> Generator[Placed, None, None]:
        moment = reader(c.joined_at.type, self._sql.dialect)
        self._read_on()

        def place(row: Any) -> Placed:
            return Placed(row[0], row[1], row[2], moment(row[3]), moment(row[4]), row[5])

        rows: Any
        with self._sql.execute(_PLACED) as rows:
            yield from self._readable("callback", rows, place)

    def _all(self, query: Any) -> list[Callback]:
        return self._callbacks(self._fetch(query, c.id))

    def _callbacks(self, rows: Sequence[Found]) -> list[Callback]:
        return list(self._readable("callback", rows, self._read))


def _in(states: Iterable[State]) -> list[ColumnElement[bool]]:
    """One of `states`, told in the words of the partial index where it can serve."""
    wanted = sorted(set(states))
    chosen: ColumnElement[bool] = c.state.in_(wanted)
    return [IS_OPEN_ROW, chosen] if OPEN.issuperset(wanted) else [chosen]


def _due_at(callback: Callback, otherwise: datetime) -> datetime:
    due = callback.requested_for if callback.state is State.SCHEDULED else callback.next_attempt_at
    return due or otherwise


def _next(rows: Sequence[Found]) -> str | None:
    """After the last row whose time is known."""
    whole = [row for row in rows if not isinstance(row, Torn)]
    return to_cursor(whole[-1].created_at, whole[-1].id) if whole else None
