"""Whatever died between two steps is found here and goes on: the one loop that makes every other step optional.

Runs every `SWEEP_S` seconds; two at once do no harm, since each step is guarded where it acts.
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callback.domain.callback import Attempt, Callback, Entry, Outcome
from callback.domain.errors import CallbackError, NotFound
from callback.domain.ids import CallbackId, CallSid, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import ENDS, AgentStatus, CallState, Event, State
from callback.flows import agentfirst, ended, match, persist, reconcile, settle
from callback.flows.hook import Place
from callback.flows.outlook import staffed
from callback.flows.text import compose
from callback.flows.wary import Wary
from callback.ports import CarrierError, House, LegGone, Reservation

QUIET = timedelta(seconds=20)
"""A leg of which nothing was heard for this long is asked about, and again each time it passes."""
HEARTBEAT = timedelta(seconds=90)
"""Wait documents come at least every half minute: a live entry silent for this long has probably gone."""
SILENT_STATES = (State.DIALING, State.RECONCILING, State.ANSWERED, State.BRIDGED, State.RESERVED)


@dataclass(frozen=True)
class Swept:
    """What one sweep did, for its log line."""

    lapsed: int
    wrapped: int
    due: int
    asked: int
    texts: int


def sweep(house: House) -> Swept:
    """One round."""
    house = replace(house, carrier=Wary(house.carrier, house.clock))
    persist.persist(house)
    lapsed = house.line.lapsed(now=house.clock.now())
    for pairing in lapsed.reservations:
        recover(house, pairing)
    for agent in lapsed.wrapped:
        match.run_agent(house, agent)
    due = start_due(house)
    asked = ask_carrier(house) + ask_about_legs(house)
    texts = tell_next(house) + resend(house)
    for queue in queues(house):
        match.run(house, queue)
    return Swept(len(lapsed.reservations), len(lapsed.wrapped), due, asked, texts)


def queues(house: House) -> list[QueueKey]:
    """Every queue there is."""
    return [QueueKey(queue.key) for queue in house.line.configuration()[1]]


# --- reservations whose holder died -----------------------------------------------------------------------------


def recover(house: House, lapsed: Reservation) -> None:
    """The lease ran out: nobody acts for this pairing any more. It is read again, since a round takes a while: whoever
    renewed it meanwhile acts for it, and whoever dissolved it has done what is left to do."""
    pairing = house.line.reservation(lapsed.token)
    if pairing is None or pairing.lease_until is None or pairing.lease_until > house.clock.now():
        return
    try:
        if pairing.leg is not None:
            recover_leg(house, pairing, pairing.leg)
        elif is_callback(pairing.entry):
            recover_callback(house, pairing)
    except ConnectionError:  # the record is away, so nothing can be decided now
        raise
    except CallbackError as fault:
        quarantine(house, pairing, fault)
    match.run_agent(house, pairing.agent)


def quarantine(house: House, pairing: Reservation, fault: CallbackError) -> None:
    """Somebody in line whose row is missing or cannot be read: out of it, in sight, and the agent takes the next."""
    now = house.clock.now()
    house.line.release(pairing.token, entry_to="gone", agent_to=None, reason="quarantined", now=now)
    with house.store.begin() as work:
        why = f"{pairing.entry} cannot be served: {fault}"
        work.write(Entry(now, "queue", "sweep", None, "quarantined", why, pairing.token, pairing.queue))


def recover_leg(house: House, pairing: Reservation, leg: CallSid) -> None:
    """A caller on a leg: still there means back on hold in front, else gone."""
    if not alive(house, leg):
        settle.caller_gone(house, pairing, leg)
        return
    missed = pairing.phase == "ringing"
    released = house.line.release(
        pairing.token,
        entry_to="hold",
        agent_to=AgentStatus.AWAY if missed else None,
        reason="missed the ring" if missed else "the reservation lapsed",
        now=house.clock.now(),
    )
    if missed and released:
        send_back(house, pairing, leg)


def send_back(house: House, pairing: Reservation, leg: CallSid) -> None:
    """Out of a Dial that never reported, back to the hold music."""
    place = Place.paired(pairing)
    try:
        house.carrier.redirect(leg, house.urls.step("back", **place.query()))
    except LegGone:
        house.line.leave(pairing.entry, reason=CallState.ABANDONED, now=house.clock.now())
    except CarrierError:
        return  # the leg's own next document finds it on hold


def recover_callback(house: House, pairing: Reservation) -> None:
    """A promise: what the record says happened to it decides."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry))
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    if callback.state in ENDS or callback.state is State.SCHEDULED:
        house.line.release(pairing.token, entry_to="gone", agent_to=None, reason=callback.state, now=now)
    elif attempt is None:
        house.line.release(pairing.token, entry_to="due", agent_to=None, reason="the reservation lapsed", now=now)
    elif callback.state is State.RESERVED:
        recover_agent(house, attempt)
    else:
        house.line.release(pairing.token, entry_to="gone", agent_to=None, reason="no word from the carrier", now=now)
        settle.let_agent_go(house, attempt)
        with contextlib.suppress(CarrierError):  # away: asked again in the next round that is theirs
            reconcile.resolve(house, callback)


def recover_agent(house: House, attempt: Attempt) -> None:
    """agent_first: the agent missed the ring, was never rung, or waits on a leg for a dial that was lost."""
    leg = attempt.agent_call
    if leg is None:
        agentfirst.missed(house, attempt, reason="the reservation lapsed", agent_to=None)
    elif alive(house, leg):
        agentfirst.missed(house, attempt, reason="the dial was lost", agent_to=None)
        settle.let_agent_go(house, attempt)
    else:
        agentfirst.missed(house, attempt, reason="missed the ring")


