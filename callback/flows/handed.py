"""What an agent's question to somebody else means for the pairings: the colleague is let go, or has the caller.

A colleague who is asked is reserved and then busy as for any caller, so that nobody else rings them. In the line they
talk with the leg of the agent who asks, under a token that names the talk it is about (`ids.consult_token`). Such a
pairing never puts anybody on hold: the caller waits in the talk it is about.
"""

from dataclasses import replace
from datetime import datetime

from callback.domain.callback import Entry, Leg, LegKind
from callback.domain.desk import NO_LEG, Stage, Talk, Wish
from callback.domain.ids import (
    AgentKey,
    CallbackId,
    CallSid,
    EntryId,
    QueueKey,
    Token,
    consult_token,
    consults_for,
    is_callback,
)
from callback.domain.lifecycle import AgentStatus, CallState
from callback.flows import match, talks
from callback.flows.hook import Place, micros, moment
from callback.ports import AgentView, House, Reservation, Stand

PASSED_ON = "passed_on"
CALLED_OFF = "the consultation was called off"


def consultation(house: House, pairing: Reservation) -> Talk | None:
    """The talk whose agent asks the agent of this pairing. None: it is a talk with a caller."""
    first = consults_for(pairing.token)
    talk = talks.of(house, first) if first is not None else None
    return talk if talk is not None and EntryId(talk.agent_leg) == pairing.entry else None


def reserve(house: House, talk: Talk, colleague: AgentKey, queue: QueueKey) -> Token | None:
    """A pairing of this colleague with the leg of the agent who asks. None: they are not free."""
    now, knobs = house.clock.now(), house.knobs
    if house.line.agent(colleague).status is not AgentStatus.AVAILABLE:
        return None
    token = consult_token(talk.token)
    entry = EntryId(talk.agent_leg)
    write_leg(house, Leg(talk.agent_leg, LegKind.AGENT, talk.queue, CallState.ARRIVED, "", now, joined_at=now))
    stand = Stand(entry, queue, micros(now), now, "en", talk.agent_leg, in_menu=True)
    house.line.resume(stand, phase="reserved", lease_s=knobs.lease_s, now=now)
    wanted = Stand(entry, stand.queue, stand.score, now, "en", talk.agent_leg, token=token, agent=colleague)
    if house.line.resume(wanted, phase="reserved", lease_s=knobs.lease_s, now=now):
        return token
    if house.line.standing(queue, entry).reservation is None:  # not out of the question that was asked at this moment
        house.line.leave(entry, reason=CallState.ABANDONED, now=now)
    return None


def write_leg(house: House, leg: Leg) -> None:
    """The row of a leg that the record may not know."""
    with house.store.begin() as work:
        if work.leg(leg.call) is None:
            work.put_leg(leg)


def let_go(house: House, talk: Talk, reason: str = CALLED_OFF) -> None:
    """Whoever was asked is not needed any more; they are away only where they missed the ring."""
    pairing = house.line.reservation(talk.other_token) if talk.other_token else None
    if pairing is not None and pairing.entry == EntryId(talk.agent_leg):
        now = house.clock.now()
        if pairing.phase == "busy":
            house.line.complete(pairing.token, wrap_up_s=0, now=now, entry_to="gone")
        else:
            agent_to = None if reason == CALLED_OFF else AgentStatus.AWAY
            house.line.release(pairing.token, entry_to="gone", agent_to=agent_to, reason=reason, now=now)
        match.run_agent(house, pairing.agent)
    if talk.other_leg and talk.other_room:  # in a Dial they end with the leg of the agent
        house.dispatch.hang_up(talk.other_leg)


def asked_in_vain(house: House, pairing: Reservation, talk: Talk) -> None:
    """A question to this colleague is over, also one that the row of the talk has never heard of: whoever asked it died
    before it was written down."""
    known = talk.other_token == pairing.token
    let_go(house, talk if known else replace(talk, other_token=pairing.token, other_leg=NO_LEG))


def hand_on(house: House, pairing: Reservation, talk: Talk) -> AgentView | None:
    """The agent has left the two others: their talk is over, and the caller goes on with whoever is in the room. Said
    twice, it happens once. Returns the agent who left; None: it had happened."""
    now, wrap_up_s = house.clock.now(), house.book.queue(talk.queue).policy.wrap_up_s
    second = house.line.reservation(talk.other_token) if talk.other_token else None
    if is_callback(talk.entry):
        carry_on(house, Place.paired(pairing), talk.call)
    if second is None or second.phase != "busy":
        view = house.line.complete(talk.token, wrap_up_s=wrap_up_s, now=now, entry_to="gone")
    else:
        go_on(house, talk, second)
        joined = pairing.joined_at or pairing.at
        stand = Stand(EntryId(talk.call), second.queue, pairing.score, joined, pairing.language, talk.call)
        view = house.line.hand_on(talk.token, second.token, stand, wrap_up_s=wrap_up_s, now=now)
    told(house, talk)
    return view


def go_on(house: House, talk: Talk, second: Reservation) -> None:
    """The row of the colleague's talk, which says whom it is with."""
    began = second.bridged_at or second.at
    entry, leg = EntryId(talk.call), second.agent_leg or talk.other_leg
    with house.store.begin() as work:
        if work.talk(second.token) is None:
            work.put_talk(Talk(second.token, second.agent, second.queue, entry, talk.call, leg, began))


def carry_on(house: House, place: Place, call: CallSid) -> None:
    """Somebody whom we rang has a leg of their own from now on, in the place they had."""
    with house.store.begin() as work:
        if work.leg(call) is not None:
            return
        number = work.callback(CallbackId(place.entry)).number
        leg = Leg(
            call=call, kind=LegKind.INBOUND, queue=place.queue, state=CallState.WAITING, number=number,
            created_at=house.clock.now(), joined_at=moment(place.joined), language=place.language, score=place.score,
        )  # fmt: skip
        work.put_leg(leg)


def told(house: House, talk: Talk) -> None:
    """The talk's row and the journal say, once, that this caller was passed on after a consultation."""
    now = house.clock.now()
    passed = talks.change(house, talk.token, lambda found: None if found.passed_at else over(found, now))
    if passed is not None:
        tell(house, passed)


def over(talk: Talk, now: datetime) -> Talk:
    """Passed on to whoever was asked."""
    return replace(talk, wish=talk.other, stage=Stage.NONE, warm=True, passed_at=now, asked_at=None)


def tell(house: House, talk: Talk) -> None:
    """The journal says who passed whom on, and where to; a number stands in the talk's own row alone."""
    to = talk.to if talk.wish is not Wish.NUMBER else ""
    about = {"token": talk.token, "agent": talk.agent, "where": talk.wish.value, "to": to, "announced": talk.warm}
    why = f"{talk.agent} passed the caller on"
    with house.store.begin() as work:
        now = house.clock.now()
        work.write(Entry(now, "queue", talk.queue, None, PASSED_ON, why, talk.entry, talk.queue, about))
