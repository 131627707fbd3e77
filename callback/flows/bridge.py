"""Caller and agent come together, each proved present by a key: no voicemail ever takes the other side."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from callback.domain import hours
from callback.domain.callback import Attempt, Callback, Outcome
from callback.domain.dialogue import Ask, Connect, HangUp, Meet, Prompt, Script, Speak, Step, Verb
from callback.domain.ids import AttemptId, CallbackId, EntryId, QueueKey, Token, is_callback
from callback.domain.lifecycle import Event, State
from callback.domain.policy import Queue
from callback.flows import cancel, early, settle
from callback.flows.book import caller_id, zone
from callback.flows.hook import Hook, Place, micros
from callback.ports import House, Reservation, Work

PROMPT_S = 25
"""The longest that a question and its one repeat may keep a leg, added to every lease that covers one."""
REPEATS = 1
ON_THE_LINE = frozenset({State.ANSWERED, State.BRIDGED})
LATER = timedelta(minutes=30)
"""What "later" means at the answer, where no menu of times is read out."""


def connect(house: House, pairing: Reservation, place: Place, before: tuple[Verb, ...] = ()) -> Script:
    """Ring the reserved agent from the caller's leg. A stale pairing puts the caller back on hold."""
    queue = house.book.queue(place.queue)
    ring_s = queue.policy.ring_timeout_s
    until = house.clock.now() + timedelta(seconds=ring_s + PROMPT_S + house.knobs.reconcile_margin_s)
    if not house.line.extend(pairing.token, until=until, phase="ringing"):
        return Script(place.language, (*before, place.hold()), place.queue)
    ring = Connect(
        contact=house.book.agent(pairing.agent).contact,
        whisper=Step("agent/whisper", {"r": pairing.token, "l": agents_language(queue)}),
        status=Step("agent/status", {"r": pairing.token}),
        after=place.step("dialled", r=pairing.token),
        timeout=ring_s,
        caller_id=caller_id(house, queue) or "",
    )
    return Script(place.language, (*before, ring), place.queue)


def redirected(house: House, hook: Hook) -> Script:
    """A held leg was sent here by a worker: to the agent if the pairing still stands, else back on hold."""
    place = Place.of(hook.query)
    pairing = house.line.reservation(Token(hook.query["r"]))
    if pairing is None or pairing.entry != place.entry or pairing.phase == "busy":
        return Script(place.language, (place.hold(),))
    return connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))


def back_to_hold(_: House, hook: Hook) -> Script:
    """A leg whose agent was lost is sent here by the sweep."""
    place = Place.of(hook.query)
    return Script(place.language, (Speak((Prompt("agent_missed"),)), place.hold()), place.queue)


# --- the agent's ear --------------------------------------------------------------------------------------------


def whisper(house: House, hook: Hook) -> Script:
    """The agent picked up: who is it, how long have they waited, and the key that takes the call."""
    pairing = house.line.reservation(Token(hook.query["r"]))
    if pairing is None or pairing.phase == "busy":
        return Script("en", (Speak((Prompt("whisper_gone"),)), HangUp()))
    return introduce(house, hook, pairing, Step("agent/key", {"r": pairing.token}))


def introduce(house: House, hook: Hook, pairing: Reservation, key: Step) -> Script:
    """Tell the agent about the caller of `pairing`, and ask for the key, which goes to `key`."""
    queue = house.book.queue(pairing.queue)
    language = agents_language(queue)
    waited = house.clock.now() - (pairing.joined_at or pairing.at)
    sentence = "whisper_callback" if is_callback(pairing.entry) else "whisper_live"
    minutes, name = int(waited.total_seconds() // 60), name_of(house, pairing.entry)
    told = Prompt(sentence, {"queue": queue.name, "minutes": minutes, "name": name})
    action = Step(key.path, {**key.query, "t": str(hook.tries), "l": language})
    return Script(language, (Ask((told, Prompt("whisper_key")), action),))


def agents_language(queue: Queue) -> str:
    """What the agents of a queue are spoken to in: its first language."""
    return queue.policy.languages[0] if queue.policy.languages else "en"


def name_of(house: House, entry: EntryId) -> str:
    """The caller's name where a promise holds one."""
    if not is_callback(entry):
        return ""
    with house.store.begin() as work:
        return work.callback(CallbackId(entry)).name


def agent_key(house: House, hook: Hook) -> Script:
    """The agent's key: 1 bridges, by an empty document; anything else is asked once more, then counts as missed."""
    token, language = Token(hook.query["r"]), hook.query.get("l", "en")
    if hook.digits == "1":
        if not accept(house, token, hook):
            return Script(language, (Speak((Prompt("whisper_gone"),)), HangUp()))
        return Script(language)
    if hook.tries < REPEATS:
        return whisper(house, hook.again())
    return Script(language, (HangUp(),))


def accept(house: House, token: Token, hook: Hook, *, agent_there: bool = True) -> bool:
    """Both sides are there: the line, since it is fenced, then the record, which has the last word. False: the pairing
    is stale, or nobody is on the line for its promise any more, as after a cancel. `agent_there`: it is the agent's own
    key, and not the caller on their way to where the agent was."""
    pairing = house.line.reservation(token)
    if pairing is None:
        return False
    if not is_callback(pairing.entry):
        return house.line.bridge(token, now=house.clock.now(), agent_leg=hook.call)
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry))
    there = callback.state in ON_THE_LINE
    agent_leg = hook.call if agent_there else None
    if there and not house.line.bridge(token, now=house.clock.now(), agent_leg=agent_leg):
        return False
    if not (there and recorded(house, pairing, cause=f"call {hook.call}", agent_there=agent_there)):
        house.line.leave(pairing.entry, reason="no longer on the line", now=house.clock.now())
        return False
    return True


