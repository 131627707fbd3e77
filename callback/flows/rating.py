"""A caller says how it was, on their page: one answer a callback, which they may change as long as their link lives.

The journal tells of each answer and of the one before it, so that reports count it once, in whatever pieces they read.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from callback.domain.callback import Callback, Entry
from callback.domain.ids import CallbackId
from callback.domain.lifecycle import State
from callback.domain.rating import Rating
from callback.domain.tallying import RATED, micros
from callback.flows.wishes import TooLate
from callback.ports import House

CHANGEABLE = timedelta(days=1)
"""After the callback has ended."""


def rate(house: House, id: CallbackId, score: int) -> Rating:
    """Write down how it was, or write it anew. Raises TooLate unless the callback was completed within a day, and where
    its queue asks nobody any more."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if callback.state is not State.COMPLETED or now - (callback.ended_at or now) > CHANGEABLE:
            raise TooLate("how it was can be said within a day of a talk")
        if not work.queue(callback.queue).policy.ask_rating:
            raise TooLate("this queue does not ask how it was")
        was = work.rating(id)
        if was is not None and was.score == score:
            return was
        first = Rating(id, callback.queue, callback.agent, score, now, now)
        rating = first if was is None else replace(was, score=score, changed_at=now)
        work.write(_told(callback, rating, was))
        return work.put_rating(rating)


def _told(callback: Callback, now: Rating, was: Rating | None) -> Entry:
    told: dict[str, Any] = {"score": now.score, "was": None if was is None else was.score}
    told |= {"made": micros(callback.created_at)} | ({"agent": now.agent} if now.agent else {})
    why = "the caller said how it was"
    return Entry(now.changed_at, "queue", callback.queue, None, RATED, why, callback.id, callback.queue, told)
