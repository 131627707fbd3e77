"""Changes of a policy that take effect later: planned, taken back, and put in force at their time, exactly once.

Whether a plan was put in force is written in the transaction that saves its version, and a plan ends only once. So two
keepers at the same moment, or one that dies in the middle, make one version; the line learns of it as of any other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from callback.domain import policies
from callback.domain.access import MAY_SET_POLICIES
from callback.domain.acts import Doer, What, act
from callback.domain.errors import InvalidInput, Stale
from callback.domain.ids import QueueKey
from callback.domain.planned import Forfeited, Planned, PlanState, check_time, new_plan_id
from callback.flows import configure
from callback.ports import House, Work

_log = structlog.get_logger("callback.planned")


def plan(
    house: House,
    key: QueueKey,
    changes: Mapping[str, Any],
    *,
    at: datetime,
    by: str,
    role: str = "",
    why: str = "",
    base: int | None = None,
) -> Planned:
    """Have these changes take effect at `at` (aware). `base` is the version that they were made on. Raises NotFound,
    InvalidInput, and Overtaken where somebody saved the same fields otherwise since."""
    now = house.clock.now()
    check_time(at, now)
    with house.store.begin() as work:
        queue = work.queue(key)
        configure.check_base(work, queue, changes, base)
        before = policies.to_json(queue.policy)
        policies.parse(changes, queue.policy)
        made = work.add_plan(Planned(new_plan_id(), key, dict(changes), at, by, role, why, now))
        old = {name: before[name] for name in changes}
        new = {**changes, "effective_at": at.isoformat()}
        work.act(act(Doer(by, role), What.POLICY_PLAN, made.id, now, queue=key, before=old, after=new, cause=why))
    return made


def take_back(house: House, key: QueueKey, id: str, *, by: str, role: str = "") -> bool:
    """It does not take effect. False: it has, or somebody took it back before. Raises NotFound."""
    now = house.clock.now()
    with house.store.begin() as work:
        if work.plan(id).queue != key or not work.end_plan(id, PlanState.TAKEN_BACK, at=now, by=by):
            return False
        work.act(act(Doer(by, role), What.POLICY_UNPLAN, id, now, queue=key))
    return True


def put_in_force(house: House) -> int:
    """Everything whose time has come, in its order; returns how many versions that made."""
    with house.store.look() as work:
        due = work.plans_due(house.clock.now())
    return sum(apply(house, one) for one in due)


def apply(house: House, planned: Planned) -> bool:
    """Put one in force; False where somebody else has, or where it cannot be."""
    try:
        with house.store.begin() as work:
            done = applied(house, work, planned)
    except Stale:
        return False  # somebody saved at this very moment: the next round finds it again
    except InvalidInput as refused:
        _refuse(house, planned, str(refused))
        return False
    if done:
        configure.publish(house)
    return done


def applied(house: House, work: Work, planned: Planned) -> bool:
    """The same within a transaction. Raises Stale, InvalidInput."""
    now = house.clock.now()
    lost = forfeited(work, planned)
    if lost is not None:
        raise InvalidInput("by", lost)
    queue = work.queue(planned.queue)
    if not work.end_plan(planned.id, PlanState.APPLIED, at=now, version=queue.version + 1):
        return False
    doer = Doer(planned.by, planned.role)
    configure.save_policy(work, queue, planned.changes, doer, planned.why, now, What.POLICY_EFFECT)
    return True


def forfeited(work: Work, planned: Planned) -> Forfeited | None:
    """Why a plan is worth nothing any more: it takes effect by the right of whoever planned it, as they have it then.
    None: they may; also a program or the command line, which have no account here."""
    if "@" not in planned.by:
        return None
    user = work.user(planned.by)
    if user is None:
        return Forfeited.GONE
    if user.disabled:
        return Forfeited.DISABLED
    return None if user.role in MAY_SET_POLICIES else Forfeited.ROLE


def _refuse(house: House, planned: Planned, why: str) -> None:
    """Rules or rights have changed since it was planned: it is shown until somebody takes note, and not tried again."""
    _log.error("a planned change of a policy was refused", queue=planned.queue, plan=planned.id, why=why)
    now, doer = house.clock.now(), Doer(planned.by, planned.role)
    with house.store.begin() as work:
        if work.end_plan(planned.id, PlanState.REFUSED, at=now, note=why):
            refused = {**planned.changes, "effective_at": planned.effective_at.isoformat()}
            work.act(act(doer, What.POLICY_REFUSED, planned.id, now, queue=planned.queue, after=refused, cause=why))


# --- what was refused -------------------------------------------------------------------------------------------


def refused(house: House) -> list[Planned]:
    """What did not take effect, in any queue, and nobody has taken note of yet."""
    with house.store.look() as work:
        return work.refused_plans()


def take_note(house: House, key: QueueKey, id: str, *, by: str, role: str = "") -> bool:
    """Somebody has seen that it did not take effect. False: somebody had before, or it did. Raises NotFound."""
    now = house.clock.now()
    with house.store.begin() as work:
        if work.plan(id).queue != key or not work.note_plan(id, by=by):
            return False
        work.act(act(Doer(by, role), What.POLICY_NOTED, id, now, queue=key))
    return True
