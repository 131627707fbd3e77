"""The configuration as it is published in Redis: a JSON text for each queue and each agent, and one for all own
wordings."""

import json
from collections.abc import Iterable

from callback.domain.callback import Agent, Served
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policies import from_json, to_json
from callback.domain.policy import Queue
from callback.domain.wording import Own


def queue_to_json(queue: Queue) -> str:
    """A queue with its whole policy."""
    return json.dumps(
        {
            "key": queue.key,
            "name": queue.name,
            "numbers": queue.numbers,
            "policy": to_json(queue.policy),
            "version": queue.version,
        }
    )


def queue_from_json(text: str) -> Queue:
    """What `queue_to_json` wrote."""
    stored = json.loads(text)
    return Queue(
        key=stored["key"],
        name=stored["name"],
        numbers=tuple(stored["numbers"]),
        policy=from_json(stored["policy"]),
        version=stored["version"],
    )


def agent_to_json(agent: Agent) -> str:
    """An agent with the queues they serve, in the order given."""
    served = [[served.queue, served.level] for served in agent.queues]
    return json.dumps({"key": agent.key, "name": agent.name, "contact": agent.contact, "queues": served})


def agent_from_json(text: str) -> Agent:
    """What `agent_to_json` wrote."""
    stored = json.loads(text)
    return Agent(
        key=AgentKey(stored["key"]),
        name=stored["name"],
        contact=stored["contact"],
        queues=tuple(Served(QueueKey(queue), level) for queue, level in stored["queues"]),
    )


def wording_to_json(wording: Iterable[Own]) -> str:
    """The own wordings, in the order given."""
    return json.dumps(list(wording), ensure_ascii=False)


def wording_from_json(text: str) -> list[Own]:
    """What `wording_to_json` wrote."""
    return [Own(queue, sentence, language, tuple(forms)) for queue, sentence, language, forms in json.loads(text)]