# --- what is due ------------------------------------------------------------------------------------------------


def start_due(house: House) -> int:
    """Retries and appointments whose time has come stand in the line from now on."""
    now = house.clock.now()
    with house.store.begin() as work:
        found = work.due_callbacks(now)
    for callback in found:
        stand_up(house, callback, now)
    return len(found)


def stand_up(house: House, callback: Callback, now: datetime) -> None:
    """Expired, or into the line at once."""
    with house.store.begin() as work:
        fresh = work.callback(callback.id, lock=True)
        if fresh.state is State.SCHEDULED:
            moved = work.move(fresh, Event.DUE, reason="the time has come", cause="sweep", at=now)
        elif fresh.state is State.WAITING and fresh.next_attempt_at is not None:
            moved = work.save(replace(fresh, next_attempt_at=None))
        else:
            return
    if moved is not None:
        settle.stand(house, moved, due=True, now=now)
        match.run(house, moved.queue)


# --- legs of which nothing was heard ----------------------------------------------------------------------------


def ask_carrier(house: House) -> int:
    """Callbacks in flight that have been silent: the carrier knows. A lost last webhook frees its agent here."""
    now = house.clock.now()
    with house.store.begin() as work:
        found = work.in_state(SILENT_STATES, older_than=now - QUIET)
    asked = 0
    for callback in found:
        asked += ask_about(house, callback, now)
    return asked


def ask_about(house: House, callback: Callback, now: datetime) -> int:
    """1 if the carrier was asked in this round."""
    with house.store.begin() as work:
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    if callback.state is State.RESERVED:
        return release_row(house, attempt)
    since = attempt.created_at if attempt else callback.created_at
    if not reconcile.look_again(now, since, QUIET, timedelta(seconds=house.knobs.sweep_s)):
        return 0
    try:
        reconcile.resolve(house, callback)
    except CarrierError:  # away: asked again in the next round that is theirs
        return 0
    return 1


def release_row(house: House, attempt: Attempt | None) -> int:
    """agent_first: a reservation has a lease, by which it is found; 1 if the row alone is left of one."""
    if attempt is None or (attempt.token and house.line.reservation(attempt.token) is not None):
        return 0
    settle.attempt_over(house, attempt.id, Outcome.AGENT_MISSED, cause="the line knows no such reservation")
    return 1


def ask_about_legs(house: House) -> int:
    """Live callers whose wait documents stopped, and talks whose end never came."""
    now = house.clock.now()
    asked = 0
    for queue, entry, leg in house.line.silent(before=now - HEARTBEAT):
        asked += 1
        if not alive(house, leg):
            leave_silently(house, queue, entry, leg)
    with house.store.begin() as work:
        legs = work.open_legs(before=now - QUIET)
    tick = timedelta(seconds=house.knobs.sweep_s)
    for known in legs:
        due = reconcile.look_again(now, known.bridged_at or known.created_at, QUIET, tick)
        if due and not alive(house, known.call):
            ended.inbound_ended(house, known.queue, known.call)
            close_leg(house, known.call, now)
    return asked + len(legs)


def alive(house: House, leg: CallSid) -> bool:
    """Whether the carrier still has this leg up; unknown counts as up."""
    try:
        found = house.carrier.fetch(leg)
    except CarrierError:
        return True
    return found is not None and found.status in reconcile.LIVE


def leave_silently(house: House, queue: QueueKey, entry: EntryId, leg: CallSid) -> None:
    """A caller who is no longer there, though nobody said so."""
    if is_callback(entry):
        settle.hung_up(house, entry, leg)
    else:
        ended.inbound_ended(house, queue, leg)


def close_leg(house: House, call: CallSid, now: datetime) -> None:
    """The row of an inbound leg that nobody closed."""
    with house.store.begin() as work:
        leg = work.leg(call)
        if leg is not None and leg.ended_at is None:
            work.put_leg(replace(leg, ended_at=now))


# --- texts ------------------------------------------------------------------------------------------------------


def tell_next(house: House) -> int:
    """ "It is nearly your turn", once, to promises within reach of the agents at work."""
    told = 0
    for queue in queues(house):
        standing = house.line.standing(queue, None)
        reach = staffed(standing)
        if not reach or not standing.callbacks:
            continue
        for waiting in house.line.listing(queue, limit=reach):
            if is_callback(waiting.entry) and waiting.place == "due":
                with contextlib.suppress(NotFound):  # it is dropped when its turn comes
                    told += remind(house, CallbackId(waiting.entry))
    return told


def remind(house: House, id: CallbackId) -> int:
    """1 if a text was written now. Somebody who joined a moment ago was told everything just now."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id)
        fresh = now - callback.created_at < timedelta(seconds=60)
        if callback.reminded_at is not None or fresh or callback.state is not State.WAITING:
            return 0
        work.save(replace(callback, reminded_at=now))
        text = compose(work, house, house.book.queue(callback.queue), callback, "nearly", now)
    if text is None:
        return 0
    house.dispatch.text(text.id)
    return 1


def resend(house: House) -> int:
    """Texts written but never taken up by a worker."""
    with house.store.begin() as work:
        texts = work.unsent_texts(before=house.clock.now() - timedelta(seconds=10))
    for text in texts:
        house.dispatch.text(text.id)
    return len(texts)
