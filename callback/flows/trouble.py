"""What is heard when a part of us is away: never silence, and never the loss of a place.

A caller in line carries their place in the URLs of their own call, so holding needs neither the line nor the record:
the next wait document that finds the line again puts them back where they were.
"""

from urllib.parse import parse_qsl, urlsplit

from callback.domain.dialogue import Goto, HangUp, Music, Prompt, Script, Silence, Speak, Step
from callback.domain.ids import EntryId, QueueKey
from callback.domain.lifecycle import ENDS
from callback.flows import enrol
from callback.flows.arrive import first_language
from callback.flows.hook import Hook, Place, micros
from callback.ports import House

PAUSE_S = 5
"""Before a caller whose queue we cannot even name is sent to the door again."""


IN_QUEUE = frozenset({"wait", "held"})
"""Documents heard inside the carrier's queue, where a leg cannot be queued again; it asks once more when they end."""
HOLD_S = 20
RUNG = frozenset({"callback", "callback/key"})
"""Documents heard by somebody whom we called back."""
AGAIN = 3
"""How often they are asked to hold on for a moment."""


def trouble(house: House, hook: Hook, path: str) -> Script:
    """What is heard when a part of us is away: a caller in line keeps the place that their URL carries, and holds."""
    if path == "incoming":
        return arriving(house, hook)
    if path in RUNG and "a" in hook.query:
        return once_more(hook)
    try:
        place = Place.of(hook.query)
    except (KeyError, ValueError):
        return Script("en", (Speak((Prompt("trouble_bye"),)), HangUp()))
    if path in IN_QUEUE:
        return Script(place.language, (Music(HOLD_S),))
    kept = promised(house, hook) if path == "confirm" else None
    return kept or Script(place.language, (Speak((Prompt("trouble"),)), place.hold()))


def once_more(hook: Hook) -> Script:
    """Somebody whom we rang: their phone is in their hand now, so they are asked again in a moment, a few times."""
    again = int(hook.query.get("again", "0")) + 1
    if again > AGAIN:
        return Script("en", (Speak((Prompt("trouble_bye"),)), HangUp()))
    step = Step("callback", {"a": hook.query["a"], "again": str(again)})
    return Script("en", (Speak((Prompt("trouble"),)), Silence(PAUSE_S), Goto(step)))


def promised(house: House, hook: Hook) -> Script | None:
    """What was promised to this call, if it was committed before something failed: they would hold, and be rung while
    they do. None: nothing, as far as can be known now."""
    try:
        with house.store.begin() as work:
            callback = work.callback_by_origin(hook.call)
    except ConnectionError:
        return None
    if callback is None or callback.state in ENDS:
        return None
    return enrol.spoken_promise(house, house.book.queue(callback.queue), callback, texted=False)


def arriving(house: House, hook: Hook) -> Script:
    """A caller who arrives now waits live: nothing is promised, and the wait document puts them into the line."""
    queue = house.book.find(hook.query.get("queue"), hook.form.get("To", ""))
    if queue is None:
        return Script("en", (Speak((Prompt("trouble_bye"),)), HangUp()))
    joined = micros(house.clock.now())
    place = Place(QueueKey(queue.key), EntryId(hook.call), joined, joined, first_language(queue, None))
    return Script(place.language, (Speak((Prompt("trouble"),)), place.hold()))


def fallback(house: House, hook: Hook) -> Script:
    """The carrier could not use a document of ours (`ErrorUrl` says which): on hold, or through the door again."""
    failed = urlsplit(hook.form.get("ErrorUrl", ""))
    query = dict(parse_qsl(failed.query))
    if failed.path.endswith("/voice/incoming") and "again" not in query:
        back = Step("incoming", {**{k: v for k, v in query.items() if k in ("queue", "priority")}, "again": "1"})
        return Script("en", (Speak((Prompt("trouble"),)), Silence(PAUSE_S), Goto(back)))
    return trouble(house, Hook(hook.form, query), "fallback")
