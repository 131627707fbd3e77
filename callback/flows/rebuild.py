"""The line again from the record, whole: for a Redis that was lost, or restored from an old dump.

Everything a place in line depends on is a column, so the positions come out the same. Agents take their seats last of
all: until everybody stands where they stood, nobody can be matched, so nobody is overtaken by the order of loading.

A reservation or a talk that the record knows comes back under its own token, so the webhooks of calls that are up go on
finding it and no agent is rung in the middle of a talk. Whoever reads the journal meets that token a second time. What
the record does not know well enough is left to the sweep, which asks the carrier.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callback.domain.callback import Attempt, Callback, Leg, LegKind
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token, is_callback, new_token
from callback.domain.lifecycle import IN_FLIGHT, AgentStatus, CallState, State
from callback.flows import bridge, configure, match, persist
from callback.ports import House, Reservation, Work

BATCH = 500
"""Promises read in one transaction: it holds SQLite's only writer for some 20 ms."""
MOST_LEGS = 100_000
"""Callers on the line at once, far beyond what one carrier account can hold."""

Progress = Callable[[int], None]
"""Told after each batch how many promises stand in line again."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild found. `left`: callbacks in flight that the sweep settles with the carrier."""

    queues: int
    agents: int
    waiting: int
    holding: int
    paired: int
    left: tuple[EntryId, ...]


@dataclass(frozen=True)
class Stand:
    """Somebody who is in touch with us now: on a leg, or being dialled. With `token` and `agent`, paired as well."""

    entry: EntryId
    queue: QueueKey
    score: int
    joined_at: datetime
    language: str
    leg: CallSid | None
    number_hash: str = ""
    token: Token | None = None
    agent: AgentKey | None = None
    bridged_at: datetime | None = None

    @property
    def can_hold(self) -> bool:
        """Whether they can wait on hold: on a leg, and not talking on it."""
        return self.leg is not None and self.bridged_at is None


@dataclass(frozen=True)
class Kept:
    """What the record, and a line that is still there, say before the line is emptied."""

    wanted: dict[AgentKey, tuple[AgentStatus, datetime]]
    paired: tuple[Stand, ...]
    holding: tuple[Stand, ...]
    lost: tuple[EntryId, ...]


def rebuild(house: House, progress: Progress = lambda _: None) -> Rebuilt:
    """Empty the line and fill it from the record. Safe while calls go on, and safe to repeat."""
    persist.persist(house)
    kept = remember(house)
    house.line.clear()
    configure.publish(house)
    _, queues, agents = house.line.configuration()
    apart = [stand for stand in kept.paired if not pair_again(house, stand)]
    for stand in kept.holding:
        hold_again(house, stand)
    waiting = stand_all(house, progress)
    seat_agents(house, kept.wanted)
    for queue in queues:
        match.run(house, QueueKey(queue.key))
    return Rebuilt(
        queues=len(queues),
        agents=len(agents),
        waiting=waiting,
        holding=len(kept.holding) + sum(stand.can_hold for stand in apart),
        paired=len(kept.paired) - len(apart),
        left=(*kept.lost, *(stand.entry for stand in apart if not stand.can_hold)),
    )


# --- before ------------------------------------------------------------------------------------------------------


def remember(house: House) -> Kept:
    """Everybody who is in touch with us, and what the agents asked for."""
    with house.store.begin() as work:
        wanted = dict(work.presences())
        seats = {agent.key for agent in work.agents()}
        legs = work.open_legs(before=house.clock.now(), limit=MOST_LEGS)
    for view in house.line.agents():
        if view.token is not None:  # asked for during a talk: the record hears of it when the talk ends
            wanted[view.key] = (view.wanted, view.since)
    stands = [*callbacks_in_flight(house), *live_calls(legs)]
    paired = [stand for stand in stands if stand.token and stand.agent in seats]
    others = sorted(set(stands) - set(paired), key=lambda stand: (stand.score, stand.entry))
    return Kept(
        wanted={key: wish for key, wish in wanted.items() if key in seats},
        paired=tuple(paired),
        holding=tuple(stand for stand in others if stand.can_hold),
        lost=tuple(stand.entry for stand in others if not stand.can_hold),
    )


def live_calls(legs: Iterable[Leg]) -> Iterator[Stand]:
    """Callers who never hung up. Who is still in a menu comes back by their own next request."""
    for leg in legs:
        inbound = leg.kind is LegKind.INBOUND and leg.callback is None
        if inbound and leg.state in (CallState.WAITING, CallState.RESERVED, CallState.BRIDGED):
            served = leg.state != CallState.WAITING
            yield Stand(
                entry=EntryId(leg.call),
                queue=leg.queue,
                score=leg.score,
                joined_at=leg.joined_at or leg.created_at,
                language=leg.language,
                leg=leg.call,
                token=leg.token if served else None,
                agent=leg.agent if served else None,
                bridged_at=leg.bridged_at if leg.state == CallState.BRIDGED else None,
            )


def callbacks_in_flight(house: House) -> Iterator[Stand]:
    """Promises that somebody is acting on."""
    for page in pages(house, IN_FLIGHT):
        with house.store.begin() as work:
            stands = [in_flight(house, work, callback) for callback in page]
        yield from stands


