"""A free agent and the next in line are paired, and a worker is told. One rule for live callers and promises."""

from callback.domain.ids import AgentKey, QueueKey, new_token
from callback.ports import AgentView, House

AT_ONCE = 200
"""Pairings made in one go; the sweep goes on with the rest, so that no webhook is kept."""


def run(house: House, queue: QueueKey) -> int:
    """Pair whoever can be paired in `queue`; returns how many."""
    for made in range(AT_ONCE):
        pairing = house.line.match(queue, lease_s=house.knobs.lease_s, token=new_token(), now=house.clock.now())
        if pairing is None:
            return made
        house.dispatch.connect(pairing.token)
    return AT_ONCE


def run_agent(house: House, agent: AgentKey) -> bool:
    """Pair this agent, if free; returns whether somebody was there for them."""
    pairing = house.line.match_agent(agent, lease_s=house.knobs.lease_s, token=new_token(), now=house.clock.now())
    if pairing is None:
        return False
    house.dispatch.connect(pairing.token)
    return True


def come_free(house: House, agent: AgentKey) -> AgentView:
    """This agent is available from now on, unless they are taken, and is paired; returns them as they are then. Raises
    NotFound where the line does not know them."""
    view, pairing = house.line.come_free(agent, lease_s=house.knobs.lease_s, token=new_token(), now=house.clock.now())
    if pairing is not None:
        house.dispatch.connect(pairing.token)
    return view
