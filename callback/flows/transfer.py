"""Passing a caller on: to another queue, to one agent who is free, or to a telephone that is none of ours.

The talk is over for its agent as soon as the caller's leg asks what comes next. From there on the place that the leg
carries stands for them: whatever fails, they are in line again with the score they had, before everybody who came
later. Somebody whom we rang is served with that; on the line they go on as a live caller in the same place.
"""

from collections.abc import Callable
from dataclasses import replace

from callback.domain import hours, phone
from callback.domain.callback import Entry, Leg, LegKind
from callback.domain.desk import PASSED, Talk, Wish
from callback.domain.dialogue import Forward, HangUp, Prompt, Script, Speak
from callback.domain.errors import InvalidInput, NotAccepting, NotFound, NumberRefused
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token, is_callback, new_token
from callback.domain.lifecycle import AgentStatus, CallState, State
from callback.domain.policy import Queue
from callback.flows import bridge, enrol, hold, match, parted, settle, talks
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
    NotAccepting (closed) for somewhere they cannot be sent."""
    pairing = parted.talking(house, agent)
    if pairing is None:
        return Said.NOT_TALKING
    to = CHECKS[wish](house, pairing, to)
    talk = talks.begin(house, pairing)
    if talk is None or talk.wish in PASSED:
        return Said.NOT_TALKING
    talks.change(house, talk.token, lambda now: replace(now, wish=wish, to=to))
    said = parted.fetch(house, agent, talk)
    if said is Said.NOT_NOW:  # it was never processed: they talk on, or hold on
        talks.change(house, talk.token, lambda now: taken_back(now, talk))
    return said


def taken_back(now: Talk, before: Talk) -> Talk | None:
    """As it was before the wish, unless the caller's leg has come to know of it by itself."""
    return None if now.passed_at is not None else replace(now, wish=before.wish, to="")


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
    """A number that this queue may ring."""
    queue = house.book.queue(pairing.queue)
    own = caller_id(house, queue)
    number = phone.normalise(to, phone.region_of(own) if own else None)
    may_ring(house, queue, number)
    return number


def may_ring(house: House, queue: Queue, number: str) -> None:
    """The guard of callbacks, at acceptance and again at dialling: its kind and country, none of ours, which would ring
    here again, and nobody who asked never to be rung by us. Raises NumberRefused."""
    phone.check(number, allowed=queue.policy.allowed_countries, own=caller_id(house, queue))
    enrol.refuse_ours(house, number)
    with house.store.look() as work:
        if work.suppressed(number):
            raise NumberRefused("suppressed", "its owner asked never to be called by us")


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
    return parted.music(house, place, talk) if talk.wish is Wish.HOLD else parted.meet(house, place, talk)


def passed(house: House, hook: Hook, place: Place, talk: Talk) -> Script:
    """The talk is over for its agent, and the caller goes where they were sent. Said twice, it happens once."""
    now = house.clock.now()
    talks.change(house, talk.token, lambda found: parted.released(found, now))
    if talks.change(house, talk.token, lambda found: None if found.passed_at else replace(found, passed_at=now)):
        tell(house, talk)
    free = free_agent(house, talk)
    live = replace(place, entry=EntryId(hook.call))
    if is_callback(place.entry):
        carry_on(house, hook, place)
    script = WAYS[talk.wish](house, hook, live, talk)
    if free:  # only now that they stand again, before everybody who came later
        match.run_agent(house, talk.agent)
    return script


def tell(house: House, talk: Talk) -> None:
    """The journal says who passed whom on, and where to; a number stands in the talk's own row alone."""
    to = talk.to if talk.wish is not Wish.NUMBER else ""
    told = {"token": talk.token, "agent": talk.agent, "where": talk.wish.value, "to": to}
    why = f"{talk.agent} passed the caller on"
    with house.store.begin() as work:
        now = house.clock.now()
        work.write(Entry(now, "queue", talk.queue, None, "passed_on", why, talk.entry, talk.queue, told))


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


def carry_on(house: House, hook: Hook, place: Place) -> None:
    """Somebody whom we rang has a leg of their own from now on, in the place they had."""
    with house.store.begin() as work:
        if work.leg(hook.call) is not None:
            return
        number = work.callback(CallbackId(place.entry)).number
        joined, now = moment(place.joined), house.clock.now()
        work.put_leg(
            Leg(
                call=hook.call,
                kind=LegKind.INBOUND,
                queue=place.queue,
                state=CallState.WAITING,
                number=number,
                created_at=now,
                joined_at=joined,
                language=place.language,
                score=place.score,
            )
        )


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
    try:
        may_ring(house, queue, talk.to)
    except NumberRefused:
        return stand(house, hook, place, Prompt("agent_missed"))
    ring = Forward(
        number=talk.to,
        after=place.step("desk/forwarded"),
        timeout=queue.policy.ring_timeout_s,
        caller_id=caller_id(house, queue) or "",
    )
    return Script(place.language, (Speak((Prompt("connecting"),)), ring), place.queue)


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
