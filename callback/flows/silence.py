"""Legs and dials of which nothing was heard: the carrier knows. A lost last webhook frees its agent here."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from callback.domain.callback import Attempt, Callback, Leg, Outcome
from callback.domain.ids import CallSid, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import State
from callback.flows import ended, reconcile, settle
from callback.flows.hook import micros, moment
from callback.flows.poison import Item, Round
from callback.ports import CarrierError, House

QUIET = timedelta(seconds=20)
"""A leg of which nothing was heard for this long is asked about, and again each time it passes."""
HEARTBEAT = timedelta(seconds=90)
"""Wait documents come at least every half minute: a live entry silent for this long has probably gone."""
SILENT_STATES = (State.DIALING, State.RECONCILING, State.ANSWERED, State.BRIDGED, State.RESERVED)
STEP = "asking"
ROUND = "asked"
"""Where the time of the last round is left, in microseconds since 1970."""


def ask(house: House, going: Round) -> int:
    """One round of asking about everybody; how many were asked about."""
    now = house.clock.now()
    left = house.board.read().counts.get(ROUND)
    before = now - QUIET if left is None else max(moment(left), now - QUIET)
    asked = going.step("asking", lambda: ask_carrier(house, going, before))
    asked += going.step("asking_legs", lambda: ask_about_legs(house, going, before))
    house.board.count(**{ROUND: micros(now)})
    return asked


def ask_carrier(house: House, going: Round, before: datetime) -> int:
    """Callbacks in flight that have been silent."""
    now = house.clock.now()
    quiet = min(QUIET, timedelta(seconds=house.knobs.carrier_queue_s + house.knobs.reconcile_margin_s))
    with house.store.begin() as work:
        found = work.in_state(SILENT_STATES, older_than=now - quiet, held=False)
        damaged = work.damaged()
    going.left_out(damaged, STEP)
    asked = 0
    for callback in found:
        item = Item("callback", callback.id, callback.queue, STEP)
        asked += going.each(item, partial(ask_about, house, callback, now, before), 0)
    return asked


def ask_about(house: House, callback: Callback, now: datetime, before: datetime) -> int:
    """1 if the carrier was asked in this round."""
    with house.store.begin() as work:
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    if callback.state is State.RESERVED:
        return release_row(house, attempt)
    since = attempt.created_at if attempt else callback.created_at
    decided = attempt is not None and reconcile.bound_passed(house, callback, attempt, now, before)
    if not decided and not reconcile.look_again(now, since, QUIET, before):
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


def ask_about_legs(house: House, going: Round, before: datetime) -> int:
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
        going.each(item, partial(ask_about_leg, house, known, now, before), None)
    return asked + len(legs)


def ask_about_entry(house: House, queue: QueueKey, entry: EntryId, leg: CallSid) -> None:
    """A caller who is no longer there, though nobody said so."""
    if reconcile.alive(house, leg):
        return
    if is_callback(entry):
        settle.hung_up(house, entry, leg)
    else:
        ended.inbound_ended(house, queue, leg)


def ask_about_leg(house: House, known: Leg, now: datetime, before: datetime) -> None:
    """An inbound leg whose row is open."""
    due = reconcile.look_again(now, known.bridged_at or known.created_at, QUIET, before)
    if due and not reconcile.alive(house, known.call):
        ended.inbound_ended(house, known.queue, known.call)
        close_leg(house, known.call, now)


def close_leg(house: House, call: CallSid, now: datetime) -> None:
    """The row of an inbound leg that nobody closed."""
    with house.store.begin() as work:
        leg = work.leg(call)
        if leg is not None and leg.ended_at is None:
            work.put_leg(replace(leg, ended_at=now))
