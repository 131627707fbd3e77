"""Asking somebody else before a caller is passed on: the caller hears music, and the agent talks with the other side.

No conference that would have to be watched: the agent's leg rings the other side by a Dial, which ends with either of
them. Then the agent is back in a room, and the caller's leg is sent there, whoever fell away. To connect them, the
other side's leg is sent into the room; that ends the Dial, the agent's leg follows by the document that comes next, and
the caller comes last. Only the agent may leave that room without ending it. What each leg hears follows from the talk's
row (decisions 0019, 0023), so a redirect that was lost is asked for again, and a repeat changes nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from callback.domain.callback import Agent
from callback.domain.desk import NO_LEG, PASSED, CameTo, Stage, Talk, Wish
from callback.domain.dialogue import Ask, Connect, Forward, HangUp, Meet, Prompt, Script, Speak, Step
from callback.domain.errors import InvalidInput, NotAccepting, NumberRefused
from callback.domain.ids import AgentKey, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.workday import Unanswered
from callback.flows import bridge, handed, outside, parted, settle, talks
from callback.flows.book import caller_id
from callback.flows.hook import Hook
from callback.flows.parted import Said
from callback.ports import House, Reservation

SORRY = {
    CameTo.MISSED: "consult_missed",
    CameTo.LEFT: "consult_left",
    CameTo.REFUSED: "consult_refused",
}
"""What the agent hears about the end of a consultation."""


# --- what the agent wants ---------------------------------------------------------------------------------------


def consult(house: House, agent: AgentKey, where: Wish, to: str) -> Said:
    """Ring somebody about the caller, who hears music meanwhile. `to` is a queue, an agent or a number (E.164, checked
    by the caller of this). Raises InvalidInput (nobody there is free), NumberRefused, NotAccepting."""
    talk = parted.begun(house, agent)
    if talk is None or talk.wish in PASSED or talk.stage is not Stage.NONE:
        return Said.NOT_TALKING
    token = Token("")
    if where is Wish.NUMBER:
        outside.check(house, talk, to)
    else:
        token = colleague_for(house, talk, where, to)
    return begin(house, talk, where, to, token)


def colleague_for(house: House, talk: Talk, where: Wish, to: str) -> Token:
    """The pairing of whoever is asked. Raises InvalidInput: nobody is free."""
    queue = QueueKey(to) if where is Wish.QUEUE else talk.queue
    candidates = free_in(house, queue, talk.agent) if where is Wish.QUEUE else [AgentKey(to)]
    for colleague in candidates:
        token = handed.reserve(house, talk, colleague, queue)
        if token is not None:
            return token
    raise InvalidInput("to", "nobody there is free now")


def free_in(house: House, queue: QueueKey, but: AgentKey) -> list[AgentKey]:
    """Who of a queue is free: the lower level first, then whoever is so for longest."""
    free = [view for view in house.line.agents() if view.status is AgentStatus.AVAILABLE and view.key != but]
    ranked = [(level, view.since, AgentKey(view.key)) for view in free
              if (level := level_in(house.book.agent(AgentKey(view.key)), queue)) is not None]  # fmt: skip
    return [key for _, _, key in sorted(ranked)]


def level_in(agent: Agent, queue: QueueKey) -> int | None:
    """At which level an agent serves a queue. None: not at all."""
    return next((served.level for served in agent.queues if served.queue == queue), None)


def begin(house: House, talk: Talk, where: Wish, to: str, token: Token) -> Said:
    """The row first, then the agent's leg goes."""
    now = house.clock.now()

    def asking(found: Talk) -> Talk | None:
        if found.wish in PASSED or found.stage is not Stage.NONE or found.room != talk.room:
            return None
        return replace(
            found, wish=Wish.HOLD, stage=Stage.CONSULT, room=found.room + 1, to=to, other=where, other_token=token,
            other_leg=NO_LEG, other_at=None, other_room=0, came_to=CameTo.NOTHING, asked_at=now,
        )  # fmt: skip

    begun = talks.change(house, talk.token, asking)
    if begun is None:
        handed.let_go(house, replace(talk, other_token=token))
        return Said.NOT_TALKING
    said = parted.sent(lambda: house.carrier.redirect(begun.agent_leg, consult_url(house, begun)))
    if said in (Said.NOT_NOW, Said.NOT_TALKING):
        talks.change(house, talk.token, lambda found: undone(found, talk, begun))
        handed.let_go(house, begun)
    return said


