"""What callers ask for on their page: another time, to be rung now, or never again.

Each is done once however often it is asked for, is journalled with its cause, and is refused in words that the page can
say. Cancelling is `flows.cancel`, and another number `flows.renumber`.
"""

from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial

from callback.domain import hours as opening
from callback.domain import offer, phone, slots, spoken, wishes
from callback.domain.callback import Callback
from callback.domain.errors import AlreadyBridged, NotAccepting
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import ENDS, Event, State
from callback.domain.offer import Reason
from callback.domain.policy import Queue
from callback.domain.wishes import MOVABLE, Hindrance, Wish
from callback.flows import cancel, match, outlook, promises, said, settle
from callback.ports import House, Standing, Work

DAYS_MOST = 5
"""So many days are offered to choose a time from."""


class TooLate(AlreadyBridged):
    """It is being dialled, or over: nothing of it can be changed this way any more."""


class Hindered(NotAccepting):
    """They cannot be rung before their time. `reason` is a `Hindrance`."""


def movable(work: Work, id: CallbackId) -> Callback:
    """The callback, locked. Raises TooLate."""
    callback = work.callback(id, lock=True)
    if callback.state not in MOVABLE:
        raise TooLate(f"this callback is {callback.state}: it can no longer be changed")
    return callback


# --- another time -----------------------------------------------------------------------------------------------


def times(house: House, callback: Callback, zone: tzinfo) -> tuple[datetime, ...]:
    """The times with room in the coming days that `callback` may be moved to, when it is not night where they are."""
    queue, now = house.book.queue(callback.queue), house.clock.now()
    most = promises.most_in_a_quarter(queue, house.line.standing(callback.queue, None))
    with house.store.look() as work:
        booked = work.booked(callback.queue, since=now - slots.QUARTER, until=now + 2 * slots.FURTHEST)
    full = [slots.quarter(at) for at in booked]
    found: list[datetime] = []
    days: set[object] = set()
    for at in slots.to_choose_from(now, zone):
        if not slots.has_room(queue.policy.hours, at, full, most) or quiet(queue, callback, at):
            continue
        days.add(at.astimezone(zone).date())
        if len(days) > DAYS_MOST:
            break
        found.append(at)
    return tuple(found)


def quiet(queue: Queue, callback: Callback, at: datetime) -> bool:
    """Whether nobody may be rung at that time where they are."""
    wanted = queue.policy.quiet_hours
    return wanted is not None and opening.quiet_until(wanted, phone.zones_of(callback.number), at) is not None


def later(house: House, callback: Callback, at: datetime, *, cause: str) -> Callback:
    """Ring at `at`, which `times` gave a moment ago. The place is kept until then.

    Raises TooLate, InvalidInput, NotAccepting (closed; quiet; full: somebody has taken the last place since).
    """
    queue, now = house.book.queue(callback.queue), house.clock.now()
    standing = house.line.standing(callback.queue, None)
    with house.store.begin() as work:
        promises.one_by_one(work, queue)
        callback = movable(work, callback.id)
        if callback.state is State.SCHEDULED and callback.requested_for == at:
            return callback
        may_be_at(work, queue, standing, callback, at, now)
        changed = cancel.at_time(callback, at)
        moved = work.move(changed, Event.SCHEDULE, reason="the caller asked for later", cause=cause, at=now) or callback
    cancel.out_of_line(house, moved, [], None, "the caller asked for later")
    said.moved(house, moved, now)
    return moved


def may_be_at(work: Work, queue: Queue, standing: Standing, callback: Callback, at: datetime, now: datetime) -> None:
    """Raises InvalidInput or NotAccepting."""
    cancel.check_time(at, now, queue.policy.hours)
    if quiet(queue, callback, at):
        raise NotAccepting(Hindrance.QUIET, "nobody may be rung there at that hour: choose another time")
    booked = work.booked(callback.queue, since=slots.quarter(at), until=slots.quarter(at) + slots.QUARTER)
    others = list(booked)
    if callback.state is State.SCHEDULED and callback.requested_for in others:
        others.remove(callback.requested_for)
    if not slots.has_room(queue.policy.hours, at, others, promises.most_in_a_quarter(queue, standing)):
        raise NotAccepting(Reason.FULL, "somebody has just taken that time: choose another")


# --- now --------------------------------------------------------------------------------------------------------


def ready(house: House, callback: Callback, *, cause: str) -> Callback:
    """Ring as soon as the place allows. Raises TooLate, Hindered."""
    queue, now = house.book.queue(callback.queue), house.clock.now()
    standing = house.line.standing(callback.queue, None)
    with house.store.begin() as work:
        callback = movable(work, callback.id)
        if Wish.NOW not in (allowed := wishes.choices(callback, queue.policy, now)) and Wish.AGAIN not in allowed:
            return callback  # they stand in line already
        hindrance = hindered(house, queue, callback, standing, now)
        if hindrance is not None:
            raise Hindered(hindrance, "they cannot be rung now")
        changed, reason = as_if_now(house, queue, callback, standing, now)
        moved = work.move(changed, Event.READY, reason=reason, cause=cause, at=now) or callback
    settle.stand(house, moved, due=True, now=now)
    match.run(house, moved.queue)
    if callback.state is State.SCHEDULED:
        said.moved(house, moved, now)
    return moved


def as_if_now(
    house: House, queue: Queue, callback: Callback, standing: Standing, now: datetime
) -> tuple[Callback, str]:
    """The row as it will be, and why. Whoever joins the line now is promised what anybody is who does."""
    place = wishes.place_now(callback, queue.policy, now)
    changed = replace(callback, score=place.score, joined_at=place.joined_at, requested_for=None, next_attempt_at=None)
    if callback.state is not State.SCHEDULED:
        return changed, place.reason
    window = spoken.promised(outlook.wait_at(house, queue, standing, now), now)
    return replace(
        changed, promised_from=window[0] if window else None, promised_to=window[1] if window else None
    ), place.reason


def hindered(house: House, queue: Queue, callback: Callback, standing: Standing, now: datetime) -> Hindrance | None:
    """Why they cannot be rung before their time; also that an appointment, if it is given up, may not be kept today."""
    found = wishes.hindrance(callback, queue.policy, now)
    if found is not None or callback.state is not State.SCHEDULED or not standing.whole:
        return found
    booked = promises.known(house, queue, standing)
    try:
        offer.may_promise(
            is_open=True,
            outstanding=max(booked.outstanding - 1, 0),
            due_today=max(booked.due_today - 1, 0),
            policy=replace(queue.policy, accepting=True, max_outstanding=None),
            closes_in_s=outlook.closes_in_s(queue.policy, now),
            staffed=outlook.staffed(standing),
            measured=standing.measured,
        )
    except NotAccepting:
        return Hindrance.CLOSING
    return None


# --- never again ------------------------------------------------------------------------------------------------


def disown(house: House, callback: Callback, *, cause: str) -> Callback:
    """ "I did not ask for this": the number is never rung again, and nothing rings it for this callback either.

    Raises AlreadyBridged.
    """
    forbid = partial(suppress, now=house.clock.now())
    if callback.state not in ENDS:
        return cancel.cancel(house, callback.id, reason=wishes.NOT_ASKED, cause=cause, along=forbid)
    with house.store.begin() as work:
        forbid(work, work.callback(callback.id, lock=True))
    return callback


def suppress(work: Work, callback: Callback, *, now: datetime) -> None:
    """Onto the list of those who are left alone."""
    work.suppress(callback.number, f"said on the page of {callback.id}", now)
