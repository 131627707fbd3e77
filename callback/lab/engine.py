"""The simulated clock: the same people, under a policy, through the real rules of offer, order, pacing and retry.

An event loop from arrival to talk. What is decided is decided by `callback.domain`: the wait by `wait.estimate` on what
the line would have measured by then, the offer by `offer.decide`, the promise by `offer.may_promise`, what follows an
attempt by `retry.after`, how many are rung ahead by `pacing.decide`. Here is only who does what when, and how long it
takes: the house's own steps (greeting, offer, readback) and the people's (`people`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from callback.domain import offer, order
from callback.domain.errors import NotAccepting
from callback.domain.laws import Laws
from callback.domain.lifecycle import AgentStatus, Event, State, move
from callback.domain.policy import Policy
from callback.domain.promised import FIRST_REACH, Ahead, Reach, estimate
from callback.domain.wait import Measured, Wait
from callback.lab.clockwork import OpeningHours, closings
from callback.lab.dialling import Dialling
from callback.lab.duty import Seat
from callback.lab.line import AVAILABLE, BUSY, OFFLINE, RESERVED, WRAP_UP, Agent, Caller, Line, QueueLine, Teller
from callback.lab.people import Person, TakeUp
from callback.lab.tally import End, Tally

LOOK_S = 60.0
"""Between two samples of the levels."""
AFTER_S = 3600.0
"""So long after the last arrival and the last shift a rehearsal goes on, for talks and rings that are under way."""


PRESS = 0.9
"""Of those who pick up, who press the key: the first guess of `domain.laws`."""


@dataclass(frozen=True)
class Habits:
    """How long the house's own steps take, and what is not in a trace; seconds, or shares from 0 to 1.

    `answer` is the share of calls back that somebody picks up (None: by `laws`); `laws` None is the first guess of the
    policy.
    """

    greeting_s: float = 8.0  # from arrival until they are on hold, where nothing is offered
    offer_s: float = 15.0  # until the key at the offer
    confirm_s: float = 12.0  # until the number is confirmed
    lap_s: float = 27.0  # between two announcements on hold
    connect_s: float = 0.0  # from a pairing to the talk with somebody on hold; a recorded wait has it already
    agent_answers_s: float = 3.0  # for somebody who was called back: from ringing the agent to the agent's key
    no_key_s: float = 20.0  # from the answer until nobody is there
    answer: float | None = None
    laws: Laws | None = None
    calls_per_second: float = 1.0
    sweep_s: float = 1.0

    @property
    def reach(self) -> Reach:
        """What the house would have measured of whom it reaches."""
        if self.answer is None:
            return FIRST_REACH
        return Reach(self.answer * PRESS, FIRST_REACH.ring_s)


class Estimates(Protocol):
    """What says the wait behind some people: `domain.promised.estimate`, or something that learnt more."""

    def __call__(
        self, *, ahead: Ahead, agents: Mapping[AgentStatus, int], measured: Measured, policy: Policy, reach: Reach
    ) -> Wait:
        """The wait of somebody behind these."""
        ...


@dataclass(frozen=True)
class Setting:
    """All that one run takes. A recorded talk is taken to include its queue's `recorded_wrap_up_s`, at most half of it
    (none where it is not named)."""

    people: Sequence[Person]
    seats: Sequence[Seat]
    policies: Mapping[str, Policy]
    take_up: TakeUp
    habits: Habits = Habits()
    measured: Mapping[str, Measured] | None = None
    recorded_wrap_up_s: Mapping[str, float] | None = None
    estimator: Estimates = estimate
    slice_s: float = 900.0


class Engine:
    """One run. `run` plays it to its end."""

    def __init__(
        self, setting: Setting, tell: Teller | None = None, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        self.setting, self.habits = setting, setting.habits
        self.now = 0.0
        self.agents = [Agent(seat.agent, dict(seat.queues)) for seat in setting.seats]
        self.line = Line(setting.policies, self.agents, tell)
        self.hours = {key: OpeningHours(policy) for key, policy in setting.policies.items()}
        self.tally = Tally(setting.policies, setting.slice_s)
        self.promised: dict[str, list[Caller]] = {key: [] for key in setting.policies}
        self.dialling = Dialling(self)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self._names = count(1)
        self._progress = progress
        self._estimate = setting.estimator
        for key, measured in (setting.measured or {}).items():
            _warm(self.line.queues[key], measured)

    def at(self, when: float, act: Callable[..., None], *what: Any) -> None:
        """Plan something; what is planned for one moment happens in the order of planning."""
        heappush(self._events, (when, next(self._numbers), act, what))

    def run(self) -> Tally:
        """Everybody arrives, and the clock goes on until nothing more can happen."""
        setting, events = self.setting, self._events
        if not setting.people:
            return self.tally
        start, end = self._span()
        self.now = start
        for agent in self.agents:
            agent.since = start
        self._plan(start, end)
        people, arrived = setting.people, 0
        last = end + AFTER_S
        while True:
            if arrived < len(people) and (not events or people[arrived].at < events[0][0]):
                person = people[arrived]
                arrived += 1
                self.now = person.at
                self.arrive(person)
                if arrived % 500 == 0:
                    self._progress(500)
            elif events and events[0][0] <= last:
                self.now, _, act, what = heappop(events)
                act(*what)
            else:
                break
        self._progress(arrived % 500)
        self._close_the_book(last)
        return self.tally

    def _span(self) -> tuple[float, float]:
        people, shifts = self.setting.people, [span for seat in self.setting.seats for span in seat.shifts]
        start = min([people[0].at, *(begin for begin, _ in shifts)])
        return start, max([people[-1].at, *(end for _, end in shifts)])

    def _plan(self, start: float, end: float) -> None:
        for agent, seat in zip(self.agents, self.setting.seats, strict=True):
            for begin, finish in seat.shifts:
                self.at(begin, self.on_duty, agent)
                self.at(finish, self.off_duty, agent)
        for key, policy in self.setting.policies.items():
            times = closings(policy, start, end + AFTER_S) if policy.hours else self._last_ones_leave(key)
            for when in times:
                self.at(when, self.close, self.line.queues[key])
        at = start
        while at < end:
            self.at(at, self.tally.look, self.line, at)
            at += LOOK_S

    def _last_ones_leave(self, queue: str) -> list[float]:
        """Where a queue is always open, it closes when nobody is there any more for an hour or longer."""
        spans = sorted(span for seat in self.setting.seats if queue in seat.queues for span in seat.shifts)
        left: list[float] = []
        until = float("-inf")
        for begin, finish in spans:
            if begin > until + AFTER_S and until > float("-inf"):
                left.append(until)
            until = max(until, finish)
        return [*left, until] if spans else []

    def _close_the_book(self, end: float) -> None:
        for agent in self.agents:
            self.line.spent[agent.status] += max(end - agent.since, 0.0)
        self.tally.spent(self.line)
        for key, line in self.line.queues.items():
            for callers in self.promised.values():
                for caller in callers:
                    if caller.queue == key and caller.state in OPEN_STATES:
                        self.tally.ended(key, End.PROMISED)
            for _ in range(line.live - sum(one.place in ("menu", "hold") for one in self.promised[key])):
                self.tally.ended(key, End.WAITING)

    # --- agents ----------------------------------------------------------------------------------------------------

    def on_duty(self, agent: Agent) -> None:
        """Their shift begins."""
        agent.wanted = AVAILABLE
        if agent.status is OFFLINE:
            self.line.move(agent, AVAILABLE, self.now, "presence")
            self.work(agent)

    def off_duty(self, agent: Agent) -> None:
        """Their shift ends: at once, or with the call they are in."""
        agent.wanted = OFFLINE
        if agent.status in (AVAILABLE, WRAP_UP):
            self.line.move(agent, OFFLINE, self.now, "presence")

    def work(self, agent: Agent) -> None:
        """They take whoever is first for them, if they are free and anybody is there."""
        if agent.status is AVAILABLE and (caller := self.line.pair(agent, self.now)) is not None:
            self.matched(caller, agent)

    def match(self, queue: str) -> None:
        """Whoever is free in this queue takes whoever is first for them."""
        while (pairing := self.line.match(queue, self.now)) is not None:
            self.matched(*pairing)

    def matched(self, caller: Caller, agent: Agent) -> None:
        """A pairing is acted on: the agent is rung for somebody on the line; a promise is dialled."""
        if caller.leg:
            self.connect(caller, agent)
        else:
            self.dialling.paired(caller, agent)

    def connect(self, caller: Caller, agent: Agent) -> None:
        """The agent's phone rings, and they press their key."""
        if caller.ahead:
            self.dialling.met(caller)
        rings_s = self.habits.connect_s if caller.state is None else self.habits.agent_answers_s
        if rings_s > 0:
            self.at(self.now + rings_s, self.bridge, caller, agent, agent.token)
        else:
            self.bridge(caller, agent, agent.token)

    def bridge(self, caller: Caller, agent: Agent, token: str) -> None:
        """They talk, unless one of them is gone."""
        if agent.token != token or agent.status is not RESERVED:
            return
        line, now = self.line, self.now
        line.move(agent, BUSY, now, "bridged")
        if line.tell is not None:
            line.tell.call(caller, "bridged", now, "bridged")
        caller.place = "busy"
        agent.bridged_at = now
        line.measure_wait(caller, now, abandoned=False)
        self.tally.answered(caller, now)
        if caller.state is not None:
            self.dialling.talks(caller)
            self.change(caller, Event.BRIDGE, f"talks with {agent.key}")
        talk_s, wrap_s = self._work_of(caller)
        self.at(now + talk_s, self.talk_over, agent, wrap_s)

    def _work_of(self, caller: Caller) -> tuple[float, float]:
        """Seconds of talk and of wrap-up: together what was recorded where the policy is as it was then, else with the
        wrap-up in proportion to what is allowed."""
        whole = caller.person.handle_s
        before = (self.setting.recorded_wrap_up_s or {}).get(caller.queue, 0.0)
        allowed = self.line.queues[caller.queue].policy.wrap_up_s
        if before <= 0:
            return whole, allowed
        wrap = min(before, whole / 2)
        return whole - wrap, wrap * allowed / before

    def talk_over(self, agent: Agent, wrap_s: float) -> None:
        """The agent wraps up, or goes on."""
        caller, line, now = agent.caller, self.line, self.now
        if caller is None:
            return
        policy = line.queues[caller.queue].policy
        wraps = agent.wanted is AVAILABLE and policy.wrap_up_s > 0 and wrap_s > 0
        talked = now - agent.bridged_at
        agent.wrap_until = now + policy.wrap_up_s if wraps else None
        line.free(agent, now, "completed", WRAP_UP if wraps else None)
        line.measure_talk(caller.queue, talked + policy.wrap_up_s)
        if line.tell is not None:
            line.tell.call(caller, "completed", now, "completed")
        caller.place, caller.agent = "", None
        if caller.state is not None:
            self.change(caller, Event.COMPLETE, "talked")
        if wraps:
            self.at(now + wrap_s, self.ready, agent, now)
        else:
            self.work(agent)

    def ready(self, agent: Agent, since: float) -> None:
        """The wrap-up is over."""
        if agent.status is WRAP_UP and agent.since == since:
            self.line.move(agent, agent.wanted, self.now, "wrap-up over")
            self.work(agent)

    # --- callers ---------------------------------------------------------------------------------------------------

    def arrive(self, person: Person) -> None:
        """Somebody rings: connected at once, offered a callback, on their way to hold, or told that we are closed."""
        queue, now = person.queue, self.now
        if not self.hours[queue].is_open(now):
            self.tally.ended(queue, End.CLOSED)
            return
        line, policy = self.line, self.line.queues[queue].policy
        credit = policy.priority_credit_s.get(person.priority, 0)
        caller = Caller(f"CA{next(self._names):08d}", person, queue, order.score(person.arrived_at, credit), now)
        self.tally.arrived(queue, now)
        if line.tell is not None:
            line.tell.call(caller, "arrived", now, "arrived")
        line.step_into(caller, "menu")
        self.at(now + person.patience_s, self.hang_up, caller)
        agent = line.pair_newcomer(caller, now)
        if agent is not None:
            self.connect(caller, agent)
        elif self.look(caller):
            self.at(now + self.habits.offer_s, self.choose, caller)
        else:
            self.at(now + self.habits.greeting_s, self.hold, caller)

    def choose(self, caller: Caller) -> None:
        """A key at the offer: the callback, or stay."""
        if caller.place != "menu":
            return
        if self.takes(caller):
            self.at(self.now + self.habits.confirm_s, self.promise, caller)
        else:
            self.hold(caller)

    def hold(self, caller: Caller) -> None:
        """On hold, where they can be connected."""
        if caller.place != "menu":
            return
        self.line.stand(caller, "hold", self.now, "on_hold")
        agent = self.line.pair_newcomer(caller, self.now)
        if agent is not None:
            self.connect(caller, agent)
        else:
            self.at(self.now + self.habits.lap_s, self.announce, caller)

    def announce(self, caller: Caller) -> None:
        """Place and wait, and the offer to whoever has not had it."""
        if caller.place != "hold" or caller.state is not None:
            return
        had, line = caller.offered, self.line.queues[caller.queue]
        # Whoever declined is not asked again; what the line remembers they change only by starting an offer or last.
        if not (had and line.offering and line.ahead_of(caller) + 1 < line.live + line.promised):
            self.look(caller)
        if caller.offered and not had and self.takes(caller):
            self.at(self.now + self.habits.confirm_s, self.promise, caller)
        self.at(self.now + self.habits.lap_s, self.announce, caller)

    def look(self, caller: Caller) -> bool:
        """Whether a callback is offered to them now; the queue remembers it, as the product's does."""
        line = self.line.queues[caller.queue]
        if not line.policy.accepting:  # the rule would say so too, after having estimated the wait
            return False
        ahead = line.before(caller.key)
        expected, decision = self.outlook(line, ahead, caller)
        still = offer.still_offering(decision, line.offering)
        if still != line.offering and (still or ahead.all + 1 >= line.live + line.promised):
            line.offering = still
        if decision.offering and not caller.offered:
            caller.offered = True
            caller.said_s = expected.p50
            self.tally.offered(caller, self.now)
        return decision.offering

    def outlook(self, line: QueueLine, ahead: Ahead, caller: Caller | None = None) -> tuple[Wait, offer.Decision]:
        """The wait behind these, and whether to offer a callback there: to this caller, or whoever comes now."""
        policy, hours = line.policy, self.hours[line.key]
        agents = self.line.at_work(line.key, caller, self.now)
        measured = line.measured
        expected = self._estimate(ahead=ahead, agents=agents, measured=measured, policy=policy, reach=self.habits.reach)
        decision = offer.decide(
            wait=expected,
            waiting=ahead.all,
            free=max(agents[AVAILABLE] - ahead.all, 0),
            staffed=line.staffed,
            is_open=hours.is_open(self.now),
            outstanding=line.open,
            offering_before=line.offering,
            policy=policy,
            closes_in_s=hours.closes_in_s(self.now),
            measured=measured,
        )
        return expected, decision

    def takes(self, caller: Caller) -> bool:
        """Whether this person takes the offer they heard."""
        return caller.person.willing < self.setting.take_up.chance(caller.said_s)

    def promise(self, caller: Caller) -> None:
        """They confirm: the promise has their place. Where it cannot be made any more they stay on the line."""
        if caller.place not in ("menu", "hold") or caller.state is not None:
            return
        line, now, hours = self.line.queues[caller.queue], self.now, self.hours[caller.queue]
        try:
            offer.may_promise(
                is_open=hours.is_open(now),
                outstanding=line.open,
                policy=line.policy,
                closes_in_s=hours.closes_in_s(now),
                staffed=line.staffed,
                measured=line.measured,
            )
        except NotAccepting:
            self.hold(caller)
            return
        self._enrol(caller)

    def _enrol(self, caller: Caller) -> None:
        line, now = self.line, self.now
        if line.tell is not None:
            line.tell.call(caller, "callback", now, "callback")
        line.measure_wait(caller, now, abandoned=False)
        line.step_out(caller)
        caller.place, caller.leg, caller.promised_at = "", False, now
        caller.id = f"cb{caller.id[2:]}"
        caller.attempts_left = line.queues[caller.queue].policy.attempts
        line.queues[caller.queue].open += 1
        self.promised[caller.queue].append(caller)
        self.tally.took(caller, now)
        self.change(caller, Event.PROMISE, "taken at the offer")
        line.stand(caller, "due", now, "entered")
        self.match(caller.queue)
        self.dialling.look_ahead(caller.queue)

    def hang_up(self, caller: Caller) -> None:
        """Their patience is over, if they are still on the line without an agent."""
        if caller.state is not None or caller.place not in ("menu", "hold", "reserved"):
            return
        line, now, agent = self.line, self.now, caller.agent
        if line.tell is not None:
            line.tell.call(caller, "abandoned", now, "abandoned")
        line.measure_wait(caller, now, abandoned=True)
        line.step_out(caller)
        caller.place, caller.agent = "", None
        self.tally.abandoned(caller)
        if agent is not None:
            line.free(agent, now, "abandoned")
            self.work(agent)

    def close(self, line: QueueLine) -> None:
        """The queue closes: whoever still waits, on the line or for a call, is counted once."""
        counts = self.tally.queues[line.key]
        promised = [one for one in self.promised[line.key] if one.state in OPEN_STATES and not one.counted]
        for caller in promised:
            caller.counted = True
        on_line = line.live - sum(one.place in ("menu", "hold") for one in self.promised[line.key])
        counts.unserved += len(promised) + on_line

    # --- promises --------------------------------------------------------------------------------------------------

    def change(self, caller: Caller, event: Event, reason: str, outcome: str = "") -> None:
        """The record's move by the one table. Raises IllegalMove."""
        after = move(caller.state, event)
        if after is None:
            return
        if self.line.tell is not None:
            self.line.tell.promise(caller, after, self.now, reason, outcome)
        caller.state = after
        if after in GONE_STATES:
            self.line.queues[caller.queue].open -= 1


GONE_STATES = frozenset({State.COMPLETED, State.UNREACHED, State.CANCELLED, State.EXPIRED, State.FAILED})
OPEN_STATES = frozenset(State) - GONE_STATES - {State.BRIDGED}
"""Promised and not yet served."""


def _warm(line: QueueLine, measured: Measured) -> None:
    line.handled, line.handled_s = measured.handled, measured.handled_s
    line.abandoned, line.waited_s = measured.abandoned, measured.waited_s
