"""Changes of policies that take effect later: each ends once, whoever is quickest."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from callback.adapters.store.tables import planned_policies
from callback.adapters.store.transaction import Transaction
from callback.domain.errors import NotFound
from callback.domain.ids import QueueKey
from callback.domain.planned import Planned, PlanState

_WAITING = planned_policies.c.state == PlanState.WAITING
_REFUSED = planned_policies.c.state == PlanState.REFUSED
_BY_TIME = planned_policies.c.effective_at, planned_policies.c.id


class Plans(Transaction):
    """The verbs on planned changes."""

    def add_plan(self, plan: Planned) -> Planned:
        self._sql.execute(insert(planned_policies), asdict(plan) | {"changes": dict(plan.changes)})
        return plan

    def plan(self, id: str) -> Planned:
        row = self._sql.execute(select(planned_policies).where(planned_policies.c.id == id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no planned change {id}")
        return _plan(row)

    def plans(self, queue: QueueKey) -> list[Planned]:
        those = select(planned_policies).where(planned_policies.c.queue == queue, _WAITING).order_by(*_BY_TIME)
        return [_plan(row) for row in self._sql.execute(those)]

    def plans_due(self, now: datetime, limit: int = 100) -> list[Planned]:
        due = select(planned_policies).where(_WAITING, planned_policies.c.effective_at <= now)
        return [_plan(row) for row in self._sql.execute(due.order_by(*_BY_TIME).limit(limit))]

    def end_plan(
        self,
        id: str,
        state: PlanState,
        *,
        at: datetime,
        by: str = "",
        version: int | None = None,
        note: str = "",
    ) -> bool:
        ended = {"state": state, "ended_at": at, "ended_by": by, "version": version, "note": note}
        waiting = update(planned_policies).where(planned_policies.c.id == id, _WAITING).values(**ended)
        return bool(self._sql.execute(waiting).rowcount == 1)

    def refused_plans(self) -> list[Planned]:
        those = select(planned_policies).where(_REFUSED).order_by(*_BY_TIME)
        return [_plan(row) for row in self._sql.execute(those)]

    def note_plan(self, id: str, *, by: str) -> bool:
        seen = update(planned_policies).where(planned_policies.c.id == id, _REFUSED)
        return bool(self._sql.execute(seen.values(state=PlanState.NOTED, ended_by=by)).rowcount == 1)


def _plan(row: Row[Any]) -> Planned:
    found = Planned(**row._mapping)
    return replace(found, queue=QueueKey(found.queue), state=PlanState(found.state))
