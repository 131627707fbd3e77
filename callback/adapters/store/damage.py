"""Rows that cannot be read: a key that is lost, a value that somebody altered, a time that is none.

A list leaves them out and keeps their ids, so that one of them stands in nobody's way and somebody can look at it.
Where one row is asked for, it is refused as `Unreadable`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import structlog
from sqlalchemy import Column, ColumnElement, Row, Select, literal_column, select

from callback.adapters.store.tables import quarantine
from callback.adapters.store.transaction import Transaction
from callback.domain.errors import Unreadable
from callback.ports import Damaged

Record = TypeVar("Record")

UNREADABLE = (Unreadable, ValueError, TypeError, LookupError)
"""What reading a damaged row raises, besides a seal that does not open: a word of no enum, a time of no format."""

_log = structlog.get_logger("callback.store")


@dataclass(frozen=True)
class Torn:
    """A row of which not even the columns can be read."""

    id: str
    why: str


Found: TypeAlias = Row[Any] | Torn


def not_held(kind: str, id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the row of this id is not in quarantine, in the words of the partial index."""
    q = quarantine.c
    word: ColumnElement[str] = literal_column(f"'{kind}'")
    return id.not_in(select(q.subject).where(q.kind == word, q.resolved_at.is_(None), q.held_at.is_not(None)))


class Damage(Transaction):
    """A transaction that reads what it can."""

    def damaged(self) -> list[Damaged]:
        return list(self._damaged)

    def _fetch(self, query: Select[Any], key: Column[Any], values: Mapping[str, Any] | None = None) -> Sequence[Found]:
        """The rows; where one of them has a column that is none, each is read by itself."""
        try:
            return self._sql.execute(query, values or {}).all()
        except UNREADABLE:
            ids = self._sql.execute(query.with_only_columns(key), values or {}).scalars().all()
            return [self._alone(key, one) for one in ids]

    def _alone(self, key: Column[Any], id: str) -> Found:
        try:
            return self._sql.execute(key.table.select().where(key == id)).one()
        except UNREADABLE as damage:
            return Torn(id, type(damage).__name__)

    def _one_row(self, query: Any, values: Mapping[str, Any], read: Callable[[Row[Any]], Record]) -> Record | None:
        """The record of the only row. Raises Unreadable."""
        try:
            row = self._sql.execute(query, values).one_or_none()
            return None if row is None else read(row)
        except Unreadable:
            raise
        except UNREADABLE as damage:
            raise Unreadable(f"this row cannot be read ({type(damage).__name__})") from damage

    def _readable(
        self, kind: str, rows: Iterable[Found], read: Callable[[Row[Any]], Record], key: str = "id"
    ) -> Iterator[Record]:
        """The records of those that can be read; the others are kept for `damaged`."""
        for row in rows:
            if isinstance(row, Torn):
                self._leave_out(kind, row.id, "", row.why)
                continue
            try:
                record = read(row)
            except UNREADABLE as damage:
                why = str(damage) if isinstance(damage, Unreadable) else type(damage).__name__
                self._leave_out(kind, getattr(row, key), getattr(row, "queue", ""), why)
            else:
                yield record

    def _leave_out(self, kind: str, id: str, queue: str, why: str) -> None:
        self._damaged.append(Damaged(kind, id, queue, why))
        _log.debug("row_unreadable", kind=kind, id=id, why=why)