def in_flight(house: House, work: Work, callback: Callback) -> Stand:
    """One of them, with the reservation it was dialled for, or which their own call got."""
    attempt = work.attempt(callback.attempt) if callback.attempt else None
    return Stand(
        entry=EntryId(callback.id),
        queue=callback.queue,
        score=callback.score,
        joined_at=callback.joined_at,
        language=callback.language,
        leg=callback.leg if callback.state in (State.ANSWERED, State.BRIDGED) else None,
        number_hash=house.store.number_hash(callback.number),
        token=attempt.token if attempt else token_of_leg(work, callback),
        agent=callback.agent,
        bridged_at=talking_since(callback, attempt),
    )


def token_of_leg(work: Work, callback: Callback) -> Token | None:
    """Of somebody who rang in by themselves."""
    leg = work.leg(callback.leg) if callback.leg else None
    return leg.token if leg else None


def talking_since(callback: Callback, attempt: Attempt | None) -> datetime | None:
    """When they began to talk; the time of making the promise, where only that is known. None: they do not talk."""
    if callback.state is not State.BRIDGED:
        return None
    return (attempt.bridged_at if attempt else None) or callback.created_at


def pages(house: House, states: Iterable[State]) -> Iterator[Sequence[Callback]]:
    """All callbacks in these states, a transaction a page."""
    wanted, after = tuple(states), None
    while True:
        with house.store.begin() as work:
            page = work.in_state(wanted, after=after, limit=BATCH)
        if page:
            yield page
        if len(page) < BATCH:
            return
        after = CallbackId(page[-1].id)


# --- after -------------------------------------------------------------------------------------------------------


def pair_again(house: House, stand: Stand) -> bool:
    """The reservation under its own token; the talk, if they talk. Nobody else has a seat at this moment, so the only
    free agent and the first in line are these two. False: it could not be had; who can wait on hold does.
    """
    agent, token = stand.agent, stand.token
    if agent is None or token is None:
        return False
    now = house.clock.now()
    if stand.leg is None:
        enter(house, stand, now)
    else:
        hold_again(house, stand)
    house.line.presence(agent, AgentStatus.AVAILABLE, now=now)
    pairing = house.line.match_agent(agent, lease_s=house.knobs.lease_s, token=token, now=now)
    if pairing is None or pairing.entry != stand.entry:
        give_up(house, stand, agent, pairing)
        return False
    if stand.bridged_at is not None:
        house.line.bridge(token, now=stand.bridged_at)
    elif stand.leg is None:
        ring_s = house.book.queue(stand.queue).policy.ring_timeout_s
        lease_s = ring_s + bridge.PROMPT_S + house.knobs.carrier_queue_s + house.knobs.reconcile_margin_s
        house.line.extend(token, until=now + timedelta(seconds=lease_s), phase="ringing")
    return True


def give_up(house: House, stand: Stand, agent: AgentKey, pairing: Reservation | None) -> None:
    """Somebody else came between, or the agent serves that queue no longer."""
    now = house.clock.now()
    if pairing is not None:
        to = "due" if is_callback(pairing.entry) and pairing.leg is None else "hold"
        house.line.release(pairing.token, entry_to=to, agent_to=AgentStatus.OFFLINE, reason="rebuild", now=now)
    house.line.presence(agent, AgentStatus.OFFLINE, now=now)
    if not stand.can_hold:
        house.line.leave(stand.entry, reason="rebuild", now=now)


def hold_again(house: House, stand: Stand) -> None:
    """A caller on a leg, in their place."""
    now = house.clock.now()
    if is_callback(stand.entry):
        enter(house, stand, now)
    standing = house.line.hold(
        stand.queue,
        stand.entry,
        stand.leg or CallSid(stand.entry),
        score=stand.score,
        joined_at=stand.joined_at,
        language=stand.language,
        lease_s=house.knobs.lease_s,
        token=new_token(),
        now=now,
    )
    if standing.reservation is not None:
        house.dispatch.connect(standing.reservation.token)


def enter(house: House, stand: Stand, now: datetime) -> None:
    """A promise into the line, and its number among the open ones."""
    house.line.enter(
        stand.queue,
        stand.entry,
        score=stand.score,
        joined_at=stand.joined_at,
        due=True,
        number_hash=stand.number_hash,
        replaces=None,
        now=now,
    )


def stand_all(house: House, progress: Progress) -> int:
    """Every waiting promise in the place its columns say."""
    count, after = 0, None
    while True:
        with house.store.begin() as work:
            page = work.placed(after=after, limit=BATCH)
        if not page:
            return count
        house.line.restore(page, now=house.clock.now())
        after = page[-1].id
        count += len(page)
        progress(count)


def seat_agents(house: House, wanted: Mapping[AgentKey, tuple[AgentStatus, datetime]]) -> None:
    """Each agent as they asked to be. The record keeps their own word and the time of it, not ours of this moment."""
    now = house.clock.now()
    for key, (status, _) in wanted.items():
        house.line.presence(key, status, now=now)
    persist.persist(house)
    with house.store.begin() as work:
        for key, (status, at) in wanted.items():
            work.put_presence(key, status, at)
