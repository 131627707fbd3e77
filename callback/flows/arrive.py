"""A call comes in: it joins the line in one step, hears the wait, and perhaps an offer to be called back.

This is the hot path: one script call on the line, no record, no worker. A worker writes the record within a second.
"""

from callback.domain import hours, phone
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.domain.ids import CallSid, EntryId, QueueKey, new_token
from callback.domain.lifecycle import CallState
from callback.domain.offer import Reason
from callback.domain.policy import Queue
from callback.domain.said import Moment
from callback.flows import bridge, menu, rejoin, said
from callback.flows.hook import Hook, Place
from callback.flows.outlook import look_and_note, wait_prompt
from callback.ports import House, Standing


def arrive(house: House, hook: Hook) -> Script:
    """Answer a call: connected at once, offered a callback, put on hold, or told honestly that nobody can help now."""
    queue = house.book.find(hook.query.get("queue"), hook.form.get("To", ""))
    if queue is None:
        return Script("en", (Speak((Prompt("unknown_number"),)), HangUp()))
    number = phone.claimed(hook.caller)
    language = first_language(queue, number)
    now = hook.came_at or house.clock.now()
    if not hours.is_open(queue.policy.hours, now):
        return closed(queue, language, house)
    standing = house.line.arrive(
        QueueKey(queue.key),
        hook.call,
        credit_s=credit_s(queue, hook),
        number_hash=house.store.number_hash(number) if number else "",
        language=language,
        lease_s=house.knobs.lease_s,
        token=new_token(),
        now=now,
        number=house.store.conceal(number) if number else "",
    )
    house.book.check(standing.config)
    if standing.language in queue.policy.languages:
        language = standing.language
    place = Place.standing(queue, EntryId(hook.call), standing, language, now)
    return greet(house, hook, queue, standing, place)


def credit_s(queue: Queue, hook: Hook) -> float:
    """The head start in line of the priority that the number's webhook names."""
    return queue.policy.priority_credit_s.get(hook.query.get("priority", ""), 0)


def greet(house: House, hook: Hook, queue: Queue, standing: Standing, place: Place) -> Script:
    """What somebody who has just joined hears."""
    welcome = Prompt("welcome", {"queue": queue.name})
    hint = menu.language_hint(queue)
    if standing.open_callback and (known := rejoin.recognise(house, queue, standing.open_callback, place)):
        return known
    if not standing.place:  # the call has left the line before: a replay
        return Script(place.language, (HangUp(),))
    if standing.reservation is not None:
        return bridge.connect(house, standing.reservation, place, before=(Speak((welcome,)),))
    now = house.clock.now()
    outlook = look_and_note(house, queue, standing, now)
    said.tell(house, queue, place.entry, Moment.ARRIVAL, standing, outlook, now)
    told = wait_prompt(outlook.wait, standing)
    if outlook.decision.offering:
        return menu.offer(hook, place, before=(welcome, *hint, told))
    if outlook.decision.reason is Reason.NOT_BEFORE_CLOSING:
        return menu.closing(house, hook, place, before=(welcome, *hint, told))
    return Script(place.language, (Speak((welcome, told)), place.hold()), place.queue)


def first_language(queue: Queue, number: str | None) -> str:
    """The language to greet in before anything was chosen: of the caller's country where we speak it."""
    spoken = phone.spoken_language(number) if number else None
    languages = queue.policy.languages or ("en",)
    return spoken if spoken in languages else languages[0]


def closed(queue: Queue, language: str, house: House) -> Script:
    """Out of hours: when we open again, and goodbye. Nobody joins a line that nobody serves."""
    opens = hours.next_opening(queue.policy.hours, house.clock.now())
    welcome = Prompt("welcome", {"queue": queue.name})
    if opens is None:
        return Script(language, (Speak((welcome, Prompt("closed_unknown"))), HangUp()), queue.key)
    zone = str(hours.zone_of(queue.policy.hours) or "UTC")
    told = Prompt("closed", {"opens": opens.isoformat(), "zone": zone})
    return Script(language, (Speak((welcome, told)), HangUp()), queue.key)


def ended(house: House, call: CallSid) -> None:
    """The inbound leg is over, as the number's status callback says: out of the line if they still stood there."""
    standing = house.line.standing(QueueKey(""), EntryId(call))
    if standing.place in ("menu", "hold", "reserved"):
        house.line.leave(EntryId(call), reason=CallState.ABANDONED, now=house.clock.now())
