"""The wait and the offer for somebody at a place in line: the one computation behind the voice, the API and the
pages."""

from dataclasses import dataclass
from datetime import datetime

from callback.domain import hours, offer, promised, spoken, wait
from callback.domain.dialogue import Prompt
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import STAFFED, AgentStatus
from callback.domain.policy import Policy, Queue
from callback.domain.promised import FIRST_REACH, Ahead, Reach
from callback.domain.table import Table
from callback.flows import condition, lessons, promises
from callback.flows.promises import Booked
from callback.ports import House, Standing


@dataclass(frozen=True)
class Outlook:
    """What is said to, and decided for, one place in line."""

    wait: wait.Wait
    decision: offer.Decision


def look(
    queue: Queue,
    standing: Standing,
    now: datetime,
    *,
    can_ring: bool = True,
    booked: Booked | None = None,
    table: Table | None = None,
    reach: Reach = FIRST_REACH,
) -> Outlook:
    """The wait at `standing.position` and whether to offer a callback there, if anybody `can_ring` at all. `booked` are
    the promises that are open, those in line unless given; `table` what the estimator left, if anything."""
    policy = queue.policy
    ahead = max((standing.position or 1) - 1, 0)
    expected = expect(queue, standing, now, table, reach)
    decision = offer.decide(
        wait=expected,
        waiting=ahead,
        free=max(at_work(standing)[AgentStatus.AVAILABLE] - ahead, 0) if standing.whole else 0,
        staffed=staffed(standing) if standing.whole else 1,
        is_open=policy.hours is None or hours.is_open(policy.hours, now),
        outstanding=booked.outstanding if booked else standing.callbacks,
        due_today=booked.due_today if booked else None,
        offering_before=standing.offering,
        policy=policy,
        closes_in_s=closes_in_s(policy, now) if standing.whole else None,
        measured=standing.measured,
        can_ring=can_ring,
    )
    return Outlook(expected, decision)


def expect(
    queue: Queue, standing: Standing, now: datetime, table: Table | None, reach: Reach = FIRST_REACH
) -> wait.Wait:
    """The wait at `standing.position`: what was learnt, as long as the table holds, else what the simple rule says.
    From a line that is not whole nobody can tell who is ahead or at work: the wait is unknown."""
    if not standing.whole:
        return wait.UNKNOWN

    def simple(ahead: int) -> wait.Wait:
        return promised.estimate(
            ahead=who(standing, ahead),
            agents=at_work(standing),
            measured=standing.measured,
            policy=queue.policy,
            reach=reach,
        )

    position = max(standing.position or 1, 1)
    ruled = simple(position - 1)
    if ruled in (wait.UNKNOWN, wait.FREE) or table is None or not table.holds(now, standing.config):
        return ruled
    return table.wait(position, simple)


def at_work(standing: Standing) -> dict[AgentStatus, int]:
    """How many agents there are by status, for whoever stands here: one who is kept for a phone that rings in another
    queue is as good as reserved."""
    agents = {status: standing.agents.get(status, 0) for status in AgentStatus}
    kept = min(standing.kept, agents[AgentStatus.AVAILABLE])
    agents[AgentStatus.AVAILABLE] -= kept
    agents[AgentStatus.RESERVED] += kept
    return agents


def who(standing: Standing, ahead: int) -> Ahead:
    """Who the first `ahead` are. Of another place than their own, the mix is taken to be that of their own."""
    here = max((standing.position or 1) - 1, 0)
    due, later = standing.due_ahead, standing.later_ahead
    if ahead != here:
        due, later = (round(count * ahead / here) if here else 0 for count in (due, later))
    return Ahead(max(ahead - due - later, 0), due, later)


def present(house: House, queue: Queue, standing: Standing, now: datetime) -> Outlook:
    """`look` with everything that this process knows besides: nobody is asked for it."""
    return look(
        queue,
        standing,
        now,
        can_ring=condition.can_ring(house, queue),
        booked=promises.known(house, queue, standing),
        table=house.waits.table(QueueKey(queue.key)),
        reach=lessons.reach(house, queue),
    )


def wait_at(house: House, queue: Queue, standing: Standing, now: datetime) -> wait.Wait:
    """The wait that `present` tells, without the decision."""
    return expect(queue, standing, now, house.waits.table(QueueKey(queue.key)), lessons.reach(house, queue))


def look_and_note(house: House, queue: Queue, standing: Standing, now: datetime) -> Outlook:
    """As `present`, and the line remembers whether the queue is offering, for the hysteresis: nobody but the last in
    line tells that the wait has become short."""
    outlook = present(house, queue, standing, now)
    still = offer.still_offering(outlook.decision, standing.offering)
    last = (standing.position or 1) >= standing.live + standing.callbacks
    if standing.whole and still != standing.offering and (still or last):
        house.line.set_offering(QueueKey(queue.key), still)
    return outlook


def staffed(standing: Standing) -> int:
    """How many agents of the queue count as capacity."""
    return sum(count for status, count in standing.agents.items() if status in STAFFED)


def closes_in_s(policy: Policy, now: datetime) -> float | None:
    """Seconds until the queue closes, None where it never does."""
    closing = hours.closes_at(policy.hours, now)
    return None if closing is None else (closing - now).total_seconds()


def wait_prompt(expected: wait.Wait, standing: Standing, *, holding: bool = False) -> Prompt:
    """The wait as a sentence: a range in words, rounded up, never a false precision."""
    if standing.whole and not staffed(standing):
        return Prompt("nobody_staffed")
    spoken_range = spoken.spoken_range(expected)
    if spoken_range.kind == "unknown":
        return Prompt("wait_unknown")
    if spoken_range.kind == "soon":
        return Prompt("hold_soon" if holding else "wait_soon")
    name = "hold_wait" if holding else "wait_range"
    return Prompt(name, {"low": spoken_range.low_min, "high": spoken_range.high_min})
