"""What is due: retries and appointments whose time has come, and whoever has rested after a failure."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, EntryId, QueueKey
from callback.domain.lifecycle import Event, State
from callback.flows import aside, match, settle
from callback.flows.poison import Item, Round
from callback.ports import Failure, House

STEP = "due"


def start_due(house: House, going: Round) -> int:
    """Retries and appointments whose time has come stand in the line from now on."""
    now = house.clock.now()
    with house.store.begin() as work:
        found = work.due_callbacks(now)
        damaged = work.damaged()
    going.left_out(damaged, STEP)
    for callback in found:
        item, out = about(callback, STEP), partial(aside.leave, house, callback)
        going.each(item, partial(stand_up, house, callback, now), None, out)
    return len(found)


def about(callback: Callback, step: str) -> Item:
    """What is being done, and for whom."""
    return Item("callback", callback.id, callback.queue, step)


def stand_up(house: House, callback: Callback, now: datetime) -> None:
    """Into the line at once, unless their time has been moved since it was looked up."""
    with house.store.begin() as work:
        fresh = work.callback(callback.id, lock=True)
        if fresh.state is State.SCHEDULED and (fresh.requested_for is None or fresh.requested_for <= now):
            moved = work.move(fresh, Event.DUE, reason="the time has come", cause="sweep", at=now)
        elif fresh.state is State.WAITING and fresh.next_attempt_at is not None and fresh.due(now):
            moved = work.save(replace(fresh, next_attempt_at=None))
        else:
            return
    if moved is not None:
        settle.stand(house, moved, due=True, now=now)
        match.run(house, moved.queue)


def rested(house: House, going: Round) -> int:
    """Whoever failed and whose pause is over can be matched again, where they stood all the time."""
    again = [one for one in going.failing if one.kind == "callback" and not going.rests(one.kind, one.subject)]
    return sum(going.each(item_of(one), partial(stand_again, house, one), 0) for one in again)


def item_of(failure: Failure) -> Item:
    """The thing that failed before."""
    return Item(failure.kind, failure.subject, failure.queue, failure.step)


def stand_again(house: House, failure: Failure) -> int:
    """1 if they rested in the line until now. Whoever waits for a later time of their own goes on waiting."""
    entry, now = EntryId(failure.subject), house.clock.now()
    if house.line.standing(QueueKey(failure.queue), entry).place != "later":
        return 0
    with house.store.begin() as work:
        callback = work.callback(CallbackId(entry))
    if callback.state is not State.WAITING or not callback.due(now) or not house.line.due(entry, now=now):
        return 0
    match.run(house, callback.queue)
    return 1
