"""The line again from the record, whole: for a Redis that was lost, restarted, or restored from an old dump.

Everything a place in line depends on is a column, so the positions come out the same. Until everybody stands where they
stood the line is unsure: nobody is paired, so nobody is overtaken by the order of loading, and no position is told.

Calls go on meanwhile. Whoever arrives, holds or signs up takes their place by themselves, since it is in their URL or
their row; what the record changed while its promises were read is looked up in the journal afterwards and done again. A
reservation or a talk that the record knows comes back under its own token, so the webhooks of calls that are up go on
finding it and no agent is rung in the middle of a talk. What the record does not know well enough is left to the sweep,
which asks the carrier.

One at a time: the claim is a row, renewed as the work proceeds. Whoever dies leaves a line that stays unsure and a
claim that runs out, and another begins anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

import structlog

from callback.domain.callback import Attempt, Callback, Entry, Leg, LegKind
from callback.domain.errors import CallbackError, NotFound, Unreadable
from callback.domain.ids import AgentKey, CallbackId, EntryId, QueueKey, Token, consults_for
from callback.domain.lifecycle import IN_FLIGHT, AgentStatus, CallState, State
from callback.flows import bridge, configure, epoch, match, persist, settle
from callback.ports import House, Stand, Work

BATCH = 500
"""Rows read in one transaction that writes: it holds SQLite's only writer for some 20 ms."""
TOLD = 4 * BATCH
"""How many come back before the journal is told: all at once would hold SQLite's writer for long."""
MOST_LEGS = 100_000
"""Callers on the line at once, far beyond what one carrier account can hold."""
CLAIM = timedelta(seconds=20)
"""How long a rebuild that gives no sign of life keeps others from beginning."""
RENEWED = timedelta(seconds=5)
"""How old a sign of life may become before it is renewed."""
PAIRED = (AgentStatus.RESERVED, AgentStatus.BUSY)
ON_THE_LINE = (CallState.ARRIVED, CallState.WAITING, CallState.RESERVED, CallState.BRIDGED)

_log = structlog.get_logger("callback.rebuild")

Progress = Callable[[int], None]
"""Told after each batch how many promises stand in line again."""


class Rebuilding(CallbackError):
    """Somebody else is filling the line at this moment."""


class Overtaken(CallbackError):
    """The line was lost once more while it was filled, or somebody else took over. It has to be done again."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild found. `left`: callbacks in flight that the sweep settles with the carrier."""

    queues: int
    agents: int
    waiting: int
    holding: int
    paired: int
    left: tuple[EntryId, ...]


@dataclass
class Claim:
    """The right to rebuild. `since`: the journal's last entry before, from which on it is read again."""

    number: int
    since: int
    mark: str
    renewed_at: datetime

    def keep(self, work: Work, now: datetime) -> None:
        """In every transaction of the rebuild. Raises Overtaken."""
        if now - self.renewed_at >= RENEWED:
            self.renewed_at = now
            mine = work.renew_rebuild(self.number, now + CLAIM)
        else:
            known = work.epoch()
            mine = known is not None and known.number == self.number and known.rebuilding_until is not None
        if not mine:
            raise Overtaken("another rebuild has begun meanwhile")


@dataclass
class Count:
    """Who came back how, so far."""

    waiting: int = 0
    holding: int = 0
    paired: int = 0
    left: list[EntryId] = field(default_factory=list)


def rebuild_if_lost(house: House) -> Rebuilt | None:
    """What beat and the doors ask for. None: the line is whole, or being rebuilt by somebody, or lost once more."""
    if epoch.state(house) is not epoch.State.LOST:
        return None
    try:
        return rebuild(house, why="the line was lost, or is not what it was")
    except (Rebuilding, Overtaken) as other:  # whoever is at it ends it; a line that is lost again is seen again
        _log.info("rebuild.left", why=str(other))
        return None


def rebuild(house: House, progress: Progress = lambda _: None, *, why: str = "asked for") -> Rebuilt:
    """Empty the line and fill it from the record. Safe while calls go on, and safe to repeat.

    Raises Rebuilding where somebody does so already, Overtaken where it must be begun again.
    """
    claim = begin(house, why)
    try:
        done = fill(house, claim, progress)
    except Exception:
        give_up(house, claim)
        raise
    for queue in house.line.configuration()[1]:
        match.run(house, QueueKey(queue.key))
    return done


def begin(house: House, why: str) -> Claim:
    """Only one at a time. Raises Rebuilding."""
    persist.persist(house)  # before what agents have not been heard to want, so that it does not speak against it
    now, wishes = house.clock.now(), unspoken_wishes(house)
    with house.store.begin() as work:
        number = work.claim_rebuild(now, now + CLAIM)
        if number is None:
            raise Rebuilding("the line is being rebuilt by somebody else: wait until they have done")
        for agent, status in wishes.items():
            work.put_presence(agent, status, now)
        note(work, now, "rebuilding", why, number)
        return Claim(number, work.last_seq(), work.mark(), now)


