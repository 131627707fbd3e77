"""What an audit asks the record: where every promise stands, and when which telephone was rung. No seal is opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, exists, literal, null, select, tuple_

from callback.adapters.store.callback_rows import IS_OPEN_ROW, c
from callback.adapters.store.tables import attempts, quarantine
from callback.adapters.store.transaction import Transaction
from callback.domain.ids import AttemptId, CallbackId
from callback.domain.lifecycle import State
from callback.ports import Dial, Promised

a, q = attempts.c, quarantine.c

_IS_HELD = exists().where(
    and_(q.kind == "callback", q.subject == c.id, q.resolved_at.is_(None), q.held_at.is_not(None))
)
_PROMISED = select(c.id, c.queue, c.state, c.next_attempt_at, _IS_HELD).where(IS_OPEN_ROW).order_by(c.id)
_TELEPHONE = case((c.number_hash == "", literal("erased ") + c.id), else_=c.number_hash)
"""Whose number was erased is the same telephone as nobody else."""
_CANCELLED_AT = case((c.state == State.CANCELLED, c.ended_at), else_=null())
_DIALS: Any = (
    select(a.id, a.callback, _TELEPHONE, a.created_at, a.asked_at, a.ended_at, _CANCELLED_AT)
    .join(c.id.table, c.id == a.callback)
    .where(a.asked_at.is_not(None))
    .order_by(a.created_at, a.id)
)


class Witness(Transaction):
    """The verbs of an audit. All of them only read."""

    def number_hashes(self, ids: Sequence[CallbackId]) -> dict[CallbackId, str]:
        found = self._sql.execute(select(c.id, _TELEPHONE).where(c.id.in_(ids)))
        return {CallbackId(known): number for known, number in found}

    def promised(self, *, after: CallbackId | None = None, limit: int = 1000) -> list[Promised]:
        query = _PROMISED if after is None else _PROMISED.where(c.id > after)
        return [Promised(*row) for row in self._sql.execute(query.limit(limit))]

    def dials(self, *, after: tuple[datetime, AttemptId] | None = None, limit: int = 1000) -> list[Dial]:
        query = _DIALS if after is None else _DIALS.where(tuple_(a.created_at, a.id) > after)
        return [Dial(*row) for row in self._sql.execute(query.limit(limit))]
