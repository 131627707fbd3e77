"""The acts of those who run the house, for the audit log: who did what to what, from what, to what, when and why.

The journal tells what became of callers; this tells who changed the house itself, or laid a hand on somebody's place.
It is only ever appended to. No number and no caller's name stands in it, ids and masked numbers alone, so that nothing
of it has to be blanked when somebody asks to be forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from callback.domain import phone


class What(StrEnum):
    """What was done. A word once written never changes."""

    POLICY_SAVE = "policy.save"
    POLICY_REVERT = "policy.revert"
    POLICY_PLAN = "policy.plan"
    POLICY_UNPLAN = "policy.unplan"
    POLICY_EFFECT = "policy.effect"
    POLICY_REFUSED = "policy.refused"
    POLICY_NOTED = "policy.noted"
    POLICY_SWITCH = "policy.switch"
    STOP_EVERYTHING = "policy.stop"
    START_AGAIN = "policy.start"
    QUEUE_SAVE = "queue.save"
    AGENT_SAVE = "agent.save"
    AGENT_PRESENCE = "agent.presence"
    AGENT_RING = "agent.ring"
    AGENT_RANG = "agent.rang"
    NUMBER_POINT = "number.point"
    FIRST_USE = "first_use.step"
    USER_SAVE = "user.save"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_INVITE = "user.invite"
    USER_RESET = "user.reset_password"
    USER_PASSWORD = "user.password"  # noqa: S105
    USER_TWO_STEP_ON = "user.two_step_on"
    USER_TWO_STEP_OFF = "user.two_step_off"
    USER_TWO_STEP_RESET = "user.two_step_reset"
    USER_CODES = "user.recovery_codes"
    USER_CODE_SPENT = "user.recovery_code_used"
    USER_SIGN_OUT = "user.sign_out_everywhere"
    TWO_STEP_RULE = "house.two_step"
    TOKEN_SAVE = "token.save"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    CALLBACK_ADD = "callback.add"
    CALLBACK_CANCEL = "callback.cancel"
    CALLBACK_RESCHEDULE = "callback.reschedule"
    CALLBACK_MOVE = "callback.move"
    CALLBACK_RING = "callback.ring"
    CALLBACK_SEARCH = "callback.search"
    HELD_RETRY = "held.retry"
    HELD_DROP = "held.drop"
    PROMPT_SAVE = "prompt.save"
    PROMPT_REVERT = "prompt.revert"
    EXPORT = "data.export"
    ERASE = "data.erase"
    RESEAL = "data.reseal"


@dataclass(frozen=True)
class Doer:
    """Who does it: the email of somebody signed in, `cli:USER` or `token:NAME`, and the role they had then."""

    by: str
    role: str = ""


@dataclass(frozen=True)
class Act:
    """One line of the audit log. `before` and `after` hold only what differs; `seq` is 0 until it is saved."""

    at: datetime
    by: str
    role: str
    what: str  # a `What`, or a word that another version wrote
    subject: str  # the key or id of what it was done to
    queue: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    cause: str = ""  # why, in the doer's own words
    seq: int = 0


def act(
    doer: Doer,
    what: What,
    subject: str,
    at: datetime,
    *,
    queue: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    cause: str = "",
) -> Act:
    """An act with what differs between `before` and `after` alone."""
    old, new = differing(before, after)
    return Act(at, doer.by, doer.role, what, subject, queue, old, new, cause)


def differing(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Both without what is the same in both. One that is None (made, or gone) leaves the other whole."""
    if before is None or after is None:
        return before, after
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple({name: side[name] for name in changed if name in side} for side in (before, after))  # type: ignore[return-value]


def contact_masked(contact: str) -> str:
    """Where an agent takes calls, as far as the log may know."""
    return contact if contact.startswith(("sip:", "client:")) else phone.mask(contact)
