"""The offer and what follows by key: take it, stay, later; confirm the number or key in another.

Silence and wrong keys get one repeat, then the sane default: stay in line. The place is never lost in here: the caller
has stood in the line since the call arrived.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from callback.domain import hours, phone
from callback.domain.dialogue import Ask, Prompt, Script, Speak
from callback.domain.errors import InvalidInput, NotAccepting, NumberRefused
from callback.domain.offer import Reason
from callback.domain.policy import Queue
from callback.domain.said import Moment
from callback.flows import enrol, promises, said
from callback.flows.book import caller_id, zone
from callback.flows.hook import Hook, Place
from callback.flows.outlook import present, wait_prompt
from callback.ports import House

REPEATS = 1
NUMBER_TRIES = 2
LATER_IN = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=24))
"""What "later" offers by key 1, 2 and 3, moved to the next time with room where the queue is closed or full then."""


def offer(hook: Hook, place: Place, before: tuple[Prompt, ...] = ()) -> Script:
    """The offer: 1 callback, 2 stay, 3 later; 9 changes the language where there is another."""
    place = replace(place, offered=True)
    keys = "offer_keys" if phone.usable_caller(hook.caller) else "offer_keys_no_number"
    action = place.step("offer", t=str(hook.tries))
    return Script(place.language, (Ask((*before, Prompt(keys)), action),), place.queue)


def closing(house: House, hook: Hook, place: Place, before: tuple[Prompt, ...] = ()) -> Script:
    """Nobody can be called back before we close: 3 for a time after that which has room, 2 to stay; or honestly no
    callback at all."""
    told = (*before, Prompt("not_accepting", {"reason": Reason.NOT_BEFORE_CLOSING}))
    queue, now = house.book.queue(place.queue), house.clock.now()
    closes = hours.closes_at(queue.policy.hours, now) or now
    free = promises.times(house, queue, (closes,))
    return after_closing(house, hook, place, free[0].isoformat(), told) if free else stay(place, *told, Prompt("stay"))


def after_closing(house: House, hook: Hook, place: Place, at: str, before: tuple[Prompt, ...]) -> Script:
    """The question whether to be called at that time."""
    keys = Prompt("closing_keys", {"when": at, "zone": zone(house.book.queue(place.queue), hook.caller)})
    return Script(place.language, (Ask((*before, keys), place.step("offer", t=str(hook.tries), at=at)),), place.queue)


def language_hint(queue: Queue) -> tuple[Prompt, ...]:
    """How to change the language: said first of all, to somebody who does not understand what follows."""
    return (Prompt("language_key"),) if len(queue.policy.languages) > 1 else ()


def offered(house: House, hook: Hook) -> Script:
    """A key at the offer, or (`at`) at the question whether to be called once we open again."""
    place, at = Place.of(hook.query), hook.query.get("at", "")
    match hook.digits:
        case "1" if not at:
            return take(house, hook, place)
        case "2":
            return stay(place)
        case "3":
            return take(house, hook, place, requested_for=at) if at else later_slots(house, hook, place)
        case "9":
            return translated(house, hook, place)
    if hook.tries >= REPEATS:
        return stay(place)
    again = (Prompt("again"),)
    return after_closing(house, hook.again(), place, at, again) if at else offer(hook.again(), place, before=again)


def translated(house: House, hook: Hook, place: Place) -> Script:
    """The wait and the offer once more, in the other language."""
    place = other_language(house, hook, place)
    if hook.query.get("at"):
        return closing(house, hook, place)
    queue = house.book.queue(place.queue)
    standing = house.line.standing(place.queue, place.entry)
    now = house.clock.now()
    outlook = present(house, queue, standing, now)
    said.tell(house, queue, place.entry, Moment.MENU, standing, outlook, now)
    return offer(hook, place, before=(wait_prompt(outlook.wait, standing),))


def other_language(house: House, hook: Hook, place: Place) -> Place:
    """The next of the queue's languages, remembered for this number."""
    languages = house.book.queue(place.queue).policy.languages or ("en",)
    at = languages.index(place.language) if place.language in languages else -1
    chosen = languages[(at + 1) % len(languages)]
    number = phone.usable_caller(hook.caller)
    if number:
        house.line.remember_language(house.store.number_hash(number), chosen)
    return replace(place, language=chosen)


def stay(place: Place, *told: Prompt) -> Script:
    """Into the hold queue."""
    return Script(place.language, (Speak(told or (Prompt("stay"),)), place.hold()), place.queue)


