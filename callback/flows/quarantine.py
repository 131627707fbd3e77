"""Whoever looks after the house decides about what is held: once more, or not any more.

Once more means from where it stood: a promise is back in its old place in line, and its failures are counted afresh.
Not any more means that a caller is told, as far as anybody knows their number.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from callback.domain import phone
from callback.domain.callback import Callback, Text
from callback.domain.errors import AlreadyBridged, NotFound, StillDamaged, Unreadable
from callback.domain.ids import CallbackId, CallSid, EntryId, is_callback
from callback.domain.lifecycle import Event, State
from callback.flows import cancel, match, poison, settle
from callback.flows.text import compose
from callback.ports import Failure, House, Page, Work

GIVEN_UP = "given up after failures on our side"
RETRIED, DROPPED = "retried", "dropped"
Along = Callable[[Work, Failure], object]


@dataclass(frozen=True)
class Held:
    """One thing in quarantine, as a person may see it. `number` is masked, "" where nobody can read it."""

    failure: Failure
    number: str
    queue_name: str
    readable: bool


def held(house: House, *, cursor: str | None = None, limit: int = 50) -> Page:
    """What is held, newest first: a page of `Held`. Raises InvalidInput for a cursor that is none."""
    names = {queue.key: queue.name for queue in house.line.configuration()[1]}
    with house.store.begin() as work:
        page = work.quarantine(cursor=cursor, limit=limit)
        items = tuple(seen(work, failure, names.get(failure.queue, failure.queue)) for failure in page.items)
    return Page(items, page.next)


def one(house: House, id: str) -> Held:
    """Any of them, also one that is resolved. Raises NotFound."""
    names = {queue.key: queue.name for queue in house.line.configuration()[1]}
    with house.store.begin() as work:
        failure = work.failure(id)
        return seen(work, failure, names.get(failure.queue, failure.queue))


def seen(work: Work, failure: Failure, queue_name: str) -> Held:
    """With as much of the row as can be read."""
    try:
        number = number_of(work, failure)
        return Held(failure, phone.mask(number) if number else "", queue_name, readable=True)
    except (NotFound, Unreadable):
        return Held(failure, "", queue_name, readable=False)


def number_of(work: Work, failure: Failure) -> str:
    """Whose call or text it is; "" for what is nobody's. Raises NotFound, Unreadable."""
    if is_callback(EntryId(failure.subject)):
        return work.callback(CallbackId(failure.subject)).number
    if failure.kind == "text":
        return work.text(failure.subject).number
    leg = work.leg(CallSid(failure.subject)) if failure.kind == "call" else None
    return leg.number if leg is not None else ""


# --- once more --------------------------------------------------------------------------------------------------


def retry(house: House, id: str, *, by: str, along: Along | None = None) -> Failure:
    """Try again, from the old place. What was decided about before stays so. What `along` writes of the decision is
    committed with it.

    Raises NotFound; StillDamaged where the row is still gone or cannot be read.
    """
    now = house.clock.now()
    with house.store.begin() as work:
        failure = work.failure(id)
        callback = mended(work, failure)
        if work.resolve(id, RETRIED, by=by, at=now):
            poison.tell(work, failure, "released", "tried again", cause=by, at=now)
            if along is not None:
                along(work, failure)
    if callback is not None and callback.state is State.WAITING:
        settle.stand(house, callback, due=callback.due(now), now=now)  # twice does no harm
        match.run(house, callback.queue)
    elif failure.kind == "text" and not is_callback(EntryId(failure.subject)):
        house.dispatch.text(failure.subject)
    with house.store.begin() as work:
        return work.failure(id)


def mended(work: Work, failure: Failure) -> Callback | None:
    """The promise that it is about, if it is about one. Raises StillDamaged."""
    try:
        number_of(work, failure)
        if failure.kind != "callback":
            return None
        callback = work.callback(CallbackId(failure.subject), lock=True)
    except (NotFound, Unreadable) as damage:
        raise StillDamaged(f"it cannot be tried again as it is: {damage}") from damage
    rests_until = callback.next_attempt_at
    if rests_until is None or rests_until > failure.last_at + poison.PAUSES[-1]:
        return callback
    return work.save(replace(callback, next_attempt_at=None))  # it was our pause, and no wish of anybody's


# --- not any more -----------------------------------------------------------------------------------------------


def drop(house: House, id: str, *, by: str, along: Along | None = None) -> Failure:
    """Give it up. A promise is cancelled, and its caller told so where a text can be delivered. What was decided about
    before stays so, and what died on the way after a decision is done. What `along` writes of the decision is committed
    with it. Raises NotFound."""
    with house.store.begin() as work:
        failure = work.failure(id)
    if failure.resolution not in ("", DROPPED):
        return failure
    if failure.kind == "callback":
        end_promise(house, failure, by, along)
    else:
        with house.store.begin() as work:
            decide(house, work, failure, by, along)
    with house.store.begin() as work:
        return work.failure(id)


def decide(house: House, work: Work, failure: Failure, by: str, along: Along | None = None) -> bool:
    """In the same commit as what follows from it. A text that was held is not sent any more. False: decided before."""
    now = house.clock.now()
    if not work.resolve(failure.id, DROPPED, by=by, at=now):
        return False
    poison.tell(work, failure, "given up", GIVEN_UP, cause=by, at=now)
    if along is not None:
        along(work, failure)
    if failure.kind == "text" and not is_callback(EntryId(failure.subject)):
        work.write_off_text(failure.subject, GIVEN_UP)
    return True


def end_promise(house: House, failure: Failure, by: str, and_write: Along | None = None) -> None:
    """Cancelled, whether or not its row can be read. Who talks, or has ended, is left alone."""
    promise = CallbackId(failure.subject)
    texts: list[Text] = []

    def along(work: Work, callback: Callback) -> None:
        decide(house, work, failure, by, and_write)
        text = farewell(house, work, callback)
        texts.extend([text] if text else [])

    try:
        cancel.cancel(house, promise, reason=GIVEN_UP, cause=by, along=along)
    except AlreadyBridged:
        pass  # nothing of it is left to end
    except (NotFound, Unreadable) as hindrance:
        with house.store.begin() as work:
            if isinstance(hindrance, Unreadable):
                work.write_off(promise, Event.CANCEL, reason=GIVEN_UP, cause=by, at=house.clock.now())
            decide(house, work, failure, by, and_write)
        house.line.leave(EntryId(promise), reason=GIVEN_UP, now=house.clock.now())
    with house.store.begin() as work:
        decide(house, work, failure, by, and_write)  # where nothing was cancelled now
    for text in texts:  # lost on the way, the sweep sends it
        house.dispatch.text(text.id)


def farewell(house: House, work: Work, callback: Callback) -> Text | None:
    """What the caller is told, where there is a way to tell them."""
    try:
        queue = house.book.queue(callback.queue)
    except NotFound:
        return None
    return compose(work, house, queue, callback, "given_up", house.clock.now())
