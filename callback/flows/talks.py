"""What a desk has added to a talk, for whoever has to know: its holds, and where its caller is to be passed on to.

Most talks end as they began, and nothing is written about them here. While the record is away no desk can be used
either, so a talk of which nothing can be read counts as one that simply goes on.
"""

from collections.abc import Callable
from contextlib import suppress

from callback.domain.desk import Talk
from callback.domain.ids import CallbackId, CallSid, Token, is_callback
from callback.ports import House, Reservation


def of(house: House, token: Token) -> Talk | None:
    """What was added. None: nothing, as far as can be known now."""
    with suppress(ConnectionError), house.store.look() as work:
        return work.talk(token)
    return None


def change(house: House, token: Token, changed: Callable[[Talk], Talk | None]) -> Talk | None:
    """Read, changed and saved in one step. `changed` gives None for no change. None: there is none, or no change."""
    with house.store.begin() as work:
        talk = work.talk(token, lock=True)
        after = changed(talk) if talk is not None else None
        return None if after is None else work.put_talk(after)


def begin(house: House, pairing: Reservation) -> Talk | None:
    """The talk of this pairing, written down if it was not. None: one of its legs is not known."""
    with house.store.begin() as work:
        found = work.talk(pairing.token)
        if found is not None:
            return found
        call, agent_leg = pairing.leg, pairing.agent_leg
        if is_callback(pairing.entry):
            callback = work.callback(CallbackId(pairing.entry))
            attempt = work.attempt(callback.attempt) if callback.attempt else None
            call = callback.leg or call
            agent_leg = agent_leg or (attempt.agent_call if attempt else None)
        return work.put_talk(fresh(pairing, call, agent_leg)) if call and agent_leg else None


def fresh(pairing: Reservation, call: CallSid, agent_leg: CallSid) -> Talk:
    """Nothing has been added yet."""
    began = pairing.bridged_at or pairing.at
    return Talk(pairing.token, pairing.agent, pairing.queue, pairing.entry, call, agent_leg, began)
