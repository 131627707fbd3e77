"""Hold: the caller hears music, and the agent waits for them in a conference.

A Dial cannot be paused, and of conferences we only use what documents can say. So the agent's leg is sent into a room
of its own, which ends the Dial (or the room before) on the caller's leg; that leg asks for its next document and gets
music, a lap at a time. To go on, the caller's leg is sent after the agent. What the caller's leg hears follows from the
talk's row alone (`transfer.caller`): a redirect that was lost is made good by the next lap.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from callback.domain.desk import PASSED, CameTo, Stage, Talk, Wish
from callback.domain.dialogue import Ask, HangUp, Meet, Script, Step
from callback.domain.ids import AgentKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.flows import handed, settle, talks
from callback.flows.hook import Hook, Place
from callback.ports import CarrierError, House, LegGone, OutcomeUnknown, Reservation

LAP_S = 20
"""Music between two looks at what the agent wants."""


class Said(StrEnum):
    """What came of an agent's wish."""

    DONE = "done"
    NOT_TALKING = "not_talking"
    NOT_NOW = "not_now"  # the carrier refused: nothing has changed
    UNSURE = "unsure"  # the carrier did not answer: it may have happened


def talking(house: House, agent: AgentKey) -> Reservation | None:
    """The talk with a caller that an agent is in."""
    pairing = busy(house, agent)
    return None if pairing is None or handed.consultation(house, pairing) else pairing


def busy(house: House, agent: AgentKey) -> Reservation | None:
    """The talk that an agent is in, also where a colleague asks them."""
    view = house.line.agent(agent)
    if view.token is None or view.status is not AgentStatus.BUSY:
        return None
    pairing = house.line.reservation(view.token)
    return pairing if pairing is not None and pairing.phase == "busy" else None


# --- what the agent wants ---------------------------------------------------------------------------------------


def hold(house: House, agent: AgentKey) -> Said:
    """Music for the caller; said again, it is asked for again."""
    talk = begun(house, agent)
    if talk is None or talk.wish in PASSED or talk.stage is not Stage.NONE:
        return Said.NOT_TALKING
    if talk.wish is not Wish.HOLD:
        talk = talks.change(house, talk.token, partial(parting, now=house.clock.now())) or talk
    elif talk.agent_room == talk.room:
        return Said.DONE
    said = sent(lambda: house.carrier.redirect(talk.agent_leg, room_url(house, talk)))
    if said in (Said.NOT_NOW, Said.NOT_TALKING):
        talks.change(house, talk.token, together)
    return said


def resume(house: House, agent: AgentKey) -> Said:
    """The caller comes back to the agent, who must be in their room by now."""
    talk = begun(house, agent)
    if talk is None or talk.wish is not Wish.HOLD or talk.stage is not Stage.NONE:
        return Said.NOT_TALKING
    if talk.agent_room != talk.room:
        return Said.UNSURE
    now = house.clock.now()
    talks.change(house, talk.token, lambda found: asked(together(found), now))
    return fetch(house, agent, talk)


def begun(house: House, agent: AgentKey) -> Talk | None:
    """The row of the talk that an agent is in."""
    pairing = talking(house, agent)
    return talks.begin(house, pairing) if pairing is not None else None


def fetch(house: House, agent: AgentKey, talk: Talk) -> Said:
    """The caller's leg asks now, and not after its lap, what it is to do."""
    pairing = talking(house, agent)
    if pairing is None or pairing.token != talk.token:
        return Said.NOT_TALKING
    return sent(lambda: house.carrier.redirect(talk.call, caller_url(house, pairing)))


def caller_url(house: House, pairing: Reservation) -> str:
    """Where the caller's leg asks what it is to do."""
    return house.urls.step("desk/caller", **Place.paired(pairing).query(), r=pairing.token)


def sent(asked: Callable[[], None]) -> Said:
    """What the carrier made of it."""
    try:
        asked()
    except LegGone:
        return Said.NOT_TALKING
    except OutcomeUnknown:
        return Said.UNSURE
    except CarrierError:
        return Said.NOT_NOW
    return Said.DONE


def parting(talk: Talk, now: datetime) -> Talk | None:
    """Into the next room, unless somebody was quicker."""
    return None if talk.wish is not Wish.NONE else replace(talk, wish=Wish.HOLD, room=talk.room + 1, asked_at=now)


def together(talk: Talk) -> Talk | None:
    """Not to be on hold any more."""
    return replace(talk, wish=Wish.NONE, asked_at=None) if talk.wish is Wish.HOLD else None


def asked(talk: Talk | None, now: datetime) -> Talk | None:
    """The carrier is asked for it."""
    return None if talk is None else replace(talk, asked_at=now)


def room_url(house: House, talk: Talk) -> str:
    """The agent's way into their room."""
    return house.urls.step("desk/room", r=talk.token, n=str(talk.room))


# --- the agent's ear --------------------------------------------------------------------------------------------


def room(house: House, hook: Hook) -> Script:
    """The agent's leg has left the talk: it waits for the caller."""
    token, number = Token(hook.query["r"]), int(hook.query["n"])
    pairing = house.line.reservation(token)
    with house.store.look() as work:
        talk = work.talk(token)
    if pairing is None or pairing.phase != "busy" or talk is None or talk.room != number:
        return Script("en", (HangUp(),))
    entered = talks.change(house, token, lambda now: replace(now, agent_room=number, asked_at=None))
    if entered is not None and entered.wish is Wish.NONE:  # and the caller comes after them
        house.dispatch.redirect(talk.call, caller_url(house, pairing))
    return waiting(house, hook)


