"""Reservations whose lease is over: nobody acts for them any more, so what was under way is found out and goes on."""

import contextlib
from datetime import timedelta

from callback.domain.callback import Attempt
from callback.domain.ids import CallbackId, CallSid, is_callback
from callback.domain.lifecycle import ENDS, AgentStatus, CallState, State
from callback.domain.workday import Unanswered
from callback.flows import agentfirst, aside, handed, match, reconcile, settle
from callback.flows.hook import Place
from callback.flows.poison import guarded
from callback.ports import CarrierError, House, LegGone, Reservation

STEP = "recovering"
LATE = timedelta(seconds=30)
"""No sweep finds a lease so long after its end, unless nobody swept meanwhile, or the clock was put forward."""


def recover(house: House, lapsed: Reservation) -> int:
    """The lease ran out: nobody acts for this pairing any more. It is read again, since a round takes a while: whoever
    renewed it meanwhile acts for it, and whoever dissolved it has done what is left to do.

    An agent must not stay reserved, so this is done for whoever rests as well. 1 if it was left to do.
    """
    pairing = house.line.reservation(lapsed.token)
    if pairing is None or pairing.lease_until is None or pairing.lease_until > house.clock.now():
        return 0
    guarded(
        house,
        aside.item(pairing, STEP),
        lambda: go_on(house, pairing),
        None,
        lambda failure: aside.put(house, pairing.token, failure),
    )
    match.run_agent(house, pairing.agent)
    return 1


def go_on(house: House, pairing: Reservation) -> None:
    """By whether the caller is on a leg or has a promise, or a colleague is asked."""
    asked = handed.consultation(house, pairing)
    if asked is not None:
        handed.asked_in_vain(house, pairing, asked)
    elif pairing.leg is not None:
        recover_leg(house, pairing, pairing.leg)
    elif is_callback(pairing.entry):
        recover_callback(house, pairing)


def recover_leg(house: House, pairing: Reservation, leg: CallSid) -> None:
    """A caller on a leg: still there means back on hold in front, else gone."""
    if not reconcile.alive(house, leg):
        settle.caller_gone(house, pairing, leg)
        return
    missed = pairing.phase == "ringing"
    surely = missed and not found_late(house, pairing)
    released = house.line.release(
        pairing.token,
        entry_to="hold",
        agent_to=AgentStatus.AWAY if surely else None,
        reason=Unanswered.MISSED if surely else "the reservation lapsed",
        now=house.clock.now(),
    )
    if missed and released:
        send_back(house, pairing, leg)


def found_late(house: House, pairing: Reservation) -> bool:
    """Whether nobody can say if the agent was rung for as long as the lease was meant to last: they stay available, and
    whoever is not there misses the next ring."""
    return pairing.lease_until is not None and house.clock.now() - pairing.lease_until > LATE


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
    elif reconcile.alive(house, leg):
        agentfirst.missed(house, attempt, reason="the dial was lost", agent_to=None)
        settle.let_agent_go(house, attempt)
    else:
        agentfirst.missed(house, attempt, reason=Unanswered.MISSED)
