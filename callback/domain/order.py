"""Who is next: a place in line as one integer, and the named rules by which somebody may be served before another.

A score is the microsecond at which somebody joined, less the credit of their priority; the lowest is next. It is
derived from columns of the record, so that the line can be rebuilt with the same positions, and it is exact in a
double (below 2^53 until the year 2255), which is what sorted sets hold.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Rule(StrEnum):
    """Why somebody was served before another of lower score in the same queue. Without one of these it is a breach."""

    SKILL = "skill"  # the agent does not serve the one who was passed over
    NOT_DUE = "not_due"  # their retry time, or the time they asked for, had not come
    UNREACHABLE = "unreachable"  # they were being rung, or had just not answered
    CALLERS_WISH = "callers_wish"  # they asked for later
    PREFERRED_AGENT = "preferred_agent"  # they wait for their own agent
    IN_MENU = "in_menu"  # they were hearing the greeting or the offer, and could not be connected yet
    DIALING_OFF = "dialing_off"  # dialling is switched off in the queue, so promises wait
    QUIET_HOURS = "quiet_hours"  # where they are, nobody may be rung at this hour
    CREDIT = "credit"  # the other joined later, but with a priority's credit
    MOVED = "moved"  # somebody with the right to do so moved the other ahead; the journal says who


def score(joined_at: datetime, credit_s: float = 0) -> int:
    """The place of somebody who joined at `joined_at` (aware) with so many seconds of credit, in microseconds."""
    return (joined_at - EPOCH) // _MICROSECOND - _micros(credit_s)


def joined(score: int, credit_s: float = 0) -> datetime:
    """The time of joining behind a score: the inverse of `score` (aware, UTC)."""
    return EPOCH + timedelta(microseconds=score + _micros(credit_s))


def rejoin_score(place: int, *, missed_place: str, at: datetime, credit_s: float = 0) -> int:
    """The place after a missed attempt, where `place` is the one held before.

    `keep` keeps it; `back` rejoins at the retry time `at`, with the same credit, and never ahead of the old place.
    """
    if missed_place == "keep":
        return place
    return max(place, score(at, credit_s))


def priority(joined_at: datetime, place: int, credits_s: Mapping[str, float]) -> str:
    """The segment whose credit is in a place that was taken at `joined_at`; "" for a place without one.

    A place is told by its score wherever it travels, and the name of its segment is not. Of segments with the same
    credit it is the first: their order is the same.
    """
    credit = score(joined_at) - place
    return next((key for key, seconds in credits_s.items() if credit > 0 and _micros(seconds) == credit), "")


def ahead_of(first: int) -> int:
    """The place just before the one that is first now."""
    return first - 1


def ahead_s(joined_at: datetime, place: int) -> float:
    """How far a place lies ahead of the time of joining, in seconds: a credit, or that somebody moved it. Below 0 for a
    place that was lost."""
    return (score(joined_at) - place) / 1e6


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
