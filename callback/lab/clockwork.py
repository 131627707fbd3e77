"""A queue's opening hours for a simulation that asks at every event: the real rule, asked once for each opening.

`domain.hours` reads a plan with time zones and holidays at each question, which takes a hundred times as long as all
else that an event does. A queue stays open, or closed, until a moment that the rule names, so its answer is kept until
then.
"""

from datetime import UTC, datetime, timedelta

from callback.domain import hours
from callback.domain.order import EPOCH
from callback.domain.policy import Policy

_MICROSECOND = 1_000_000


def moment(seconds: float) -> datetime:
    """Epoch seconds as an aware time (UTC), to the microsecond."""
    return EPOCH + timedelta(microseconds=round(seconds * _MICROSECOND))


class OpeningHours:
    """Asked with rising times (epoch seconds)."""

    def __init__(self, policy: Policy) -> None:
        self._hours = policy.hours
        self._until = float("-inf")
        self._open = True
        self._closes: float | None = None

    def is_open(self, now: float) -> bool:
        """Whether the queue is open."""
        if self._hours is None:
            return True
        if now >= self._until:
            self._look(now)
        return self._open

    def closes_in_s(self, now: float) -> float | None:
        """Seconds until it closes; None where it is closed, or never does."""
        return None if not self.is_open(now) or self._closes is None else self._closes - now

    def _look(self, now: float) -> None:
        at = moment(now)
        self._open = hours.is_open(self._hours, at)
        if self._open:
            closing = hours.closes_at(self._hours, at)
            self._closes = closing.timestamp() if closing else None
            # A queue that does not close for weeks is asked again in a week.
            self._until = self._closes if self._closes is not None else now + 7 * 86400
        else:
            opening = hours.next_opening(self._hours, at)
            self._until = opening.timestamp() if opening else float("inf")


def closings(policy: Policy, start: float, end: float) -> list[float]:
    """The moments (epoch seconds) from `start` to `end` at which the queue closes."""
    found: list[float] = []
    at: datetime | None = moment(start).astimezone(UTC)
    while policy.hours is not None and at is not None:
        opening = hours.next_opening(policy.hours, at)
        at = hours.closes_at(policy.hours, opening) if opening is not None else None
        if at is None or at.timestamp() > end:
            break
        found.append(at.timestamp())
    return found
