"""What the workers do at a task's word, so that one that fails does not come back for ever.

A task may come twice or never. What fails by its own fault is counted and brought out of the way (`poison`); a house in
trouble fails the task loudly, and the sweep finds what it was for.
"""

from callback.domain.ids import AttemptId, CallSid, Token
from callback.flows import agentfirst, aside, dial
from callback.flows import text as texting
from callback.flows.poison import Item, guarded
from callback.ports import House, LegGone

DIALLING = "dialling"


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


def hang_up(house: House, call: CallSid) -> None:
    """End a leg."""
    guarded(house, Item("call", call, "", "hanging_up"), lambda: house.carrier.hang_up(call), None, alone=True)


def redirect(house: House, call: CallSid, url: str) -> None:
    """Send a leg to another document; one that is gone needs none."""
    guarded(house, Item("call", call, "", "redirecting"), lambda: _redirected(house, call, url), None, alone=True)


def _redirected(house: House, call: CallSid, url: str) -> None:
    try:
        house.carrier.redirect(call, url)
    except LegGone:
        return


def text(house: House, id: str) -> None:
    """Send a text."""
    guarded(house, Item("text", id, "", "texting"), lambda: texting.send(house, id), None, alone=True)