def fill(house: House, claim: Claim, progress: Progress) -> Rebuilt:
    """Between the claim and its end. Raises Overtaken."""
    house.line.begin_rebuild(claim.number, claim.mark)
    house.line.clear()
    persist.persist(house)  # what was told before the line was empty: it is not there any more
    configure.publish(house)
    seat_agents(house)
    count = Count()
    for stand in in_touch(house, claim):
        resume(house, stand, count)
    stand_all(house, claim, count, progress)
    book_all(house)
    catch_up(house, claim, count)
    persist.persist(house)
    _, queues, agents = house.line.configuration()
    done = Rebuilt(len(queues), len(agents), count.waiting, count.holding, count.paired, tuple(count.left))
    end(house, claim, done)
    return done


def end(house: House, claim: Claim, done: Rebuilt) -> None:
    """The line serves again. Raises Overtaken."""
    run = house.line.end_rebuild(claim.number)
    if run is None:
        raise Overtaken("the line was lost again while it was filled: it has to be done once more")
    now = house.clock.now()
    counts = {"waiting": done.waiting, "holding": done.holding, "paired": done.paired, "left": len(done.left)}
    with house.store.begin() as work:
        if work.end_rebuild(claim.number, run, now):
            note(work, now, "rebuilt", "everybody stands where they stood", claim.number, counts)


def give_up(house: House, claim: Claim) -> None:
    """Others need not wait until the claim runs out."""
    try:
        with house.store.begin() as work:
            work.renew_rebuild(claim.number, house.clock.now())
    except ConnectionError:
        return  # away: it runs out


def note(work: Work, now: datetime, after: str, why: str, number: int, counts: Mapping[str, int] | None = None) -> None:
    """In the journal, for whoever replays it."""
    work.write(Entry(now, "queue", "line", None, after, why, f"rebuild {number}", data=dict(counts or {})))


# --- before ------------------------------------------------------------------------------------------------------


def unspoken_wishes(house: House) -> dict[AgentKey, AgentStatus]:
    """What agents asked for during a talk: the record hears of it when the talk ends. A line that is not whole may
    remember what they asked for long ago."""
    if epoch.state(house) is not epoch.State.WHOLE:
        return {}
    return {view.key: view.wanted for view in house.line.agents() if view.token is not None}


def in_touch(house: House, claim: Claim) -> list[Stand]:
    """Everybody who is in touch with us: those who talk first, then those with an agent, then by their place."""
    now = house.clock.now()
    with house.store.begin() as work:
        claim.keep(work, now)
        legs = work.open_legs(before=now + CLAIM, limit=MOST_LEGS)  # all of them, whoever's clock was ahead
    stands = [*callbacks_in_flight(house), *live_calls(legs)]
    return sorted(stands, key=lambda stand: (stand.bridged_at is None, stand.token is None, stand.score, stand.entry))


def live_calls(legs: Iterable[Leg]) -> Iterator[Stand]:
    """Callers who never hung up, and agents who ask a colleague: nobody else rings whom they ask."""
    for leg in legs:
        calls = leg.kind is LegKind.INBOUND and leg.callback is None
        served = leg.state in (CallState.RESERVED, CallState.BRIDGED)
        if (calls and leg.state in ON_THE_LINE) or (served and asks(leg.token)):
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
                in_menu=leg.state == CallState.ARRIVED,
            )


def asks(token: Token | None) -> bool:
    """Whether this is the pairing of an agent who asks with whom they ask."""
    return token is not None and consults_for(token) is not None


def callbacks_in_flight(house: House) -> Iterator[Stand]:
    """Promises that somebody is acting on."""
    for page in pages(house, IN_FLIGHT):
        with house.store.begin() as work:
            stands = in_flight(house, work, page)
        yield from stands


class Claimed(NamedTuple):
    """Somebody with the reservation they were dialled for, or which their own call got. It was made before `by`."""

    stand: Stand
    by: datetime


def in_flight(house: House, work: Work, callbacks: Iterable[Callback]) -> list[Stand]:
    """Some of them, each with the reservation they are in as far as the record knows."""
    claims = [claimed(house, work, callback) for callback in callbacks]
    since = min((claim.by for claim in claims), default=None)
    if since is None:
        return []
    last = work.last_of_agents(since=since, but=(persist.CONFIGURED, persist.REBUILT))
    of_agent = {AgentKey(row.subject): row for row in last}
    of_entry = {str(row.data.get("entry")): row for row in last if row.after in PAIRED}
    return [as_told(claim, of_entry.get(claim.stand.entry), of_agent) for claim in claims]


def as_told(claim: Claimed, pairing: Entry | None, last: Mapping[AgentKey, Entry]) -> Stand:
    """A promise outlives the reservation it was dialled for: its agent may have missed the ring, or been given to
    somebody who answered before. What the journal told last about the agents decides, as far as it goes."""
    stand = claim.stand
    if pairing is not None:
        return replace(stand, token=Token(str(pairing.data["token"])), agent=AgentKey(pairing.subject))
    row = last.get(stand.agent) if stand.agent is not None else None
    if row is None or row.at < claim.by:
        return stand
    return replace(stand, token=None, agent=None)


