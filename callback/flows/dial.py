"""The promise is kept: a reserved agent's caller is fetched from hold, or rung.

The attempt is committed before the carrier is asked, and nothing of ours is locked while it answers. Whatever the
carrier says, or does not say, has its class: never dialable, refused (not spent), or unknown (`reconciling`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callback.domain import hours, phone
from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.errors import NumberBusy, NumberRefused
from callback.domain.ids import CallbackId, CallSid, Token, new_attempt_id
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Queue
from callback.flows import account, agentfirst, ask, match, reconcile, settle
from callback.flows.book import caller_id
from callback.flows.hook import Place
from callback.ports import (
    CarrierBusy,
    CarrierStopped,
    House,
    LegGone,
    OutcomeUnknown,
    Reservation,
    Work,
)


def connect(house: House, token: Token, *, paced: bool = False) -> None:
    """Act on a reservation, once; a stale one is nothing to act on. `paced`: it has its slot of the pace."""
    pairing, wait_s = (house.line.reservation(token), 0.0) if paced else with_slot(house, token)
    if pairing is None or pairing.phase != "reserved":
        return
    if pairing.live and pairing.leg:
        fetch_from_hold(house, pairing, pairing.leg)
    elif wait_s:
        come_back(house, pairing, wait_s)
    else:
        ring(house, pairing)


def with_slot(house: House, token: Token) -> tuple[Reservation | None, float]:
    """The reservation, and the seconds until its slot of the carrier's pace: 0 for one that is near enough, or where
    nobody is to be rung."""
    now = house.clock.now()
    found = house.line.take_up(token, ask.PACE, per_second=house.knobs.calls_per_second, now=now)
    return (None, 0.0) if found is None else (found[0], ask.unless_soon(found[1]))


def fetch_from_hold(house: House, pairing: Reservation, leg: CallSid) -> None:
    """Redirect the held leg to the document that rings the agent."""
    place = Place.paired(pairing)
    try:
        house.carrier.redirect(leg, house.urls.step("connect", **place.query(), r=pairing.token))
    except LegGone:
        leg_gone(house, pairing, leg)
    except CarrierBusy:
        house.dispatch.connect(pairing.token, delay_s=1)
    except OutcomeUnknown:
        pass_to_sweep(house, pairing)
    except CarrierStopped as stopped:  # their own next wait document connects them
        account.refused(house, caller_id(house, house.book.queue(pairing.queue)), stopped)
        pass_to_sweep(house, pairing)


def pass_to_sweep(house: House, pairing: Reservation) -> None:
    """Nobody knows whether the leg was redirected: if it was, its document comes within the lease; else the lease
    lapses and the sweep puts the caller back in front."""
    house.line.extend(pairing.token, until=house.clock.now() + timedelta(seconds=house.knobs.lease_s))


def leg_gone(house: House, pairing: Reservation, leg: CallSid) -> None:
    """The leg cannot be redirected: it has not been answered yet, or the caller has hung up."""
    found = house.carrier.fetch(leg)
    if found is not None and found.status in reconcile.LIVE:
        house.line.release(pairing.token, entry_to="hold", agent_to=None, reason="leg not ready", now=house.clock.now())
        return
    settle.caller_gone(house, pairing, leg)


def come_back(house: House, pairing: Reservation, wait_s: float) -> None:
    """When the slot is there, with the reservation kept alive."""
    house.line.extend(pairing.token, until=house.clock.now() + timedelta(seconds=wait_s + house.knobs.lease_s))
    house.dispatch.connect(pairing.token, delay_s=wait_s, paced=True)


def ring(house: House, pairing: Reservation) -> None:
    """Dial a callback, or first its agent, as the policy says."""
    queue = house.book.queue(pairing.queue)
    now = house.clock.now()
    if not account.may_dial(house, queue):
        give_way(house, pairing, Hindrance("due"))
        return
    begun = begin(house, pairing, queue, now)
    if begun is None:
        return
    callback, attempt = begun
    lease_s = reconcile.bound_s(house, queue)
    if not house.line.extend(pairing.token, until=now + timedelta(seconds=lease_s), phase="ringing"):
        settle.attempt_over(house, attempt.id, Outcome.NEVER_PLACED, cause="the reservation lapsed before the dial")
        return
    if attempt.mode == "agent_first":
        agentfirst.ring_agent(house, attempt, queue, pairing)
    else:
        ask.ask_carrier(house, attempt, callback.number, queue, callback.language)


def begin(
    house: House, pairing: Reservation, queue: Queue, now: datetime, *, sure: bool = False
) -> tuple[Callback, Attempt] | None:
    """The attempt, committed. None: another worker has begun it, or the caller is not dialled now. `sure`: the carrier
    has said that no earlier call to the number is up."""
    try:
        with house.store.begin() as work:
            callback = work.callback(CallbackId(pairing.entry), lock=True)
            if taken_up(work, callback, pairing.token):
                return None
            hindrance = why_not(house, work, callback, queue, now)
            if hindrance is None:
                if not sure:
                    reconcile.rule_out(work, callback.number, reconcile.bound_s(house, queue), now)
                return callback, prepare(work, callback, pairing, queue, now)
    except NumberBusy:
        hindrance = put_off(house, pairing, now + ask.NUMBER_BUSY)
    except reconcile.Unsure as doubt:
        if not reconcile.still_up(house, doubt):
            return begin(house, pairing, queue, house.clock.now(), sure=True)
        hindrance = put_off(house, pairing, now + reconcile.STILL_UP)
    give_way(house, pairing, hindrance)
    return None


def taken_up(work: Work, callback: Callback, token: Token) -> bool:
    """Whether another worker acts for this reservation already: the task was delivered twice."""
    return callback.attempt is not None and work.attempt(callback.attempt).token == token


@dataclass(frozen=True)
class Hindrance:
    """Why a callback is not dialled now: its entry is `gone` for good, waits for `later`, or stays where it was."""

    entry_to: str
    reason: str = "not to be dialled now"  # an audit names the rule by it (`domain.audit.places`)


IN_USE = Hindrance("later", "the number is in use")
QUIET = Hindrance("later", "quiet hours")


def why_not(house: House, work: Work, callback: Callback, queue: Queue, now: datetime) -> Hindrance | None:
    """The rules that are checked again at dialling, whatever was true when the promise was made."""
    if callback.state is not State.WAITING:
        return Hindrance("gone")
    if callback.next_attempt_at is not None and callback.next_attempt_at > now:
        return Hindrance("later")
    if refused(house, work, callback, queue):
        work.move(callback, Event.UNDIALABLE, reason="we may not ring this number", cause="dial", at=now)
        return Hindrance("gone")
    if queue.policy.dial_mode == "agent_first" and work.rung(callback.number) is not None:
        work.save(replace(callback, next_attempt_at=now + ask.NUMBER_BUSY))
        return IN_USE  # nobody is rung yet, so nothing but this look would tell
    until = hours.quiet_until(queue.policy.quiet_hours, phone.zones_of(callback.number), now)
    if until is not None:
        work.save(replace(callback, next_attempt_at=until))
        return QUIET
    return None


def refused(house: House, work: Work, callback: Callback, queue: Queue) -> bool:
    """The toll guard and the do-not-call list, at the last moment."""
    try:
        phone.check(callback.number, allowed=queue.policy.allowed_countries, own=caller_id(house, queue))
    except NumberRefused:
        return True
    return work.suppressed(callback.number)


def put_off(house: House, pairing: Reservation, until: datetime) -> Hindrance:
    """Their phone rings or is in use for another call of ours: after that."""
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry), lock=True)
        if callback.state is State.WAITING:
            work.save(replace(callback, next_attempt_at=until))
    return IN_USE


def give_way(house: House, pairing: Reservation, hindrance: Hindrance) -> None:
    """This caller is not dialled now: the agent takes the next."""
    house.line.release(
        pairing.token, entry_to=hindrance.entry_to, agent_to=None, reason=hindrance.reason, now=house.clock.now()
    )
    match.run_agent(house, pairing.agent)


def prepare(work: Work, callback: Callback, pairing: Reservation, queue: Queue, now: datetime) -> Attempt:
    """Write the attempt down, and the state in which a crash from here on is found."""
    first_agent = queue.policy.dial_mode == "agent_first"
    attempt = work.add_attempt(
        Attempt(
            id=new_attempt_id(),
            callback=callback.id,
            number=callback.attempts_made + 1,
            mode="agent_first" if first_agent else "customer_first",
            created_at=now,
            token=pairing.token,
            agent=pairing.agent,
            asked_at=None if first_agent else now,
        )
    )
    taken = replace(
        callback, attempt=attempt.id, attempts_made=attempt.number, agent=pairing.agent, next_attempt_at=None
    )
    reserved, dialled = (Event.RESERVE, f"{pairing.agent} is free"), (Event.DIAL, "dialling")
    work.moves(taken, (reserved,) if first_agent else (reserved, dialled), cause=f"reservation {pairing.token}", at=now)
    return attempt
