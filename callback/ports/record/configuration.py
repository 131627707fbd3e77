"""Queues, policies, wordings and agents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callback.domain.callback import Agent
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.planned import Planned, PlanState
from callback.domain.policy import Policy, Queue
from callback.domain.wording import Wording


@dataclass(frozen=True)
class PolicyVersion:
    """A policy as it was saved: who, when, why."""

    queue: QueueKey
    version: int
    policy: Policy
    at: datetime
    by: str
    why: str


class Configuration(Protocol):
    """Queues, their policies, planned changes and wordings."""

    def queues(self) -> list[Queue]: ...
    def queue(self, key: QueueKey) -> Queue:
        """Raises NotFound."""
        ...

    def put_queue(
        self, key: QueueKey, name: str, numbers: tuple[str, ...] | None, at: datetime, *, new: bool = False
    ) -> Queue:
        """Create with the default policy, or update. Numbers None: as they are. Raises InvalidInput when a number
        belongs to another queue, and NameTaken where it is to be `new` and is not, whoever makes it at this moment."""
        ...

    def put_policy(
        self, key: QueueKey, policy: Policy, *, by: str, why: str, at: datetime, following: int | None = None
    ) -> Queue:
        """The next version. Raises NotFound, and Stale where the one in force is not `following`."""
        ...

    def policies(self, key: QueueKey, limit: int = 50) -> list[PolicyVersion]: ...
    def add_plan(self, plan: Planned) -> Planned: ...
    def plan(self, id: str) -> Planned:
        """Raises NotFound."""
        ...

    def plans(self, queue: QueueKey) -> list[Planned]:
        """Those of a queue that are still to take effect, the next first."""
        ...

    def plans_due(self, now: datetime, limit: int = 100) -> list[Planned]:
        """Those of all queues whose time has come, in its order."""
        ...

    def end_plan(
        self,
        id: str,
        state: PlanState,
        *,
        at: datetime,
        by: str = "",
        version: int | None = None,
        note: str = "",
    ) -> bool:
        """False: it had ended already."""
        ...

    def refused_plans(self) -> list[Planned]:
        """Those of all queues that were refused when their time came and that nobody has taken note of, by time."""
        ...

    def note_plan(self, id: str, *, by: str) -> bool:
        """Somebody has taken note that it was refused; False where it was not, or somebody has before."""
        ...

    def wordings(self) -> list[Wording]:
        """The newest version of each own wording, by queue and sentence."""
        ...

    def wording_versions(self, queue: str, sentence: str, limit: int = 50) -> list[Wording]:
        """Newest first."""
        ...

    def add_wording(self, wording: Wording) -> None:
        """Raises Stale where there is this version already."""
        ...


class Staff(Protocol):
    """Agents, and how they wanted to be last."""

    def put_agent(self, agent: Agent, at: datetime, *, new: bool = False) -> Agent:
        """Create or overwrite. Raises InvalidInput for a queue that there is not, and NameTaken as `put_queue`."""
        ...

    def agents(self) -> list[Agent]: ...
    def agent(self, key: AgentKey) -> Agent: ...
    def put_presence(self, agent: AgentKey, status: AgentStatus, at: datetime) -> None:
        """The last wanted presence, for a rebuild."""
        ...

    def presences(self) -> dict[AgentKey, tuple[AgentStatus, datetime]]: ...
