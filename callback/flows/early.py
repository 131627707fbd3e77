"""A caller who was rung before an agent was free has answered and pressed their key: they stand in line, live, and meet
whoever is free first.

Where nobody is, but an agent is reserved for somebody whose phone still rings, the two change places: that one is from
then on the one who was rung ahead. It is somebody behind them, or, where nobody stands before them who could be served,
anybody. So a call that was dialled early never loses to one dialled late, and an agent does not wait for a ring while
somebody is there.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, CallSid, EntryId, is_callback, new_token
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.pacing import KEY_S
from callback.domain.policy import Queue
from callback.flows import match
from callback.ports import House, Reservation, Standing


def take(house: House, callback: Callback, call: CallSid) -> Reservation | None:
    """They have pressed their key: on hold with this leg, in their place, and paired where that can be. None: nobody is
    free, and they wait, first in line as the order has it."""
    now = house.clock.now()
    held = house.line.hold(
        callback.queue,
        EntryId(callback.id),
        call,
        score=callback.score,
        joined_at=callback.joined_at,
        language=callback.language,
        lease_s=house.knobs.lease_s,
        token=new_token(),
        now=now,
    )
    pairing = held.reservation
    if pairing is None:
        others = reserved_for_others(house, callback, is_next(held))
        last = max(others, key=lambda other: (other.score, other.entry), default=None)
        pairing = change_places(house, EntryId(callback.id), last) if last else None
    match.run(house, callback.queue)  # an agent who was kept for this phone may be free for others now
    return pairing


def rings_until(queue: Queue, since: datetime) -> datetime:
    """How long a phone that rings from then on may keep an agent, the question at its answer included."""
    return since + timedelta(seconds=queue.policy.ring_timeout_s + KEY_S)


def is_next(held: Standing) -> bool:
    """Whether all who stand before them cannot be served now: they are being rung, or it is not their time."""
    return held.position is not None and held.position - 1 == held.later_ahead


def reserved_for_others(house: House, callback: Callback, anybody: bool) -> Iterator[Reservation]:
    """Pairings of this queue with somebody who has not picked up yet and stands behind them, or with `anybody`."""
    place = (callback.score, EntryId(callback.id))
    for view in house.line.agents():
        pairing = house.line.reservation(view.token) if view.status is AgentStatus.RESERVED and view.token else None
        if pairing is None or pairing.leg is not None or pairing.queue != callback.queue:
            continue
        if not is_callback(pairing.entry):
            continue
        stands, behind = unheard(house, pairing), (pairing.score, pairing.entry) > place
        if (stands and behind) or (stands == "later" and anybody):
            yield pairing


def unheard(house: House, pairing: Reservation) -> str:
    """Where this pairing's caller would stand without their agent: `later` while their phone rings and the agent is on
    no call about it, `due` before it does; "" for whoever cannot give way."""
    with house.store.look() as work:
        callback = work.callback(CallbackId(pairing.entry))
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    if attempt is None:
        return "due" if callback.state is State.WAITING else ""
    return "later" if callback.state is State.DIALING and attempt.agent_call is None else ""


def change_places(house: House, entry: EntryId, other: Reservation) -> Reservation | None:
    """The agent of `other` takes whoever is first now, which is `entry` as a rule; the other's phone rings on."""
    now = house.clock.now()
    reason = "somebody else has answered"
    entry_to = unheard(house, other)
    if not entry_to or not house.line.release(other.token, entry_to=entry_to, agent_to=None, reason=reason, now=now):
        return None
    if entry_to == "later":
        house.line.expect(other.entry, until=rings_until(house.book.queue(other.queue), other.at))
    pairing = house.line.match_agent(other.agent, lease_s=house.knobs.lease_s, token=new_token(), now=now)
    if pairing is None or pairing.entry == entry:
        return pairing
    house.dispatch.connect(pairing.token)
    return None
