"""The promise: from a caller at the offer, from the API, from the console. Committed first, spoken afterwards."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from callback.domain import hours, offer, order, phone, spoken
from callback.domain.callback import Callback, Source
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.domain.errors import DuplicateOpen, InvalidInput, NumberRefused
from callback.domain.ids import CallSid, EntryId, QueueKey, new_callback_id
from callback.domain.lifecycle import CallState, Event, State
from callback.domain.policy import Queue
from callback.domain.wait import Wait
from callback.flows import condition, match, promises, said, settle
from callback.flows.book import caller_id, zone
from callback.flows.hook import Place, moment
from callback.flows.outlook import closes_in_s, present, staffed
from callback.flows.promises import Booked
from callback.flows.text import compose
from callback.ports import Along, House, Standing, Work

TOKEN_BYTES = 18
"""144 random bits for the status page (OWASP ASVS 11.5.1 asks for at least 128)."""
REQUESTED_WINDOW = timedelta(minutes=30)
"""A time that was asked for is kept within this long."""
KEYED_IN_MOST = 3
"""How often a day one number may be asked for by callers who have another."""
FURTHEST = timedelta(days=30)
"""How far ahead a callback may be asked for."""


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, before any rule has looked at it."""

    queue: Queue
    number: str
    language: str
    source: Source
    cause: str
    joined_at: datetime
    score: int
    proved: bool = True
    requested_for: datetime | None = None
    origin: CallSid | None = None
    name: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    idempotency: tuple[str, str] | None = None
    chosen_by_key: bool = False  # a time that we named: who has just lost its last place takes the next


def from_call(
    house: House, place: Place, call: CallSid, number: str, *, proved: bool, requested_for: datetime | None
) -> Script:
    """A caller confirmed: keep the place they have had since they arrived, and say what will happen.

    Raises NotAccepting or NumberRefused; the caller is then still in line.
    """
    queue = house.book.queue(place.queue)
    wish = Wish(
        queue=queue,
        number=number,
        language=place.language,
        source=Source.CALL,
        cause=f"call {call}",
        joined_at=moment(place.joined),
        score=place.score,
        proved=proved,
        requested_for=requested_for,
        origin=call,
        chosen_by_key=requested_for is not None,
    )
    try:
        callback, _, texted = commit(house, wish)
    except DuplicateOpen as standing:
        with house.store.begin() as work:
            callback = work.callback(standing.existing)
        texted = False  # the text about it was sent when it was made
        house.line.leave(place.entry, reason=CallState.CALLBACK, now=house.clock.now())
    return spoken_promise(house, queue, callback, texted=texted)


def request(
    house: House,
    *,
    queue: QueueKey,
    number: str,
    requested_for: datetime | None = None,
    language: str | None = None,
    context: dict[str, Any] | None = None,
    name: str = "",
    source: Source,
    idempotency: tuple[str, str] | None,
    cause: str,
    along: Along | None = None,
) -> tuple[Callback, bool]:
    """A promise made without a call. Returns the callback and whether it is new (else: the one already open). What
    `along` writes about a new one is committed with it.

    Raises NotFound, NotAccepting, NumberRefused, InvalidInput, KeyReused.
    """
    now = house.clock.now()
    known = house.book.queue(queue)
    if language is not None and language not in known.policy.languages:
        raise InvalidInput("language", f"this queue speaks {', '.join(known.policy.languages)}")
    joined = max(now, requested_for) if requested_for else now
    wish = Wish(
        queue=known,
        number=phone.normalise(number, None),
        language=language or known.policy.languages[0],
        source=source,
        cause=cause,
        joined_at=joined,
        score=order.score(joined, 0),
        requested_for=requested_for,
        name=name,
        context=context or {},
        idempotency=idempotency,
    )
    try:
        callback, new, _ = commit(house, wish, along)
        return callback, new
    except DuplicateOpen as standing:
        with house.store.begin() as work:
            return work.callback(standing.existing), False


