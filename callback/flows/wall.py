"""What a wallboard shows: of each queue six numbers, each beside what it is judged by, and how they moved lately.

The numbers are the line's, looked at every second while anybody watches; the curves and the day's promises are counted
from the record and change slowly, so they are asked for only every few seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.trend import WINDOW, Trend, trend
from callback.flows import hindsight, outlook
from callback.flows.look import QueueNow, lines_now, wait_json
from callback.ports import House

KEPT_TARGET = 0.8
"""Promises that should be kept within their window: that is what an 80 % window says."""
SLOW_EVERY = timedelta(seconds=15)
STEP_S = 2


@dataclass(frozen=True)
class Past:
    """What changes slowly: the curves, and today's promises (kept, of those whose end is known)."""

    at: datetime
    trend: Trend
    kept: int
    windows: int


@dataclass(frozen=True)
class Board:
    """A queue on the wall. `limit`s are None where the policy sets none."""

    key: str
    name: str
    live: int
    callbacks: int
    waiting_limit: int | None
    callbacks_limit: int | None
    first_waits_s: int | None
    wait_s: float | None
    wait_limit_s: float | None
    quantile: str
    free: int
    staffed: int
    talking: int
    offering: bool
    accepting: bool
    dialing: bool
    past: Past | None

    @property
    def waiting(self) -> int:
        """Everybody in line."""
        return self.live + self.callbacks

    @property
    def kept_share(self) -> float | None:
        """Of today's promises whose end is known, None of none."""
        return self.past.kept / self.past.windows if self.past and self.past.windows else None


class Pasts:
    """The slow part of each queue, as this process counted it last: by the reader of one process alone."""

    def __init__(self) -> None:
        self._known: dict[QueueKey, Past] = {}

    def of(self, house: House, queue: QueueKey, zone: tzinfo) -> Past | None:
        """As known, or counted now; as known while the record is away."""
        now, known = house.clock.now(), self._known.get(queue)
        if known is not None and timedelta(0) <= now - known.at < SLOW_EVERY:
            return known
        try:
            self._known[queue] = past(house, queue, now, zone)
        except ConnectionError:
            return known
        return self._known[queue]


def past(house: House, queue: QueueKey, now: datetime, zone: tzinfo) -> Past:
    """Counted from the record."""
    with house.store.look() as work:
        moved = trend(work.stood(queue, since=now - WINDOW), work.connected(queue, since=now - WINDOW), now)
    promises = hindsight.of_queue(house, queue, hindsight.since(now, 1, zone), zone).promises
    return Past(now, moved, promises.kept, promises.windows)


def boards(house: House, pasts: Pasts, zone_of: Callable[[QueueNow], tzinfo]) -> Sequence[Board]:
    """Every queue, by key. Works while the record is away, without what only it knows."""
    return [board(house, now, pasts.of(house, now.key, zone_of(now))) for now in lines_now(house)]


def board(house: House, now: QueueNow, slow: Past | None) -> Board:
    """One queue."""
    policy, agents = now.queue.policy, now.agents()
    first = house.line.listing(now.key, limit=1)
    wait = wait_json(now.outlook.wait)[policy.offer_quantile]
    return Board(
        key=now.queue.key,
        name=now.queue.name,
        live=now.standing.live,
        callbacks=now.standing.callbacks,
        waiting_limit=policy.offer_at_waiting,
        callbacks_limit=policy.max_outstanding,
        first_waits_s=_in_steps((now.now - first[0].joined_at).total_seconds()) if first else None,
        wait_s=None if wait is None else round(wait),
        wait_limit_s=policy.offer_at_wait_s,
        quantile=policy.offer_quantile,
        free=agents[AgentStatus.AVAILABLE],
        staffed=outlook.staffed(now.standing),
        talking=agents[AgentStatus.BUSY],
        offering=now.outlook.decision.offering,
        accepting=policy.accepting,
        dialing=policy.dialing,
        past=slow,
    )


def _in_steps(seconds: float) -> int:
    """Whole steps of a clock that ticks every two seconds: what merely grows older is no news each second."""
    return int(seconds // STEP_S) * STEP_S
