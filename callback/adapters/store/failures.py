"""What fails again and again: counted, taken out, looked at, and tried again or given up.

A subject has at most one row that is not resolved, which is a unique index; its history stays.
"""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, exists, func, or_, select, tuple_, update

from callback.adapters.store.callback_rows import HAS_ENDED_ROW, CallbackRows, c
from callback.adapters.store.pages import from_cursor, to_cursor
from callback.adapters.store.tables import callbacks, legs, messages, quarantine
from callback.adapters.store.transaction import insert_into, plain_row
from callback.domain import lifecycle
from callback.domain.callback import Entry
from callback.domain.errors import NotFound
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import ENDS, Event, State
from callback.ports import Failure, Page

q = quarantine.c
IS_OPEN = q.resolved_at.is_(None)
_IS_HELD = and_(IS_OPEN, q.held_at.is_not(None))
_IS_OVER = or_(
    and_(q.kind == "call", exists().where(legs.c.call == q.subject, legs.c.ended_at.is_not(None))),
    and_(q.kind.in_(("callback", "text")), exists().where(c.id == q.subject, HAS_ENDED_ROW)),
    and_(q.kind == "text", exists().where(messages.c.id == q.subject, messages.c.status != "queued")),
)
_PASSED = and_(or_(q.held_at.is_(None), q.kind == "step"), q.last_at < bindparam("b_before"))
"""What has not failed for a while and is tried all the time."""


class Failures(CallbackRows):
    """The verbs on failures and the quarantine."""

    def note_failure(
        self, kind: str, subject: str, *, queue: str, step: str, reason: str, at: datetime, hold_at: int
    ) -> Failure:
        values = {
            "id": f"qu{secrets.token_hex(9)}", "kind": kind, "subject": subject, "queue": queue, "step": step,
            "reason": reason, "times": 1, "first_at": at, "last_at": at, "held_at": at if hold_at <= 1 else None,
            "resolution": "", "by": "",
        }  # fmt: skip
        new = insert_into(self._dialect, quarantine).values(values)
        held_at = case((q.times + 1 >= hold_at, func.coalesce(q.held_at, new.excluded.last_at)), else_=q.held_at)
        again = {"times": q.times + 1, "last_at": at, "step": step, "reason": reason, "held_at": held_at}
        noted = new.on_conflict_do_update(index_elements=[q.kind, q.subject], index_where=IS_OPEN, set_=again)
        return _failure(self._sql.execute(noted.returning(*q)).one())

    def failure(self, id: str) -> Failure:
        row = self._sql.execute(select(quarantine).where(q.id == id)).one_or_none()
        if row is None:
            raise NotFound(f"nothing in quarantine has the id {id}")
        return _failure(row)

    def failures(self, *, limit: int = 1000) -> list[Failure]:
        rows = self._sql.execute(select(quarantine).where(IS_OPEN).order_by(q.first_at, q.id).limit(limit))
        return [_failure(row) for row in rows]

    def quarantine(self, *, cursor: str | None = None, limit: int = 50) -> Page:
        query = select(quarantine).where(_IS_HELD).order_by(q.held_at.desc(), q.id.desc())
        if cursor is not None:
            query = query.where(tuple_(q.held_at, q.id) < from_cursor(cursor))
        found = [_failure(row) for row in self._sql.execute(query.limit(limit + 1))]
        last = found[limit - 1] if len(found) > limit else None
        return Page(tuple(found[:limit]), to_cursor(last.held_at, last.id) if last and last.held_at else None)

    def is_held(self, kind: str, subject: str) -> bool:
        held = select(q.id).where(_IS_HELD, q.kind == kind, q.subject == subject)
        return self._sql.execute(held).first() is not None

    def held_count(self) -> int:
        return int(self._sql.execute(select(func.count()).select_from(quarantine).where(_IS_HELD)).scalar_one())

    def resolve(self, id: str, resolution: str, *, by: str, at: datetime) -> bool:
        resolved = {"resolution": resolution, "by": by, "resolved_at": at}
        if self._sql.execute(update(quarantine).where(q.id == id, IS_OPEN).values(resolved)).rowcount == 1:
            return True
        self.failure(id)  # raises NotFound
        return False

    def settle_failures(self, *, before: datetime, at: datetime) -> int:
        gone = {"resolution": "went_away", "by": "sweep", "resolved_at": at}
        settled = update(quarantine).where(IS_OPEN, or_(_IS_OVER, _PASSED)).values(gone)
        return self._sql.execute(settled, {"b_before": before}).rowcount

    def write_off(self, id: CallbackId, event: Event, *, reason: str, cause: str, at: datetime) -> State | None:
        plain = select(c.state, c.version, c.queue).where(c.id == id).with_for_update()
        row = self._sql.execute(plain).one_or_none()
        if row is None:
            raise NotFound(f"there is no callback {id}")
        after = lifecycle.move(row.state, event)
        if after is None:
            return None
        changed: dict[str, Any] = {"state": after, "version": row.version + 1, "moved_at": at}
        if after in ENDS:
            changed |= {"ended_at": at, "end_reason": reason}
        self._sql.execute(update(callbacks).where(c.id == id).values(changed))
        self.write(Entry(at, "callback", id, row.state, after, reason, cause, row.queue))
        return after

    def write_off_text(self, id: str, reason: str) -> None:
        given_up = {"status": "failed", "error": reason}
        self._sql.execute(update(messages).where(messages.c.id == id, messages.c.status == "queued").values(given_up))


def _failure(row: Row[Any]) -> Failure:
    return Failure(**plain_row(Failure, row, ()))
