"""Passing a caller on: to another queue, to one agent who is free, or to a telephone that is none of ours.

The talk is over for its agent as soon as the caller's leg asks what comes next. From there on the place that the leg
carries stands for them: whatever fails, they are in line again with the score they had, before everybody who came
later. Somebody whom we rang is served with that; on the line they go on as a live caller in the same place.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from callback.domain import hours, phone
from callback.domain.desk import PASSED, CameTo, Stage, Talk, Wish
from callback.domain.dialogue import Forward, HangUp, Prompt, Script, Speak
from callback.domain.errors import InvalidInput, NotAccepting, NotFound, NumberRefused
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token, is_callback, new_token
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.policy import Queue
from callback.flows import bridge, handed, hold, match, outside, parted, settle, talks
from callback.flows import consult as asking
from callback.flows.book import caller_id
from callback.flows.hook import Hook, Place, moment
from callback.flows.parted import Said
from callback.flows.settle import Ending
from callback.ports import House, Reservation, Stand

TALKED = frozenset({"completed", "answered"})
"""What a Dial says that reached somebody."""


# --- what the agent wants ---------------------------------------------------------------------------------------


def pass_on(house: House, agent: AgentKey, wish: Wish, to: str) -> Said:
    """Send the caller on, from the talk or from hold. Raises InvalidInput, NumberRefused or
    NotAccepting (closed, stopped) for somewhere they cannot be sent."""
    pairing = parted.talking(house, agent)
    if pairing is None:
        return Said.NOT_TALKING
    talk = talks.begin(house, pairing)
    if talk is None or talk.wish in PASSED or talk.stage is not Stage.NONE:
        return Said.NOT_TALKING
    to = CHECKS[wish](house, pairing, to)
    if wish is Wish.NUMBER:
        outside.check(house, talk, to)
    now = house.clock.now()
    talks.change(house, talk.token, lambda found: replace(found, wish=wish, to=to, asked_at=now))
    said = parted.fetch(house, agent, talk)
    if said is Said.NOT_NOW:  # it was never processed: they talk on, or hold on
        talks.change(house, talk.token, lambda found: taken_back(found, talk))
    return said


def consult(house: House, agent: AgentKey, wish: Wish, to: str) -> Said:
    """Ask somebody first. Raises as `pass_on`."""
    pairing = parted.talking(house, agent)
    if pairing is None:
        return Said.NOT_TALKING
    return asking.consult(house, agent, wish, CHECKS[wish](house, pairing, to))


def taken_back(now: Talk, before: Talk) -> Talk | None:
    """As it was before the wish, unless the caller's leg has come to know of it by itself."""
    return None if now.passed_at is not None else replace(now, wish=before.wish, to="", asked_at=None)


def to_queue(house: House, _: Reservation, to: str) -> str:
    """A queue there is, and that is open: nobody joins a line that nobody serves."""
    try:
        queue = house.book.queue(QueueKey(to))
    except NotFound:
        raise InvalidInput("to", "there is no such queue") from None
    if not hours.is_open(queue.policy.hours, house.clock.now()):
        raise NotAccepting("closed", "this queue is closed now")
    return queue.key


def to_agent(house: House, pairing: Reservation, to: str) -> str:
    """Another agent, who is free at this moment."""
    try:
        view = house.line.agent(AgentKey(to))
    except NotFound:
        raise InvalidInput("to", "there is no such agent") from None
    if to == pairing.agent or view.status is not AgentStatus.AVAILABLE:
        raise InvalidInput("to", "this agent is not free now")
    return to


def to_number(house: House, pairing: Reservation, to: str) -> str:
    """A number as we write it."""
    own = caller_id(house, house.book.queue(pairing.queue))
    return phone.normalise(to, phone.region_of(own) if own else None)


CHECKS: dict[Wish, Callable[[House, Reservation, str], str]] = {
    Wish.QUEUE: to_queue,
    Wish.AGENT: to_agent,
    Wish.NUMBER: to_number,
}


# --- the caller's ear -------------------------------------------------------------------------------------------


def caller(house: House, hook: Hook) -> Script:
    """What the caller's leg does next, as their agent wants it. Where the talk is gone, they are in line again."""
    place, token = Place.of(hook.query), Token(hook.query["r"])
    with house.store.look() as work:
        talk = work.talk(token)
    pairing = house.line.reservation(token)
    if talk is not None and talk.wish in PASSED:
        return passed(house, hook, place, talk)
    if talk is None or pairing is None or pairing.phase != "busy":
        return Script(place.language, (Speak((Prompt("cut_off"),)), place.hold()), place.queue)
    if talk.wish is Wish.HOLD:
        return parted.music(house, place, talk)
    return met_again(house, hook, place, talk)