def undone(now: Talk, before: Talk, begun: Talk) -> Talk | None:
    """As it was, unless the agent's leg has come to know of it by itself."""
    if now.agent_room == begun.room:
        return None
    return replace(now, wish=before.wish, stage=before.stage, room=before.room, asked_at=None)


def consult_url(house: House, talk: Talk) -> str:
    """Where the agent's leg rings the other side."""
    return house.urls.step("desk/consult", r=talk.token, n=str(talk.room))


def back(house: House, agent: AgentKey) -> Said:
    """The consultation is over, and the caller comes back to the agent."""
    talk = parted.begun(house, agent)
    if talk is None or talk.stage is not Stage.CONSULT:
        return Said.NOT_TALKING
    now = house.clock.now()
    after = talks.change(house, talk.token, lambda found: parted.back(found, talk.room + 1, CameTo.NOTHING, now))
    if after is None:
        return Said.NOT_TALKING
    said = parted.sent(lambda: house.carrier.redirect(after.agent_leg, parted.room_url(house, after)))
    if said is Said.NOT_NOW:
        talks.change(house, talk.token, lambda found: None if found.agent_room == after.room else talk)
        return said
    handed.let_go(house, talk)
    return said


def connect(house: House, agent: AgentKey) -> Said:
    """All three come together; the caller stays with the other side when the agent leaves."""
    talk = parted.begun(house, agent)
    if talk is None or talk.stage is Stage.NONE or not talk.other_leg or talk.together:
        return Said.NOT_TALKING
    now = house.clock.now()
    joining = talks.change(house, talk.token, lambda found: replace(found, stage=Stage.JOIN, asked_at=now)) or talk
    said = parted.sent(lambda: house.carrier.redirect(joining.other_leg, other_url(house, joining)))
    if said in (Said.NOT_NOW, Said.NOT_TALKING):
        talks.change(house, talk.token, apart_still)
    return said


def apart_still(talk: Talk) -> Talk | None:
    """The other side was not sent into the room."""
    return replace(talk, stage=Stage.CONSULT, asked_at=None) if parted.joining(talk) else None


def other_url(house: House, talk: Talk) -> str:
    """The other side's way into the room."""
    return house.urls.step("desk/other/room", r=talk.token, n=str(talk.room))


# --- the agent's ear --------------------------------------------------------------------------------------------


def asked(house: House, hook: Hook) -> Script:
    """The agent's leg has left the caller, or the room: it rings the other side."""
    talk, number = of(house, hook)
    if talk is None:
        return Script("en", (HangUp(),))
    if talk.stage is not Stage.CONSULT or talk.room != number:
        return parted.room(house, hook)
    if talk.other is Wish.NUMBER:
        return ring_outside(house, talk)
    talks.change(house, talk.token, partial(rings, number=number))
    return ring_colleague(house, talk)


def of(house: House, hook: Hook) -> tuple[Talk | None, int]:
    """The talk that a document is about, while it lasts, and the number of its room."""
    token = Token(hook.query["r"])
    pairing = house.line.reservation(token)
    there = pairing is not None and pairing.phase == "busy"
    with house.store.look() as work:
        return (work.talk(token) if there else None), int(hook.query["n"])


def rings(talk: Talk, number: int) -> Talk | None:
    """The agent's leg is on its way. None: it was before."""
    return None if talk.agent_room == number else replace(talk, agent_room=number, asked_at=None)


