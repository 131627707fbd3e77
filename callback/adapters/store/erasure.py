"""Forgetting people: who is found where, what is blanked, and how far each wish has come.

Everything goes by the hash of a number, so that rows whose seal does not open are forgotten as well, and is told by the
list of `personal.PLACES`. Each verb may be repeated: what is blank already is not counted again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Row,
    and_,
    delete,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from callback.adapters.store.callback_rows import IS_OPEN_ROW, c
from callback.adapters.store.personal import PLACES, PROTECTION, By, Place, about
from callback.adapters.store.sealed import Unsealable
from callback.adapters.store.tables import attempts, erasures, exports, legs, messages, rung_outside, talks, wrap_ups
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain.erasure import Blanked, Erasure, Export, Stage
from callback.domain.errors import NotFound, Unreadable
from callback.domain.ids import CallbackId, EntryId

IN_ONE = 500
"""So many ids in one statement: SQLite takes no query of any length."""
_QUEUED = "queued"
OF_DESKS = {"wrap_ups": wrap_ups.c.at, "talks": talks.c.began_at}
"""By what the words of desks grow old."""
NOBODY: ColumnElement[str] = literal_column("''")
"""The hash of a number that was erased, in the words of the partial indexes."""


@dataclass(frozen=True)
class Whose:
    """Ids of what is somebody's. `calls` are those of `legs`, and those that we made to them."""

    number_hash: str = ""
    callbacks: tuple[str, ...] = ()
    legs: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def ids(self, by: By) -> tuple[str, ...]:
        """Those that a column of this kind may hold."""
        if by is By.NUMBER:
            return (self.number_hash,) if self.number_hash else ()
        if by is By.SUBJECT:
            return self.callbacks + self.calls
        return {By.CALLBACK: self.callbacks, By.LEG: self.legs, By.CALL: self.calls, By.TEXT: self.texts}[by]