def commit(house: House, wish: Wish, along: Along | None = None) -> tuple[Callback, bool, bool]:
    """Check, commit, then put into the line. A crash after the commit is mended by the sweep. Returns the callback,
    whether it is new, and whether a text follows.

    Raises DuplicateOpen, KeyReused, NotAccepting, NumberRefused, InvalidInput.
    """
    refuse_ours(house, wish.number)
    now = house.clock.now()
    standing = stand(house, wish)
    outlook = present(house, wish.queue, standing, now)
    reason = "taken at the offer" if wish.source is Source.CALL else f"asked for by {wish.source}"
    with house.store.begin() as work:
        wish = in_turn(work, wish, standing)
        callback = draft(wish, outlook.wait, now)
        event = Event.SCHEDULE if callback.state is State.SCHEDULED else Event.PROMISE
        stored = work.add_callback(callback, event=event, reason=reason, cause=wish.cause, idempotency=wish.idempotency)
        new = stored.id == callback.id
        if new:  # a repeat of what was promised before gets the same answer, whatever has changed since
            can_ring = condition.can_ring(house, wish.queue)
            booked = promises.beside_this(work, wish.queue, now) if promises.counts(wish.queue.policy) else None
            guard(wish, caller_id(house, wish.queue), standing, now, can_ring=can_ring, booked=booked)
            protect(work, wish, now)
            if along is not None:
                along(work, stored)
        text = compose(work, house, wish.queue, stored, "promised", now) if new else None
        texted = text is not None or not (new or work.opted_out(stored.number))
    place_in_line(house, stored, replaces=wish.origin)
    if new:
        said.promise(house, wish.queue, stored, standing, outlook, now)
    if text is not None:
        house.dispatch.text(text.id)
    match.run(house, QueueKey(wish.queue.key))
    return stored, new, texted


def stand(house: House, wish: Wish) -> Standing:
    """Where the caller stands who took the offer; for anybody else, where a newcomer would."""
    queue = QueueKey(wish.queue.key)
    if wish.origin is not None:
        standing = house.line.standing(queue, EntryId(wish.origin))
        if standing.position is not None:
            return standing
    return house.line.standing(queue, None)


def draft(wish: Wish, expected: Wait, now: datetime) -> Callback:
    """The callback as it would be, with the window that is promised."""
    later = wish.requested_for is not None and wish.requested_for > now
    window = spoken.promised(expected, now)
    if later and wish.requested_for is not None:
        window = (wish.requested_for, wish.requested_for + REQUESTED_WINDOW)
    return Callback(
        id=new_callback_id(),
        queue=QueueKey(wish.queue.key),
        state=State.SCHEDULED if later else State.WAITING,
        number=wish.number,
        joined_at=wish.joined_at,
        score=wish.score,
        priority=order.priority(wish.joined_at, wish.score, wish.queue.policy.priority_credit_s),
        language=wish.language,
        source=wish.source,
        attempts_left=wish.queue.policy.attempts if wish.proved else 1,
        created_at=now,
        name=wish.name,
        proved=wish.proved,
        requested_for=wish.requested_for,
        origin=wish.origin,
        promised_from=window[0] if window else None,
        promised_to=window[1] if window else None,
        token=secrets.token_urlsafe(TOKEN_BYTES),
        context=wish.context,
    )


def in_turn(work: Work, wish: Wish, standing: Standing) -> Wish:
    """One at a time, where the last place may be at stake: of a most that the policy names, or of a time."""
    if wish.queue.policy.max_outstanding is None and not wish.chosen_by_key:
        return wish
    promises.one_by_one(work, wish.queue)
    if not wish.chosen_by_key or wish.requested_for is None:
        return wish
    free = promises.still_free(work, wish.queue, standing, wish.requested_for)
    return replace(wish, requested_for=free or wish.requested_for)


