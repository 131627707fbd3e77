"""A change of a policy that takes effect at a time to come.

It is kept as the fields it changes, so that whatever others save until then stays; where they change the same fields,
the one that comes last, which is the plan, counts. Everybody sees it on the queue's page until then and may take it
back.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from callback.domain.errors import InvalidInput
from callback.domain.ids import QueueKey


class Forfeited(StrEnum):
    """Why a plan does not take effect that the rules would accept: its planner may not do so any more."""

    GONE = "whoever planned it is no user any more"
    DISABLED = "whoever planned it cannot sign in any more"
    ROLE = "whoever planned it may not change thresholds any more"


FURTHEST = timedelta(days=366)


class PlanState(StrEnum):
    """What became of a plan. Only one that is waiting can still become anything."""

    WAITING = "waiting"
    APPLIED = "applied"
    TAKEN_BACK = "taken_back"
    REFUSED = "refused"  # rules, or its planner's rights, had changed when its time came; nobody has taken note yet
    NOTED = "noted"  # refused, and somebody has


@dataclass(frozen=True)
class Planned:
    """A planned change. `by` and `role` are who planned it; `ended_by` who took it back, or took note of it; `note` why
    it was refused, `version` the version of the policy that it became."""

    id: str
    queue: QueueKey
    changes: Mapping[str, Any]
    effective_at: datetime
    by: str
    role: str
    why: str
    created_at: datetime
    state: PlanState = PlanState.WAITING
    version: int | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    note: str = ""


def new_plan_id() -> str:
    """A new id of a plan."""
    return f"pl{secrets.token_hex(8)}"


def check_time(at: datetime, now: datetime) -> None:
    """Raises InvalidInput for a time that is over, or further away than anybody can mean."""
    if not now < at <= now + FURTHEST:
        raise InvalidInput("from", f"choose a time to come, at most {FURTHEST.days} days from now")
