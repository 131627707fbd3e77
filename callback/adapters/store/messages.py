"""Texts to callers, and the numbers that must be left alone."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, literal_column, select, update

from callback.adapters.store.damage import Damage, not_held
from callback.adapters.store.sealed import Sealer
from callback.adapters.store.tables import messages, opt_outs, suppressed
from callback.adapters.store.transaction import plain_row, plain_values
from callback.domain.callback import Text
from callback.domain.errors import NotFound, Stale

SEALED = ("number", "body")

_BY_ID = select(messages).where(messages.c.id == bindparam("b_id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_SAVE = update(messages).where(messages.c.id == bindparam("b_id"))
_UNSENT = (
    select(messages)
    .where(
        messages.c.sid == literal_column("''"),  # in the words of the partial index
        messages.c.status == literal_column("'queued'"),
        messages.c.created_at < bindparam("b_before"),
        not_held("text", messages.c.id),
    )
    .order_by(messages.c.created_at)
    .limit(bindparam("b_limit"))
)


class Messages(Damage):
    """The verbs on texts, opt-outs and suppressed numbers."""

    def add_text(self, text: Text) -> Text:
        """Raises Stale when a text of this id exists."""
        if self._insert_new(messages, _values(text, self._sealer)):
            return text
        raise Stale(f"the text {text.id} was written already")

    def text(self, id: str, *, lock: bool = False) -> Text:
        found = self._one_row(_BY_ID_LOCKED if lock else _BY_ID, {"b_id": id}, self._text)
        if found is None:
            raise NotFound(f"there is no text {id}")
        return found

    def save_text(self, text: Text) -> Text:
        """Raises NotFound."""
        values = _values(text, self._sealer) | {"b_id": text.id}
        if self._sql.execute(_SAVE, values).rowcount == 1:
            return text
        raise NotFound(f"there is no text {text.id}")

    def unsent_texts(self, *, before: datetime, limit: int = 100) -> list[Text]:
        """Those `queued` here that the carrier has given no name yet, oldest first."""
        rows = self._fetch(_UNSENT, messages.c.id, {"b_before": before, "b_limit": limit})
        return list(self._readable("text", rows, self._text))

    def _text(self, row: Row[Any]) -> Text:
        return _text(row, self._sealer)

    def opt_out(self, number: str, at: datetime) -> None:
        self._insert_new(opt_outs, {"number_hash": self._sealer.number_hash(number), "at": at})

    def opted_out(self, number: str) -> bool:
        return self._knows(opt_outs, number)

    def suppress(self, number: str, reason: str, at: datetime) -> None:
        hashed = self._sealer.number_hash(number)
        self._insert_new(suppressed, {"number_hash": hashed, "reason": reason, "at": at})
        self._left_alone[hashed] = True

    def suppressed(self, number: str) -> bool:
        known = self._left_alone.get(self._sealer.number_hash(number))
        return self._knows(suppressed, number) if known is None else known

    def _knows(self, table: Table, number: str) -> bool:
        hashed = table.c.number_hash
        return self._sql.execute(select(hashed).where(hashed == self._sealer.number_hash(number))).first() is not None


def _values(text: Text, sealer: Sealer) -> dict[str, Any]:
    return plain_values(text, SEALED) | {
        "number": sealer.seal(text.number, f"messages.number:{text.id}") if text.number else b"",
        "number_hash": sealer.number_hash(text.number) if text.number else "",
        "body": sealer.seal(text.body, f"messages.body:{text.id}") if text.body else b"",
    }


def _text(row: Row[Any], sealer: Sealer) -> Text:
    return Text(
        **plain_row(Text, row, SEALED),
        number=sealer.open(row.number, f"messages.number:{row.id}") if row.number else "",
        body=sealer.open(row.body, f"messages.body:{row.id}") if row.body else "",
    )
