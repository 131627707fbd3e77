"""What is heard when a part of us is away: never silence, and never the loss of a place.

A caller in line carries their place in the URLs of their own call, so holding needs neither the line nor the record:
the next wait document that finds the line again puts them back where they were. Nothing is promised here but what was
committed before, and nobody is connected to somebody of whom we know nothing.

Each document has words of its own (`WORDS`): whoever chose a callback hears that none can be taken now, whoever was
rung is asked again, an agent is never left with nobody on the line.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from callback.domain import hours
from callback.domain.callback import Attempt, Callback
from callback.domain.dialogue import Goto, HangUp, Music, Prompt, Script, Silence, Speak, Step, Verb
from callback.domain.ids import AttemptId, EntryId, QueueKey, Token
from callback.domain.lifecycle import ENDS, State
from callback.flows import bridge, consult, ended, enrol, parted
from callback.flows.arrive import closed, credit_s, first_language
from callback.flows.hook import Hook, Place, micros
from callback.ports import House

HOLD_S = 20
"""Music between two looks whether the line is back, for a caller on hold."""
SOON_S = 8
"""The same for somebody who is asked to hold on for a moment."""
AGAIN = 6
"""How often they are asked so: with the words, an outage of a minute."""
AGENT_AGAIN = 3
"""How often an agent is, while the caller hears their phone ring."""
AGENT_SOON_S = 4


def trouble(house: House, hook: Hook, path: str) -> Script:
    """What is heard in place of the document `path`, which failed."""
    try:
        return WORDS.get(path, hold_on)(house, hook)
    except (KeyError, ValueError):  # the URL carries no place: not one of a caller in line
        return farewell(hook)


# --- callers in line ----------------------------------------------------------------------------------------------


def hold_on(_: House, hook: Hook) -> Script:
    """Back on hold, with the place that the URL carries."""
    place = Place.of(hook.query)
    return Script(place.language, (Speak((Prompt("trouble"),)), place.hold()), place.queue)


def music(_: House, hook: Hook) -> Script:
    """Inside the carrier's queue, where a leg cannot be queued again: it asks once more when this ends."""
    return Script(Place.of(hook.query).language, (Music(HOLD_S),))


def arriving(house: House, hook: Hook) -> Script:
    """A caller who arrives now waits live: nothing is promised, and the wait document puts them into the line. Their
    place counts from the moment at which they came: the line may have heard of it before it stopped answering."""
    try:
        queue = house.book.find(hook.query.get("queue"), hook.form.get("To", ""))
    except ConnectionError:  # the book has no page yet, and whatever it reads from is away
        return again(hook, "incoming", AGAIN, Music(SOON_S), sorry="trouble_bye")
    if queue is None:
        return farewell(hook)
    came_at, language = hook.came_at or house.clock.now(), first_language(queue, None)
    if not hours.is_open(queue.policy.hours, came_at):
        return closed(queue, language, house)
    joined, credit = micros(came_at), round(credit_s(queue, hook) * 1e6)
    place = Place(QueueKey(queue.key), EntryId(hook.call), joined, joined - credit, language)
    return Script(place.language, (Speak((Prompt("trouble"),)), place.hold()), place.queue)


def no_callback(_: House, hook: Hook) -> Script:
    """On the way to a callback: none can be promised now. They keep their place and hold."""
    place = Place.of(hook.query)
    return Script(place.language, (Speak((Prompt("trouble_no_callback"), Prompt("stay"))), place.hold()), place.queue)


def confirming(house: House, hook: Hook) -> Script:
    """At the last key: what was committed before something failed was promised, anything else was not."""
    return promised(house, hook) or no_callback(house, hook)


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


def still_booked(_: House, hook: Hook) -> Script:
    """Somebody with a promise who rang in to wait for it on the line: asked again, since their place is the promise's.
    Their promise stands whatever happens."""
    return again(hook, "already", AGAIN, Music(SOON_S), sorry="already_kept")


def after_the_talk(house: House, hook: Hook) -> Script:
    """The line knows whether they talked; where it is away, a talk that lasted says so itself. Who was not connected
    holds."""
    place = Place.of(hook.query)
    with suppress(ConnectionError):
        return ended.next_for_caller(house, hook, place, there=hook.status == "in-progress", missed=False)
    if talked(house, hook, place):
        return Script(place.language, (HangUp(),))
    return hold_on(house, hook)


def talked(house: House, hook: Hook, place: Place) -> bool:
    """Whether the carrier says that they were bridged, and for longer than any prompt and the policy's cut-off."""
    seconds = hook.form.get("DialCallDuration", "")
    bridged = hook.form.get("DialBridged", "") == "true"
    cut_off_s = house.book.queue(place.queue).policy.cut_off_s
    return bridged and seconds.isdecimal() and int(seconds) > cut_off_s + bridge.PROMPT_S


# --- callers whom we rang -----------------------------------------------------------------------------------------


def once_more(_: House, hook: Hook) -> Script:
    """Their phone is in their hand now: asked again in a moment, a few times."""
    return again(hook, "callback", AGAIN, Music(SOON_S), sorry="trouble_not_connected")


def pressed(house: House, hook: Hook) -> Script:
    """They want to talk, and the record says that this call serves their promise: they hold in the place they have
    had. Else their key is kept, and acted on in a moment."""
    if not hook.digits:
        return once_more(house, hook)
    if hook.digits == "1":
        found = served(house, hook)
        if found is not None and found[0].mode != "agent_first":  # whose agent waits in a conference already
            return Script(
                found[1].language, (Speak((Prompt("trouble"),)), bridge.place_of(found[1]).hold()), found[1].queue
            )
    kept = replace(hook, query={**hook.query, "d": hook.digits})
    return again(kept, "callback/key", AGAIN, Music(SOON_S), sorry="trouble_not_connected")


