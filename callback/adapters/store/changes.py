"""Another number for a callback, until it is proved: one open change a callback, gone once it is made or too old."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select

from callback.adapters.store.sealed import Sealer
from callback.adapters.store.tables import messages, number_changes
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain.ids import CallbackId
from callback.domain.proof import NumberChange

SEALED = ("number",)
KEPT = timedelta(hours=1)
"""A change that nobody finished is forgotten so long after its codes were sent."""
_BY_CALLBACK = select(number_changes).where(number_changes.c.callback == bindparam("b_callback"))
_BY_CALLBACK_LOCKED = _BY_CALLBACK.with_for_update()
NUMBER_LOCKS = 7_305_808
"""The first of the two numbers of an advisory lock on somebody's number. The second is of its hash: two that share it
wait for each other, and no harm is done."""
_LOCK_NUMBER = select(func.pg_advisory_xact_lock(bindparam("b_class"), bindparam("b_number")))
_TEXTS = select(func.count()).select_from(messages).where(messages.c.kind == bindparam("b_kind"))


class NumberChanges(Transaction):
    """The verbs on changes of a number, and how many codes were sent for them."""

    def put_number_change(self, change: NumberChange) -> None:
        self._sql.execute(delete(number_changes).where(number_changes.c.sent_at < change.sent_at - KEPT))
        self._upsert(number_changes, _values(change, self._sealer))

    def number_change(self, callback: CallbackId, *, lock: bool = False) -> NumberChange | None:
        query = _BY_CALLBACK_LOCKED if lock else _BY_CALLBACK
        row = self._sql.execute(query, {"b_callback": callback}).one_or_none()
        return None if row is None else _change(row, self._sealer)

    def drop_number_change(self, callback: CallbackId) -> None:
        self._sql.execute(delete(number_changes).where(number_changes.c.callback == callback))

    def texts_to(self, number: str, kind: str, *, since: datetime, lock: bool = False) -> int:
        number_hash = self._sealer.number_hash(number)
        if lock and self._dialect == "postgresql":  # SQLite has one writer anyway
            self._sql.execute(_LOCK_NUMBER, {"b_class": NUMBER_LOCKS, "b_number": int(number_hash[:7], 16)})
        those = (messages.c.number_hash == number_hash, messages.c.created_at >= since)
        found: int = self._sql.execute(_TEXTS.where(*those), {"b_kind": kind}).scalar_one()
        return found

    def texts_about(self, callback: CallbackId, kind: str) -> int:
        found: int = self._sql.execute(_TEXTS.where(messages.c.callback == callback), {"b_kind": kind}).scalar_one()
        return found


def _values(change: NumberChange, sealer: Sealer) -> dict[str, Any]:
    return plain_values(change, SEALED) | {
        "number": sealer.seal(change.number, f"number_changes.number:{change.callback}"),
        "number_hash": sealer.number_hash(change.number),
    }


def _change(row: Row[Any], sealer: Sealer) -> NumberChange:
    number = sealer.open(row.number, f"number_changes.number:{row.callback}")
    return NumberChange(**plain_row(NumberChange, row, SEALED), number=number)
