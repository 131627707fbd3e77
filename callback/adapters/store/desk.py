"""What desks add to talks: holds, transfers and what was written down; and what somebody had with us before."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from callback.adapters.store.tables import callbacks, legs, rung_outside, talks, wrap_ups
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain.callback import LegKind
from callback.domain.desk import Earlier, Talk, WrapUp
from callback.domain.ids import AgentKey, EntryId, Token
from callback.domain.lifecycle import CallState


class Desk(Transaction):
    """The verbs on talks and their wrap-ups."""

    def put_talk(self, talk: Talk) -> Talk:
        sealed = self._sealer.seal(talk.to, f"talks.to:{talk.token}") if talk.to else None
        hashed = self._sealer.number_hash(talk.to) if talk.to.startswith("+") else None
        self._upsert(talks, plain_values(talk, ("to",)) | {"to": sealed, "to_hash": hashed})
        if hashed and talk.outside:
            self._rang_outside(talk, hashed)
        return talk

    def _rang_outside(self, talk: Talk, number_hash: str) -> None:
        """What has been added to the talk's rings since it was last written is of the number that it names now."""
        r = rung_outside.c
        rows = self._sql.execute(select(r.number_hash, r.times).where(r.token == talk.token))
        known = {row.number_hash: row.times for row in rows}
        new = talk.outside - sum(known.values())
        if new > 0:
            values = {"token": talk.token, "number_hash": number_hash, "began_at": talk.began_at}
            self._upsert(rung_outside, values | {"times": known.get(number_hash, 0) + new})

    def talk(self, token: Token, *, lock: bool = False) -> Talk | None:
        found = select(talks).where(talks.c.token == token)
        row = self._sql.execute(found.with_for_update() if lock else found).one_or_none()
        return None if row is None else self._talk(row)

    def talks(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[Talk]:
        those = (talks.c.agent == agent, talks.c.began_at >= since, talks.c.began_at < until)
        return [self._talk(row) for row in self._sql.execute(select(talks).where(*those).order_by(talks.c.began_at))]

    def asked_talks(self, *, before: datetime) -> list[Talk]:
        return [self._talk(row) for row in self._sql.execute(select(talks).where(talks.c.asked_at < before))]

    def rung_outside(self, number: str, agent: AgentKey, *, since: datetime) -> tuple[int, int]:
        r, hashed = rung_outside.c, self._sealer.number_hash(number)
        rung = select(func.coalesce(func.sum(r.times), 0)).where(r.number_hash == hashed, r.began_at >= since)
        theirs = (talks.c.agent == agent, talks.c.began_at >= since)
        asked = select(func.coalesce(func.sum(talks.c.outside), 0)).where(*theirs)
        return int(self._sql.execute(rung).scalar_one()), int(self._sql.execute(asked).scalar_one())

    def _talk(self, row: Row[Any]) -> Talk:
        to = self._sealer.open(row.to, f"talks.to:{row.token}") if row.to else ""
        return Talk(**plain_row(Talk, row, ("to",)), to=to)

    def put_wrap_up(self, wrap_up: WrapUp) -> WrapUp:
        sealed = self._sealer.seal(wrap_up.notes, f"wrap_ups.notes:{wrap_up.token}") if wrap_up.notes else None
        self._upsert(wrap_ups, plain_values(wrap_up, ("notes",)) | {"notes": sealed})
        return wrap_up

    def wrap_up(self, token: Token) -> WrapUp | None:
        row = self._sql.execute(select(wrap_ups).where(wrap_ups.c.token == token)).one_or_none()
        return None if row is None else self._wrap_up(row)

    def wrap_ups(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[WrapUp]:
        those = (wrap_ups.c.agent == agent, wrap_ups.c.began_at >= since, wrap_ups.c.began_at < until)
        found = select(wrap_ups).where(*those).order_by(wrap_ups.c.began_at.desc())
        return [self._wrap_up(row) for row in self._sql.execute(found)]

    def _wrap_up(self, row: Row[Any]) -> WrapUp:
        notes = self._sealer.open(row.notes, f"wrap_ups.notes:{row.token}") if row.notes else ""
        return WrapUp(**plain_row(WrapUp, row, ("notes",)), notes=notes)

    def earlier(self, number: str, *, but: EntryId, limit: int = 5) -> list[Earlier]:
        """Newest first, without `but`. A call that ended as a promise is told by the promise alone."""
        hashed = self._sealer.number_hash(number)
        found = self._rang(hashed, but, limit) + self._promised(hashed, but, limit)
        return sorted(found, key=lambda one: one.at, reverse=True)[:limit]

    def _rang(self, hashed: str, but: EntryId, limit: int) -> list[Earlier]:
        which = (
            legs.c.number_hash == hashed,
            legs.c.kind == LegKind.INBOUND,
            legs.c.call != but,
            legs.c.state != CallState.CALLBACK,
        )
        about = (legs.c.created_at, legs.c.queue, legs.c.state, legs.c.agent, wrap_ups.c.code, wrap_ups.c.resolved)
        joined = legs.outerjoin(wrap_ups, wrap_ups.c.token == legs.c.token)
        rows = select(*about).select_from(joined).where(*which).order_by(legs.c.created_at.desc()).limit(limit)
        return [_earlier(row, live=True) for row in self._sql.execute(rows)]

    def _promised(self, hashed: str, but: EntryId, limit: int) -> list[Earlier]:
        c, w = callbacks.c, wrap_ups.c
        about = (c.created_at, c.queue, c.state, c.agent, w.code, w.resolved)
        joined = callbacks.outerjoin(wrap_ups, w.entry == c.id)
        rows = select(*about).select_from(joined).where(c.number_hash == hashed, c.id != but)
        newest = rows.order_by(c.created_at.desc(), w.at.desc()).limit(limit)
        return [_earlier(row, live=False) for row in self._sql.execute(newest)]


def _earlier(row: Any, *, live: bool) -> Earlier:
    at, queue, state, agent, code, resolved = row
    return Earlier(at, live, queue, str(state), agent or "", code or "", resolved)
