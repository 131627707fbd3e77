"""How it was: what a caller says about a callback that was completed, on their page, in one number and no words.

It is asked once, may be changed as long as the link shows it, and counts in reports as satisfaction (CSAT): the share
of those who gave one of the two best scores, as the trade counts it.
"""

from dataclasses import dataclass
from datetime import datetime

from callback.domain.errors import InvalidInput
from callback.domain.ids import AgentKey, CallbackId, QueueKey

SCORES = (1, 2, 3, 4, 5)
"""From worst to best."""
GOOD = 4
"""From this one on, somebody is satisfied."""


@dataclass(frozen=True)
class Rating:
    """What one caller said. `agent` is who talked with them; `at` when they said it first, `changed_at` last."""

    callback: CallbackId
    queue: QueueKey
    agent: AgentKey | None
    score: int
    at: datetime
    changed_at: datetime


def is_good(score: int) -> bool:
    """Whether whoever gives it is satisfied."""
    return score >= GOOD


def score_of(written: str) -> int:
    """A score as a form sends it. Raises InvalidInput for anything else."""
    if written not in {str(score) for score in SCORES}:
        raise InvalidInput("score", "one of 1, 2, 3, 4 and 5")
    return int(written)