def claimed(house: House, work: Work, callback: Callback) -> Claimed:
    """One of them, as their own rows have it."""
    try:
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    except (Unreadable, NotFound):  # the sweep asks the carrier
        attempt = None
    stand = Stand(
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
    return Claimed(stand, attempt.created_at if attempt else callback.created_at)


def token_of_leg(work: Work, callback: Callback) -> Token | None:
    """Of somebody who rang in by themselves."""
    try:
        leg = work.leg(callback.leg) if callback.leg else None
    except Unreadable:  # the sweep asks the carrier
        return None
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


def resume(house: House, stand: Stand, count: Count) -> None:
    """With their agent under their own token, where that can be had; else on hold, where they can hold."""
    if stand.token is not None and stand.agent is not None and pair_again(house, stand):
        count.paired += 1
    elif asks(stand.token):  # an agent never stands in line
        return
    elif stand.can_hold:
        waits = replace(stand, token=None, agent=None)
        house.line.resume(waits, phase="", lease_s=0, now=house.clock.now())
        count.holding += not stand.in_menu
    else:
        count.left.append(stand.entry)


def pair_again(house: House, stand: Stand) -> bool:
    """For as long as somebody's phone may ring or a question be heard. False: the agent is gone, or with somebody
    else."""
    lease_s = house.book.queue(stand.queue).policy.ring_timeout_s + bridge.PROMPT_S + house.knobs.reconcile_margin_s
    if stand.leg is not None:
        return house.line.resume(stand, phase="reserved", lease_s=lease_s, now=house.clock.now())
    lease_s += house.knobs.carrier_queue_s
    return house.line.resume(stand, phase="ringing", lease_s=lease_s, now=house.clock.now())


def stand_all(house: House, claim: Claim, count: Count, progress: Progress) -> None:
    """Every waiting promise in the place its columns say, read by one question that keeps no writer waiting: what
    changes meanwhile is in the journal."""
    with house.store.look() as record, closing(record.placed()) as promises:
        while True:
            now = house.clock.now()
            with house.store.begin() as work:
                claim.keep(work, now)
            standing = house.line.restore(islice(promises, TOLD), now=now)
            if not standing:
                return
            count.waiting += standing
            progress(count.waiting)
            persist.persist(house)


def book_all(house: House, *, since: datetime | None = None) -> int:
    """Everybody with an appointment is known by their number again: they stand in no line, and whoever does stays as
    they are."""
    with house.store.look() as record, closing(record.appointments(since=since)) as appointments:
        return house.line.book(appointments)


def catch_up(house: House, claim: Claim, count: Count) -> None:
    """Whatever the record changed since the rebuild began: it may have been read before that, and put into the line
    after the line had followed."""
    seen = claim.since
    while True:
        now = house.clock.now()
        persist.persist(house)
        with house.store.begin() as work:
            claim.keep(work, now)
            entries = work.journal(after=seen, limit=BATCH, kind="callback")
            moved = list(readable(work, dict.fromkeys(entry.subject for entry in entries)))
            flying = in_flight(house, work, [one for one in moved if one.state in IN_FLIGHT])
            stands = {CallbackId(stand.entry): stand for stand in flying}
        if not entries:
            return
        for callback in moved:
            follow(house, callback, stands.get(callback.id), count, now)
        seen = entries[-1].seq


def readable(work: Work, ids: Iterable[str]) -> Iterator[Callback]:
    """One that cannot be read stays where it is: whoever takes it up finds that out, and says so."""
    for one in ids:
        with suppress(Unreadable, NotFound):
            yield work.callback(CallbackId(one))


def follow(house: House, callback: Callback, stand: Stand | None, count: Count, now: datetime) -> None:
    """The line as the record has this promise."""
    if stand is not None:
        resume(house, stand, count)
    elif callback.state is State.WAITING:
        settle.stand(house, callback, due=callback.due(now), now=now)
    else:
        house.line.leave(EntryId(callback.id), reason=callback.state, now=now)
        if callback.state is State.SCHEDULED:
            settle.book(house, callback)


def seat_agents(house: House) -> None:
    """Each agent as they asked to be, and for as long; whoever was wrapping up goes on doing so."""
    now = house.clock.now()
    with house.store.begin() as work:
        wanted = work.presences()
        wrapping = wrapping_up(work, now)
    house.line.seat(wanted, now=now, wrapping=wrapping)


def wrapping_up(work: Work, now: datetime) -> dict[AgentKey, tuple[datetime, datetime]]:
    """Whose talk ended so lately that the queue's policy still lets them wrap up: since when, and until when."""
    lasts = {queue.key: timedelta(seconds=queue.policy.wrap_up_s) for queue in work.queues()}
    since = now - max(lasts.values(), default=timedelta(0))
    last = work.last_of_agents(since=since, but=(persist.CONFIGURED, persist.REBUILT))
    spans = {
        AgentKey(row.subject): (row.at, row.at + lasts.get(row.queue, timedelta(0)))
        for row in last
        if row.after == AgentStatus.WRAP_UP
    }
    return {agent: span for agent, span in spans.items() if span[1] > now}