def waiting(_: House, hook: Hook) -> Script:
    """In the room that the URL names: all there is to say while neither line nor record can be asked."""
    return Script("en", (agents_room(hook.query["r"], int(hook.query["n"])),))


def agents_room(token: str, number: int, *, ends: bool = True) -> Meet:
    """The agent in a room of theirs; `ends`: nobody stays in it without them."""
    after = Step("desk/after", {"r": token, "n": str(number)})
    return Meet(room=room_of(token, number), after=after, begun=None, role="agent", ends=ends)


def room_of(token: str, number: int) -> str:
    """The conference of a talk."""
    return f"{token}-{number}"


def after(house: House, hook: Hook) -> Script:
    """The agent is out of their room: the talk is over, unless the caller is being passed on, or stays with whoever was
    asked. Where it was the third who left, agent and caller meet again in the next room."""
    token, number = Token(hook.query["r"]), int(hook.query["n"])
    pairing = house.line.reservation(token)
    if pairing is None or pairing.phase != "busy":
        return Script("en", (HangUp(),))
    again = third_left(house, token, number) if hook.status == "in-progress" else None
    if again is not None:
        return Script("en", (agents_room(token, again.room),))
    settle.talk_over(house, token, caller_there=None, cause=f"call {hook.call}", met=True)
    return Script("en", (HangUp(),))


def third_left(house: House, token: Token, number: int) -> Talk | None:
    """The room `number`, in which all three were, is over, and this leg is still there: agent and caller go on in the
    next one. None: it was no such room."""
    try:
        gone = talks.change(house, token, lambda found: apart(found, number))
    except ConnectionError:  # no room of three goes on without the record
        return None
    if gone is not None:
        handed.let_go(house, gone)
        return gone
    talk = talks.of(house, token)
    parted_by_now = talk is not None and talk.room > number and talk.stage is Stage.NONE and talk.wish is Wish.NONE
    return talk if parted_by_now else None


def apart(talk: Talk, number: int) -> Talk | None:
    """The two go on without the third, who has hung up."""
    if not (talk.together and talk.room == number):
        return None
    room = number + 1
    return replace(talk, stage=Stage.NONE, came_to=CameTo.LEFT, room=room, agent_room=room, asked_at=None)


# --- the caller's ear -------------------------------------------------------------------------------------------


def music(house: House, place: Place, talk: Talk) -> Script:
    """A lap on hold. From the second one on the agent is looked for, of whose end nobody may have told."""
    now = house.clock.now()
    if talk.held_at is not None and settle.on_the_line(house, talk.agent_leg) is False:
        settle.talk_over(house, talk.token, caller_there=None, cause="the agent's leg is gone")
    elif joining(talk) and settle.on_the_line(house, talk.other_leg) is False:
        stay(house, talk)
    talks.change(house, talk.token, lambda found: heard(found, now))
    return lap(place, talk.token)


def joining(talk: Talk) -> bool:
    """Whether the other side is to come into the room, and has not."""
    return talk.stage is Stage.JOIN and not talk.handing


def stay(house: House, talk: Talk) -> None:
    """Whoever was asked is gone: the caller goes back to the agent, who hears why."""
    now = house.clock.now()
    if talks.change(house, talk.token, lambda found: back(found, found.room, CameTo.LEFT, now)) is not None:
        handed.let_go(house, talk)
        house.dispatch.redirect(talk.agent_leg, room_url(house, talk))


def back(talk: Talk, room: int, came_to: CameTo, now: datetime) -> Talk | None:
    """Back to the caller, in this room."""
    if talk.stage is Stage.NONE or talk.passed_at is not None:
        return None
    return replace(talk, stage=Stage.NONE, wish=Wish.NONE, came_to=came_to, room=room, asked_at=now)


def lap(place: Place, token: Token) -> Script:
    """Music, and another look."""
    return Script(place.language, (Ask((), place.step("desk/caller", r=token), timeout=1, music_s=LAP_S),))


def on_and_on(_: House, hook: Hook) -> Script:
    """A lap that needs nobody: neither line nor record can be asked what the agent wants."""
    return lap(Place.of(hook.query), Token(hook.query["r"]))


def heard(talk: Talk, now: datetime) -> Talk | None:
    """The first lap: from now on they wait."""
    if talk.wish is not Wish.HOLD or talk.held_at is not None:
        return None
    return replace(talk, held_at=now, holds=talk.holds + 1)


def meet(house: House, place: Place, talk: Talk) -> Script:
    """Back to the agent."""
    now = house.clock.now()
    talks.change(house, talk.token, lambda found: arrived(found, now))
    after = place.step("dialled", r=talk.token, room=str(talk.room))
    room = room_of(talk.token, talk.room)
    return Script(place.language, (Meet(room=room, after=after, begun=None, role="customer"),))


def arrived(talk: Talk, now: datetime) -> Talk | None:
    """In the room with the agent."""
    found = released(talk, now) or talk
    return found if found.asked_at is None and found is talk else replace(found, asked_at=None)


def released(talk: Talk, now: datetime) -> Talk | None:
    """The wait on hold is over and counted."""
    if talk.held_at is None:
        return None
    return replace(talk, held_at=None, held_s=talk.held_s + (now - talk.held_at).total_seconds())
