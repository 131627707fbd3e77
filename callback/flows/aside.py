"""Out of the way: a pairing that cannot be served is dissolved, and its agent takes the next in line at once.

Somebody on a leg keeps their place, and hears on: the wait document, which comes within half a minute, puts them where
they can be matched again, and connects them by itself where an agent is free then. A promise rests in its place, and
from the third time on stands in no line: its row keeps the place. A call that may have been placed is never placed
again by this: the carrier is asked first.
"""

from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.errors import NotFound, Unreadable
from callback.domain.ids import AttemptId, CallbackId, EntryId, Token, is_callback
from callback.domain.lifecycle import ENDS, State
from callback.flows import ask, match, settle
from callback.flows.poison import WHY, Item, excused, out_of_line, pause_after
from callback.ports import Failure, House, Reservation, Work


def item(pairing: Reservation, step: str) -> Item:
    """Whom this pairing is about."""
    return Item("callback" if is_callback(pairing.entry) else "call", pairing.entry, pairing.queue, step)


def of_reservation(house: House, token: Token, step: str) -> Item:
    """Whom a reservation is about, as far as anybody knows."""
    pairing = house.line.reservation(token)
    return Item("step", step, "", step) if pairing is None else item(pairing, step)


def of_attempt(house: House, id: AttemptId, step: str) -> Item:
    """Whom an attempt is about."""
    try:
        with house.store.begin() as work:
            return Item("callback", work.attempt(id).callback, "", step)
    except (NotFound, Unreadable):
        return Item("step", step, "", step)


def put_attempt(house: House, id: AttemptId, failure: Failure) -> None:
    """As `put`, for the pairing that an attempt was made for."""
    with house.store.begin() as work:
        token = work.attempt(id).token
    if token is not None:
        put(house, token, failure)


def put(house: House, token: Token, failure: Failure) -> None:
    """Whoever is in this pairing rests; the agent goes on. A talk goes on, too."""
    pairing = house.line.reservation(token)
    if pairing is None or pairing.phase == "busy":
        return
    try:
        settled = pairing.leg is None and is_callback(pairing.entry) and rest(house, pairing, failure)
    except Exception as fault:
        if excused(house, fault):
            raise
        release(house, pairing, "gone")  # the line's part at least, and the agent's; the row is found by its state
        match.run_agent(house, pairing.agent)
        raise
    if not settled:
        release(house, pairing, "gone" if pairing.leg is None else "menu")
    match.run_agent(house, pairing.agent)


def leave(house: House, callback: Callback, failure: Failure) -> None:
    """Out of the line, once it is held."""
    if failure.held_at is not None:
        out_of_line(house, callback.queue, EntryId(callback.id))


def release(house: House, pairing: Reservation, entry_to: str) -> None:
    """The pairing comes to nothing, through no fault of the agent's."""
    house.line.release(pairing.token, entry_to=entry_to, agent_to=None, reason=WHY, now=house.clock.now())


def rest(house: House, pairing: Reservation, failure: Failure) -> bool:
    """A promise, by what its row says. False: there is nothing that could rest."""
    with house.store.begin() as work:
        callback, attempt = found(work, CallbackId(pairing.entry))
    if callback is None or callback.state in ENDS or callback.state is State.SCHEDULED:
        return False
    ours = attempt if attempt is not None and attempt.token == pairing.token else None
    if ours is not None:
        return step_back(house, callback, ours, failure)
    if callback.state is not State.WAITING or failure.held_at is not None:
        return False
    release(house, pairing, "later")
    return True


def found(work: Work, id: CallbackId) -> tuple[Callback | None, Attempt | None]:
    """The row and the attempt in flight, as far as they are there and can be read."""
    try:
        callback = work.callback(id)
    except (NotFound, Unreadable):
        return None, None
    try:
        return callback, work.attempt(callback.attempt) if callback.attempt else None
    except (NotFound, Unreadable):
        return callback, None


def step_back(house: House, callback: Callback, attempt: Attempt, failure: Failure) -> bool:
    """The attempt was begun. Not asked for: it is over, and not spent. Asked for, perhaps: the carrier knows. Known by
    its name: its webhooks go on, or the lease of its pairing ends."""
    if callback.state is State.RESERVED:
        settle.attempt_over(house, attempt.id, Outcome.REFUSED, cause=WHY, delay=pause_after(failure))
        if failure.held_at is not None:
            house.line.leave(EntryId(callback.id), reason=WHY, now=house.clock.now())
    elif callback.state is State.DIALING and attempt.call is None:
        ask.lost(house, attempt.id, cause=WHY)
    return True
