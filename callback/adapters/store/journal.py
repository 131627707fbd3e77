"""The journal, append-only, and the mark up to which the line's stream has been read into the record."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

from sqlalchemy import func, insert, select

from callback.adapters.store.tables import journal, stream_mark
from callback.adapters.store.transaction import Transaction, plain_values
from callback.domain.callback import Entry

_AT_FIRST = "0"
_ROWS = select(*(journal.c[field.name] for field in fields(Entry))).order_by(journal.c.seq)
_MARK = select(stream_mark.c.mark).with_for_update()


class Journal(Transaction):
    """The verbs on the journal and the stream's mark."""

    def journal(
        self, *, after: int, limit: int = 200, kind: str | None = None, subject: str | None = None
    ) -> list[Entry]:
        """Rows above `after` in order, this transaction's own included."""
        self.flush()
        query = _ROWS.where(journal.c.seq > after).limit(limit)
        if kind is not None:
            query = query.where(journal.c.kind == kind)
        if subject is not None:
            query = query.where(journal.c.subject == subject)
        return [Entry(*row) for row in self._sql.execute(query)]

    def last_of_agents(self, *, since: datetime, but: Iterable[str] = ()) -> list[Entry]:
        """This transaction's own rows included."""
        self.flush()
        told = select(func.max(journal.c.seq)).where(
            journal.c.kind == "agent", journal.c.at >= since, journal.c.reason.not_in(list(but))
        )
        query = _ROWS.where(journal.c.seq.in_(told.group_by(journal.c.subject)))
        return [Entry(*row) for row in self._sql.execute(query)]

    def seq_before(self, since: datetime) -> int:
        """By the index on time, the first of those at one moment; rows written down late are above it all the same, or
        a moment below."""
        query = select(journal.c.seq).where(journal.c.at >= since).order_by(journal.c.at, journal.c.seq).limit(1)
        first: int | None = self._sql.execute(query).scalar()
        return self.last_seq() if first is None else first - 1

    def last_seq(self) -> int:
        """This transaction's own rows included."""
        self.flush()
        found: int | None = self._sql.execute(select(func.max(journal.c.seq))).scalar()
        return found or 0

    def flush(self) -> None:
        """Inserts what was written so far. From here on, other writers of the journal wait for this transaction."""
        rows = [plain_values(entry, ("seq",)) for entry in self._entries]
        self._entries.clear()
        if rows:
            self._sql.execute(insert(journal), rows if len(rows) > 1 else rows[0])

    def mark(self) -> str:
        """Locked until the end of the transaction: two who read on from the same mark would write everything twice."""
        found: str | None = self._sql.execute(_MARK).scalar()
        if found is None and not self._insert_new(stream_mark, {"id": 1, "mark": _AT_FIRST}):
            found = self._sql.execute(_MARK).scalar()
        return found or _AT_FIRST

    def set_mark(self, id: str) -> None:
        self._upsert(stream_mark, {"id": 1, "mark": id})
