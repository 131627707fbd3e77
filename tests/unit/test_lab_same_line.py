"""The lab's line and the product's, driven side by side: the same pairs, the same order, the same figures, and so the
same offers. The product's stands here as the fake that one contract suite holds to the scripts in Redis."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from callback.domain import order
from callback.domain.callback import Agent as Member
from callback.domain.callback import Served
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.policy import Policy, Queue
from callback.flows import ahead, lessons, outlook
from callback.lab import dialling
from callback.lab.duty import Seat
from callback.lab.engine import Engine, Setting
from callback.lab.line import Agent, Caller
from callback.lab.people import TakeUp
from callback.ports import Reservation
from tests.fakes.line import FakeLine
from tests.support.rehearsals import START, person

POLICIES = {
    "sales": Policy(offer_at_wait_s=90, stop_offering_at_wait_s=60, wrap_up_s=5, prior_handle_s=60),
    "support": Policy(offer_at_waiting=3, wrap_up_s=0, prior_handle_s=60, max_outstanding=6),
    "resting": Policy(dialing=False, wrap_up_s=5, prior_handle_s=60),
}
STAFF = {
    "ada": {"sales": 1, "support": 2},
    "bo": {"support": 1},
    "chen": {"sales": 2, "support": 1, "resting": 1},
    "dora": {"sales": 1},
    "eve": {"resting": 2, "sales": 3},
}
LEASE_S = 1e6


class Now:
    """A clock that says what it is told."""

    def __init__(self, at: Callable[[], datetime]) -> None:
        self.now = at


@dataclass
class Both:
    """The two lines, and who is where in the lab's."""

    dice: random.Random
    now: float = START
    callers: dict[str, Caller] = field(default_factory=dict)
    number: int = 0
    pairs: int = 0
    reasons: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        seats = [Seat(key, queues, []) for key, queues in STAFF.items()]
        self.engine = Engine(Setting([], seats, POLICIES, TakeUp.constant(0.5)))
        self.line = self.engine.line
        self.agents = {agent.key: agent for agent in self.engine.agents}
        self.fake = FakeLine(Now(lambda: self.at))
        self.queues = {key: Queue(key, key, (), policy, 1) for key, policy in POLICIES.items()}
        served = {
            key: tuple(Served(QueueKey(q), level) for q, level in queues.items()) for key, queues in STAFF.items()
        }
        self.fake.configure(list(self.queues.values()), [Member(AgentKey(key), key, "", served[key]) for key in STAFF])

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def token(self) -> Token:
        self.number += 1
        return Token(f"rs{self.number}")

    def step(self) -> None:
        self.now += round(self.dice.expovariate(0.2), 3)
        acts = {
            self.arrive: 4, self.hold: 3, self.promise: 2, self.leave: 1, self.presence: 3, self.match: 2,
            self.match_agent: 2, self.bridge: 3, self.complete: 4, self.release: 1, self.become_due: 1,
            self.rung: 2,
        }  # fmt: skip
        (act,) = self.dice.choices(list(acts), list(acts.values()))
        act()
        self.compare()

    def one(self, *places: str, promised: bool | None = None) -> Caller | None:
        found = [
            caller
            for caller in self.callers.values()
            if caller.place in places and promised in (None, caller.state is not None)
        ]
        return self.dice.choice(found) if found else None

    # --- the same thing to both ------------------------------------------------------------------------------------

    def arrive(self) -> None:
        self.number += 1
        queue, credit = self.dice.choice(list(POLICIES)), self.dice.choice([0, 0, 30])
        who = person(self.number, self.now - START, 60, queue=queue)
        caller = Caller(f"CA{self.number:06d}", who, queue, order.score(self.at, credit), self.now)
        self.callers[caller.id] = caller
        standing = self.fake.arrive(
            QueueKey(queue), CallSid(caller.id), credit_s=credit, number_hash="", language="en", lease_s=LEASE_S,
            token=self.token(), now=self.at,
        )  # fmt: skip
        self.line.step_into(caller, "menu")
        self.paired(self.line.pair_newcomer(caller, self.now), standing.reservation)

    def hold(self) -> None:
        caller = self.one("menu")
        if caller is None:
            return
        standing = self.fake.hold(
            QueueKey(caller.queue), EntryId(caller.id), CallSid(caller.id), score=caller.score, joined_at=self.at,
            language="en", lease_s=LEASE_S, token=self.token(), now=self.at,
        )  # fmt: skip
        self.line.stand(caller, "hold", self.now, "on_hold")
        self.paired(self.line.pair_newcomer(caller, self.now), standing.reservation)

    def promise(self) -> None:
        caller = self.one("menu", "hold", promised=False)
        if caller is None:
            return
        before, name = EntryId(caller.id), f"cb{caller.id[2:]}"
        self.fake.enter(
            QueueKey(caller.queue), EntryId(name), score=caller.score,
            joined_at=datetime.fromtimestamp(caller.joined, UTC), due=True, number_hash="", replaces=before,
            now=self.at,
        )  # fmt: skip
        del self.callers[caller.id]
        self.line.measure_wait(caller, self.now, abandoned=False)
        self.line.step_out(caller)
        caller.id, caller.state, caller.leg = name, State.WAITING, False
        self.line.queues[caller.queue].open += 1
        self.line.stand(caller, "due", self.now, "entered")
        self.callers[name] = caller

    def leave(self) -> None:
        caller = self.one("menu", "hold", promised=False)
        if caller is not None and self.dice.random() < 0.3:
            self.fake.leave(EntryId(caller.id), reason="abandoned", now=self.at)
            self.line.measure_wait(caller, self.now, abandoned=True)
            self.line.step_out(caller)
            self.gone(caller)

    def presence(self) -> None:
        resting = [
            agent for agent in self.agents.values() if agent.status in (AgentStatus.WRAP_UP, AgentStatus.OFFLINE)
        ]
        agent = self.dice.choice(resting or list(self.agents.values()))
        wanted = AgentStatus.AVAILABLE if self.dice.random() < 0.9 else AgentStatus.OFFLINE
        self.fake.presence(AgentKey(agent.key), wanted, now=self.at)
        agent.wanted = wanted
        if agent.status not in (AgentStatus.RESERVED, AgentStatus.BUSY):
            self.line.move(agent, wanted, self.now, "presence")

    def match(self) -> None:
        queue = self.dice.choice(list(POLICIES))
        reservation = self.fake.match(QueueKey(queue), lease_s=LEASE_S, token=self.token(), now=self.at)
        found = self.line.match(queue, self.now)
        self.paired(found[1] if found is not None else None, reservation)

    def match_agent(self) -> None:
        agent = self.dice.choice(list(self.agents.values()))
        reservation = self.fake.match_agent(AgentKey(agent.key), lease_s=LEASE_S, token=self.token(), now=self.at)
        free = agent.status is AgentStatus.AVAILABLE
        caller = self.line.pair(agent, self.now) if free else None
        self.paired(agent if caller is not None else None, reservation)

    def bridge(self) -> None:
        agent = self.engaged(AgentStatus.RESERVED)
        if agent is not None and agent.caller is not None:
            assert self.fake.bridge(Token(agent.token), now=self.at)
            self.line.move(agent, AgentStatus.BUSY, self.now, "bridged")
            agent.caller.place, agent.bridged_at = "busy", self.now
            self.line.measure_wait(agent.caller, self.now, abandoned=False)

    def complete(self) -> None:
        agent = self.engaged(AgentStatus.BUSY)
        if agent is None or agent.caller is None:
            return
        caller = agent.caller
        wrap_s = POLICIES[caller.queue].wrap_up_s
        self.fake.complete(Token(agent.token), wrap_up_s=wrap_s, now=self.at)
        wraps = agent.wanted is AgentStatus.AVAILABLE and wrap_s > 0
        self.line.free(agent, self.now, "completed", AgentStatus.WRAP_UP if wraps else None)
        self.line.measure_talk(caller.queue, self.now - agent.bridged_at + wrap_s)
        self.gone(caller)

    def release(self) -> None:
        agent = self.engaged(AgentStatus.RESERVED)
        if agent is None or agent.caller is None or agent.caller.state is None:
            return
        caller, place = agent.caller, self.dice.choice(["due", "later"])
        self.fake.release(Token(agent.token), entry_to=place, agent_to=None, reason="missed", now=self.at)
        self.line.free(agent, self.now, "missed")
        self.line.stand(caller, place, self.now, "missed")

    def become_due(self) -> None:
        caller = self.one("later")
        if caller is not None:
            self.fake.due(EntryId(caller.id), now=self.at)
            self.line.stand(caller, "due", self.now, "due")

    def rung(self) -> None:
        """Ahead of an agent, for as long as a phone rings."""
        caller = self.one("due", promised=True)
        if caller is None:
            return
        until = self.now + self.dice.choice([5, 60, 600])
        self.fake.enter(
            QueueKey(caller.queue), EntryId(caller.id), score=caller.score,
            joined_at=datetime.fromtimestamp(caller.joined, UTC), due=False, number_hash="", replaces=None,
            now=self.at,
        )  # fmt: skip
        assert self.fake.expect(EntryId(caller.id), until=datetime.fromtimestamp(until, UTC))
        self.line.stand(caller, "later", self.now, "entered")
        self.line.expect(caller, until)

    # --- whether they agree ----------------------------------------------------------------------------------------

    def engaged(self, status: AgentStatus) -> Agent | None:
        found = [agent for agent in self.agents.values() if agent.status is status]
        return self.dice.choice(found) if found else None

    def gone(self, caller: Caller) -> None:
        if caller.state is not None:
            self.line.queues[caller.queue].open -= 1
        caller.place = ""
        del self.callers[caller.id]

    def paired(self, agent: Agent | None, reservation: Reservation | None) -> None:
        assert (agent is None) == (reservation is None)
        if agent is not None and reservation is not None and agent.caller is not None:
            assert (agent.key, agent.caller.id) == (reservation.agent, reservation.entry)
            agent.token = reservation.token
            self.pairs += 1

    def compare(self) -> None:
        for key, line in self.line.queues.items():
            listed = [(one.entry, one.place) for one in self.fake.listing(QueueKey(key))]
            assert [(one.id, one.place) for one in self.line.listing(key, 100)] == listed
            standing = self.fake.standing(QueueKey(key), None)
            assert {status: standing.agents.get(status, 0) for status in AgentStatus} == line.agents
            measured = standing.measured
            assert [measured.handled, measured.handled_s, measured.abandoned, measured.waited_s] == pytest.approx(
                [line.handled, line.handled_s, line.abandoned, line.waited_s]
            )
            self.same_offer(key)

    def same_offer(self, key: str) -> None:
        line = self.line.queues[key]
        self.engine.now = self.now
        line.offering = self.dice.random() < 0.5
        entries = [None, *(entry for _, entry in line.everybody)]
        entry = self.dice.choice(entries)
        standing = replace(
            self.fake.standing(QueueKey(key), EntryId(entry) if entry else None), offering=line.offering,
            callbacks=line.open,
        )  # fmt: skip
        theirs = outlook.look(self.queues[key], standing, self.at)
        caller = self.callers[entry] if entry else None
        expected, decision = self.engine.outlook(line, line.before(caller.key if caller else None), caller)
        assert (decision.offering, decision.reason) == (theirs.decision.offering, theirs.decision.reason)
        self.reasons.add(decision.reason)
        assert expected.p80 == pytest.approx(theirs.wait.p80) if expected.known else not theirs.wait.known


@pytest.mark.parametrize("seed", range(3))
def test_the_labs_line_and_the_products_pair_measure_and_offer_alike(seed: int) -> None:
    both = Both(random.Random(seed))
    for key in STAFF:
        both.fake.presence(AgentKey(key), AgentStatus.AVAILABLE, now=both.at)
        both.agents[key].wanted = AgentStatus.AVAILABLE
        both.line.move(both.agents[key], AgentStatus.AVAILABLE, both.now, "presence")
    for _ in range(700):
        both.step()
    assert both.pairs > 30
    assert len(both.reasons) >= 4


def test_dialling_ahead_looks_as_far_and_counts_the_pace_alike() -> None:
    assert (dialling.FRONT, dialling.DELAYS_S) == (ahead.FRONT, ahead.DELAYS_S)
    assert (dialling.ROUNDED_S, dialling.SOON_S) == (lessons.ROUNDED_S, ahead.SOON_S)
