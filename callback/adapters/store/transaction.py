"""What the verbs of one transaction share: the connection, the seal, and the journal rows that wait for the commit."""

from collections.abc import Hashable
from dataclasses import fields
from functools import cache
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from callback.adapters.store.sealed import Sealer
from callback.domain.callback import Entry
from callback.ports import Damaged

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_into(dialect: str, table: Table) -> Insert:
    """An INSERT that can say ON CONFLICT, which both databases know and standard SQL does not."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def insert_new(dialect: str, table: Table) -> Insert:
    """Inserts unless any unique index has the row already: without an error, so that the transaction can go on."""
    # Without `preserve_rowcount` the count is not kept for an INSERT, and would read -1.
    return insert_into(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def upsert(dialect: str, table: Table) -> Insert:
    """Inserts, or overwrites the row of the same primary key."""
    insert = insert_into(dialect, table)
    keys = list(table.primary_key.columns)
    others = {column.name: insert.excluded[column.name] for column in table.columns if column not in set(keys)}
    return insert.on_conflict_do_update(index_elements=keys, set_=others)


@cache
def plain_fields(kind: Hashable, sealed: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of a dataclass that are columns of the same name and need no seal."""
    return tuple(field.name for field in fields(cast(Any, kind)) if field.name not in sealed)


def plain_values(record: Any, sealed: tuple[str, ...]) -> dict[str, Any]:
    """Column values of a dataclass, without the sealed ones."""
    return {name: getattr(record, name) for name in plain_fields(record.__class__, sealed)}


def plain_row(kind: type, row: Row[Any], sealed: tuple[str, ...]) -> dict[str, Any]:
    """Arguments for a dataclass from a row, without the sealed ones."""
    found = row._mapping
    return {name: found[name] for name in plain_fields(kind, sealed)}


class Transaction:
    """One open transaction. The verbs are mixed in by concern; see `sql_store.SqlWork`."""

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        self._sql = connection
        self._dialect = connection.dialect.name
        self._sealer = sealer
        self._entries: list[Entry] = []
        self._damaged: list[Damaged] = []
        self._left_alone: dict[str, bool] = {}  # by the hash of a number, as far as this transaction knows

    def _insert_new(self, table: Table, values: dict[str, Any]) -> bool:
        """Whether the row was new. Waits for another transaction that inserts the same at this moment."""
        return self._sql.execute(insert_new(self._dialect, table), values).rowcount == 1

    def _upsert(self, table: Table, values: dict[str, Any]) -> None:
        self._sql.execute(upsert(self._dialect, table), values)

    def write(self, entry: Entry) -> None:
        """Adds a journal row, inserted at the end of the transaction: see `tables.JOURNAL_DDL` for why then."""
        self._entries.append(entry)
