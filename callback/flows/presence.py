"""Agents say whether they take calls. Becoming free is the other moment at which somebody is matched."""

from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from callback.flows import match, settle
from callback.ports import AgentView, House


def set_presence(house: House, agent: AgentKey, status: AgentStatus) -> AgentView:
    """Available, away or offline; idempotent. `available` ends wrap-up and changes nothing in reserved or busy; the
    others apply when the call ends. Raises NotFound."""
    house.book.agent(agent)
    try:
        view = house.line.presence(agent, status, now=house.clock.now())
    except NotFound:
        return wish(house, agent, status)
    if view.status is AgentStatus.AVAILABLE and match.run_agent(house, agent):
        return house.line.agent(agent)
    return view


def wish(house: House, agent: AgentKey, status: AgentStatus) -> AgentView:
    """The line does not know an agent whom the record knows: it was lost. They will be so once it is rebuilt."""
    now = house.clock.now()
    with house.store.begin() as work:
        work.agent(agent)
        work.put_presence(agent, status, now)
    house.dispatch.rebuild()
    try:  # it may have been configured while we wrote
        return house.line.presence(agent, status, now=now)
    except NotFound:
        return AgentView(agent, AgentStatus.OFFLINE, now, wanted=status)


def cut_off(house: House, agent: AgentKey, *, cause: str) -> bool:
    """The desk says that the talk was cut off: the caller is back at the front. False: the agent is not talking."""
    view = house.line.agent(agent)
    if view.token is None or view.status is not AgentStatus.BUSY:
        return False
    return settle.talk_over(house, view.token, caller_there=None, cause=cause, said_cut_off=True)
