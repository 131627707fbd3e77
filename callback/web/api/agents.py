"""Agents and their presence over the API."""

from typing import Any

from flask import Blueprint

from callback.domain.acts import What
from callback.domain.callback import Agent, Served
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.flows import configure, look, presence
from callback.web.acting import doer, record
from callback.web.api import models
from callback.web.api.contract import key_of, operation, taken
from callback.web.context import house
from callback.web.guards import Role

Json = dict[str, Any]


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.get("/agents")(all_agents)
    api.get("/agents/<key>")(one_agent)
    api.put("/agents/<key>")(put_agent)
    api.post("/agents/<key>/presence")(post_presence)


@operation(Role.VIEWER, models.Agents, tag="agents")
def all_agents() -> Json:
    """Every agent and what they are doing."""
    return {"items": look.agents_view(house()), "next": None}


@operation(Role.VIEWER, models.Agent, refuses=(404,), tag="agents")
def one_agent(key: str) -> Json:
    """One agent and what they are doing."""
    return look.agent_view(house(), AgentKey(key))


@operation(Role.ADMIN, models.Agent, json=models.AgentBody, refuses=(404, 422), tag="agents")
def put_agent(key: str) -> Json:
    """Create an agent, or change their name, contact and queues."""
    body = taken(models.AgentBody)
    served = [
        Served(QueueKey(one), 1) if isinstance(one, str) else Served(QueueKey(one.key), one.level)
        for one in body.queues
    ]
    configure.put_agent(
        house(),
        AgentKey(key_of(key)),
        name=body.name,
        contact=body.contact,
        queues=served,
        by=doer().by,
        role=doer().role,
    )
    return look.agent_view(house(), AgentKey(key))


@operation(Role.SUPERVISOR, models.Agent, json=models.PresenceBody, agents=True, refuses=(404, 422), tag="agents")
def post_presence(key: str) -> Json:
    """Say what an agent wants: available, away or offline. Sending it twice changes nothing."""
    body = taken(models.PresenceBody)
    agent = _known(AgentKey(key), body.status)
    return look.agent_json(agent, presence.set_presence(house(), agent.key, AgentStatus(body.status), why=body.reason))


def _known(key: AgentKey, wanted: str) -> Agent:
    """The agent whose presence is about to be set, with the audit log's line where it is by somebody else's hand, as in
    the console; agents' own changes are the journal's. Raises NotFound."""
    if doer().role == Role.AGENT:
        with house().store.look() as work:
            return work.agent(key)
    with house().store.begin() as work:
        agent = work.agent(key)
        record(work, What.AGENT_PRESENCE, agent.key, after={"status": wanted})
        return agent
