"""The record and the line compared: whoever is promised a call and stands nowhere is put back where they stood.

Runs every few seconds; a crash between the record's commit and the line's verb is mended here, a configuration that was
saved and not published, and a whole line that was lost.
"""

from datetime import datetime, timedelta
from functools import partial

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import ENDS, Event, State
from callback.flows import aside, configure, epoch, match, rebuild, settle
from callback.flows.poison import Item, Round
from callback.flows.text import compose
from callback.ports import Failure, House

PROMISE_LIFE = timedelta(hours=48)
"""A promise that nobody could keep for this long is given up, and its caller told."""
BOOKED_WITHIN = timedelta(minutes=10)
"""Appointments made, or moved, so lately are told to the line once more: whoever made one may have died before."""
STEP = "standing"
FRONT = 50
"""How many at the front of each queue are compared with the record."""
DRAWN = 100
"""And how many of the appointments that the line knows."""


def stand_again(house: House) -> int:
    """Promises that the record has and the line has not (a crash between the two): back to the place in their columns.

    A line that was lost as a whole is rebuilt. Returns how many were put back.
    """
    if epoch.state(house) is not epoch.State.WHOLE:
        done = rebuild.rebuild_if_lost(house)
        return done.waiting if done else 0
    now = house.clock.now()
    after: CallbackId | None = None
    mended = 0
    going = Round(house)
    going.step("publishing", lambda: int(configure.publish_if_changed(house)))
    going.step("booking", lambda: rebuild.book_all(house, since=now - BOOKED_WITHIN))
    going.step("unbooking", lambda: unbook_ended(house, now))
    while True:
        with house.store.begin() as work:
            page = work.in_state([State.WAITING], older_than=now - timedelta(seconds=5), after=after, held=False)
            damaged = work.damaged()
        going.left_out(damaged, STEP)
        for callback in page:
            item = Item("callback", callback.id, callback.queue, STEP)
            out = partial(aside.leave, house, callback)
            mended += going.each(item, partial(mend, house, callback, now), 0, out)
        if not page:
            drop_ended(house, going, now)
            return mended
        after = page[-1].id


def drop_ended(house: House, going: Round, now: datetime) -> None:
    """The other way round: a promise that has ended and still stands in line, because its end died before the line
    heard of it. A due one is dropped when its turn comes; one that stands there for later has no turn. Whoever stands
    longest stands in front, so looking there is enough."""
    for queue in house.line.configuration()[1]:
        for waiting in house.line.listing(QueueKey(queue.key), limit=FRONT):
            if is_callback(waiting.entry) and waiting.place in ("due", "later"):
                item = Item("callback", waiting.entry, QueueKey(queue.key), STEP)
                leave = partial(set_aside, house, waiting.entry, now)
                going.each(item, partial(drop_if_ended, house, CallbackId(waiting.entry), now), None, leave)


def unbook_ended(house: House, now: datetime) -> int:
    """The same of appointments: one that has ended and whose number is still recognised, because its end died before
    the line heard of it. They stand in no order, so some are drawn each time, and each is in the end."""
    some = [CallbackId(entry) for entry in house.line.booked(DRAWN)]
    if not some:
        return 0
    with house.store.look() as work:
        ended = work.ended_among(some)
    for callback in ended:
        house.line.leave(EntryId(callback), reason="the promise is over", now=now)
    return len(ended)


def set_aside(house: House, entry: EntryId, now: datetime, _: Failure) -> None:
    """Somebody whose row nobody can read: in quarantine, where they can be seen, and not in line."""
    house.line.leave(entry, reason="set aside", now=now)


def drop_if_ended(house: House, id: CallbackId, now: datetime) -> None:
    """Out of the line, if the record says so."""
    with house.store.begin() as work:
        callback = work.callback(id)
    if callback.state in ENDS:
        house.line.leave(EntryId(id), reason=callback.state, now=now)


def mend(house: House, callback: Callback, now: datetime) -> int:
    """1 if this promise was missing from the line, stood there for later although it is due, or elsewhere than its
    columns say, or was given up."""
    if now - max(callback.joined_at, callback.requested_for or callback.joined_at) > PROMISE_LIFE:
        return expire(house, callback, now)
    house.book.queue(callback.queue)  # one that is gone is found out here: nobody is ever matched in it
    due = callback.due(now)
    stands = house.line.standing(callback.queue, EntryId(callback.id))
    if stands.place in ("due", "later") and stands.score != callback.score:
        callback = fresh(house, callback)  # moved, and the line never heard of it; or moved since it was read
        if callback.state is not State.WAITING or stands.score == callback.score:
            return 0
    elif stands.place and not (stands.place == "later" and due):
        return 0
    settle.stand(house, callback, due=callback.due(now), now=now)
    match.run(house, callback.queue)
    return 1


def fresh(house: House, callback: Callback) -> Callback:
    """As the record has it at this moment."""
    with house.store.look() as work:
        return work.callback(callback.id)


def expire(house: House, callback: Callback, now: datetime) -> int:
    """Given up, and said so."""
    with house.store.begin() as work:
        fresh = work.callback(callback.id, lock=True)
        moved = work.move(fresh, Event.EXPIRE, reason="nobody could call back in time", cause="sweep", at=now)
        text = compose(work, house, house.book.queue(fresh.queue), fresh, "expired", now) if moved else None
    if text is not None:
        house.dispatch.text(text.id)
    house.line.leave(EntryId(callback.id), reason="expired", now=now)
    return 1
