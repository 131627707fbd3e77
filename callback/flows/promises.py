"""How many promises of a queue are open, and at which times somebody may still be called later.

At the moment of a promise the record is asked, under a lock, so that of two who take the last place one gets it. An
offer must cost the webhook nothing: the sweep leaves the figures on the board, where they are a second old at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callback.domain import hours, slots, wait
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import STAFFED
from callback.domain.policy import Policy, Queue
from callback.ports import House, Standing, Work

OPEN, TODAY = "open:", "today:"
"""Figures of the board, by queue."""
TICK = "tick"
FRESH = timedelta(seconds=5)
"""Without a round of the sweep for so long, the line's own count is the better one."""


@dataclass(frozen=True)
class Booked:
    """Promises of a queue that are open, and how many of them have to be kept before it closes."""

    outstanding: int
    due_today: int


def known(house: House, queue: Queue, standing: Standing) -> Booked:
    """Without asking the record: from the board, and at least those who stand in line."""
    picture, key = house.board.read(), queue.key
    swept = picture.beats.get(TICK)
    if swept is None or house.clock.now() - swept > FRESH:
        return Booked(standing.callbacks, standing.callbacks)
    found = (picture.counts.get(f"{name}{key}", 0) for name in (OPEN, TODAY))
    return Booked(*(max(count, standing.callbacks) for count in found))


def count(house: House, keys: Iterable[QueueKey]) -> int:
    """Leave the figures on the board, of each queue that has a rule about them; returns of how many."""
    queues = [queue for queue in map(house.book.queue, keys) if counts(queue.policy)]
    if not queues:
        return 0
    now = house.clock.now()
    with house.store.look() as work:
        figures = {f"{OPEN}{queue.key}": work.outstanding(QueueKey(queue.key)) for queue in queues}
        for queue in queues:
            closing = hours.closes_at(queue.policy.hours, now)
            figures[f"{TODAY}{queue.key}"] = work.outstanding(QueueKey(queue.key), before=closing)
    house.board.count(**figures)
    return len(queues)


def counts(policy: Policy) -> bool:
    """Whether the policy has a rule on the number of promises."""
    return policy.max_outstanding is not None or (policy.hours is not None and policy.closing_guard)


def one_by_one(work: Work, queue: Queue) -> None:
    """Nobody else makes a promise in this queue, or takes an appointment, until the transaction ends. Before the
    promise is added, always: two who waited for each other would both fail."""
    work.outstanding(QueueKey(queue.key), lock=True)


def beside_this(work: Work, queue: Queue, now: datetime) -> Booked:
    """From the record, beside the promise that this transaction has just added."""
    key = QueueKey(queue.key)
    outstanding = work.outstanding(key) - 1
    closing = hours.closes_at(queue.policy.hours, now)
    return Booked(outstanding, outstanding if closing is None else work.outstanding(key, before=closing) - 1)


# --- appointments -----------------------------------------------------------------------------------------------


def times(house: House, queue: Queue, wanted: Iterable[datetime]) -> tuple[datetime, ...]:
    """For each wanted time the first one from it on that has room, without doubles, in order."""
    key, now = QueueKey(queue.key), house.clock.now()
    most = most_in_a_quarter(queue, house.line.standing(key, None))
    with house.store.look() as work:
        booked = work.booked(key, since=now - slots.QUARTER, until=now + slots.FURTHEST + slots.FURTHEST)
    found = (slots.with_room(queue.policy.hours, at, booked, most) for at in wanted)
    return tuple(sorted({at for at in found if at is not None}))


def still_free(work: Work, queue: Queue, standing: Standing, at: datetime) -> datetime | None:
    """`at`, or the next time with room where somebody has just taken the last place in its quarter."""
    key = QueueKey(queue.key)
    booked = work.booked(key, since=slots.quarter(at), until=at + slots.FURTHEST)
    return slots.with_room(queue.policy.hours, at, booked, most_in_a_quarter(queue, standing))


def most_in_a_quarter(queue: Queue, standing: Standing) -> int:
    """By the agents who are there now."""
    staffed = sum(count for status, count in standing.agents.items() if status in STAFFED)
    return slots.per_quarter(staffed=staffed, handle_s=wait.mean_handle(standing.measured, queue.policy))