def guard(
    wish: Wish,
    own: str | None,
    standing: Standing,
    now: datetime,
    *,
    can_ring: bool = True,
    booked: Booked | None = None,
) -> None:
    """Every reason to refuse. Raises NotAccepting, NumberRefused, InvalidInput."""
    policy = wish.queue.policy
    phone.check(wish.number, allowed=policy.allowed_countries, own=own)
    at = wish.requested_for or now
    if at > now + FURTHEST:
        raise InvalidInput("requested_for", f"at most {FURTHEST.days} days ahead")
    is_open = policy.hours is None or hours.is_open(policy.hours, max(at, now))
    offer.may_promise(
        is_open=is_open,
        outstanding=booked.outstanding if booked else standing.callbacks,
        due_today=booked.due_today if booked else None,
        policy=policy,
        closes_in_s=None if at > now or not standing.whole else closes_in_s(policy, now),
        staffed=staffed(standing),
        measured=standing.measured,
        can_ring=can_ring or at > now,
    )


def refuse_ours(house: House, number: str) -> None:
    """We would ring ourselves, and offer ourselves a callback. Raises NumberRefused."""
    found = house.book.find(None, number)
    if number == house.knobs.caller_id or (found is not None and number in found.numbers):
        raise NumberRefused("ours", "this is our own number: give the one to call back")


def protect(work: Work, wish: Wish, now: datetime) -> None:
    """Whoever never asked for it is not rung. Raises NumberRefused."""
    if work.suppressed(wish.number):
        raise NumberRefused("suppressed", "its owner asked never to be called by us")
    if not wish.proved and keyed_in(work, wish.number, now) > KEYED_IN_MOST:
        raise NumberRefused("too_often", "this number was given too often by others today")


def keyed_in(work: Work, number: str, now: datetime) -> int:
    """How many callbacks to this number were asked for in the last day by callers who had another."""
    recent = work.callbacks(number=number, limit=50).items
    return sum(1 for other in recent if not other.proved and now - other.created_at < timedelta(days=1))


def place_in_line(house: House, callback: Callback, replaces: CallSid | None = None) -> None:
    """Into the line, in the place of the call that took the offer. A scheduled one leaves the line until it is due,
    and is known by its number there."""
    now = house.clock.now()
    if callback.state is State.WAITING:
        settle.stand(house, callback, due=callback.due(now), now=now, replaces=replaces)
        return
    if replaces is not None:
        house.line.leave(EntryId(replaces), reason=CallState.CALLBACK, now=now)
    if callback.state is State.SCHEDULED:
        settle.book(house, callback)


def spoken_promise(house: House, queue: Queue, callback: Callback, *, texted: bool) -> Script:
    """What will happen, about when, from which number, and that a text follows where one can be delivered."""
    told = [promised(callback, queue)]
    own = caller_id(house, queue)
    if own:
        told.append(Prompt("promise_from", {"caller_id": own}))
    if texted and phone.can_text(callback.number):
        told.append(Prompt("promise_text"))
    told.append(Prompt("goodbye"))
    return Script(callback.language, (Speak(tuple(told)), HangUp()), callback.queue)


def promised(callback: Callback, queue: Queue) -> Prompt:
    """The promise as a sentence: a time, a range, or honestly neither."""
    number = callback.number
    if callback.state is State.SCHEDULED and callback.requested_for is not None:
        when = callback.requested_for.isoformat()
        return Prompt("promise_later", {"number": number, "when": when, "zone": zone(queue, number)})
    if callback.promised_from is None or callback.promised_to is None:
        return Prompt("promise_unknown", {"number": number})
    low, high = (whole_minutes(callback.created_at, at) for at in (callback.promised_from, callback.promised_to))
    return Prompt("promise", {"number": number, "low": low, "high": high})


def whole_minutes(since: datetime, until: datetime) -> int:
    """Minutes between; what is promised is whole minutes already."""
    return max(round((until - since).total_seconds() / 60), 0)
