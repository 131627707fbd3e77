"""Agents say whether they take calls. Becoming free is the other moment at which somebody is matched."""

from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey, is_callback
from callback.domain.lifecycle import AgentStatus
from callback.domain.workday import DECLINED
from callback.flows import agentfirst, handed, match, parted, settle, talks
from callback.flows.hook import Place
from callback.ports import AgentView, House


def set_presence(house: House, agent: AgentKey, status: AgentStatus, *, why: str = "") -> AgentView:
    """Available, away or offline; idempotent. `available` ends wrap-up and changes nothing in reserved or busy; the
    others apply when the call ends. `why` they will be away, one of `domain.desk.AWAY_REASONS`. Raises NotFound."""
    house.book.agent(agent)
    try:
        if status is AgentStatus.AVAILABLE:
            return match.come_free(house, agent)
        return house.line.presence(agent, status, now=house.clock.now(), why=why)
    except NotFound:
        return wish(house, agent, status)


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


def decline(house: House, agent: AgentKey) -> bool:
    """The agent will not take the call that rings them: they are away, and the caller is first in line again. False:
    none rings."""
    view = house.line.agent(agent)
    pairing = house.line.reservation(view.token) if view.token else None
    if pairing is None or pairing.phase == "busy":
        return False
    asked = handed.consultation(house, pairing)
    if asked is not None:
        handed.let_go(house, asked, DECLINED)
        house.dispatch.redirect(asked.agent_leg, house.urls.step("desk/consulted", r=asked.token, n=str(asked.room)))
        return True
    attempt = agentfirst.rung(house, pairing) if is_callback(pairing.entry) else None
    if attempt is not None:
        agentfirst.missed(house, attempt, reason=DECLINED)
        if attempt.agent_call:
            house.dispatch.hang_up(attempt.agent_call)
        return True
    leg = settle.leg_of(house, pairing)
    if leg is None:  # it is the caller's phone that rings
        return False
    settle.agent_missed(house, pairing, reason=DECLINED)
    if house.line.standing(pairing.queue, pairing.entry).place in ("hold", "menu"):
        house.dispatch.redirect(leg, house.urls.step("back", **Place.paired(pairing).query()))
    return True


def hang_up(house: House, agent: AgentKey) -> bool:
    """The agent's leg ends, and with it the talk. False: they are in none, or nobody knows on which leg."""
    pairing = parted.busy(house, agent)
    if pairing is None:
        return False
    asked = handed.consultation(house, pairing)
    talk = talks.begin(house, pairing) if asked is None else None
    leg = talk.agent_leg if talk is not None else pairing.agent_leg
    if leg is None:
        return False
    house.dispatch.hang_up(leg)
    return True
