"""All pools of a house, followed by one reader of the journal: each event goes to the estimator of its pool.

Agents bind queues together: who serves two queues takes the caller who stands first in either, so that one floor holds
all queues that share an agent. What goes wrong in one pool ends that pool's estimator and no other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from callback.domain.callback import Agent, Entry
from callback.domain.estimator import Estimator
from callback.domain.floor import Came, Event, Freed, Joined, Left, Served, Went
from callback.domain.policy import Queue
from callback.domain.retelling import Retelling, pool_key, pools
from callback.domain.table import Table

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """What the pools depend on: each queue's pool, and each agent's pools."""

    of_queue: Mapping[str, str]
    of_agent: Mapping[str, tuple[str, ...]]

    @property
    def keys(self) -> list[str]:
        """The pools."""
        return sorted(set(self.of_queue.values()))


def shape(queues: Iterable[Queue], agents: Iterable[Agent]) -> Shape:
    """The pools of a configuration."""
    serves = [(str(agent.key), [str(served.queue) for served in agent.queues]) for agent in agents]
    of_queue = {queue: pool_key(pool) for queue, pool in pools(serves, [queue.key for queue in queues]).items()}
    of_agent = {
        agent: tuple(sorted({of_queue[queue] for queue in served if queue in of_queue})) for agent, served in serves
    }
    return Shape(of_queue, of_agent)


class Following:
    """Reads the journal on. `make` gives the estimator of a pool; `failed` hears of one that has to be given up."""

    def __init__(
        self,
        shaped: Shape,
        make: Callable[[str], Estimator],
        failed: Callable[[str, Exception], None],
    ) -> None:
        self.shape = shaped
        self.retelling = Retelling()
        self.estimators = {key: make(key) for key in shaped.keys}
        self.rows = 0
        self._failed = failed
        self._pool_of: dict[str, str] = {}

    def feed(self, row: Entry) -> None:
        """One row of the journal."""
        self.rows += 1
        self.see(self.retelling.feed(row), row.seq)

    def see(self, events: Iterable[Event], seq: int = 0) -> None:
        """These events, in order."""
        for event in events:
            for key in self._pools(event):
                self._guarded(key, partial(Estimator.see, event=event, seq=seq))

    def table(self, queue: str, at: datetime, config: int) -> Table | None:
        """What is expected at each place of a queue; None while nothing was learnt."""
        key = self.shape.of_queue.get(queue, "")
        estimator = self.estimators.get(key)
        if estimator is None or not estimator.ready:
            return None
        line, more_s = self.retelling.line(queue), self.retelling.connect_s
        return self._guarded(
            key, lambda one: one.table(queue, line, at.timestamp(), made=at, config=config, more_s=more_s)
        )

    @property
    def due(self) -> bool:
        """Whether any of them has enough that is new to learn from."""
        return any(estimator.due for estimator in self.estimators.values())

    def learn(self) -> list[str]:
        """Learns where enough is new; the pools in which something was learnt. Takes seconds."""
        return [key for key in list(self.estimators) if self._guarded(key, Estimator.learn)]

    def _guarded(self, key: str, act: Callable[[Estimator], T]) -> T | None:
        """Whatever goes wrong with numbers is the end of that estimator only: the simple rule speaks for its pool."""
        estimator = self.estimators.get(key)
        if estimator is None:
            return None
        try:
            return act(estimator)
        except Exception as fault:  # noqa: BLE001 -- told to `failed`, whoever follows the others goes on
            del self.estimators[key]
            self._failed(key, fault)
            return None

    def _pools(self, event: Event) -> Sequence[str]:
        match event:
            case Joined():
                key = self.shape.of_queue.get(event.kind.queue)
                if key is None:
                    return ()
                self._pool_of[event.call] = key
                return (key,)
            case Served():
                return self._known(self._pool_of.get(event.call))
            case Left() | Freed():
                return self._known(self._pool_of.pop(event.call, None))
            case Came() | Went():
                return self.shape.of_agent.get(event.agent, ())

    @staticmethod
    def _known(key: str | None) -> Sequence[str]:
        return () if key is None else (key,)
