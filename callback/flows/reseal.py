"""After a key was replaced: everything that older ones sealed is sealed again, a batch at a time.

Safe while calls go on and with others at it, and whoever dies in the middle has done what they had done: a second run
finds what is left.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from callback.domain.acts import Doer, What, act
from callback.ports import Store

BATCH = 200
"""Rows looked at in one transaction: SQLite's only writer is held for some 20 ms."""

Progress = Callable[[int], None]
"""Told after each batch how many rows more are done."""


@dataclass(frozen=True)
class Done:
    """Rows by table: those sealed again, those with something that no key at hand opens, and those that somebody has
    sealed under an older key meanwhile: a process which does not know the new one yet."""

    resealed: Mapping[str, int]
    unreadable: Mapping[str, int]
    meanwhile: Mapping[str, int]


def left(store: Store) -> dict[str, int]:
    """Rows with something that is sealed under an older key, by table; tables without any are missing."""
    with store.look() as work:
        return work.sealed_before()


def reseal(store: Store, doer: Doer, at: datetime, progress: Progress = lambda _: None) -> Done:
    """All of it; `at` (aware) is for the audit log. Raises StoreUnavailable."""
    resealed, unreadable = Counter[str](), Counter[str]()
    for table in left(store):
        after: str | None = ""
        while after is not None:
            with store.begin() as work:
                batch = work.reseal(table, after=after, limit=BATCH)
            resealed[table] += batch.rows - batch.unreadable
            unreadable[table] += batch.unreadable
            after = batch.last
            progress(batch.rows)
    done = Done(dict(+resealed), dict(+unreadable), dict(Counter(left(store)) - unreadable))
    if done.resealed:
        told = {"rows": sum(done.resealed.values())}
        with store.begin() as work:
            work.act(act(doer, What.RESEAL, "", at, after=told))
    return done
