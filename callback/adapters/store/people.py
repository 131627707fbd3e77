"""Agents with whom they serve, and what presence they asked for last."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update

from callback.adapters.store.sealed import Sealer
from callback.adapters.store.tables import agent_queues, agents, queues
from callback.adapters.store.transaction import Transaction
from callback.domain.callback import Agent, Served
from callback.domain.errors import InvalidInput, NameTaken, NotFound
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus

_AGENTS = select(agents.c.key, agents.c.name, agents.c.contact).order_by(agents.c.key)
_SERVED = select(agent_queues.c.agent, agent_queues.c.queue, agent_queues.c.level).order_by(
    agent_queues.c.agent, agent_queues.c.rank
)
_ONE: Select[Any] = (
    select(agents.c.key, agents.c.name, agents.c.contact, agent_queues.c.queue, agent_queues.c.level)
    .outerjoin(agent_queues, agent_queues.c.agent == agents.c.key)
    .where(agents.c.key == bindparam("b_key"))
    .order_by(agent_queues.c.rank)
)
"""An agent, once for each queue they serve."""


class People(Transaction):
    """The verbs on agents."""

    def put_agent(self, agent: Agent, at: datetime, *, new: bool = False) -> Agent:
        """The presence stays."""
        self._known_queues(agent)
        values = _agent_values(agent, self._sealer) | {"updated_at": at}
        if not self._insert_new(agents, values):
            if new:
                raise NameTaken("key", f"there is an agent {agent.key} already")
            self._sql.execute(update(agents).where(agents.c.key == agent.key).values(values))
            self._sql.execute(delete(agent_queues).where(agent_queues.c.agent == agent.key))
        if agent.queues:
            self._sql.execute(insert(agent_queues), _served_values(agent))
        return agent

    def _known_queues(self, agent: Agent) -> None:
        wanted = [served.queue for served in agent.queues]
        if len(set(wanted)) < len(wanted):
            raise InvalidInput("queues", "a queue is named twice")
        known = set(self._sql.execute(select(queues.c.key).where(queues.c.key.in_(wanted))).scalars())
        for key in wanted:
            if key not in known:
                raise InvalidInput("queues", f"there is no queue {key}")

    def agents(self) -> list[Agent]:
        """By key."""
        return self._load_agents(_AGENTS, _SERVED)

    def agent(self, key: AgentKey) -> Agent:
        """Raises NotFound."""
        rows = self._sql.execute(_ONE, {"b_key": key}).all()
        if not rows:
            raise NotFound(f"there is no agent {key}")
        served = tuple(Served(QueueKey(row.queue), row.level) for row in rows if row.queue is not None)
        return _agent(rows[0], served, self._sealer)

    def _load_agents(self, people: Select[Any], serve: Select[Any]) -> list[Agent]:
        rows = self._sql.execute(people).all()
        served: dict[str, list[Served]] = {}
        for agent, queue, level in self._sql.execute(serve):
            served.setdefault(agent, []).append(Served(QueueKey(queue), level))
        return [_agent(row, tuple(served.get(row.key, ())), self._sealer) for row in rows]

    def put_presence(self, agent: AgentKey, status: AgentStatus, at: datetime) -> None:
        """Raises NotFound."""
        one = update(agents).where(agents.c.key == agent).values(wanted=status, wanted_at=at)
        if self._sql.execute(one).rowcount == 0:
            raise NotFound(f"there is no agent {agent}")

    def presences(self) -> dict[AgentKey, tuple[AgentStatus, datetime]]:
        """Of agents who ever asked for one."""
        asked = select(agents.c.key, agents.c.wanted, agents.c.wanted_at).where(agents.c.wanted.is_not(None))
        return {AgentKey(key): (wanted, at) for key, wanted, at in self._sql.execute(asked)}


def _agent_values(agent: Agent, sealer: Sealer) -> dict[str, Any]:
    return {
        "key": agent.key,
        "name": sealer.seal(agent.name, f"agents.name:{agent.key}"),
        "contact": sealer.seal(agent.contact, f"agents.contact:{agent.key}"),
    }


def _served_values(agent: Agent) -> list[dict[str, Any]]:
    return [
        {"agent": agent.key, "queue": served.queue, "level": served.level, "rank": rank}
        for rank, served in enumerate(agent.queues)
    ]


def _agent(row: Row[Any], served: tuple[Served, ...], sealer: Sealer) -> Agent:
    name = sealer.open(row.name, f"agents.name:{row.key}")
    return Agent(AgentKey(row.key), name, sealer.open(row.contact, f"agents.contact:{row.key}"), served)