def ring_outside(house: House, talk: Talk) -> Script:
    """Rung from the agent's leg, if that may still be done."""
    queue = house.book.queue(talk.queue)
    try:
        outside.ring(house, talk, queue, partial(rings, number=talk.room))
    except (NumberRefused, NotAccepting):
        return to_caller(house, talk, CameTo.REFUSED)
    ring = Forward(
        number=talk.to,
        after=step("desk/consulted", talk),
        timeout=queue.policy.ring_timeout_s,
        caller_id=caller_id(house, queue) or "",
        picked_up=step("desk/other/joined", talk),
    )
    return Script("en", (ring,))


def step(path: str, talk: Talk, **more: str) -> Step:
    """A document about this consultation."""
    return Step(path, {"r": talk.token, "n": str(talk.room), **more})


def ring_colleague(house: House, talk: Talk) -> Script:
    """A colleague hears who asks, and presses their key."""
    second = house.line.reservation(talk.other_token)
    queue = house.book.queue(talk.queue)
    ring_s = queue.policy.ring_timeout_s
    until = house.clock.now() + timedelta(seconds=ring_s + bridge.PROMPT_S + house.knobs.reconcile_margin_s)
    if second is None or not house.line.extend(second.token, until=until, phase="ringing"):
        return to_caller(house, talk, CameTo.MISSED)
    language = bridge.agents_language(queue)
    ring = Connect(
        contact=house.book.agent(second.agent).contact,
        whisper=step("desk/other", talk, l=language),
        status=Step("agent/status", {"r": second.token}),
        after=step("desk/consulted", talk),
        timeout=ring_s,
        caller_id=caller_id(house, queue) or "",
    )
    return Script(language, (ring,))


def consulted(house: House, hook: Hook) -> Script:
    """The Dial on the agent's leg is over: the other side is on the way into the room, or gone; or the agent is."""
    talk, number = of(house, hook)
    if talk is None:
        return Script("en", (HangUp(),))
    if hook.status != "in-progress":
        settle.talk_over(house, talk.token, caller_there=None, cause=f"call {hook.call}", met=True)
        return Script("en", (HangUp(),))
    if talk.stage is Stage.JOIN and talk.room == number:
        return Script("en", (parted.agents_room(talk.token, number, ends=False),))
    if talk.stage is Stage.CONSULT and talk.room == number:
        return to_caller(house, talk, CameTo.LEFT if talk.other_at else CameTo.MISSED)
    return Script("en", (parted.agents_room(talk.token, talk.room),))


def to_caller(house: House, talk: Talk, came_to: CameTo) -> Script:
    """The agent hears why, and is in a room; the caller comes there."""
    after = talks.change(house, talk.token, partial(returned, room=talk.room, came_to=came_to, now=house.clock.now()))
    missed = came_to is CameTo.MISSED and bool(talk.other_token)
    handed.let_go(house, talk, Unanswered.MISSED if missed else handed.CALLED_OFF)
    pairing = house.line.reservation(talk.token)
    if after is not None and pairing is not None:
        house.dispatch.redirect(talk.call, parted.caller_url(house, pairing))
    language = bridge.agents_language(house.book.queue(talk.queue))
    sorry = Speak((Prompt(SORRY[came_to]),))
    return Script(language, (sorry, parted.agents_room(talk.token, talk.room)), talk.queue)


def returned(talk: Talk, room: int, came_to: CameTo, now: datetime) -> Talk | None:
    """Back to the caller, in the room in which the agent's leg is: in one step, so that a leg which asks again never
    finds itself on the way to somebody who was refused."""
    after = parted.back(talk, room, came_to, now)
    return None if after is None else replace(after, agent_room=room)


# --- the other side's ear ---------------------------------------------------------------------------------------


