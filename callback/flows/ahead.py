"""dial_ahead: who is rung before an agent is free, looked at in every round of the sweep.

No agent is reserved for them: while their phone rings they keep their place in the line, where nobody matches them, and
with their key they stand in it as somebody on hold (`early`). Whoever is idle is paired by the usual rule, but not with
somebody who stands behind a phone that rings: such an agent is kept for it (`Line.expect`), as they would be reserved
for it in `customer_first`. Added here are dials for those who will be free when the phone is picked up
(`domain.pacing`).

Agents are shared between queues. So whoever stands before the next callback in any queue of these agents, on the line,
due or due again in a moment, and every dial under way there, counts as somebody who takes one of them first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from callback.domain.callback import Attempt, Callback
from callback.domain.ids import AgentKey, CallbackId, EntryId, QueueKey, is_callback, new_attempt_id
from callback.domain.laws import Laws
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.domain.pacing import (
    DELAYS_S,
    DIAL_AHEAD,
    FRONT,
    SOON_S,
    Decision,
    Floor,
    Forecast,
    WrapUp,
    decide,
    rounded_up,
)
from callback.domain.policy import Policy, Queue
from callback.flows import account, ask, dial, early, settle
from callback.flows.book import caller_id
from callback.flows.lessons import Taught, taught
from callback.ports import AgentView, House, Waiting, Work

UNDER_WAY = (State.RESERVED, State.DIALING, State.RECONCILING, State.ANSWERED)
LIVE = ("menu", "hold")
SOON = timedelta(seconds=SOON_S)


@dataclass(frozen=True)
class Sight:
    """What there is to decide on. `before` are the places of everybody else who takes an agent of ours in their turn:
    on the line, promises in other queues, and retries whose time comes while a phone rings."""

    floor: Floor
    due: tuple[Waiting, ...]
    before: tuple[tuple[int, EntryId], ...]
    agents: int
    pace_s: float = 0  # until the carrier's pace lets another call begin


@dataclass(frozen=True)
class Present:
    """How a queue stands with dialling ahead at this moment, for a page: what would be decided about the next of those
    who are due (`decision` None: nobody is, or there is no agent), and what the rule goes by."""

    sight: Sight
    taught: Taught
    decision: Decision | None


def run(house: House, key: QueueKey) -> int:
    """Ring ahead in this queue whoever may be rung now; returns how many."""
    queue = house.book.queue(key)
    if hindered(house, queue):
        return 0
    now = house.clock.now()
    sight = look(house, queue, now)
    if not sight.agents or not sight.due:
        return 0
    knows = taught(house, queue, sight.agents)
    floor, begun = sight.floor, 0
    for waiting in sight.due:
        delay_s = sight.pace_s + begun / house.knobs.calls_per_second
        decision = decided(queue.policy, sight, floor, knows, waiting, delay_s)
        if not decision.dials:
            break
        if begin(house, queue, CallbackId(waiting.entry), decision, delay_s):
            floor, begun = replace(floor, ringing_s=(*floor.ringing_s, -delay_s)), begun + 1
    return begun


def hindered(house: House, queue: Queue) -> bool:
    """Whether nobody is rung ahead in this queue, whoever is there."""
    policy = queue.policy
    return (
        policy.dial_mode != DIAL_AHEAD
        or not policy.dialing
        or account.stopped(house, caller_id(house, queue)) is not None
    )


def decided(policy: Policy, sight: Sight, floor: Floor, knows: Taught, waiting: Waiting, delay_s: float) -> Decision:
    """Whether this one may be rung now, `delay_s` before the carrier would begin."""
    before = sum(place < (waiting.score, waiting.entry) for place in sight.before)
    laws = forecast(knows, policy, rounded_up(delay_s, DELAYS_S))
    return decide(replace(floor, waiting=before), laws, epsilon=knows.epsilon, most=1)


def present(house: House, queue: Queue) -> Present:
    """As `run` would see it now; rings nobody."""
    sight = look(house, queue, house.clock.now())
    knows = taught(house, queue, sight.agents)
    if not sight.agents or not sight.due:
        return Present(sight, knows, None)
    return Present(sight, knows, decided(queue.policy, sight, sight.floor, knows, sight.due[0], sight.pace_s))


# --- what is known ----------------------------------------------------------------------------------------------


def look(house: House, queue: Queue, now: datetime) -> Sight:
    """The agents of a queue, and everybody whom they may have to take."""
    served = dict(serving(house, QueueKey(queue.key)))
    queues = frozenset({QueueKey(queue.key)}).union(*served.values())
    views = [view for view in house.line.agents() if view.key in served]
    lines = {key: house.line.listing(key, limit=FRONT) for key in queues}
    due = tuple(one for one in lines[QueueKey(queue.key)] if one.place == "due")
    held = {one.entry for line in lines.values() for one in line if one.place in LIVE}
    held |= set(on_their_way(house, views))
    waiting = [
        one
        for key, line in lines.items()
        for one in line
        if one.place in LIVE or (one.place == "due" and key != queue.key)
    ]
    pace_s = house.line.pace_ahead(ask.PACE, now=now)
    spacing = pace_s, 1 / house.knobs.calls_per_second
    floor = with_dials(floor_of(house, views, now), dials(house, queues, held), now, *spacing)
    places = (*((one.score, one.entry) for one in waiting), *soon_due(house, queues, now))
    return Sight(floor, due, places, len(views), pace_s)


def on_their_way(house: House, views: list[AgentView]) -> Iterator[EntryId]:
    """Whoever has answered and is just being connected: their agent counts as one who talks."""
    for view in views:
        pairing = house.line.reservation(view.token) if view.token and view.status is AgentStatus.RESERVED else None
        if pairing is not None and pairing.leg is not None:
            yield pairing.entry


def soon_due(house: House, queues: frozenset[QueueKey], now: datetime) -> Iterator[tuple[int, EntryId]]:
    """The places of those whose next attempt comes while a phone rings that is dialled now."""
    with house.store.look() as work:
        for one in work.due_callbacks(now + SOON):
            if one.queue in queues and one.next_attempt_at is not None and one.next_attempt_at > now:
                yield one.score, EntryId(one.id)


def serving(house: House, queue: QueueKey) -> Iterator[tuple[AgentKey, frozenset[QueueKey]]]:
    """The agents of a queue, each with all the queues they serve."""
    for agent in house.line.configuration()[2]:
        queues = frozenset(one.queue for one in agent.queues)
        if queue in queues:
            yield agent.key, queues


def floor_of(house: House, views: list[AgentView], now: datetime) -> Floor:
    """The agents. Whoever is reserved for a caller whose phone rings is as good as idle, beside that dial; for one who
    is on the line, they begin to talk."""
    staying = [view for view in views if view.wanted is AgentStatus.AVAILABLE]
    rung = [view for view in staying if view.status is AgentStatus.RESERVED and rings(house, view)]
    talking = [view for view in staying if view.status in (AgentStatus.BUSY, AgentStatus.RESERVED) and view not in rung]
    return Floor(
        idle=len(rung) + sum(view.status is AgentStatus.AVAILABLE for view in staying),
        talks_s=tuple(age(now, view.since) for view in talking),
        wraps=tuple(
            WrapUp(age(now, view.since), age(view.wrap_until or now, now))
            for view in staying
            if view.status is AgentStatus.WRAP_UP
        ),
    )


def rings(house: House, view: AgentView) -> bool:
    """Whether this agent is reserved for somebody who is dialled, and not for a leg."""
    pairing = house.line.reservation(view.token) if view.token else None
    return pairing is not None and pairing.leg is None and is_callback(pairing.entry)


def dials(house: House, queues: frozenset[QueueKey], held: set[EntryId]) -> list[Attempt]:
    """The attempts under way in these queues, but for callers on hold, who are counted there."""
    with house.store.look() as work:
        found = [one for one in work.in_state(UNDER_WAY) if one.queue in queues and EntryId(one.id) not in held]
        return [work.attempt(one.attempt) for one in found if one.attempt is not None]


def with_dials(floor: Floor, attempts: list[Attempt], now: datetime, pace_s: float, apart_s: float) -> Floor:
    """The dials under way, by how long they ring, or since when the key is waited for. Those that the carrier was not
    asked for yet hold the last slots of its pace, `apart_s` apart, of which the next is free in `pace_s`."""
    asked = tuple(age(now, one.answered_at) for one in attempts if one.answered_at is not None)
    ringing = [age(now, one.asked_at) for one in attempts if one.answered_at is None and one.asked_at is not None]
    waiting = sum(one.answered_at is None and one.asked_at is None for one in attempts)
    slots = (-max(pace_s - number * apart_s, 0.0) for number in range(waiting, 0, -1))
    return replace(floor, ringing_s=(*ringing, *slots), asked_s=asked)


def age(now: datetime, since: datetime) -> float:
    """Seconds, at least 0."""
    return max((now - since).total_seconds(), 0.0)


def forecast(knows: Taught, policy: Policy, delay_s: float) -> Forecast:
    """The tables of these laws."""
    return _forecast(
        knows.laws, policy.wrap_up_s, policy.ring_timeout_s, policy.wait_tolerance_s, policy.confirm_human, delay_s
    )


@lru_cache(maxsize=64)
def _forecast(
    laws: Laws, wrap_up_s: float, ring_timeout_s: int, tolerance_s: float, confirm: str, delay_s: float
) -> Forecast:
    policy = Policy(
        wrap_up_s=wrap_up_s, ring_timeout_s=ring_timeout_s, wait_tolerance_s=tolerance_s, confirm_human=confirm
    )
    return Forecast.of(laws, policy, delay_s=delay_s)


# --- ringing ----------------------------------------------------------------------------------------------------


def begin(house: House, queue: Queue, id: CallbackId, decision: Decision, delay_s: float) -> bool:
    """Write the attempt down, let the caller stand aside in the line, and have a worker ring them at the carrier's
    pace, which is in `delay_s`. The journal keeps the numbers behind it. False: they are not to be dialled now."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        hindrance = dial.why_not(house, work, callback, queue, now)
        attempt = prepare(work, callback, decision, now) if hindrance is None else None
    if hindrance is None or hindrance.entry_to == "later":
        settle.stand(house, callback, due=False, now=now)
    if attempt is None:
        return False
    house.line.expect(EntryId(id), until=early.rings_until(queue, now + timedelta(seconds=delay_s)))
    house.dispatch.dial_customer(attempt.id)
    return True


def prepare(work: Work, callback: Callback, decision: Decision, now: datetime) -> Attempt:
    """The attempt, and a state in which a lost task is found: `silence` releases what nobody has rung."""
    number = callback.attempts_made + 1
    attempt = work.add_attempt(
        Attempt(id=new_attempt_id(), callback=callback.id, number=number, mode=DIAL_AHEAD, created_at=now)
    )
    taken = replace(callback, attempt=attempt.id, attempts_made=number, agent=None, next_attempt_at=None)
    reason = "somebody will probably be free when they answer"
    work.move(taken, Event.RESERVE, reason=reason, cause="sweep", at=now, data=decision.as_json())
    return attempt
