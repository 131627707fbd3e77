"""The queues and policies that this process knows: read from the line, so that the doors work without the record."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from callback.domain import hours, phone
from callback.domain.callback import Agent
from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.numbers import calls_from
from callback.domain.policy import Queue
from callback.domain.wording import BUILT_IN, HOUSE, InForce, Own, in_force, published
from callback.ports import Clock, House, Line, Store

NO_QUEUE = QueueKey("")
MAX_AGE_S = 2.0
"""A process that hears of no newer version still looks after this many seconds."""
LOST = 0
"""The version of a line that has no configuration, or may lack something else."""
TELL_EVERY_S = 1.0


def caller_id(house: House, queue: Queue) -> str | None:
    """The number that calls back: the installation's, else the queue's first."""
    return calls_from(queue, house.knobs.caller_id)


def zone(queue: Queue, number: str) -> str:
    """The zone in which times are said to whoever has `number`: their own, else the queue's, else UTC."""
    return phone.zone_of(number) or str(hours.zone_of(queue.policy.hours) or "UTC")


class LineBook:
    """`ports.Book` on `Line.configuration`. Safe for threads: a reload replaces the whole picture at once.

    A line that was lost never replaces a picture: callers go on being served by the last one, `lost` is called (at most
    once a second) so that somebody rebuilds the line, and a process that has no picture yet asks the record for one.
    """

    def __init__(
        self, line: Line, clock: Clock, *, record: Store | None = None, lost: Callable[[], object] | None = None
    ) -> None:
        self._line = line
        self._clock = clock
        self._record = record
        self._tell_lost = lost
        self._told_at = 0.0
        self._lock = threading.Lock()
        self._version = -1
        self._read_at = 0.0
        self._queues: dict[str, Queue] = {}
        self._numbers: dict[str, Queue] = {}
        self._agents: dict[str, Agent] = {}
        self._owns: Sequence[Own] = ()
        self._wording: dict[str, InForce] = {}

    def queue(self, key: QueueKey) -> Queue:
        """The queue of that key. Raises NotFound, after one fresh look."""
        self._refresh_if_old()
        if key not in self._queues:
            self._load()
        try:
            return self._queues[key]
        except KeyError:
            raise NotFound(f"there is no queue {key!r}: create it with `callback queue add {key}`") from None

    def agent(self, key: AgentKey) -> Agent:
        """The agent of that key. Raises NotFound, after one fresh look."""
        self._refresh_if_old()
        if key not in self._agents:
            self._load()
        try:
            return self._agents[key]
        except KeyError:
            raise NotFound(f"there is no agent {key!r}: create them with `callback agent add {key}`") from None

    def find(self, key: str | None, number: str) -> Queue | None:
        """The queue named by `key` or reached by `number`; the only queue there is, where neither says anything."""
        self._refresh_if_old()
        found = self._look(key, number)
        if found is None:
            self._catch_up()  # a queue that was made a moment ago must not lose its callers to the one before it
            found = self._look(key, number) or (None if key else self._only())
        return found

    def check(self, version: int) -> None:
        """Load again if `version` is not the one at hand."""
        if version == LOST:
            self._lost()
        if version != self._version and not (version == LOST and self._queues):
            self._load()

    def wording(self, queue: str = HOUSE) -> InForce:
        """What is said in that queue in place of the built-in wordings; those, while nothing is known."""
        with suppress(ConnectionError):
            self._refresh_if_old()
        return self._wording.get(queue) or self._wording.get(HOUSE, BUILT_IN)

    def _look(self, key: str | None, number: str) -> Queue | None:
        if key:
            return self._queues.get(key)
        return self._numbers.get(number)

    def _only(self) -> Queue | None:
        return next(iter(self._queues.values())) if len(self._queues) == 1 else None

    def _refresh_if_old(self) -> None:
        if self._clock.now().timestamp() - self._read_at > MAX_AGE_S:
            self._catch_up()

    def _catch_up(self) -> None:
        try:
            self._look_for_news()
        except Exception:
            if self._version < 0:
                raise
            self._read_at = self._clock.now().timestamp()  # the line is away: the last picture serves meanwhile

    def _look_for_news(self) -> None:
        """The version is asked for first: with a thousand agents, reading all of it again takes longer than a dial."""
        self.check(self._line.standing(NO_QUEUE, None).config)
        self._read_at = self._clock.now().timestamp()

    def _load(self) -> None:
        with self._lock:
            found = self._line.configuration()
            self._publish(*(self._instead() if found[0] == LOST else (*found, self._line.wording())))

    def _instead(self) -> tuple[int, Sequence[Queue], Sequence[Agent], Sequence[Own]]:
        """What serves while the line has nothing: the record's, in which is also what was made a moment ago; the last
        picture where the record is away as well."""
        try:
            if self._record is not None:
                with self._record.begin() as work:
                    return LOST, work.queues(), work.agents(), published(work.wordings())
        except ConnectionError:
            if not self._queues:
                raise
        return self._version, tuple(self._queues.values()), tuple(self._agents.values()), self._owns

    def _lost(self) -> None:
        now = self._clock.now().timestamp()
        if self._tell_lost is not None and abs(now - self._told_at) >= TELL_EVERY_S:
            self._told_at = now
            self._tell_lost()

    def _publish(self, version: int, queues: Sequence[Queue], agents: Sequence[Agent], owns: Sequence[Own]) -> None:
        self._agents = {agent.key: agent for agent in agents}
        self._queues = {queue.key: queue for queue in queues}
        self._numbers = {number: queue for queue in queues for number in queue.numbers}
        if owns != self._owns or not self._wording:  # the same ones stay, and what was worded with them
            self._owns, self._wording = owns, in_force(owns)
        self._version = version
        self._read_at = self._clock.now().timestamp()
