"""Texts that nobody asked for at this moment: "it is nearly your turn", and those that no worker took up."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from callback.domain.callback import Text
from callback.domain.errors import NotFound
from callback.domain.ids import CallbackId, QueueKey, is_callback
from callback.domain.lifecycle import State
from callback.flows import account
from callback.flows.outlook import staffed
from callback.flows.poison import Item, Round
from callback.flows.text import compose
from callback.ports import House

FRESH = timedelta(seconds=60)
"""Somebody who joined so lately was told everything just now."""
TAKEN_UP = timedelta(seconds=10)
"""A worker has had this long to take up a text."""


def tell_next(house: House, going: Round, queues: list[QueueKey]) -> int:
    """ "It is nearly your turn", once, to promises within reach of the agents at work."""
    told = 0
    if account.stopped(house, None) is not None:
        return told  # it would be said when it is true no more
    for queue in queues:
        standing = house.line.standing(queue, None)
        reach = staffed(standing)
        if not reach or not standing.callbacks:
            continue
        for waiting in house.line.listing(queue, limit=reach):
            if is_callback(waiting.entry) and waiting.place == "due":
                item = Item("text", waiting.entry, queue, "reminding")  # its failing stops no call
                told += going.each(item, partial(remind, house, CallbackId(waiting.entry)), 0)
    return told


def remind(house: House, id: CallbackId) -> int:
    """1 if a text was written now. Whom the record does not know is dropped when their turn comes."""
    try:
        text = reminder(house, id)
    except NotFound:
        return 0
    if text is None:
        return 0
    house.dispatch.text(text.id)
    return 1


def reminder(house: House, id: CallbackId) -> Text | None:
    """The text, written; None where none is due. Raises NotFound."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id)
        fresh = now - callback.created_at < FRESH
        if callback.reminded_at is not None or fresh or callback.state is not State.WAITING:
            return None
        work.save(replace(callback, reminded_at=now))
        return compose(work, house, house.book.queue(callback.queue), callback, "nearly", now)


def resend(house: House, going: Round) -> int:
    """Texts written but never taken up by a worker; they stay so while the carrier refuses the account."""
    if account.stopped(house, None) is not None:
        return 0
    with house.store.begin() as work:
        texts = work.unsent_texts(before=house.clock.now() - TAKEN_UP)
        damaged = work.damaged()
    going.left_out(damaged, "texting")
    due = [text for text in texts if not going.rests("text", text.id)]
    for text in due:
        house.dispatch.text(text.id)
    return len(due)