def recorded(house: House, pairing: Reservation, *, cause: str, agent_there: bool) -> bool:
    """Whether the record lets the talk begin: it may have been cancelled at this very moment."""
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry), lock=True)
        if callback.state not in ON_THE_LINE:
            return False
        if callback.attempt:
            attempt = work.attempt(callback.attempt)
            met_at = now if agent_there else None
            work.save_attempt(replace(attempt, bridged_at=now, met_at=met_at, agent=pairing.agent))
        talking = replace(callback, agent=pairing.agent)
        work.move(talking, Event.BRIDGE, reason=f"talks with {pairing.agent}", cause=cause, at=now)
    return True


# --- the caller's ear, called back ------------------------------------------------------------------------------


def answered(house: House, hook: Hook) -> Script:
    """Somebody or something picked up our call. The row is read again: superseded or cancelled means apologise."""
    now = house.clock.now()
    with house.store.begin() as work:
        attempt = work.attempt(AttemptId(hook.query["a"]))
        callback = work.callback(attempt.callback, lock=True)
        if stale(attempt, callback):
            return apology(callback)
        attempt, callback = bind(work, attempt, callback, hook, now)
    if callback.state is not State.ANSWERED:
        return apology(callback)
    if attempt.token:
        until = now + timedelta(seconds=PROMPT_S + house.knobs.reconcile_margin_s)
        house.line.extend(attempt.token, until=until, phase="ringing")
    return first_question(house, hook, attempt, callback)


def stale(attempt: Attempt, callback: Callback) -> bool:
    """Whether this call is no longer the one that serves the promise."""
    return callback.attempt != attempt.id or attempt.outcome is not None


def bind(work: Work, attempt: Attempt, callback: Callback, hook: Hook, now: datetime) -> tuple[Attempt, Callback]:
    """The first webhook tells which call this attempt became, even if the worker that asked for it died."""
    attempt = work.save_attempt(
        replace(
            attempt,
            call=attempt.call or hook.call,
            answered_at=attempt.answered_at or now,
            answered_by=hook.form.get("AnsweredBy", attempt.answered_by),
        )
    )
    moved = work.move(
        replace(callback, leg=hook.call), Event.ANSWER, reason="picked up", cause=f"call {hook.call}", at=now
    )
    return attempt, moved or callback


def first_question(house: House, hook: Hook, attempt: Attempt, callback: Callback) -> Script:
    """A machine gets a short message; a person is asked for a key, unless the policy trusts whoever answers."""
    policy = house.book.queue(callback.queue).policy
    if policy.confirm_human == "amd" and hook.form.get("AnsweredBy", "").startswith(("machine", "fax")):
        settle.attempt_over(house, attempt.id, Outcome.VOICEMAIL, cause=f"call {hook.call}")
        return message(house, callback)
    if policy.confirm_human == "off" and callback.proved:
        return talk(house, hook, attempt, callback)
    return human_check(house, callback, attempt.id)


