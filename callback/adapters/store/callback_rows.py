"""How a callback lies in its row: what is sealed, how it is read back, and the words of the partial indexes."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, and_, exists, literal_column

from callback.adapters.store.damage import Damage, not_held
from callback.adapters.store.sealed import Sealer
from callback.adapters.store.tables import END_STATES, OPEN_STATES, callbacks, suppressed
from callback.adapters.store.transaction import plain_row, plain_values
from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, token_hash
from callback.domain.lifecycle import RUNG, State

Private: TypeAlias = tuple[str, str, str, str]
"""The sealed fields as they were read: a copy, since `context` can be changed in place."""
SEALED = ("number", "name", "token", "context")

c = callbacks.c
# In the words of the partial indexes: a query with bound values instead could not use them.
IS_RUNG_ROW = and_(
    c.attempt.is_not(None), c.state.in_([literal_column(f"'{state}'") for state in State if state in RUNG])
)
IS_OPEN_ROW = c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES])
HAS_ENDED_ROW = c.state.in_([literal_column(f"'{state}'") for state in END_STATES])
IS_WAITING_ROW = c.state == literal_column("'waiting'")
IS_SCHEDULED_ROW = c.state == literal_column("'scheduled'")
IS_NOT_HELD = not_held("callback", c.id)
IS_SUPPRESSED = exists().where(suppressed.c.number_hash == c.number_hash)
LEFT_ALONE = "left_alone"
"""Beside a callback's row: whether its number is on the list of those that are never rung."""


@dataclass(frozen=True)
class Seen:
    """A callback as its row held it."""

    callback: Callback
    private: Private


class CallbackRows(Damage):
    """A transaction that reads callbacks, and remembers what it read."""

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        super().__init__(connection, sealer)
        self._seen: dict[CallbackId, Seen] = {}

    def _one(self, query: Any, values: dict[str, Any]) -> Callback | None:
        return self._one_row(query, values, self._read)

    def _read(self, row: Row[Any]) -> Callback:
        if LEFT_ALONE in row._fields:
            self._left_alone[row.number_hash] = bool(getattr(row, LEFT_ALONE))
        return self._remember(callback_of(row, self._sealer))

    def _remember(self, callback: Callback) -> Callback:
        """Keeps what the row holds, so that a save writes, and seals again, only what changed."""
        self._seen[callback.id] = Seen(callback, private(callback))
        return callback


def _about(column: str, callback: str) -> str:
    return f"callbacks.{column}:{callback}"


def private(callback: Callback) -> Private:
    """What is sealed, as it is now."""
    return callback.number, callback.name, callback.token, repr(callback.context)


def differences(before: Callback, after: Callback) -> dict[str, Any]:
    """The columns without a seal that are not as they were."""
    return {name: value for name, value in plain(after).items() if value != getattr(before, name)}


def plain(callback: Callback) -> dict[str, Any]:
    """The columns that need no seal, but for `moved_at`."""
    return plain_values(callback, SEALED)


def all_values(callback: Callback, sealer: Sealer) -> dict[str, Any]:
    """Every column but `moved_at`."""
    key = callback.id
    return plain(callback) | {
        "number": sealer.seal(callback.number, _about("number", key)) if callback.number else b"",
        "number_hash": sealer.number_hash(callback.number) if callback.number else "",
        "name": sealer.seal(callback.name, _about("name", key)) if callback.name else None,
        "token": sealer.seal(callback.token, _about("token", key)) if callback.token else None,
        "token_hash": token_hash(callback.token) if callback.token else None,
        "context": sealer.seal_json(callback.context, _about("context", key)),
    }


def callback_of(row: Row[Any], sealer: Sealer) -> Callback:
    """The callback that a row holds. Raises Unsealable."""
    key = row.id
    return Callback(
        **plain_row(Callback, row, SEALED),
        number=sealer.open(row.number, _about("number", key)) if row.number else "",
        name=sealer.open(row.name, _about("name", key)) if row.name else "",
        token=sealer.open(row.token, _about("token", key)) if row.token else "",
        context=sealer.open_json(row.context, _about("context", key)),
    )
