"""A caller who was rung before an agent was free has answered and pressed their key: they stand in line, live, and meet
whoever is free first.

Where nobody is, but an agent is reserved for somebody behind them whose phone still rings, the two change places: that
one is from then on the one who was rung ahead. So a call that was dialled early never loses to one dialled late, and an
agent does not wait for a ring while somebody is there.
"""

from collections.abc import Iterator

from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, CallSid, EntryId, is_callback, new_token
from callback.domain.lifecycle import AgentStatus, State
from callback.ports import House, Reservation


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
    if held.reservation is not None:
        return held.reservation
    behind = max(reserved_behind(house, callback), key=lambda pairing: (pairing.score, pairing.entry), default=None)
    return change_places(house, EntryId(callback.id), behind) if behind else None


def reserved_behind(house: House, callback: Callback) -> Iterator[Reservation]:
    """Pairings of this queue with somebody who stands behind them, and has not picked up yet."""
    place = (callback.score, EntryId(callback.id))
    for view in house.line.agents():
        pairing = house.line.reservation(view.token) if view.status is AgentStatus.RESERVED and view.token else None
        if pairing is None or pairing.leg is not None or pairing.queue != callback.queue:
            continue
        if (pairing.score, pairing.entry) > place and is_callback(pairing.entry) and unheard(house, pairing):
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


def change_places(house: House, entry: EntryId, behind: Reservation) -> Reservation | None:
    """The agent of `behind` takes whoever is first now, which is `entry` as a rule; the other's phone rings on."""
    now = house.clock.now()
    reason = "somebody before them has answered"
    entry_to = unheard(house, behind)
    if not entry_to or not house.line.release(behind.token, entry_to=entry_to, agent_to=None, reason=reason, now=now):
        return None
    pairing = house.line.match_agent(behind.agent, lease_s=house.knobs.lease_s, token=new_token(), now=now)
    if pairing is None or pairing.entry == entry:
        return pairing
    house.dispatch.connect(pairing.token)
    return None