def take(house: House, hook: Hook, place: Place, requested_for: str = "") -> Script:
    """The caller wants to be called back: read their number back, or ask for one."""
    number = phone.usable_caller(hook.caller)
    if number is None or not may_ring(house, place, number):
        return ask_number(place, requested_for)
    return read_back(place, number, requested_for)


def may_ring(house: House, place: Place, number: str) -> bool:
    """Whether the toll guard lets us ring `number` for this queue."""
    queue = house.book.queue(place.queue)
    try:
        phone.check(number, allowed=queue.policy.allowed_countries, own=caller_id(house, queue))
    except NumberRefused:
        return False
    return True


def read_back(place: Place, number: str, requested_for: str = "", tries: int = 0) -> Script:
    """The number in groups; the same key that took the offer confirms it."""
    told = (Prompt("confirm_number", {"number": number}), Prompt("confirm_keys"))
    action = place.step("confirm", n=number, t=str(tries), at=requested_for)
    return Script(place.language, (Ask(told, action),), place.queue)


def ask_number(place: Place, requested_for: str = "", tries: int = 0, *before: Prompt) -> Script:
    """Another number, ended by #."""
    action = place.step("number", t=str(tries), at=requested_for)
    return Script(
        place.language, (Ask((*before, Prompt("enter_number")), action, digits=None, timeout=8),), place.queue
    )


def confirmed(house: House, hook: Hook) -> Script:
    """A key at the readback: 1 commits the promise, 2 asks for another number."""
    place = Place.of(hook.query)
    number, requested_for = hook.query["n"], hook.query.get("at", "")
    match hook.digits:
        case "1":
            return promise(house, hook, place, number, requested_for)
        case "2":
            return ask_number(place, requested_for)
    if hook.tries < REPEATS:
        return read_back(place, number, requested_for, hook.tries + 1)
    return stay(place)


def numbered(house: House, hook: Hook) -> Script:
    """A number was keyed in: checked by the same rules as any other, then read back."""
    place = Place.of(hook.query)
    queue = house.book.queue(place.queue)
    own = caller_id(house, queue)
    requested_for = hook.query.get("at", "")
    trouble = Prompt("bad_number")
    try:
        number = phone.normalise(hook.digits, phone.region_of(own) if own else None)
        phone.check(number, allowed=queue.policy.allowed_countries, own=own)
    except NumberRefused:
        trouble = Prompt("refused_number")
    except InvalidInput:
        pass
    else:
        return read_back(place, number, requested_for)
    if hook.tries + 1 < NUMBER_TRIES:
        return ask_number(place, requested_for, hook.tries + 1, trouble)
    return stay(place, trouble, Prompt("stay"))


def promise(house: House, hook: Hook, place: Place, number: str, requested_for: str) -> Script:
    """Commit, then say it: a caller hears "we will call you back" only after the row is there."""
    try:
        return enrol.from_call(
            house,
            place,
            hook.call,
            number,
            proved=number == phone.usable_caller(hook.caller),
            requested_for=datetime.fromisoformat(requested_for) if requested_for else None,
        )
    except NotAccepting as no:
        said.refused(house, place, hook.call, no.reason, str(no))
        if no.reason == Reason.NOT_BEFORE_CLOSING:
            return closing(house, hook, place)
        return stay(place, Prompt("not_accepting", {"reason": no.reason}), Prompt("stay"))
    except NumberRefused:
        return stay(place, Prompt("refused_number"), Prompt("stay"))


def later_slots(house: House, hook: Hook, place: Place, tries: int = 0) -> Script:
    """Offer times to be called back at, by key."""
    queue = house.book.queue(place.queue)
    times = promises.times(house, queue, (house.clock.now() + delay for delay in LATER_IN))
    if not times:
        return stay(place, Prompt("not_accepting", {"reason": "closed"}), Prompt("stay"))
    values = {f"slot{at}": time.isoformat() for at, time in enumerate(times, start=1)}
    prompt = Prompt("later_slots", {**values, "zone": zone(queue, hook.caller)})
    keyed = {f"k{at}": time.isoformat() for at, time in enumerate(times, start=1)}
    return Script(place.language, (Ask((prompt,), place.step("later", t=str(tries), **keyed)),), place.queue)


def later(house: House, hook: Hook) -> Script:
    """A key at the choice of times."""
    place = Place.of(hook.query)
    chosen = hook.query.get(f"k{hook.digits}", "") if hook.digits else ""
    if chosen:
        return take(house, hook, place, requested_for=chosen)
    if hook.tries < REPEATS:
        return later_slots(house, hook, place, hook.tries + 1)
    return stay(place)