class Erasing(Transaction):
    """The verbs on who is forgotten, and on what was taken out of the house."""

    # --- who it is ------------------------------------------------------------------------------------------------

    def number_of(self, id: CallbackId) -> tuple[str, str]:
        row = self._sql.execute(select(c.number, c.number_hash).where(c.id == id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no callback {id}")
        try:
            return row.number_hash, self._sealer.open(row.number, f"callbacks.number:{id}") if row.number else ""
        except Unreadable:
            return row.number_hash, ""

    def unfinished(self, number_hash: str) -> tuple[list[CallbackId], int]:
        promises = select(c.id).where(c.number_hash == number_hash, IS_OPEN_ROW).order_by(c.id)
        calls = (
            select(func.count()).select_from(legs).where(legs.c.number_hash == number_hash, legs.c.ended_at.is_(None))
        )
        return [CallbackId(one) for one in self._sql.execute(promises).scalars()], self._sql.execute(calls).scalar_one()

    def holdings(self, number_hash: str) -> dict[str, int]:
        whose = self._whose(number_hash)
        counted = {place.name: sum(1 for _ in self._rows(place, whose)) for place in PLACES}
        return {name: count for name, count in counted.items() if count}

    def everything(self, number_hash: str) -> dict[str, list[dict[str, Any]]]:
        whose = self._whose(number_hash)
        found = {place.name: [self._told(place, row) for row in self._rows(place, whose)] for place in PLACES}
        return {name: rows for name, rows in found.items() if rows}

    def _told(self, place: Place, row: Row[Any]) -> dict[str, Any]:
        values = dict(row._mapping)
        for column in place.table.columns:
            if isinstance(column.type, LargeBinary):
                values[column.name] = self._opened(place, column.name, values)
        return values

    def _opened(self, place: Place, column: str, row: Mapping[str, Any]) -> Any:
        """What is sealed, or why it cannot be read."""
        sealed = row[column]
        if not sealed:
            return None
        try:
            open_one: Any = self._sealer.open_json if column in place.structured else self._sealer.open
            return open_one(sealed, about(place, column, row))
        except Unsealable as unreadable:
            return f"({unreadable})"

    # --- who is forgotten -------------------------------------------------------------------------------------------

    def blank(self, number_hash: str, *, until: datetime | None = None, protection: bool = False) -> Blanked:
        blanked = self._blank(self._whose(number_hash, until))
        found = dict(blanked.found)
        for table in PROTECTION if protection else ():
            gone = self._sql.execute(delete(table).where(table.c.number_hash == number_hash)).rowcount
            found |= {table.name: gone} if gone else {}
        return replace(blanked, found=found)

    def blank_old(self, before: datetime, limit: int) -> Blanked:
        ended = select(c.id).where(c.number_hash != NOBODY, c.ended_at < before)
        over = select(legs.c.call).where(legs.c.number_hash.is_not(None), legs.c.ended_at < before)
        written = select(messages.c.id).where(messages.c.number_hash != NOBODY, messages.c.created_at < before)
        oldest = (ended.order_by(c.ended_at), over.order_by(legs.c.ended_at), written.order_by(messages.c.created_at))
        found = [tuple(self._sql.execute(query.limit(limit)).scalars()) for query in oldest]
        whose = Whose(callbacks=found[0], legs=found[1], texts=found[2])
        blanked = self._blank(replace(whose, calls=(*whose.legs, *self._made(whose.callbacks))))
        counted = dict(blanked.found)
        for words in (wrap_ups.c.notes, talks.c.to):
            counted[words.table.name] = counted.get(words.table.name, 0) + self._blank_words(words, before, limit)
        self._sql.execute(delete(rung_outside).where(rung_outside.c.began_at < before))
        return replace(blanked, found={name: count for name, count in counted.items() if count})

    def _blank_words(self, words: Column[Any], before: datetime, limit: int) -> int:
        """What desks wrote down so long ago about whoever has no number here: it was withheld, or erased before."""
        table, at = words.table, OF_DESKS[words.table.name]
        old = select(table.c.token).where(words.is_not(None), at < before).order_by(at).limit(limit)
        count = 0
        for some in _slices(self._sql.execute(old).scalars()):
            blank = {name: None for name in (words.name, f"{words.name}_hash") if name in table.c}
            count += self._sql.execute(update(table).where(table.c.token.in_(some)).values(blank)).rowcount
        return count

    def is_forgotten(self, entry: EntryId) -> bool:
        whose = self._sql.execute(select(c.number_hash).where(c.id == entry)).scalar_one_or_none()
        if whose is not None:
            return not whose
        number = self._sql.execute(select(legs.c.number).where(legs.c.call == entry)).scalar_one_or_none()
        return number is not None and not number

    def _blank(self, whose: Whose) -> Blanked:
        records = self._records(whose)
        unsent = {"status": "failed", "error": "erased"}
        for some in _slices(whose.texts):
            waiting = (messages.c.id.in_(some), messages.c.status == _QUEUED)
            self._sql.execute(update(messages).where(*waiting).values(unsent))
        found = {place.name: self._blank_in(place, whose) for place in PLACES if place.blank is not None}
        return Blanked({name: count for name, count in found.items() if count}, records)

    def _blank_in(self, place: Place, whose: Whose) -> int:
        values = {column: gone.value for column, gone in (place.blank or {}).items()}
        changed = [place.table.c[column].is_distinct_from(value) for column, value in values.items()]
        count = 0
        for theirs in _conditions(place, whose):
            conditions = (theirs, place.over, or_(*changed) if changed else true())
            blanking: Any = update(place.table).values(values) if values else delete(place.table)
            count += self._sql.execute(blanking.where(*conditions)).rowcount
        return count

    def _records(self, whose: Whose) -> tuple[str, ...]:
        """The carrier's names of their calls, and of the texts that it was given."""
        sent: list[str] = []
        for some in _slices(whose.texts):
            sent += self._sql.execute(select(messages.c.sid).where(messages.c.id.in_(some))).scalars()
        return tuple(dict.fromkeys(sid for sid in (*whose.calls, *sent) if sid))

    def _whose(self, number_hash: str, until: datetime | None = None) -> Whose:
        """Everything of a number, or what was there at `until`. Nobody has no number."""
        if not number_hash:
            return Whose()

        def ids(column: Any, hashed: Any, born: Any) -> tuple[str, ...]:
            query = select(column).where(hashed == number_hash).order_by(born)
            return tuple(self._sql.execute(query if until is None else query.where(born <= until)).scalars())

        callbacks = ids(c.id, c.number_hash, c.created_at)
        inbound = ids(legs.c.call, legs.c.number_hash, legs.c.created_at)
        texts = ids(messages.c.id, messages.c.number_hash, messages.c.created_at)
        return Whose(number_hash, callbacks, inbound, (*inbound, *self._made(callbacks)), texts)

    def _made(self, callbacks: Sequence[str]) -> Iterator[str]:
        """The calls that we made for these callbacks."""
        for some in _slices(callbacks):
            calls = select(attempts.c.call).where(attempts.c.callback.in_(some), attempts.c.call.is_not(None))
            yield from self._sql.execute(calls).scalars()

    def _rows(self, place: Place, whose: Whose) -> Iterator[Row[Any]]:
        """Each once, in order within what is asked for at once."""
        keys = [column.name for column in place.table.primary_key.columns]
        seen: set[tuple[Any, ...]] = set()
        for theirs in _conditions(place, whose):
            for row in self._sql.execute(select(place.table).where(theirs).order_by(*place.table.primary_key.columns)):
                key = tuple(row._mapping[name] for name in keys)
                if key not in seen:
                    seen.add(key)
                    yield row

    # --- how far it has come ----------------------------------------------------------------------------------------

    def put_erasure(self, erasure: Erasure) -> Erasure:
        number = self._sealer.seal(erasure.number, f"erasures.number:{erasure.id}") if erasure.number else None
        values = plain_values(erasure, ("number",)) | {"number": number}
        self._upsert(erasures, values | {"found": dict(erasure.found), "records": list(erasure.records)})
        return erasure

    def erasure(self, id: str, *, lock: bool = False) -> Erasure:
        query = select(erasures).where(erasures.c.id == id)
        row = self._sql.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound(f"there is no erasure {id}")
        return self._erasure(row)

    def erasure_of(self, number_hash: str, *, lock: bool = False) -> Erasure | None:
        going_on = select(erasures).where(erasures.c.next_at.is_not(None), erasures.c.stage != Stage.DONE)
        theirs = going_on.where(erasures.c.number_hash == number_hash).limit(1)
        row = self._sql.execute(theirs.with_for_update() if lock else theirs).one_or_none()
        return None if row is None or not number_hash else self._erasure(row)

    def erasures_due(self, now: datetime, limit: int = 20) -> list[str]:
        due = select(erasures.c.id).where(erasures.c.next_at.is_not(None), erasures.c.next_at <= now)
        return list(self._sql.execute(due.order_by(erasures.c.next_at).limit(limit)).scalars())

    def erasures(self, limit: int = 50) -> list[Erasure]:
        newest = select(erasures).order_by(erasures.c.asked_at.desc(), erasures.c.id).limit(limit)
        return [self._erasure(row) for row in self._sql.execute(newest)]

    def _erasure(self, row: Row[Any]) -> Erasure:
        number = self._sealer.open(row.number, f"erasures.number:{row.id}") if row.number else ""
        plain = plain_row(Erasure, row, ("number",)) | {"records": tuple(row.records), "number": number}
        return Erasure(**plain)

    # --- what was taken out -----------------------------------------------------------------------------------------

    def put_export(self, export: Export) -> Export:
        place = self._sealer.seal(export.place, f"exports.place:{export.id}") if export.place else b""
        self._upsert(exports, plain_values(export, ("place",)) | {"place": place})
        return export

    def exports_of(self, number_hash: str) -> list[Export]:
        whose = self._whose(number_hash)
        theirs: ColumnElement[bool] = exports.c.number_hash == number_hash if number_hash else false()
        named = and_(exports.c.numbers, exports.c.kind != "person")
        rows = self._sql.execute(select(exports).where(or_(theirs, named)).order_by(exports.c.at))
        born = self._born(whose)
        return [
            export for export in map(self._export, rows)
            if export.number_hash == number_hash or any(_within(export, at) for at in born)
        ]  # fmt: skip

    def _born(self, whose: Whose) -> list[datetime]:
        """When each of their rows was written: a record of those days has it."""
        found: list[datetime] = []
        for table, key, ids in (
            (c.id.table, c.id, whose.callbacks),
            (legs, legs.c.call, whose.legs),
            (messages, messages.c.id, whose.texts),
        ):
            for some in _slices(ids):
                found += self._sql.execute(select(table.c.created_at).where(key.in_(some))).scalars()
        return found

    def _export(self, row: Row[Any]) -> Export:
        place = self._sealer.open(row.place, f"exports.place:{row.id}") if row.place else ""
        return Export(**plain_row(Export, row, ("place",)), place=place)


def _within(export: Export, at: datetime) -> bool:
    after = export.since is None or export.since <= at
    return after and at <= export.at and (export.until is None or at < export.until)


def _slices(ids: Iterable[str]) -> Iterator[list[str]]:
    known = list(dict.fromkeys(ids))
    return (known[at : at + IN_ONE] for at in range(0, len(known), IN_ONE))


def _conditions(place: Place, whose: Whose) -> Iterator[ColumnElement[bool]]:
    """Which rows are theirs: several conditions, none of which is too long."""
    for column, by in place.found.items():
        for some in _slices(whose.ids(by)):
            yield place.table.c[column].in_(some)
