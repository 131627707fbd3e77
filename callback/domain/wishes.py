"""What callers may change about their callback on its page, and where it puts them in the line.

A page offers nothing that would be refused for a reason known beforehand, and nobody overtakes by being ready early:
whose turn had come before keeps the place, everybody else joins the line as it is now.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callback.domain import hours, order, phone
from callback.domain.callback import Callback
from callback.domain.lifecycle import ENDS, State
from callback.domain.policy import Policy

NOT_ASKED = "the caller did not ask for it"
"""Why a callback ended whose number is never rung again."""
READY = "the caller is ready now"
MOVED = "moved: the caller is ready now"
"""With another place than before: an audit takes such a reason for leave to have moved (`domain.audit.promises`)."""


class Wish(StrEnum):
    """What the page can be asked for."""

    AGAIN = "again"  # I missed your call: ring me again
    NOW = "now"  # I am ready before the time that I asked for
    LATER = "later"
    NUMBER = "number"
    CANCEL = "cancel"
    DISOWN = "disown"  # I did not ask for this


class Hindrance(StrEnum):
    """Why somebody who is ready cannot be rung before their time."""

    CLOSED = "closed"
    CLOSING = "closing"  # not before the queue closes
    QUIET = "quiet"  # where they are, nobody may be rung at this hour


MOVABLE = frozenset({State.WAITING, State.SCHEDULED})
"""Nobody is acting on it, so that its time and its number can change."""
UNWANTED_ENDS = frozenset({State.CANCELLED, State.UNREACHED, State.EXPIRED})


@dataclass(frozen=True)
class Place:
    """A place in line: the score, the time of joining, and the reason for the journal."""

    score: int
    joined_at: datetime
    reason: str


def choices(callback: Callback, policy: Policy, now: datetime) -> tuple[Wish, ...]:
    """What the page offers at this moment, the most helpful first."""
    offered = [Wish.AGAIN] if rests_after_a_miss(callback, policy, now) else []
    if callback.state is State.SCHEDULED:
        offered.append(Wish.NOW)
    if callback.state in MOVABLE:
        offered += [Wish.LATER, Wish.NUMBER]
    if cancellable(callback):
        offered.append(Wish.CANCEL)
    if disownable(callback):
        offered.append(Wish.DISOWN)
    return tuple(offered)


def cancellable(callback: Callback) -> bool:
    """Whether there is anything left to cancel."""
    return callback.state not in ENDS and callback.state is not State.BRIDGED


def disownable(callback: Callback) -> bool:
    """Whether "I did not ask for this" can still be meant: not by somebody who talks or talked with us."""
    if callback.state in ENDS:
        return callback.state in UNWANTED_ENDS and callback.end_reason != NOT_ASKED
    return callback.state not in (State.ANSWERED, State.BRIDGED)


def missed(callback: Callback, policy: Policy) -> bool:
    """Whether we rang before and did not reach them, as far as the attempts that are left tell."""
    return callback.proved and callback.attempts_made > 0 and callback.attempts_left < policy.attempts


def rests_after_a_miss(callback: Callback, policy: Policy, now: datetime) -> bool:
    """Whether they wait for the next attempt after one that they missed."""
    return callback.state is State.WAITING and not callback.due(now) and missed(callback, policy)


def place_now(callback: Callback, policy: Policy, now: datetime) -> Place:
    """Where somebody stands who is ready now.

    After a missed attempt, or a "later" pressed at the answer, their turn had come: they keep the place, or have the
    one that the policy gives at the next attempt already. Who had asked for another time before their turn came joins
    the line now, with their priority, behind everybody who did so before.
    """
    here = order.score(now, policy.priority_credit_s.get(callback.priority, 0))
    turn_had_come = callback.attempts_made > 0 or callback.state is State.WAITING
    score = min(callback.score, here) if turn_had_come else here
    if score == callback.score:
        return Place(score, callback.joined_at, READY)
    return Place(score, callback.joined_at if turn_had_come else now, MOVED)


def hindrance(callback: Callback, policy: Policy, now: datetime) -> Hindrance | None:
    """Why they cannot be rung now although they are ready."""
    if hours.quiet_until(policy.quiet_hours, phone.zones_of(callback.number), now) is not None:
        return Hindrance.QUIET
    if callback.state is State.SCHEDULED and not hours.is_open(policy.hours, now):
        return Hindrance.CLOSED
    return None