def met_again(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """Back to the agent, once they are in the room; and to both, where all three come together."""
    ended = hook.query.get("room", "")
    if ended.isdecimal() and talk.room == int(ended):  # the room is over that they were in
        talk = parted.third_left(house, talk.token, talk.room) or talk
    if talk.room == 0:  # a wish was given up that was done after all: the agent's leg fell away with it
        cause = f"call {hook.call}"
        settle.talk_over(house, talk.token, caller_there=True, cause=cause, said_cut_off=True, leg=hook.call)
        return Script(place.language, (Speak((Prompt("cut_off"),)), place.hold()), place.queue)
    if talk.agent_room != talk.room:
        return parted.lap(place, talk.token)
    return parted.meet(house, place, talk)


def passed(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """The talk is over for its agent, and the caller goes where they were sent. Said twice, it happens once."""
    now = house.clock.now()
    talks.change(house, talk.token, lambda found: parted.released(found, now))
    if talks.change(house, talk.token, lambda found: gone(found, now)):
        handed.tell(house, talk)
    free = free_agent(house, talk)
    live = replace(place, entry=EntryId(hook.call))
    if is_callback(place.entry):
        handed.carry_on(house, place, hook.call)
    script = WAYS[talk.wish](house, hook, live, talk)
    if free:  # only now that they stand again, before everybody who came later
        match.run_agent(house, talk.agent)
    return script


def gone(talk: Talk, now: datetime) -> Talk | None:
    """Passed on. None: said before."""
    if talk.passed_at is not None:
        return None
    return replace(talk, passed_at=now, asked_at=None, came_to=CameTo.NOTHING)


def free_agent(house: House, talk: Talk) -> bool:
    """The agent wraps up, and is let out of the room in which they wait; a promise to the caller is kept. Whether they
    are free for others at once."""
    now = house.clock.now()
    if talk.room:
        house.dispatch.hang_up(talk.agent_leg)
    policy = house.book.queue(talk.queue).policy
    view = house.line.complete(talk.token, wrap_up_s=policy.wrap_up_s, now=now, entry_to="gone")
    if is_callback(talk.entry) and (view is not None or left_open(house, talk)):
        settle.close_callback(house, CallbackId(talk.entry), Ending.OVER, cause=f"passed on by {talk.agent}", now=now)
    return view is not None and view.status is AgentStatus.AVAILABLE


def left_open(house: House, talk: Talk) -> bool:
    """Whether the line has seen the end of this talk, and whoever was to tell the record of it died."""
    with house.store.look() as work:
        state = work.callback(CallbackId(talk.entry)).state
    return state is State.BRIDGED and not house.line.standing(talk.queue, talk.entry).place


def into_queue(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """In line there, in the place they had here; connected at once where an agent is free."""
    return stand(house, hook, replace(place, queue=QueueKey(talk.to)), Prompt("passed_on"))


def stand(house: House, hook: Hook, place: Place, said: Prompt) -> Script:
    """On hold in their place, or on the way to whoever is free."""
    standing = hold.in_place(house, place, hook.call)
    house.book.check(standing.config)
    words = Speak((said,))
    if standing.reservation is not None and standing.place == "reserved":
        return bridge.connect(house, standing.reservation, place, before=(words,))
    return Script(place.language, (words, place.hold()), place.queue)


def to_colleague(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """To this agent if they are still free, else first in line."""
    pairing = reserve(house, hook.call, place, AgentKey(talk.to))
    if pairing is None:
        return stand(house, hook, place, Prompt("agent_missed"))
    return bridge.connect(house, pairing, place, before=(Speak((Prompt("connecting"),)),))


def reserve(house: House, call: CallSid, place: Place, agent: AgentKey) -> Reservation | None:
    """A pairing with one agent, whoever else is free. None: they are not."""
    now, token = house.clock.now(), new_token()
    if house.line.agent(agent).status is not AgentStatus.AVAILABLE:
        return None
    about = Stand(place.entry, place.queue, place.score, moment(place.joined), place.language, call)
    house.line.resume(replace(about, in_menu=True), phase="reserved", lease_s=house.knobs.lease_s, now=now)
    wanted = replace(about, token=token, agent=agent)
    if not house.line.resume(wanted, phase="reserved", lease_s=house.knobs.lease_s, now=now):
        return None
    return house.line.reservation(token)


def to_outside(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """Rung from this leg, from the queue's own number; whoever picks up talks. One that may not be rung any more is
    not, and they are first in line."""
    queue = house.book.queue(place.queue)
    if not rung(house, talk, queue):
        return stand(house, hook, place, Prompt("agent_missed"))
    ring = Forward(
        number=talk.to,
        after=place.step("desk/forwarded"),
        timeout=queue.policy.ring_timeout_s,
        caller_id=caller_id(house, queue) or "",
    )
    return Script(place.language, (Speak((Prompt("connecting"),)), ring), place.queue)


def rung(house: House, talk: Talk, queue: Queue) -> bool:
    """Whether the number may be rung for them: decided, and counted, once."""
    try:
        decided = outside.ring(house, talk, queue, lambda found: settled(found, CameTo.RUNG))
    except (NumberRefused, NotAccepting):
        talks.change(house, talk.token, lambda found: settled(found, CameTo.REFUSED))
        return False
    return decided.came_to is not CameTo.REFUSED


def settled(talk: Talk, came_to: CameTo) -> Talk | None:
    """None: that was decided before."""
    return None if talk.came_to in (CameTo.RUNG, CameTo.REFUSED) else replace(talk, came_to=came_to)


def forwarded(house: House, hook: Hook) -> Script:
    """They have talked elsewhere; or nobody took it, and they are first in line here."""
    place = Place.of(hook.query)
    if hook.form.get("DialCallStatus") in TALKED or hook.status != "in-progress":
        return Script(place.language, (HangUp(),))
    return stand(house, hook, place, Prompt("agent_missed"))


WAYS: dict[Wish, Callable[[House, Hook, Place, Talk], Script]] = {
    Wish.QUEUE: into_queue,
    Wish.AGENT: to_colleague,
    Wish.NUMBER: to_outside,
}
