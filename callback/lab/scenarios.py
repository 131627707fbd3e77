"""Synthetic traffic whose laws are known, and an oracle that knows them: how near to the possible is an estimate?

A scenario is a call centre with given laws of arrival, talk, patience, shifts, priorities and callbacks. `traffic` lets
it run and gives its trace, so that estimators meet it as they meet recorded traffic: without being told a law. The
oracle knows every law and the whole state (who waits, how long every talk has lasted, who goes home when), but not the
future: its mean is that of many futures played from that state. Nobody can do better, so a ratio to it is a figure of
merit that needs no recorded traffic.

Times are seconds from the scenario's midnight.
"""

import heapq
import math
import random
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from statistics import NormalDist

from callback.lab.trace import RETURN, Outcome, Row

EPOCH = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S = 86400.0
VIP = "vip"
FUTURES = 150
"""How many futures the oracle plays for one wait: its own noise adds a third of a per cent to its error."""
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Scenario:
    """The laws. Durations are seconds; `load` is offered work over the agents of the whole day."""

    name: str
    agents: int = 10
    talk_s: float = 180.0
    talk_cv: float | None = None
    patience_s: float = 400.0
    load: float = 1.05
    swing: float = 0.0
    leaving: int = 0
    urgent: float = 0.0
    credit_s: float = 0.0
    callbacks: float = 0.0
    promise_after_s: float = 20.0
    ring_s: float = 9.0
    answered: float = 0.85
    ring_timeout_s: float = 25.0
    retry_s: float = 300.0
    attempts: int = 3

    def rate(self, at: float) -> float:
        """Arrivals a second: constant, or a wave of one day."""
        mean = self.load * self.agents / self.talk_s
        return mean * (1 + self.swing * math.sin(2 * math.pi * at / DAY_S))

    def talk(self, dice: random.Random, age: float = 0.0) -> float:
        """What is left of a talk of this age: exponential, or lognormal with `talk_cv`."""
        if self.talk_cv is None:
            return dice.expovariate(1 / self.talk_s)
        spread = math.sqrt(math.log(1 + self.talk_cv**2))
        middle = math.log(self.talk_s) - spread**2 / 2
        below = _NORMAL.cdf((math.log(age) - middle) / spread) if age > 0 else 0.0
        chance = min(below + (1 - below) * dice.random(), 1 - 1e-12)
        return max(math.exp(middle + spread * _NORMAL.inv_cdf(max(chance, 1e-12))) - age, 0.0)

    def on_duty(self, agent: int, at: float) -> bool:
        """Whether this agent's shift covers this moment: `leaving` of them are there from 8 to 16 o'clock alone."""
        return agent >= self.leaving or 8 * 3600 <= at % DAY_S < 16 * 3600

    def next_duty(self, at: float) -> float:
        """When the next shift of those who leave begins."""
        return at - at % DAY_S + 8 * 3600 + (DAY_S if at % DAY_S >= 8 * 3600 else 0)


SCENARIOS = (
    *(Scenario(f"exponential {agents}", agents) for agents in (5, 10, 50)),
    *(Scenario(f"lognormal {agents}", agents, talk_cv=1.2) for agents in (5, 10, 50)),
    Scenario("wave", swing=0.25),
    Scenario("shift change", leaving=4, load=0.8),
    Scenario("priorities", urgent=0.4, credit_s=90.0),
    Scenario("callbacks", callbacks=0.4),
)
"""What an estimator is held against."""


