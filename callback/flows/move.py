"""Somebody with the right to do so puts a promise before everybody else who waits, at its time or to be rung now.

It is the one overtaking that no rule of the line allows by itself. So its journal says `moved`, for which the audit
looks when somebody was passed over, and the audit log says who did it and why.
"""

from dataclasses import replace

from callback.domain import order, wishes
from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, EntryId
from callback.domain.lifecycle import Event, State
from callback.flows import match, settle
from callback.flows.wishes import Hindered, TooLate, movable
from callback.ports import Along, House, Work

TO_FRONT = "moved to the front"
RING_NOW = "moved to the front, to be rung now"
"""Reasons of the journal; an audit goes by their first word (`domain.audit.promises.moved`)."""
LOOKED_AT = 2


def to_front(house: House, id: CallbackId, *, cause: str, along: Along | None = None) -> Callback:
    """First in line from now on, rung at the time it is rung anyhow: at once, or after the pause between attempts. What
    `along` writes is committed with it.

    Raises NotFound, TooLate (being rung, or over; or scheduled, when it stands in no line).
    """
    front = first_score(house, id)
    with house.store.begin() as work:
        callback = movable(work, id)
        if callback.state is State.SCHEDULED:
            raise TooLate("this callback is scheduled: it stands in no line before its time")
        moved = _put(work, house, callback, front, TO_FRONT, cause, along)
    _stand(house, moved)
    return moved


def ring_now(house: House, id: CallbackId, *, cause: str, along: Along | None = None) -> Callback:
    """First in line, and due: the next free agent takes it, whatever time was asked for and however short ago the last
    attempt was. What the caller was promised stays written as it was said.

    Raises NotFound, TooLate, and Hindered where nobody may be rung now (quiet hours; closed).
    """
    now, front = house.clock.now(), first_score(house, id)
    with house.store.begin() as work:
        callback = movable(work, id)
        hindrance = wishes.hindrance(callback, house.book.queue(callback.queue).policy, now)
        if hindrance is not None:
            raise Hindered(hindrance, "they cannot be rung now")
        at_once = replace(callback, requested_for=None, next_attempt_at=None, joined_at=min(callback.joined_at, now))
        moved = _put(work, house, at_once, front, RING_NOW, cause, along)
    _stand(house, moved)
    return moved


def first_score(house: House, id: CallbackId) -> int:
    """The place before everybody else in the queue. Raises NotFound."""
    with house.store.look() as work:
        queue = work.callback(id).queue
    others = [one.score for one in house.line.listing(queue, limit=LOOKED_AT) if one.entry != EntryId(id)]
    return order.ahead_of(min([*others, order.score(house.clock.now())]))


def _put(
    work: Work, house: House, callback: Callback, front: int, reason: str, cause: str, along: Along | None
) -> Callback:
    placed = replace(callback, score=min(callback.score, front))
    moved = work.move(placed, Event.MOVE, reason=reason, cause=cause, at=house.clock.now()) or callback
    if along is not None:
        along(work, moved)
    return moved


def _stand(house: House, moved: Callback) -> None:
    """The line follows the record; a crash before it is mended by the sweep."""
    now = house.clock.now()
    settle.stand(house, moved, due=moved.due(now), now=now)
    match.run(house, moved.queue)
