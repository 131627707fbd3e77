"""Values sealed under a key that was replaced, sealed again under the one in force: so that the old one is not needed.

Every column that holds sealed values is found by its kind, so that a new one is never forgotten. A row is changed only
where it still holds what was read: whoever writes it meanwhile has sealed it anew themselves.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, LargeBinary, Row, Table, and_, func, or_, select, update

from callback.adapters.store.sealed import ID_BYTES, Unsealable
from callback.adapters.store.tables import metadata, wait_models
from callback.adapters.store.transaction import Transaction
from callback.ports import Resealed

NOT_SEALED = {wait_models.name}
"""Tables whose bytes are no sealed values: models, which name nobody."""


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, LargeBinary)]


SEALED: Final[Mapping[str, Table]] = {
    table.name: table
    for table in metadata.sorted_tables
    if table.name not in NOT_SEALED and _sealed_columns(table)
}  # fmt: skip


class Resealing(Transaction):
    """The verbs on sealing again."""

    def sealed_before(self) -> dict[str, int]:
        counts = {
            name: self._sql.execute(select(func.count()).select_from(table).where(self._before(table))).scalar_one()
            for name, table in SEALED.items()
        }
        return {name: count for name, count in counts.items() if count}

    def reseal(self, table: str, *, after: str, limit: int) -> Resealed:
        found = SEALED[table]
        key = _key(found)
        last = self._sql.execute(select(key).where(key > after).order_by(key).offset(limit - 1).limit(1)).scalar()
        some = select(found).where(self._before(found), key > after)
        rows = self._sql.execute(some if last is None else some.where(key <= last)).all()
        unreadable = sum(not self._reseal_row(found, row) for row in rows)
        return Resealed(len(rows), unreadable, last)

    def _before(self, table: Table) -> ColumnElement[bool]:
        """Whether any value of a row is sealed under another key than the one in force."""
        mark = self._sealer.mark
        return or_(
            *(
                and_(func.length(column) > 0, func.substr(column, 1, ID_BYTES) != mark)
                for column in _sealed_columns(table)
            )
        )

    def _reseal_row(self, table: Table, row: Row[Any]) -> bool:
        """False: something in it cannot be read, and stays as it is."""
        key, held = _key(table), row._mapping
        fresh: dict[str, bytes] = {}
        readable = True
        for column in _sealed_columns(table):
            sealed = held[column.name]
            if not sealed or sealed.startswith(self._sealer.mark):
                continue
            about = f"{table.name}.{column.name}:{held[key.name]}"
            try:
                fresh[column.name] = self._sealer.seal(self._sealer.open(sealed, about), about)
            except Unsealable:
                readable = False
        if fresh:
            as_read = [table.c[name] == held[name] for name in fresh]
            self._sql.execute(update(table).where(key == held[key.name], *as_read).values(fresh))
        return readable


def _key(table: Table) -> Column[Any]:
    """The column by which a row is named, also in what its values are sealed for."""
    return next(iter(table.primary_key.columns))
