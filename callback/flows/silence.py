"""Legs and dials of which nothing was heard: the carrier knows. A lost last webhook frees its agent here."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from callback.domain.callback import Attempt, Callback, Leg, Outcome
from callback.domain.ids import CallSid, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import State
from callback.flows import ended, reconcile, settle
from callback.flows.poison import Item, Round
from callback.ports import CarrierError, House

QUIET = timedelta(seconds=20)
"""A leg of which nothing was heard for this long is asked about, and again each time it passes."""
HEARTBEAT = timedelta(seconds=90)
"""Wait documents come at least every half minute: a live entry silent for this long has probably gone."""
SILENT_STATES = (State.DIALING, State.RECONCILING, State.ANSWERED, State.BRIDGED, State.RESERVED)
STEP = "asking"


def ask_carrier(house: House, going: Round) -> int:
    """Callbacks in flight that have been silent."""
    now = house.clock.now()
    with house.store.begin() as work:
        found = work.in_state(SILENT_STATES, older_than=now - QUIET, held=False)
        damaged = work.damaged()
    going.left_out(damaged, STEP)
    asked = 0
    for callback in found:
        item = Item("callback", callback.id, callback.queue, STEP)
        asked += going.each(item, partial(ask_about, house, callback, now), 0)
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


def ask_about_legs(house: House, going: Round) -> int:
    """Live callers whose wait documents stopped, and talks whose end never came."""
    now = house.clock.now()
    asked = 0
    for queue, entry, leg in house.line.silent(before=now - HEARTBEAT):
        asked += 1
        item = Item("call", leg, queue, STEP)
        going.each(item, partial(ask_about_entry, house, queue, entry, leg), None)
    with house.store.begin() as work:
        legs = work.open_legs(before=now - QUIET)
        damaged = work.damaged()
    going.left_out(damaged, STEP)
    for known in legs:
        item = Item("call", known.call, known.queue, STEP)
        going.each(item, partial(ask_about_leg, house, known, now), None)
    return asked + len(legs)


def ask_about_entry(house: House, queue: QueueKey, entry: EntryId, leg: CallSid) -> None:
    """A caller who is no longer there, though nobody said so."""
    if reconcile.alive(house, leg):
        return
    if is_callback(entry):
        settle.hung_up(house, entry, leg)
    else:
        ended.inbound_ended(house, queue, leg)


def ask_about_leg(house: House, known: Leg, now: datetime) -> None:
    """An inbound leg whose row is open."""
    tick = timedelta(seconds=house.knobs.sweep_s)
    due = reconcile.look_again(now, known.bridged_at or known.created_at, QUIET, tick)
    if due and not reconcile.alive(house, known.call):
        ended.inbound_ended(house, known.queue, known.call)
        close_leg(house, known.call, now)


def close_leg(house: House, call: CallSid, now: datetime) -> None:
    """The row of an inbound leg that nobody closed."""
    with house.store.begin() as work:
        leg = work.leg(call)
        if leg is not None and leg.ended_at is None:
            work.put_leg(replace(leg, ended_at=now))
