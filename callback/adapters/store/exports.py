"""The record by the sheet, for an archive or an analysis: whole tables of a stretch of time, read as they are needed.

A million rows take no more memory than a thousand. Unless it is asked for, nobody is named: numbers are masked, names
and words left out. Tokens and hashes are of no use outside, and never leave.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import LargeBinary, Select, Table, func, select

from callback.adapters.store import tables
from callback.adapters.store.engine import READ_ONLY
from callback.adapters.store.sealed import Unsealable
from callback.adapters.store.transaction import Transaction
from callback.domain import phone

_FETCHED = 1_000
NEVER: Final = frozenset({"token", "token_hash", "number_hash"})
"""What opens a door, or finds somebody again: no column of any sheet."""


@dataclass(frozen=True)
class Sheet:
    """A table as it is taken out. `at` is the column by which a row is of a day."""

    table: Table
    at: str
    structured: frozenset[str] = frozenset()  # sealed columns that hold JSON

    @property
    def columns(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(column.name for column in self.table.columns if column.name not in NEVER)


SHEETS: Final[Mapping[str, Sheet]] = {
    "callbacks": Sheet(tables.callbacks, "created_at", frozenset({"context"})),
    "attempts": Sheet(tables.attempts, "created_at"),
    "calls": Sheet(tables.legs, "created_at"),
    "texts": Sheet(tables.messages, "created_at"),
    "wrap_ups": Sheet(tables.wrap_ups, "at"),
    "ratings": Sheet(tables.ratings, "at"),
    "predictions": Sheet(tables.predictions, "at"),
    "journal": Sheet(tables.journal, "at"),
    "acts": Sheet(tables.acts, "at"),
}
"""By the name of its file."""


class ReadingOut(Transaction):
    """The verbs on whole sheets. All of them only read."""

    def sheets(self) -> dict[str, tuple[str, ...]]:
        return {name: sheet.columns for name, sheet in SHEETS.items()}

    def sheet_rows(self, name: str, *, since: datetime, until: datetime) -> int:
        found: int = self._sql.execute(_between(SHEETS[name], select(func.count()), since, until)).scalar_one()
        return found

    def read_out(
        self, name: str, *, since: datetime, until: datetime, numbers: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        sheet = SHEETS[name]
        query = _between(sheet, select(sheet.table), since, until).order_by(
            sheet.table.c[sheet.at], *sheet.table.primary_key.columns
        )
        if self._dialect == "postgresql" and self._sql.get_execution_options().get(READ_ONLY):
            self._sql.exec_driver_sql("BEGIN")  # in which the server reads on; it ends with ours
        sealed = frozenset(column.name for column in sheet.table.columns if isinstance(column.type, LargeBinary))
        with self._sql.execute(query.execution_options(yield_per=_FETCHED)) as rows:
            for row in rows:
                values = row._mapping
                yield tuple(
                    self._shown(sheet, name, values, numbers) if name in sealed else values[name]
                    for name in sheet.columns
                )

    def _shown(self, sheet: Sheet, column: str, row: Mapping[Any, Any], numbers: bool) -> Any:
        """What is sealed, as far as it may be shown. None where there is nothing, or no key that opens it."""
        if not row[column] or not (numbers or column == "number"):
            return None
        key = next(iter(sheet.table.primary_key.columns)).name
        about = f"{sheet.table.name}.{column}:{row[key]}"
        try:
            if column in sheet.structured:
                return self._sealer.open_json(row[column], about)
            clear = self._sealer.open(row[column], about)
        except Unsealable:
            return None
        return clear if numbers else phone.mask(clear)


def _between(sheet: Sheet, query: Select[Any], since: datetime, until: datetime) -> Select[Any]:
    at = sheet.table.c[sheet.at]
    return query.select_from(sheet.table).where(at >= since, at < until)
