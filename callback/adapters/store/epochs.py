"""How old the line should be, and who fills it again: one row, changed only by those who know its number.

A rebuild takes the next number, by which it is told from one that was given up for dead and went on all the same.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from callback.adapters.store.tables import epoch
from callback.adapters.store.transaction import Transaction
from callback.ports import Epoch

_ROW = select(epoch.c.number, epoch.c.run, epoch.c.at, epoch.c.rebuilding_until)


class Epochs(Transaction):
    """The verbs on the line's age."""

    def epoch(self) -> Epoch | None:
        found = self._sql.execute(_ROW).one_or_none()
        return None if found is None else Epoch(*found)

    def first_epoch(self, number: int, run: str, at: datetime) -> bool:
        return self._insert_new(epoch, {"id": 1, "number": number, "run": run, "at": at, "rebuilding_until": None})

    def advance_epoch(self, number: int, to: int, at: datetime) -> bool:
        return self._change(epoch.c.number == number, epoch.c.rebuilding_until.is_(None), number=to, at=at)

    def claim_rebuild(self, now: datetime, until: datetime) -> int | None:
        row = {"id": 1, "number": 1, "run": "", "at": now, "rebuilding_until": until}
        if self._insert_new(epoch, row):
            return 1
        free = or_(epoch.c.rebuilding_until.is_(None), epoch.c.rebuilding_until <= now)
        if not self._change(free, number=epoch.c.number + 1, at=now, rebuilding_until=until):
            return None
        number: int = self._sql.execute(select(epoch.c.number)).scalar_one()
        return number

    def renew_rebuild(self, number: int, until: datetime) -> bool:
        return self._change(*_mine(number), rebuilding_until=until)

    def end_rebuild(self, number: int, run: str, at: datetime) -> bool:
        return self._change(*_mine(number), rebuilding_until=None, run=run, at=at)

    def _change(self, *conditions: Any, **values: Any) -> bool:
        return bool(self._sql.execute(update(epoch).where(epoch.c.id == 1, *conditions).values(**values)).rowcount == 1)


def _mine(number: int) -> tuple[Any, ...]:
    return epoch.c.number == number, epoch.c.rebuilding_until.is_not(None)