def whisper(house: House, hook: Hook) -> Script:
    """A colleague picked up: who asks, and the key."""
    talk, number = of(house, hook)
    language = hook.query.get("l", "en")
    second = house.line.reservation(talk.other_token) if talk is not None else None
    if talk is None or second is None or talk.stage is not Stage.CONSULT or talk.room != number:
        return Script(language, (Speak((Prompt("consult_gone"),)), HangUp()))
    names = {"name": house.book.agent(talk.agent).name, "queue": house.book.queue(talk.queue).name}
    told = (Prompt("consult_whisper", names), Prompt("consult_key"))
    return Script(language, (Ask(told, step("desk/other/key", talk, t=str(hook.tries), l=language)),), talk.queue)


def key(house: House, hook: Hook) -> Script:
    """1 talks with the agent, by an empty document."""
    language = hook.query.get("l", "en")
    if hook.digits != "1":
        return whisper(house, hook.again()) if hook.tries < bridge.REPEATS else Script(language, (HangUp(),))
    talk, number = of(house, hook)
    there = talk is not None and talk.stage is Stage.CONSULT and talk.room == number
    now = house.clock.now()
    if talk is None or not there or not house.line.bridge(talk.other_token, now=now, agent_leg=hook.call):
        return Script(language, (Speak((Prompt("consult_gone"),)), HangUp()))
    talks.change(house, talk.token, partial(picked_up, hook=hook, now=now))
    return Script(language)


def joined(house: House, hook: Hook) -> Script:
    """Somebody outside picked up."""
    now = house.clock.now()
    talks.change(house, Token(hook.query["r"]), partial(picked_up, hook=hook, now=now))
    return Script("en")


def picked_up(talk: Talk, hook: Hook, now: datetime) -> Talk | None:
    """The other side is there."""
    if talk.stage is not Stage.CONSULT or talk.room != int(hook.query["n"]):
        return None
    return replace(talk, other_leg=hook.call, other_at=talk.other_at or now)


def other_room(house: House, hook: Hook) -> Script:
    """The other side comes into the room, and the caller after them."""
    talk, number = of(house, hook)
    if talk is None:
        return Script("en", (HangUp(),))
    entered = talks.change(house, talk.token, partial(enters, number=number))
    if entered is not None:
        pairing = house.line.reservation(talk.token)
        if pairing is not None:
            house.dispatch.redirect(talk.call, parted.caller_url(house, pairing))
    elif not (talk.handing and talk.room == number):  # called off meanwhile
        return Script("en", (HangUp(),))
    return other_waits(house, hook)


def enters(talk: Talk, number: int) -> Talk | None:
    """The other side is in the room: from now on the caller is to be there."""
    if not parted.joining(talk) or talk.room != number:
        return None
    return replace(talk, other_room=number, agent_room=number, wish=Wish.NONE, asked_at=None)


def other_waits(_: House, hook: Hook) -> Script:
    """In the room that the URL names: all there is to say while neither line nor record can be asked."""
    token, number = hook.query["r"], int(hook.query["n"])
    after = Step("desk/other/after", {"r": token, "n": str(number)})
    return Script("en", (Meet(room=parted.room_of(token, number), after=after, begun=None, role="other"),))


def other_after(house: House, hook: Hook) -> Script:
    """The other side is out of the room: their talk is over, with the caller or with the agent."""
    with house.store.look() as work:
        talk = work.talk(Token(hook.query["r"]))
    if talk is not None and talk.other_token:
        settle.talk_over(house, talk.other_token, caller_there=None, cause=f"call {hook.call}", met=True)
    return Script("en", (HangUp(),))


# --- what has not shown -----------------------------------------------------------------------------------------


def successor(house: House, hook: Hook) -> tuple[Hook, Reservation | None]:
    """The pairing in which a caller goes on who was passed on out of the talk that the URL names, and the same request
    about it."""
    token, pairing = Token(hook.query["r"]), None
    talk = talks.of(house, token)
    while pairing is None and talk is not None and talk.other_token:
        token = talk.other_token
        pairing = house.line.reservation(token)
        if pairing is not None and pairing.entry == EntryId(hook.call):
            handed.told(house, talk)
        talk = talks.of(house, token)
    return replace(hook, query={**hook.query, "r": token}), pairing