def served(house: House, hook: Hook) -> tuple[Attempt, Callback] | None:
    """The attempt that this call is, and its promise. None: over, or nobody can say."""
    try:
        with house.store.begin() as work:
            attempt = work.attempt(AttemptId(hook.query["a"]))
            callback = work.callback(attempt.callback)
    except ConnectionError:
        return None
    current = callback.state is State.ANSWERED and not bridge.stale(attempt, callback)
    return (attempt, callback) if current else None


# --- agents -------------------------------------------------------------------------------------------------------


def agent_waits(_: House, hook: Hook) -> Script:
    """An agent who was rung: told about the caller in a moment. The caller hears their phone ring."""
    return agent_again(hook, "agent/whisper")


def agent_pressed(house: House, hook: Hook) -> Script:
    """An agent's key. Where the line has bridged the two before the record failed, they talk: the record learns at the
    end that it missed the beginning."""
    if hook.digits == "1":
        with suppress(ConnectionError):
            pairing = house.line.reservation(Token(hook.query["r"]))
            if pairing is not None and pairing.phase == "busy":
                return Script(language_of(hook))
    return agent_again(hook, "agent/whisper")


def agent_first_waits(_: House, hook: Hook) -> Script:
    """agent_first: nobody has been rung for this agent yet."""
    return agent_again(hook, "agent/first")


def colleague_waits(_: House, hook: Hook) -> Script:
    """A colleague who is asked, as any agent who was rung."""
    return agent_again(hook, "desk/other")


def rung_to_test(_: House, hook: Hook) -> Script:
    """Whose telephone is tested, as any agent who was rung."""
    return agent_again(hook, "agent/test")


def on_with_it(_: House, hook: Hook) -> Script:
    """Somebody outside picked up: they talk, whoever can write it down."""
    return Script(language_of(hook))


def agent_done(_: House, hook: Hook) -> Script:
    """An agent whose talk is over, or never was: the sweep asks the carrier about it."""
    return Script(language_of(hook), (HangUp(),))


def agent_again(hook: Hook, path: str) -> Script:
    """A moment, and the same question; in the end a goodbye, rather than nobody on the line."""
    return again(hook, path, AGENT_AGAIN, Silence(AGENT_SOON_S), words="trouble_agent", sorry="trouble_agent_bye")


# --- the same for several -----------------------------------------------------------------------------------------


def again(hook: Hook, path: str, most: int, meanwhile: Verb, *, sorry: str, words: str = "trouble") -> Script:
    """The document `path` once more in a moment, `most` times; then `sorry`, and the end."""
    language, queue, times = language_of(hook), hook.query.get("q", ""), int(hook.query.get("again", "0")) + 1
    if times > most:
        return Script(language, (Speak((Prompt(sorry), *FAREWELLS.get(sorry, ()))), HangUp()), queue)
    query = {name: value for name, value in hook.query.items() if name not in NOT_AGAIN}
    step = Step(path, {**query, "again": str(times)})
    return Script(language, (Speak((Prompt(words),)), meanwhile, Goto(step)), queue)


FAREWELLS: Mapping[str, tuple[Prompt, ...]] = {"already_kept": (Prompt("goodbye"),)}
"""What is said after a sentence that is no goodbye in itself."""
NOT_AGAIN = frozenset({"t", "x"})
"""Of the failed document alone: how often it was asked, and its nonce."""


def language_of(hook: Hook) -> str:
    """The language that the URL carries."""
    return hook.query.get("l", "en")


def farewell(hook: Hook) -> Script:
    """There is nothing to wait for: they are asked to call again."""
    return Script(language_of(hook), (Speak((Prompt("trouble_bye"),)), HangUp()), hook.query.get("q", ""))


WORDS: Mapping[str, Callable[[House, Hook], Script]] = {
    "incoming": arriving,
    "offer": no_callback,
    "confirm": confirming,
    "number": no_callback,
    "later": no_callback,
    "already": still_booked,
    "wait": music,
    "held": music,
    "dialled": after_the_talk,
    "callback": once_more,
    "callback/key": pressed,
    "agent/whisper": agent_waits,
    "agent/key": agent_pressed,
    "agent/first": agent_first_waits,
    "agent/first/key": agent_first_waits,
    "agent/after": agent_done,
    "agent/unreached": agent_done,
    "agent/test": rung_to_test,
    "agent/test/key": rung_to_test,
    "desk/room": parted.waiting,
    "desk/after": agent_done,
    "desk/caller": parted.on_and_on,
    "desk/consult": parted.waiting,
    "desk/consulted": parted.waiting,
    "desk/other": colleague_waits,
    "desk/other/key": colleague_waits,
    "desk/other/joined": on_with_it,
    "desk/other/room": consult.other_waits,
    "desk/other/after": agent_done,
}
"""What is heard in place of which document; anything else is a caller in line, who holds."""

OWN_FALLBACK = frozenset({"incoming", "confirm", "already", "callback", "callback/key"}) | {
    path for path in WORDS if path.startswith("agent/")
}
"""Documents whose fallback is not simply to hold: the carrier may have taken the leg out of whatever it was in."""


def fallback(house: House, hook: Hook) -> Script:
    """The carrier could not use a document of ours (`ErrorUrl` says which): on hold, or through the door again."""
    failed = urlsplit(hook.form.get("ErrorUrl", ""))
    query = dict(parse_qsl(failed.query))
    path = failed.path.partition("/voice/")[2]
    known = Hook(hook.form, query)
    if path == "incoming" and "again" not in query:
        return again(known, "incoming", 1, Music(SOON_S), sorry="trouble_bye")
    return trouble(house, known, path if path in OWN_FALLBACK else "")
