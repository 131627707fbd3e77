"""Every document and every report that the carrier can ask for, by path below `/voice/`: the table of contents of a
call.

Documents answer with what is heard next; reports change the state and answer with nothing.
"""

from collections.abc import Callable

from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.domain.ids import EntryId, QueueKey
from callback.flows import agentfirst, arrive, bridge, ended, hold, menu, rejoin, text
from callback.flows.hook import Hook, Place, micros
from callback.ports import House

Document = Callable[[House, Hook], Script]
Report = Callable[[House, Hook], None]

DOCUMENTS: dict[str, Document] = {
    "incoming": arrive.arrive,
    "offer": menu.offered,
    "confirm": menu.confirmed,
    "number": menu.numbered,
    "later": menu.later,
    "already": rejoin.chosen,
    "wait": hold.wait,
    "held": hold.held,
    "left": hold.left,
    "connect": bridge.redirected,
    "back": bridge.back_to_hold,
    "dialled": ended.dialled,
    "agent/whisper": bridge.whisper,
    "agent/key": bridge.agent_key,
    "agent/first": agentfirst.whisper,
    "agent/first/key": agentfirst.key,
    "agent/after": agentfirst.after,
    "agent/unreached": agentfirst.unreached,
    "callback": bridge.answered,
    "callback/key": bridge.human_key,
}

REPORTS: dict[str, Report] = {
    "status": ended.customer_status,
    "inbound/status": ended.inbound_status,
    "agent/status": ended.agent_status,
    "agent/first/status": agentfirst.status,
    "sms": text.status,
}

REPEATABLE = frozenset({"incoming", "wait", "connect", "back"})
"""Documents that are asked for again with the same URL by design, and are idempotent by themselves."""


def trouble(house: House, hook: Hook, path: str) -> Script:
    """What is heard when a part of us is away: a caller in line keeps the place that their URL carries, and holds."""
    if path == "incoming":
        return trouble_arriving(house, hook)
    try:
        place = Place.of(hook.query)
    except (KeyError, ValueError):
        return Script("en", (Speak((Prompt("trouble_bye"),)), HangUp()))
    return Script(place.language, (Speak((Prompt("trouble"),)), place.hold()))


def trouble_arriving(house: House, hook: Hook) -> Script:
    """A caller who arrives now waits live: nothing is promised, and the wait document puts them into the line."""
    queue = house.book.find(hook.query.get("queue"), hook.form.get("To", ""))
    if queue is None:
        return Script("en", (Speak((Prompt("trouble_bye"),)), HangUp()))
    joined = micros(house.clock.now())
    place = Place(QueueKey(queue.key), EntryId(hook.call), joined, joined, arrive.first_language(queue, None))
    return Script(place.language, (Speak((Prompt("trouble"),)), place.hold()))
