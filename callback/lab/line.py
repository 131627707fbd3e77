"""The line on simulated time: who stands where, and who takes whom.

The rules are those of the scripts that match in Redis, which a rehearsal could not afford to ask: thousands of callers
pass in a second here. So they are written once more, and a test drives this line and the product's side by side and
finds them pairing the same people, with the same figures measured. What follows a pairing is the engine's.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Protocol

from callback.domain.lifecycle import AgentStatus, State
from callback.domain.policy import Policy
from callback.domain.promised import Ahead
from callback.domain.wait import Measured
from callback.lab.people import Person

KEEP = 0.5 ** (1 / 200)
"""Each observation halves the weight of what lies 200 observations back."""
LOOKED_AT = 20
"""So many free agents of a queue are tried in one match."""
LIVE = frozenset({"menu", "hold"})
WAITS = frozenset({"menu", "hold", "due", "later"})
AVAILABLE, RESERVED, BUSY, WRAP_UP, OFFLINE = (
    AgentStatus.AVAILABLE,
    AgentStatus.RESERVED,
    AgentStatus.BUSY,
    AgentStatus.WRAP_UP,
    AgentStatus.OFFLINE,
)


@dataclass(slots=True, eq=False)
class Caller:
    """Somebody in line. `score` is in microseconds; `place` is where they wait, `reserved`, `busy`, or "" for nowhere.
    With a promise, `state` is that of the callback, and `leg` says whether they are on the phone."""

    id: str
    person: Person
    queue: str
    score: int
    joined: float
    place: str = ""
    agent: "Agent | None" = None
    state: State | None = None
    leg: bool = True
    measured: bool = False
    offered: bool = False
    said_s: float | None = None  # the wait that was said with the offer
    attempts_left: int = 0
    attempts_made: int = 0
    asked_at: float = 0.0
    answered_at: float | None = None
    ready_at: float | None = None  # rung ahead: their key is pressed, and they wait
    expected_until: float = 0.0  # rung ahead: so long an agent is kept for them
    ahead: bool = False  # rung before an agent was free
    agent_first: bool = False
    promised_at: float | None = None
    counted: bool = False  # as unserved at a closing

    @property
    def key(self) -> tuple[int, str]:
        """Their place in the order."""
        return self.score, self.id


@dataclass(slots=True, eq=False)
class Agent:
    """Somebody who serves `queues` (each with their level)."""

    key: str
    queues: Mapping[str, int]
    status: AgentStatus = OFFLINE
    wanted: AgentStatus = OFFLINE
    since: float = 0.0
    caller: Caller | None = None
    token: str = ""
    bridged_at: float = 0.0
    wrap_until: float | None = None


@dataclass(slots=True, eq=False)
class QueueLine:
    """One queue. `everybody` is who waits, in order; the heaps may hold people who have gone elsewhere since."""

    key: str
    policy: Policy
    everybody: list[tuple[int, str]] = field(default_factory=list)
    who: dict[str, Caller] = field(default_factory=dict)
    promises: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: {"due": [], "later": []})
    hold: list[tuple[int, str, Caller]] = field(default_factory=list)
    due: list[tuple[int, str, Caller]] = field(default_factory=list)
    rung: dict[str, Caller] = field(default_factory=dict)  # ahead of an agent; some may be elsewhere by now
    idle: list[tuple[int, int, str, Agent]] = field(default_factory=list)
    agents: dict[AgentStatus, int] = field(default_factory=lambda: dict.fromkeys(AgentStatus, 0))
    live: int = 0
    promised: int = 0
    open: int = 0  # promises not kept, whether in line or being rung
    offering: bool = False
    handled: float = 0.0
    handled_s: float = 0.0
    abandoned: float = 0.0
    waited_s: float = 0.0

    @property
    def measured(self) -> Measured:
        """What the product would have measured by now."""
        return Measured(self.handled, self.handled_s, self.abandoned, self.waited_s)

    @property
    def staffed(self) -> int:
        """Agents who count as capacity: `lifecycle.STAFFED`, spelled out since it is asked for so often."""
        agents = self.agents
        return agents[AVAILABLE] + agents[RESERVED] + agents[BUSY] + agents[WRAP_UP]

    def ahead_of(self, caller: Caller) -> int:
        """How many wait before them, live or not."""
        return bisect_left(self.everybody, (caller.score, caller.id))

    def before(self, place: tuple[int, str] | None) -> Ahead:
        """Who waits before this place in the order, or in all."""
        if place is None:
            return Ahead(self.live, len(self.promises["due"]), len(self.promises["later"]))
        due, later = (bisect_left(found, place) for found in self.promises.values())
        return Ahead(bisect_left(self.everybody, place) - due - later, due, later)


class Teller(Protocol):
    """Hears of every change, as the journal does."""

    def call(self, caller: Caller, to: str, now: float, reason: str) -> None:
        """A live call, still in its old place, is now in this state."""
        ...

    def place(self, caller: Caller, to: str, now: float, reason: str) -> None:
        """A promise, still in its old place, stands there from now on."""
        ...

    def agent(self, agent: Agent, to: AgentStatus, now: float, reason: str) -> None:
        """An agent, still in their old status, changes it."""
        ...

    def promise(self, caller: Caller, to: State, now: float, reason: str, outcome: str = "") -> None:
        """A promise, still in its old state, changes it."""
        ...


class Line:
    """All queues, and everybody who serves them."""

    def __init__(self, policies: Mapping[str, Policy], agents: Sequence[Agent], tell: Teller | None = None) -> None:
        self.queues = {key: QueueLine(key, policy) for key, policy in policies.items()}
        self.agents = agents
        self.tell = tell
        self.spent = dict.fromkeys(AgentStatus, 0.0)
        self._tokens = 0
        for agent in agents:
            for queue in agent.queues:
                self.queues[queue].agents[OFFLINE] += 1

    # --- places ----------------------------------------------------------------------------------------------------

    def step_into(self, caller: Caller, place: str) -> None:
        """To a place in which one waits, from wherever they were."""
        if caller.place == place:
            return
        self.step_out(caller)
        line = self.queues[caller.queue]
        caller.place = place
        insort(line.everybody, (caller.score, caller.id))
        line.who[caller.id] = caller
        if place in LIVE:
            line.live += 1
        else:
            line.promised += 1
            insort(line.promises[place], caller.key)
        if place == "hold":
            heappush(line.hold, (caller.score, caller.id, caller))
        elif place == "due":
            heappush(line.due, (caller.score, caller.id, caller))

    def step_out(self, caller: Caller) -> None:
        """Out of the place in which they wait, if any."""
        if caller.place not in WAITS:
            return
        line = self.queues[caller.queue]
        _remove(line.everybody, caller.key)
        del line.who[caller.id]
        if caller.place in LIVE:
            line.live -= 1
        else:
            line.promised -= 1
            _remove(line.promises[caller.place], caller.key)
        caller.place = ""

    def rescore(self, caller: Caller, score: int) -> None:
        """Another place in the order, as they stand. Who can be matched is not given one."""
        place, line = caller.place, self.queues[caller.queue]
        if place in WAITS:
            for order in (line.everybody, *([line.promises[place]] if place in line.promises else [])):
                _remove(order, caller.key)
                insort(order, (score, caller.id))
        caller.score = score

    def stand(self, caller: Caller, place: str, now: float, reason: str) -> None:
        """As `step_into`, and the journal hears of it."""
        if self.tell is not None:
            self.tell.call(caller, {"menu": "arrived", "hold": "waiting"}.get(place, ""), now, reason)
            self.tell.place(caller, place, now, reason)
        self.step_into(caller, place)

    def listing(self, queue: str, limit: int) -> list[Caller]:
        """The first of those who wait, in order."""
        line = self.queues[queue]
        return [line.who[entry] for _, entry in line.everybody[:limit]]

    def is_anybody_due(self, queue: str) -> bool:
        """Whether a promise could be dialled."""
        return _first(self.queues[queue].due, "due") is not None

    def expect(self, caller: Caller, until: float) -> None:
        """They are being rung without an agent, and one who comes free is kept for them until then."""
        caller.expected_until = until
        self.queues[caller.queue].rung[caller.id] = caller

    # --- agents ----------------------------------------------------------------------------------------------------

    def move(self, agent: Agent, to: AgentStatus, now: float, reason: str) -> None:
        """An agent's status; whoever is available is in the order of idleness."""
        before = agent.status
        if before is to:
            return
        if self.tell is not None:
            self.tell.agent(agent, to, now, reason)
        self.spent[before] += now - agent.since
        agent.status, agent.since = to, now
        for queue, level in agent.queues.items():
            line = self.queues[queue]
            line.agents[before] -= 1
            line.agents[to] += 1
            if to is AVAILABLE:
                heappush(line.idle, (level, int(now * 1000), agent.key, agent))

    def free(self, agent: Agent, now: float, reason: str, to: AgentStatus | None = None) -> None:
        """Out of a pairing or a talk, to where they want to be or to `to`."""
        self.move(agent, to or agent.wanted, now, reason)
        agent.caller, agent.token = None, ""

    # --- who takes whom --------------------------------------------------------------------------------------------

    def next_agent(self, queue: str) -> Agent | None:
        """The free agent who is next: the lower level first, then longest idle."""
        idle = self.queues[queue].idle
        while idle:
            _, since, _, agent = idle[0]
            if agent.status is AVAILABLE and int(agent.since * 1000) == since:
                return agent
            heappop(idle)
        return None

    def free_agents(self, queue: str, first: Agent) -> list[Agent]:
        """The free agents of a queue in their order, from the first, as many as are looked at; the first alone where
        no phone rings for which they could be kept."""
        return self.in_turn(queue) if any(self.queues[key].rung for key in first.queues) else [first]

    def in_turn(self, queue: str) -> list[Agent]:
        """The free agents of a queue in their order, as many as are looked at."""
        free = [one for one in self.agents if one.status is AVAILABLE and queue in one.queues]
        return sorted(free, key=lambda one: (one.queues[queue], int(one.since * 1000), one.key))[:LOOKED_AT]

    def first_for(self, agent: Agent) -> Caller | None:
        """Who stands first among all that this agent serves: on hold, or due where the queue is dialling."""
        best: tuple[int, str, Caller] | None = None
        for queue in agent.queues:
            line = self.queues[queue]
            held = _first(line.hold, "hold")
            if held is not None and (best is None or held < best):
                best = held
            due = _first(line.due, "due") if line.policy.dialing else None
            if due is not None and (best is None or due < best):
                best = due
        return best[2] if best is not None else None

    def is_kept(self, agent: Agent, caller: Caller, now: float) -> bool:
        """Whether this agent is kept for phones that ring before `caller`, whom they could take: in one of their
        queues, or in all of those together, there are more of them than other agents who are idle there. Somebody who
        was rung themselves and has answered is not kept waiting."""
        if caller.place == "hold" and caller.state is not None:
            return False
        phones, rung = 0, set[str]()
        for queue in agent.queues:
            line = self.queues[queue]
            before = sum(one.key < caller.key for one in _rung(line, now))
            if before > line.agents[AVAILABLE] - 1:
                return True
            if before:
                phones, rung = phones + before, rung | {queue}
        return len(rung) > 1 and phones > self.others(agent, rung)

    def others(self, agent: Agent, queues: set[str]) -> int:
        """How many other agents are idle who serve any of these."""
        return sum(
            one is not agent and one.status is AVAILABLE and not queues.isdisjoint(one.queues) for one in self.agents
        )

    def at_work(self, queue: str, caller: Caller | None, now: float) -> dict[AgentStatus, int]:
        """How many agents there are by status, for whoever stands here or comes now: those who are kept for phones that
        ring in other queues of theirs are as good as reserved."""
        agents = self.queues[queue].agents
        kept = self.kept_elsewhere(queue, caller, now) if agents[AVAILABLE] else 0
        if not kept:
            return agents
        return {**agents, AVAILABLE: agents[AVAILABLE] - kept, RESERVED: agents[RESERVED] + kept}

    def kept_elsewhere(self, queue: str, caller: Caller | None, now: float) -> int:
        """How many of the free agents of a queue its callers could not have."""
        others = [line for key, line in self.queues.items() if key != queue and line.rung]
        if not others or (caller is not None and caller.place == "hold" and caller.state is not None):
            return 0
        key = caller.key if caller is not None else (round(now * 1e6), "")
        full = set()
        for line in others:
            before = sum(one.key < key for one in _rung(line, now))
            if 0 < before >= line.agents[AVAILABLE]:
                full.add(line.key)
        return sum(not full.isdisjoint(agent.queues) for agent in self.in_turn(queue))

    def pair(self, agent: Agent, now: float) -> Caller | None:
        """This agent, who is free, and whoever is first for them, unless they are kept for a phone that rings."""
        caller = self.first_for(agent)
        if caller is None or self.is_kept(agent, caller, now):
            return None
        self.reserve(caller, agent, now)
        return caller

    def match(self, queue: str, now: float) -> tuple[Caller, Agent] | None:
        """The queue's next free agent, and with whom; where that one is kept, the next who can be paired."""
        first = self.next_agent(queue)
        if first is None or self.first_for(first) is None:
            return None
        for agent in self.free_agents(queue, first):
            caller = self.pair(agent, now)
            if caller is not None:
                return caller, agent
        return None

    def pair_newcomer(self, caller: Caller, now: float) -> Agent | None:
        """Whoever has just come is paired at once where an agent is free and nobody whom that agent could take stands
        before them."""
        first = self.next_agent(caller.queue)
        if first is None:
            return None
        free = [first] if self.may_take(first, caller, now) else self.in_turn(caller.queue)
        agent = next((one for one in free if self.may_take(one, caller, now)), None)
        if agent is not None:
            self.reserve(caller, agent, now)
        return agent

    def may_take(self, agent: Agent, caller: Caller, now: float) -> bool:
        """Whether it is this newcomer's turn with this agent, and no phone's."""
        first = self.first_for(agent)
        turn = first is None or first is caller or first.key >= caller.key
        return turn and not self.is_kept(agent, caller, now)

    def reserve(self, caller: Caller, agent: Agent, now: float) -> None:
        """A pairing."""
        self._tokens += 1
        agent.token = f"rs{self._tokens}"
        agent.caller = caller
        if self.tell is not None:
            caller.agent = agent
            self.tell.call(caller, "reserved", now, "matched")
        self.step_out(caller)
        caller.place, caller.agent = "reserved", agent
        self.move(agent, RESERVED, now, "matched")

    # --- what is measured ------------------------------------------------------------------------------------------

    def measure_talk(self, queue: str, seconds: float) -> None:
        """A conversation and its wrap-up took so long."""
        line = self.queues[queue]
        line.handled = line.handled * KEEP + 1
        line.handled_s = line.handled_s * KEEP + seconds

    def measure_wait(self, caller: Caller, now: float, *, abandoned: bool) -> None:
        """The wait of a live caller is over. Promises wait differently: they are not counted."""
        if caller.state is None and not caller.measured:
            line = self.queues[caller.queue]
            line.abandoned = line.abandoned * KEEP + abandoned
            line.waited_s = line.waited_s * KEEP + max(0.0, now - caller.joined)


def _remove(order: list[tuple[int, str]], place: tuple[int, str]) -> None:
    del order[bisect_left(order, place)]


def _rung(line: QueueLine, now: float) -> list[Caller]:
    """Those who are being rung ahead of an agent, without those who are elsewhere by now."""
    over = [one.id for one in line.rung.values() if one.place != "later" or one.expected_until <= now]
    for entry in over:
        del line.rung[entry]
    return list(line.rung.values())


def _first(heap: list[tuple[int, str, Caller]], place: str) -> tuple[int, str, Caller] | None:
    """The head, without those who are elsewhere by now."""
    while heap:
        score, entry, caller = heap[0]
        if caller.place == place and caller.score == score and caller.id == entry:
            return heap[0]
        heappop(heap)
    return None