def human_check(house: House, callback: Callback, attempt: AttemptId, tries: int = 0) -> Script:
    """Who is calling and why; 1 talk, 2 later, 3 no longer needed."""
    queue = house.book.queue(callback.queue)
    values = {"queue": queue.name, "requested": callback.created_at.isoformat(), "zone": zone(queue, callback.number)}
    told = (Prompt("human_check", values), Prompt("human_keys"))
    action = Step("callback/key", {"a": attempt, "t": str(tries), "l": callback.language})
    return Script(callback.language, (Ask(told, action, timeout=6),), callback.queue)


def human_key(house: House, hook: Hook) -> Script:
    """A key at the human check."""
    with house.store.begin() as work:
        attempt = work.attempt(AttemptId(hook.query["a"]))
        callback = work.callback(attempt.callback)
    if stale(attempt, callback):
        return apology(callback)
    match hook.digits:
        case "1":
            return talk(house, hook, attempt, callback)
        case "2":
            return later(house, hook, callback)
        case "3":
            cancel.cancel(house, callback.id, reason="no longer needed", cause=f"call {hook.call}", keep=hook.call)
            return Script(callback.language, (Speak((Prompt("not_needed_done"),)), HangUp()), callback.queue)
    if hook.tries < REPEATS:
        return human_check(house, callback, attempt.id, hook.tries + 1)
    settle.attempt_over(house, attempt.id, Outcome.NO_KEY, cause=f"call {hook.call}")
    return message(house, callback)


def talk(house: House, hook: Hook, attempt: Attempt, callback: Callback) -> Script:
    """They want to talk: to the reserved agent, or first in line with their original place if there is none any
    more."""
    place = place_of(callback)
    pairing = house.line.reservation(attempt.token) if attempt.token else None
    if pairing is None or pairing.entry != EntryId(callback.id):
        return first_in_line(house, hook, callback, place)
    if attempt.mode == "agent_first":  # busy already: whoever bridged them died before the document
        return meet(house, hook, attempt, callback, pairing)
    if pairing.phase == "busy":
        return Script(callback.language, (Speak((Prompt("hold_soon"),)), place.hold()), callback.queue)
    return connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))


def first_in_line(house: House, hook: Hook, callback: Callback, place: Place) -> Script:
    """Nobody is reserved for them: whoever is free at this moment, else an apology and music."""
    pairing = early.take(house, callback, hook.call)
    if pairing is None or pairing.phase == "busy":
        return Script(callback.language, (Speak((Prompt("answered_early"),)), place.hold()), callback.queue)
    return connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))


def meet(house: House, hook: Hook, attempt: Attempt, callback: Callback, pairing: Reservation) -> Script:
    """agent_first: the agent waits in the conference already, and has pressed their key."""
    place = place_of(callback)
    if not accept(house, pairing.token, hook, agent_there=False):
        return Script(callback.language, (Speak((Prompt("hold_soon"),)), place.hold()), callback.queue)
    meeting = room(attempt, after=place.step("dialled", r=pairing.token, room="1"), role="customer")
    return Script(callback.language, (Speak((Prompt("connecting"),)), meeting), callback.queue)


def room(attempt: Attempt, *, after: Step, role: Literal["agent", "customer"]) -> Meet:
    """The conference of an attempt, in which the agent waits for the caller."""
    return Meet(room=attempt.id, after=after, begun=Step("agent/met/status", {"a": attempt.id}), role=role)


def later(house: House, hook: Hook, callback: Callback) -> Script:
    """Not now: again in a while, in the place they have, and the attempt is not counted."""
    queue = house.book.queue(callback.queue)
    soon = house.clock.now() + LATER
    at = hours.next_opening(queue.policy.hours, soon) or soon
    cancel.postpone(house, callback.id, at, cause=f"call {hook.call}", keep=hook.call)
    values = {"when": at.isoformat(), "zone": zone(queue, callback.number)}
    return Script(callback.language, (Speak((Prompt("later_done", values),)), HangUp()), callback.queue)


def message(house: House, callback: Callback) -> Script:
    """Nobody pressed a key: leave a short message."""
    queue = house.book.queue(callback.queue)
    return Script(
        callback.language, (Speak((Prompt("machine_message", {"queue": queue.name}),)), HangUp()), callback.queue
    )


def apology(callback: Callback) -> Script:
    """The call should not have come: say so, and never bridge it."""
    sentence = "call_cancelled" if callback.state is State.CANCELLED else "superseded"
    return Script(callback.language, (Speak((Prompt(sentence),)), HangUp()), callback.queue)


def place_of(callback: Callback) -> Place:
    """The place of a callback whose caller is on a leg."""
    return Place(
        QueueKey(callback.queue), EntryId(callback.id), micros(callback.joined_at), callback.score, callback.language
    )
