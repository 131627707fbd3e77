"""What the workers do at a task's word, so that one that fails does not come back for ever.

A task may come twice or never. What fails by its own fault is counted and brought out of the way (`poison`); a house in
trouble fails the task loudly, and the sweep finds what it was for.
"""

import secrets

from callback.domain.ids import AttemptId, CallSid, Token
from callback.flows import agentfirst, aside, dial
from callback.flows import text as texting
from callback.flows.poison import Item, guarded
from callback.ports import CarrierBusy, CarrierStopped, House, LegGone, OutcomeUnknown

DIALLING = "dialling"
NOT_NOW = (CarrierBusy, CarrierStopped, OutcomeUnknown)
"""The carrier is busy, has nothing to do with us at the moment, or does not answer."""
PAUSES_S = (1, 2, 4, 8, 16, 30, 30, 30)
"""Before a leg is ended after all: two minutes and more together, which is longer than any phone of ours rings."""


def connect(house: House, token: Token, *, paced: bool = False) -> None:
    """Act on a reservation."""
    guarded(
        house,
        lambda: aside.of_reservation(house, token, DIALLING),
        lambda: dial.connect(house, token, paced=paced),
        None,
        lambda failure: aside.put(house, token, failure),
        alone=True,
    )


def dial_customer(house: House, attempt: AttemptId, *, paced: bool = False) -> None:
    """agent_first: ring the caller."""
    guarded(
        house,
        lambda: aside.of_attempt(house, attempt, DIALLING),
        lambda: agentfirst.dial_customer(house, attempt, paced=paced),
        None,
        lambda failure: aside.put_attempt(house, attempt, failure),
        alone=True,
    )


def hang_up(house: House, call: CallSid, *, tries: int = 0) -> None:
    """End a leg, or try it again in a while: nobody else comes by for whoever goes on ringing, or waits on it."""
    guarded(house, Item("call", call, "", "hanging_up"), lambda: _ended(house, call, tries), None, alone=True)


def _ended(house: House, call: CallSid, tries: int) -> None:
    try:
        house.carrier.hang_up(call)
    except NOT_NOW as not_now:
        if tries >= len(PAUSES_S):
            raise
        jitter = 1 + secrets.randbelow(500) / 1000  # workers must not march in step
        least = not_now.retry_after_s if isinstance(not_now, CarrierBusy) else 0
        house.dispatch.hang_up(call, max(PAUSES_S[tries], least) * jitter, tries=tries + 1)


def redirect(house: House, call: CallSid, url: str, *, or_end: bool = False) -> None:
    """Send a leg to another document; one that is gone needs none. `or_end`: whoever cannot be sent there is let go."""
    item = Item("call", call, "", "redirecting")
    guarded(house, item, lambda: _redirected(house, call, url, or_end), None, alone=True)


def _redirected(house: House, call: CallSid, url: str, or_end: bool) -> None:
    try:
        house.carrier.redirect(call, url)
    except LegGone:
        return
    except NOT_NOW:
        if not or_end:  # it may be elsewhere by the time that it could be done
            raise
        house.dispatch.hang_up(call, PAUSES_S[0], tries=1)


def text(house: House, id: str) -> None:
    """Send a text."""
    guarded(house, Item("text", id, "", "texting"), lambda: texting.send(house, id), None, alone=True)