@dataclass(slots=True)
class Caller:
    """Somebody who joined the line. `due` and `tries` are those of a promised callback that was not reached."""

    name: str
    joined: float
    score: float
    gives_up: float
    urgent: bool = False
    takes_promise: bool = False
    promised: bool = False
    due: float = 0.0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Busy:
    """An agent who cannot be had: since `began` in a talk, or until a moment that is fixed (a call nobody answers)."""

    began: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything there is when somebody joins."""

    now: float
    caller: Caller
    ahead: tuple[Caller, ...]
    busy: dict[int, Busy]


Ended = Callable[[Caller, float, Outcome, float, int], None]
"""Told of the end of a wait: whose, when, how, and for an answer the talk and the agent."""

_JOIN, _FREE, _WAKE, _PROMISE = range(4)


class Centre:
    """A scenario on its own clock."""

    def __init__(self, scenario: Scenario, dice: random.Random, ended: Ended) -> None:
        self.scenario, self.dice, self._ended = scenario, dice, ended
        self.now = 0.0
        self.line: list[tuple[float, int, Caller]] = []
        self.busy: dict[int, Busy] = {}
        self._events: list[tuple[float, int, int, Caller | int | None]] = []
        self._count = 0

    def plan(self, at: float, what: int, whom: Caller | int | None = None) -> None:
        """Something will happen."""
        self._count += 1
        heapq.heappush(self._events, (at, self._count, what, whom))

    def step(self) -> bool:
        """The next thing that happens, and what follows from it at once. False where nothing is left."""
        if not self._events:
            return False
        self.now, _, what, whom = heapq.heappop(self._events)
        if what == _JOIN and isinstance(whom, Caller):
            self.join(whom)
        elif what == _FREE and isinstance(whom, int):
            self.busy.pop(whom, None)
        elif what == _PROMISE and isinstance(whom, Caller):
            self._promise(whom)
        self.dispatch()
        return True

    def join(self, caller: Caller) -> None:
        """Takes a place in line."""
        self._count += 1
        insort(self.line, (caller.score, self._count, caller))

    def dispatch(self) -> None:
        """Gives every agent who is free and on duty the first who can be served."""
        for agent in range(self.scenario.agents):
            if agent not in self.busy and self.line and self.scenario.on_duty(agent, self.now):
                caller = self._first()
                if caller is None:
                    return
                self._serve(agent, caller)

    def _first(self) -> Caller | None:
        """Takes the next out of the line; those who have given up leave it."""
        gone = [entry for entry in self.line if entry[2].gives_up <= self.now]
        for entry in gone:
            self.line.remove(entry)
            self._ended(entry[2], entry[2].gives_up, Outcome.ABANDONED, 0.0, 0)
        for number, (_, _, caller) in enumerate(self.line):
            if caller.due <= self.now:
                del self.line[number]
                return caller
        return None

    def _promise(self, caller: Caller) -> None:
        if any(one is caller for _, _, one in self.line):
            self._ended(caller, self.now, Outcome.CALLBACK, 0.0, 0)
            caller.promised = True

    def _serve(self, agent: int, caller: Caller) -> None:
        law, begins = self.scenario, self.now
        if caller.promised:
            if self.dice.random() >= law.answered:
                self._unreached(agent, caller)
                return
            begins += max(self.dice.gauss(law.ring_s, law.ring_s / 2.25), 1.0)
        talk = law.talk(self.dice)
        self.busy[agent] = Busy(begins)
        self.plan(begins + talk, _FREE, agent)
        self._ended(caller, begins, Outcome.ANSWERED, talk, agent)

    def _unreached(self, agent: int, caller: Caller) -> None:
        law, until = self.scenario, self.now + self.scenario.ring_timeout_s
        self.busy[agent] = Busy(self.now, until)
        self.plan(until, _FREE, agent)
        caller.tries += 1
        if caller.tries == law.attempts:
            self._ended(caller, until, Outcome.ABANDONED, 0.0, 0)
            return
        caller.due = until + law.retry_s
        self.join(caller)
        self.plan(caller.due, _WAKE)


# --- the trace --------------------------------------------------------------------------------------------------


def traffic(scenario: Scenario, calls: int, seed: int) -> tuple[list[Row], dict[str, State]]:
    """The trace of so many calls, and by its id the state that each one met who had to wait."""
    run = _Run(scenario, random.Random(seed), calls)
    while run.centre.step():
        run.look()
    return sorted(run.rows, key=lambda row: row.at), run.states


class _Run:
    """A centre, whoever rings it, and what is written down."""

    def __init__(self, scenario: Scenario, dice: random.Random, calls: int) -> None:
        self.scenario, self.dice = scenario, dice
        self.centre = Centre(scenario, dice, self.ended)
        self.rows: list[Row] = []
        self.states: dict[str, State] = {}
        self._joined: dict[str, float] = {}
        self._asked: list[Caller] = []
        last = 0.0
        for number, at in enumerate(islice(self._arrivals(), calls)):
            caller = self._caller(f"{number}", at)
            self.centre.plan(at, _JOIN, caller)
            self._asked.append(caller)
            if caller.takes_promise:
                self.centre.plan(at + scenario.promise_after_s, _PROMISE, caller)
            last = at
        for day in range(int(last // DAY_S) + 3):
            self.centre.plan(day * DAY_S + 8 * 3600, _WAKE)
        self._asked.reverse()

    def _arrivals(self) -> Iterator[float]:
        """Arrivals of a Poisson process of varying rate, by thinning (Lewis and Shedler 1979)."""
        most = self.scenario.load * self.scenario.agents / self.scenario.talk_s * (1 + abs(self.scenario.swing))
        at = 0.0
        while True:
            at += self.dice.expovariate(most)
            if self.dice.random() * most <= self.scenario.rate(at):
                yield at

    def _caller(self, name: str, at: float) -> Caller:
        urgent = self.dice.random() < self.scenario.urgent
        takes = self.dice.random() < self.scenario.callbacks
        patience = math.inf if takes else self.dice.expovariate(1 / self.scenario.patience_s)
        credit = self.scenario.credit_s if urgent else 0.0
        return Caller(name, at, at - credit, at + patience, urgent, takes)

    def look(self) -> None:
        """Notes the state that whoever has just joined meets, if they have to wait."""
        while self._asked and self._asked[-1].joined <= self.centre.now:
            self._note(self._asked.pop())

    def _note(self, caller: Caller) -> None:
        ahead = [one for _, _, one in self.centre.line if one.score < caller.score and one.gives_up > self.centre.now]
        if any(one is caller for _, _, one in self.centre.line):
            copies = tuple(replace(one) for one in ahead)
            self.states[caller.name] = State(self.centre.now, replace(caller), copies, dict(self.centre.busy))

    def ended(self, caller: Caller, at: float, outcome: Outcome, talk: float, agent: int) -> None:
        """Writes the row of a wait that is over."""
        name = caller.name + (RETURN if caller.promised else "")
        since = self._joined.pop(caller.name, caller.joined)
        if outcome is Outcome.CALLBACK:
            self._joined[caller.name] = at
        moment = datetime.fromtimestamp(EPOCH.timestamp() + since, UTC)
        who = f"agent{agent}" if outcome is Outcome.ANSWERED else ""
        priority = VIP if caller.urgent else ""
        self.rows.append(
            Row(name, "q", priority, moment, moment.isoformat(), moment.timestamp(), outcome, at - since, talk, who)
        )


# --- the oracle -------------------------------------------------------------------------------------------------


def oracle(scenario: Scenario, state: State, dice: random.Random, futures: int = FUTURES) -> float:
    """The mean offered wait from this state, with every law known."""
    return math.fsum(_future(scenario, state, dice) for _ in range(futures)) / futures


def _future(scenario: Scenario, state: State, dice: random.Random) -> float:
    """The wait in one future of this state: talks go on from their ages, patience from now, later callers overtake."""
    served: list[float] = []
    me = replace(state.caller, gives_up=math.inf)

    def ended(caller: Caller, at: float, outcome: Outcome, _: float, __: int) -> None:
        if caller is me and outcome is not Outcome.CALLBACK:
            served.append(at)

    centre = Centre(scenario, dice, ended)
    _fill(centre, state, me)
    while not served and centre.step():
        pass
    return (served[0] if served else centre.now) - state.now


def _fill(centre: Centre, state: State, me: Caller) -> None:
    """Brings the centre into this state, and plans what is sure to come."""
    scenario, dice = centre.scenario, centre.dice
    centre.now = state.now
    for agent, busy in state.busy.items():
        centre.busy[agent] = busy
        centre.plan(_free_at(scenario, busy, state.now, dice), _FREE, agent)
    for caller in (*(_goes_on(one, scenario, state.now, dice) for one in state.ahead), me):
        centre.join(caller)
        if caller.takes_promise and not caller.promised:
            centre.plan(max(caller.joined + scenario.promise_after_s, state.now), _PROMISE, caller)
        if caller.due > state.now:
            centre.plan(caller.due, _WAKE)
    for caller in _overtaking(scenario, me, state.now, dice):
        centre.plan(caller.joined, _JOIN, caller)
    centre.plan(scenario.next_duty(state.now), _WAKE)


def _free_at(scenario: Scenario, busy: Busy, now: float, dice: random.Random) -> float:
    if busy.until is not None:
        return busy.until
    return max(busy.began, now) + scenario.talk(dice, age=max(now - busy.began, 0.0))


def _goes_on(caller: Caller, scenario: Scenario, now: float, dice: random.Random) -> Caller:
    """A copy whose patience, which has no memory, is drawn anew from now on."""
    patient = caller.promised or caller.takes_promise
    return replace(caller, gives_up=math.inf if patient else now + dice.expovariate(1 / scenario.patience_s))


def _overtaking(scenario: Scenario, me: Caller, now: float, dice: random.Random) -> Iterator[Caller]:
    """Callers of the future who will stand before this one."""
    until = me.score + scenario.credit_s
    rate = scenario.rate(now) * scenario.urgent
    at = now
    while rate > 0:
        at += dice.expovariate(rate)
        if at >= until:
            return
        yield Caller("", at, at - scenario.credit_s, at + dice.expovariate(1 / scenario.patience_s), urgent=True)
