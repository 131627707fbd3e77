"""The floor of a call centre as it is known at one moment: who waits, who talks since when, who was seen at work.

Everything that estimates a wait reads it from here, so that a replay of recorded traffic and the living house show an
estimator the very same thing. The floor changes by six events and by nothing else; the outcome of a wait and the
length of a talk become known when they happen, never before. A replay makes the events from a trace, a worker makes
them from the journal. Only the journal knows who has come to work and who went: without such events, agents count as
staffed for as long as they were seen at work lately.

Times are seconds since the epoch, durations are seconds. One `Floor` holds all queues whose agents may be shared.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

SEEN_S = 900.0
"""An agent counts as staffed for so long after they were last seen at work."""
REMEMBERED = 400
"""So many of the latest ended waits and talks are kept for whoever wants to look at them one by one."""


class Kind(NamedTuple):
    """What sets one caller's chances apart from another's."""

    queue: str
    priority: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """A caller takes a place in line at `at`; `since` is when that place was taken first, and `credit` its head start.

    `callback` is true for whoever waits by promise, not on the line.
    """

    at: float
    call: str
    kind: Kind
    since: float
    credit: float = 0.0
    callback: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """An agent begins to talk with this caller. `agent` is empty where nobody noted who it was."""

    at: float
    call: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """This caller leaves the line unserved: hung up (`gave_up`), or took a promise and waits under another name."""

    at: float
    call: str
    gave_up: bool = True


@dataclass(frozen=True, slots=True)
class Freed:
    """Talk and wrap-up with this caller are over, and the agent is free."""

    at: float
    call: str


@dataclass(frozen=True, slots=True)
class Came:
    """This agent is at work from now on, whether they talk or not."""

    at: float
    agent: str


@dataclass(frozen=True, slots=True)
class Went:
    """This agent has left work, or pauses. A talk of theirs is told of apart."""

    at: float
    agent: str


Event = Joined | Served | Left | Freed | Came | Went


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """Somebody in line. Lower score is served first."""

    score: float
    order: int
    joined: Joined = field(compare=False)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that goes on, or the wrap-up after it."""

    began: float
    kind: Kind
    agent: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that is over: when, whose, how long, and whether an agent came."""

    at: float
    kind: Kind
    waited: float
    served: bool
    callback: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """A conversation that is over, wrap-up included."""

    at: float
    kind: Kind
    lasted: float
    agent: str


Known = Wait | Handled | None
"""What an event makes known, where it ends something."""


class Floor:
    """The present state. Feed it events in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self.line: list[Waiting] = []
        self.talks: dict[str, Talk] = {}
        self.waits: deque[Wait] = deque(maxlen=REMEMBERED)
        self.handled: deque[Handled] = deque(maxlen=REMEMBERED)
        self.last_seen: dict[str, float] = {}
        self.staff: set[str] | None = None
        self._places: dict[str, Waiting] = {}
        self._crowds: deque[tuple[float, int]] = deque()
        self._joined = 0
        self._seen: dict[float, int] = {}
        self._seen_at = self.now

    def apply(self, event: Event) -> Known:
        """Moves the state on and gives what became known by it, a wait or a talk that is over.

        An event about somebody unknown changes nothing: the record began before its first row.
        """
        self.now = event.at
        self._seen.clear()
        match event:
            case Joined():
                self._join(event)
                return None
            case Served():
                return self._serve(event)
            case Left():
                return self._leave(event)
            case Freed():
                return self._free(event)
            case Came() | Went():
                self._attend(event)
                return None

    @contextmanager
    def imagined(self, event: Joined) -> Iterator[None]:
        """The floor as it would be with somebody more in line, within the block only."""
        numbered = self._joined
        self._join(event)
        try:
            yield
        finally:
            self._take_out(event.call)
            self._joined = numbered

    def stands(self, call: str) -> bool:
        """Whether this caller is in line."""
        return call in self._places

    def place(self, call: str) -> Waiting:
        """Where this caller stands. Raises KeyError for one who is not in line."""
        return self._places[call]

    def ahead(self, call: str) -> list[Waiting]:
        """Everybody in line before this caller, of every queue, first in line first."""
        return self.line[: bisect_left(self.line, self._places[call])]

    def behind(self, call: str) -> list[Waiting]:
        """Everybody in line after this caller, of every queue."""
        return self.line[bisect_left(self.line, self._places[call]) + 1 :]

    def busy(self) -> Iterator[Talk]:
        """The conversations that go on, oldest first."""
        return iter(self.talks.values())

    def talking(self) -> set[str]:
        """Who talks, by name."""
        return {talk.agent for talk in self.talks.values() if talk.agent}

    def present(self) -> list[str]:
        """Who is at work, by name: whoever is known to be, or was seen lately."""
        since = self.now - SEEN_S
        lately = [agent for agent, at in self.last_seen.items() if at >= since]
        talking = [talk.agent for talk in self.talks.values() if talk.agent]
        return list(dict.fromkeys([*talking, *(lately if self.staff is None else sorted(self.staff))]))

    def idle(self, within: float) -> list[str]:
        """Who was freed in the last `within` seconds and does not talk again, by name."""
        talking, since = self.talking(), self.now - within
        return [agent for agent, at in self.last_seen.items() if at >= since and agent not in talking]

    def seen(self, within: float = SEEN_S) -> int:
        """How many agents were at work in the last `within` seconds (at most `SEEN_S`).

        Those who are known to be at work, where that is told; else by name where agents are noted, or as many as
        talked at one time.
        """
        if self._seen_at != self.now:
            self._seen.clear()
            self._seen_at = self.now
        if within not in self._seen:
            self._seen[within] = self._count(within)
        return self._seen[within]

    def _count(self, within: float) -> int:
        if self.staff is not None:
            return len(self.staff | self.talking())
        since = self.now - within
        named = len({agent for agent, at in self.last_seen.items() if at >= since} | self.talking())
        crowd = max((count for at, count in self._crowds if at >= since), default=0)
        return max(named, crowd, len(self.talks))

    def _attend(self, event: Came | Went) -> None:
        self.staff = self.staff if self.staff is not None else set()
        if isinstance(event, Came):
            self.staff.add(event.agent)
            self.last_seen.setdefault(event.agent, event.at)
        else:
            self.staff.discard(event.agent)
            self.last_seen.pop(event.agent, None)

    def _join(self, event: Joined) -> None:
        self._joined += 1
        place = Waiting(event.since - event.credit, self._joined, event)
        self._places[event.call] = place
        insort(self.line, place)

    def _take_out(self, call: str) -> Waiting | None:
        place = self._places.pop(call, None)
        if place is not None:
            del self.line[bisect_left(self.line, place)]
        return place

    def _serve(self, event: Served) -> Wait | None:
        place = self._take_out(event.call)
        if place is None:
            return None
        self.talks[event.call] = Talk(event.at, place.joined.kind, event.agent)
        self.last_seen.pop(event.agent, None)
        self._crowds.append((event.at, len(self.talks)))
        while self._crowds[0][0] < event.at - SEEN_S:
            self._crowds.popleft()
        return self._over(event.at, place.joined, served=True)

    def _leave(self, event: Left) -> Wait | None:
        place = self._take_out(event.call)
        return self._over(event.at, place.joined, served=False) if place is not None and event.gave_up else None

    def _over(self, at: float, joined: Joined, *, served: bool) -> Wait:
        wait = Wait(at, joined.kind, at - joined.at, served, joined.callback)
        self.waits.append(wait)
        return wait

    def _free(self, event: Freed) -> Handled | None:
        talk = self.talks.pop(event.call, None)
        if talk is None:
            return None
        over = Handled(event.at, talk.kind, event.at - talk.began, talk.agent)
        self.handled.append(over)
        if talk.agent and (self.staff is None or talk.agent in self.staff):
            self.last_seen[talk.agent] = event.at
        return over
