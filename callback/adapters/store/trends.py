"""Who stood in a line lately, and what callers were told and waited: what a wallboard's curves are counted from."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from callback.adapters.store.tables import callbacks, legs, predictions
from callback.adapters.store.transaction import Transaction
from callback.domain.callback import LegKind
from callback.domain.ids import QueueKey
from callback.domain.said import Fate, Moment
from callback.domain.trend import Connected, Stood

BEFORE = timedelta(hours=6)
"""So much before the window somebody may have joined and still count."""
PROMISED_BEFORE = timedelta(days=3)
MOST = 20_000
"""Rows of each kind, the newest: a screen shows the last two hours."""


class Trends(Transaction):
    """The verbs on a line's past."""

    def stood(self, queue: QueueKey, *, since: datetime) -> list[Stood]:
        left = func.coalesce(legs.c.bridged_at, legs.c.ended_at)
        live = (
            select(legs.c.joined_at, left)
            .where(
                legs.c.queue == queue,
                legs.c.created_at >= since - BEFORE,
                legs.c.kind == LegKind.INBOUND,
                legs.c.joined_at.is_not(None),
                left.is_(None) | (left >= since),
            )
            .order_by(legs.c.created_at.desc())
            .limit(MOST)
        )
        promised = (
            select(callbacks.c.created_at, callbacks.c.requested_for, callbacks.c.ended_at)
            .where(
                callbacks.c.queue == queue,
                callbacks.c.created_at >= since - PROMISED_BEFORE,
                callbacks.c.ended_at.is_(None) | (callbacks.c.ended_at >= since),
            )
            .order_by(callbacks.c.created_at.desc())
            .limit(MOST)
        )
        found = [Stood(joined, gone, True) for joined, gone in self._sql.execute(live)]
        return found + [
            Stood(max(made, wanted) if wanted else made, ended, False)
            for made, wanted, ended in self._sql.execute(promised)
        ]

    def connected(self, queue: QueueKey, *, since: datetime) -> list[Connected]:
        p = predictions.c
        newest = (
            select(p.fate_at, p.p50, p.waited_s)
            .where(
                p.queue == queue,
                p.at >= since - BEFORE,
                p.fate_at >= since,
                p.moment == Moment.ARRIVAL,
                p.fate == Fate.CONNECTED,
                p.p50.is_not(None),
                p.waited_s.is_not(None),
            )
            .order_by(p.seq.desc())
            .limit(MOST)
        )
        return [Connected(*row) for row in self._sql.execute(newest)]
