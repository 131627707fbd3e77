"""The house's own wording of what callers hear and read: every version kept, the newest of each in force."""

from typing import Any

from sqlalchemy import Row, func, select

from callback.adapters.store.tables import wordings
from callback.adapters.store.transaction import Transaction
from callback.domain.errors import Stale
from callback.domain.wording import Wording

_EACH = wordings.c.queue, wordings.c.sentence
_NEWEST = select(*_EACH, func.max(wordings.c.version).label("version")).group_by(*_EACH).subquery()
_IN_FORCE = (
    select(wordings)
    .join(
        _NEWEST,
        (wordings.c.queue == _NEWEST.c.queue)
        & (wordings.c.sentence == _NEWEST.c.sentence)
        & (wordings.c.version == _NEWEST.c.version),
    )
    .order_by(*_EACH)
)


class Wordings(Transaction):
    """The verbs on wordings."""

    def wordings(self) -> list[Wording]:
        return [_wording(row) for row in self._sql.execute(_IN_FORCE)]

    def wording_versions(self, queue: str, sentence: str, limit: int = 50) -> list[Wording]:
        those = select(wordings).where(wordings.c.queue == queue, wordings.c.sentence == sentence)
        newest = those.order_by(wordings.c.version.desc()).limit(limit)
        return [_wording(row) for row in self._sql.execute(newest)]

    def add_wording(self, wording: Wording) -> None:
        row = vars(wording) | {"texts": dict(wording.texts)}
        if not self._insert_new(wordings, row):
            raise Stale(f"version {wording.version} of {wording.sentence} is there already")


def _wording(row: Row[Any]) -> Wording:
    texts = {language: tuple(forms) for language, forms in row.texts.items()}
    return Wording(**{**row._mapping, "texts": texts})
