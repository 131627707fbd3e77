"""The audit log: the acts of those who run the house, appended in the transaction in which they are done."""

from datetime import datetime
from typing import Any
from zlib import crc32

from sqlalchemy import bindparam, func, insert, select

from callback.adapters.store.tables import acts
from callback.adapters.store.transaction import Transaction
from callback.domain.acts import Act

_FIELDS = ("at", "by", "role", "what", "subject", "queue", "before", "after", "cause", "seq")
ALONE_LOCKS = 7_305_809
"""The first of the two numbers of the advisory locks of `alone`. The second is of the word: two that share it wait for
each other, and no harm is done."""
_ALONE = select(func.pg_advisory_xact_lock(bindparam("b_class"), bindparam("b_word")))
_NEWEST_FIRST = select(*(acts.c[name] for name in _FIELDS)).order_by(acts.c.seq.desc())


class Acts(Transaction):
    """The verbs on the audit log. There is none that changes or deletes, and the database refuses both."""

    def act(self, act: Act) -> None:
        self._sql.execute(insert(acts), {name: getattr(act, name) for name in _FIELDS if name != "seq"})

    def alone(self, *about: str) -> None:
        if self._dialect == "postgresql":  # SQLite has one writer anyway
            for word in sorted({crc32(one.encode()) - 2**31 for one in about}):  # in order: nobody waits in a circle
                self._sql.execute(_ALONE, {"b_class": ALONE_LOCKS, "b_word": word})

    def acts(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        by: str | None = None,
        what: str | None = None,
        subject: str | None = None,
        queue: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Act]:
        found = _NEWEST_FIRST.limit(limit)
        wanted: dict[str, Any] = {"by": by, "what": what, "subject": subject, "queue": queue}
        for name, value in wanted.items():
            if value is not None:
                found = found.where(acts.c[name] == value)
        if before is not None:
            found = found.where(acts.c.seq < before)
        if since is not None:
            found = found.where(acts.c.at >= since)
        if until is not None:
            found = found.where(acts.c.at < until)
        return [Act(*row) for row in self._sql.execute(found)]
