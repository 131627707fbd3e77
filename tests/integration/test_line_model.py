"""Random histories of a line: the scripts against plain Python, answer by answer, and what must hold at all times."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, cast

import pytest
import redis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.domain.audit import Audit, Invariant
from callback.domain.callback import Agent, Entry, Served
from callback.domain.errors import IllegalMove
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy, Queue
from callback.domain.wait import Measured
from callback.flows.persist import told
from callback.ports import AgentView, Appointment, Placed, Standing
from tests.fakes.line import FakeLine
from tests.support.clock import MONDAY_MORNING, ManualClock
from tests.support.redis_server import RedisServer

QUEUES = [QueueKey("support"), QueueKey("billing")]
AGENTS = [AgentKey("ada"), AgentKey("bob"), AgentKey("cyd")]
CALLS = [CallSid(f"CA{number}") for number in range(5)]
CALLBACKS = [EntryId(f"cb{number}") for number in range(5)]
PLACES = ("menu", "hold", "due", "later")

queues = st.sampled_from(QUEUES)
agents = st.sampled_from(AGENTS)
calls = st.sampled_from(CALLS)
callbacks = st.sampled_from(CALLBACKS)
entries = st.one_of(calls.map(EntryId), callbacks)
presences = st.sampled_from([AgentStatus.AVAILABLE, AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE])
served = st.lists(st.builds(Served, queues, st.integers(1, 2)), unique_by=lambda each: each.queue, max_size=2)
staff = st.lists(st.tuples(agents, served), unique_by=lambda each: each[0], min_size=1)


def rounded(answer: Any) -> Any:
    """Measured sums are kept to the microsecond in Redis; versions start anywhere."""
    if not isinstance(answer, Standing):
        return answer
    seen = answer.measured
    sums = (round(value, 2) + 0 for value in (seen.handled, seen.handled_s, seen.abandoned, seen.waited_s))
    return replace(answer, measured=Measured(*sums), config=0)


class Histories(RuleBasedStateMachine):
    """Does everything twice, once in Redis and once in plain Python."""

    client: redis.Redis
    clock: ManualClock
    real: RedisLine

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.clock.set(MONDAY_MORNING)
        self.fake = FakeLine(self.clock)
        self.tokens = [Token("rs0")]
        self.numbers = count(1)
        self.seen = ("0", "0")
        self.audit = Audit()

    def both(self, verb: str, *arguments: Any, **named: Any) -> Any:
        answers = [self.outcome(line, verb, *arguments, **named) for line in (self.real, self.fake)]
        assert rounded(answers[0]) == rounded(answers[1]), verb
        return answers[0]

    def outcome(self, line: RedisLine | FakeLine, verb: str, *arguments: Any, **named: Any) -> Any:
        try:
            return getattr(line, verb)(*arguments, **named)
        except IllegalMove:
            return IllegalMove

    def fresh(self) -> Token:
        token = Token(f"rs{next(self.numbers)}")
        self.tokens.append(token)
        return token

    def some_token(self, data: st.DataObject) -> Token:
        in_force = [view.token for view in self.fake.agents() if view.token]
        return data.draw(st.sampled_from(in_force * 3 + self.tokens[-3:]))

    @initialize(staff=staff)
    def open(self, staff: list[tuple[AgentKey, list[Served]]]) -> None:
        self.configure(staff, [True, True])
        for key, _ in staff:
            self.presence(key, AgentStatus.AVAILABLE)

    @rule(staff=staff, dialing=st.lists(st.booleans(), min_size=2, max_size=2))
    def configure(self, staff: list[tuple[AgentKey, list[Served]]], dialing: list[bool]) -> None:
        published = [
            Queue(key, key, (), replace(Policy(), dialing=dials), 1) for key, dials in zip(QUEUES, dialing, strict=True)
        ]
        people = [Agent(key, key, f"client:{key}", tuple(served)) for key, served in staff]
        for line in (self.real, self.fake):
            line.configure(published, people)
        assert self.real.configuration()[1:] == self.fake.configuration()[1:]

    @rule(seconds=st.sampled_from([0.000_001, 0.5, 1, 7, 30, -2]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(queue=queues, call=calls, credit=st.sampled_from([0, 0, 5]), known=st.booleans())
    def arrive(self, queue: QueueKey, call: CallSid, credit: float, known: bool) -> None:
        number = f"number-{call[2:]}" if known else ""
        self.both(
            "arrive", queue, call, credit_s=credit, number_hash=number, language="en", lease_s=10, token=self.fresh(),
            now=self.clock.now(),
        )  # fmt: skip

    @rule(queue=queues, call=calls, callback=callbacks, rung=st.booleans(), score=st.integers(1, 3))
    def hold(self, queue: QueueKey, call: CallSid, callback: EntryId, rung: bool, score: int) -> None:
        now = self.clock.now()
        self.both(
            "hold", queue, callback if rung else EntryId(call), CallSid(f"CB{call}") if rung else call, score=score,
            joined_at=now, language="zh" if rung else "", lease_s=10, token=self.fresh(), now=now,
        )  # fmt: skip

    @rule(
        queue=queues, callback=callbacks, call=st.none() | calls, due=st.booleans(), score=st.none() | st.integers(1, 3)
    )
    def enter(self, queue: QueueKey, callback: EntryId, call: CallSid | None, due: bool, score: int | None) -> None:
        now = self.clock.now()
        self.both(
            "enter", queue, callback, score=score or int(now.timestamp() * 1e6), joined_at=now, due=due,
            number_hash=f"number-{callback[2:]}", replaces=call, now=now,
        )  # fmt: skip

    @rule(queue=queues, some=st.lists(callbacks, unique=True), score=st.integers(1, 3), ahead=st.booleans())
    def restore(self, queue: QueueKey, some: list[EntryId], score: int, ahead: bool) -> None:
        now = self.clock.now()
        until = now + timedelta(seconds=1) if ahead else None
        placed = [Placed(CallbackId(each), queue, score, now, until, f"number-{each[2:]}") for each in some]
        self.both("restore", placed, now=now)

    @rule(queue=queues, some=st.lists(callbacks, unique=True))
    def book(self, queue: QueueKey, some: list[EntryId]) -> None:
        self.both("book", [Appointment(queue, CallbackId(each), f"number-{each[2:]}") for each in some])

    @rule(call=calls)
    def forget(self, call: CallSid) -> None:
        self.both("forget_person", f"number-{call[2:]}")

    @rule(entry=entries, reason=st.sampled_from(["hung up", "callback", "refused"]))
    def leave(self, entry: EntryId, reason: str) -> None:
        self.both("leave", entry, reason=reason, now=self.clock.now())

    @rule(callback=callbacks, seconds=st.sampled_from([-1, 3, 60]))
    def expect(self, callback: EntryId, seconds: float) -> None:
        self.both("expect", callback, until=self.clock.now() + timedelta(seconds=seconds))

    @rule(callback=callbacks)
    def due(self, callback: EntryId) -> None:
        self.both("due", callback, now=self.clock.now())

    @rule(queue=queues)
    def match(self, queue: QueueKey) -> None:
        self.both("match", queue, lease_s=10, token=self.fresh(), now=self.clock.now())

    @rule(data=st.data())
    def match_agent(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([view.key for view in self.fake.agents()]))
        self.both("match_agent", key, lease_s=10, token=self.fresh(), now=self.clock.now())

    @rule(data=st.data())
    def come_free(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([view.key for view in self.fake.agents()]))
        self.both("come_free", key, lease_s=10, token=self.fresh(), now=self.clock.now())

    @rule(data=st.data())
    def take_up(self, data: st.DataObject) -> None:
        self.both("take_up", self.some_token(data), "calls", per_second=2, now=self.clock.now())

    @rule(data=st.data(), seconds=st.sampled_from([5, 60]), phase=st.sampled_from([None, "ringing"]))
    def extend(self, data: st.DataObject, seconds: int, phase: str | None) -> None:
        until = self.clock.now() + timedelta(seconds=seconds)
        self.both("extend", self.some_token(data), until=until, phase=phase)

    @rule(
        data=st.data(),
        entry_to=st.sampled_from([*PLACES, "gone"]),
        agent_to=st.sampled_from(
            [None, AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE, AgentStatus.BUSY]
        ),
        score=st.sampled_from([None, 2]),
        again=st.booleans(),
    )
    def release(
        self, data: st.DataObject, entry_to: str, agent_to: AgentStatus | None, score: int | None, again: bool
    ) -> None:
        self.both(
            "release", self.some_token(data), entry_to=entry_to, agent_to=agent_to, reason="given up",
            now=self.clock.now(), score=score, again=self.fresh() if again else None, lease_s=10,
        )  # fmt: skip

    @rule(data=st.data())
    def bridge(self, data: st.DataObject) -> None:
        self.both("bridge", self.some_token(data), now=self.clock.now())

    @rule(
        data=st.data(),
        wrap_up=st.sampled_from([0, 3.5, 20]),
        entry_to=st.sampled_from(["gone", "gone", "hold", "due"]),
        again=st.booleans(),
    )
    def complete(self, data: st.DataObject, wrap_up: float, entry_to: str, again: bool) -> None:
        self.both(
            "complete", self.some_token(data), wrap_up_s=wrap_up, now=self.clock.now(), entry_to=entry_to,
            again=self.fresh() if again else None, lease_s=10,
        )  # fmt: skip

    @rule(data=st.data(), wanted=presences)
    def ask(self, data: st.DataObject, wanted: AgentStatus) -> None:
        self.presence(data.draw(st.sampled_from([view.key for view in self.fake.agents()])), wanted)

    def presence(self, key: AgentKey, wanted: AgentStatus) -> None:
        view: AgentView = self.both("presence", key, wanted, now=self.clock.now())
        assert view.wanted is wanted

    @rule()
    def sweep(self) -> None:
        self.both("lapsed", now=self.clock.now())

    @rule(queue=queues, offering=st.booleans())
    def offer(self, queue: QueueKey, offering: bool) -> None:
        self.both("set_offering", queue, offering)

    @rule(call=calls, language=st.sampled_from(["en", "zh"]))
    def remember_language(self, call: CallSid, language: str) -> None:
        self.both("remember_language", f"number-{call[2:]}", language)

    @rule(staff=staff)
    def lose_everything(self, staff: list[tuple[AgentKey, list[Served]]]) -> None:
        self.both("clear")
        assert list(self.client.scan_iter("{cb}:e:*")) == []
        self.open(staff)

    # --- what must hold at every moment ----------------------------------------------------------------------------

    @invariant()
    def the_line_is_the_same(self) -> None:
        for queue in QUEUES:
            self.both("listing", queue)
            self.both("listing", queue, offset=1, limit=2)
            self.both("standing", queue, None)
        for entry in (*CALLS, *CALLBACKS):
            self.both("standing", QueueKey(""), entry)

    @invariant()
    def the_agents_are_the_same(self) -> None:
        for view in self.both("agents"):
            if view.token:
                self.both("reservation", view.token)

    @invariant()
    def the_same_was_told(self) -> None:
        real, fake = self.real.drain(self.seen[0], 1000), self.fake.drain(self.seen[1], 1000)
        assert [fields for _, fields in real] == [fields for _, fields in fake]
        if real:
            self.seen = (real[-1][0], fake[-1][0])
        self.audited([told(fields) for _, fields in real])

    def audited(self, rows: list[Entry]) -> None:
        """Whoever replays what was told finds nobody overtaken and no agent booked twice. (Places are drawn at random
        here, so they do change.)"""
        for row in rows:
            self.audit.feed(row)
        found = self.audit.finish(self.clock.now() + timedelta(days=1))
        assert [breach for breach in found.breaches if breach.kind is not Invariant.PLACE] == []

    @invariant()
    def the_same_legs_are_silent(self) -> None:
        before = self.clock.now() - timedelta(seconds=5)
        assert self.real.silent(before=before) == self.fake.silent(before=before)

    @invariant()
    def everybody_is_in_exactly_one_place(self) -> None:
        rows = Counter(member for queue in QUEUES for place in PLACES for member in self.rows(f"q:{queue}:{place}"))
        for key in self.client.scan_iter("{cb}:e:*", count=1000):
            entry = cast(dict[str, str], self.client.hgetall(key))
            who = key.removeprefix("{cb}:e:")
            if entry["p"] in PLACES:
                assert rows.pop(who) == 1
                assert self.client.zscore(f"{{cb}}:q:{entry['q']}:{entry['p']}", who) == float(entry["s"])
                assert "t" not in entry
            else:
                assert self.client.hget(f"{{cb}}:r:{entry['t']}", "e") == who
        assert not rows

    @invariant()
    def whoever_has_an_appointment_stands_in_no_line_and_is_known_by_their_number(self) -> None:
        booked = cast(dict[str, str], self.client.hgetall("{cb}:booked"))
        for who, known in booked.items():
            queue, number = known.split("\t")
            assert not self.client.exists(f"{{cb}}:e:{who}")
            assert self.client.hget(f"{{cb}}:q:{queue}:open", number) == who

    @invariant()
    def every_agent_is_counted_once_in_each_queue_they_serve(self) -> None:
        for queue in QUEUES:
            counted = Counter(self.rows(f"q:{queue}:idle"))
            for status in AgentStatus:
                counted.update(cast(set[str], self.client.smembers(f"{{cb}}:q:{queue}:a:{status}")))
            serving = [
                key
                for key in AGENTS
                if f"{queue}\t" in (cast(str | None, self.client.hget(f"{{cb}}:a:{key}", "q")) or "")
            ]
            assert counted == Counter(serving)

    @invariant()
    def every_pairing_has_its_agent_and_its_lease(self) -> None:
        pairings = {key.removeprefix("{cb}:r:") for key in self.client.scan_iter("{cb}:r:*", count=1000)}
        held = {view.token for view in self.fake.agents() if view.token}
        ringing = {token for token in held if self.client.hget(f"{{cb}}:r:{token}", "p") != "busy"}
        assert pairings == held
        assert set(self.rows("leases")) == ringing

    def rows(self, key: str) -> list[str]:
        return cast(list[str], self.client.zrange(f"{{cb}}:{key}", 0, -1))


@pytest.mark.slow
@pytest.mark.parametrize("server", ["valkey_server", "redis62_server"])
def test_whatever_happens_the_line_is_what_plain_python_says(request: pytest.FixtureRequest, server: str) -> None:
    running: RedisServer = request.getfixturevalue(server)
    with make_client(running.url, timeout_s=10) as client:
        clock = ManualClock()
        parts = {"client": client, "clock": clock, "real": RedisLine(client, clock)}
        machine = type("HistoriesOn", (Histories,), parts)
        # A history that fails is told as it was found: making it shorter would take minutes.
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=15, stateful_step_count=40, phases=(Phase.explicit, Phase.reuse, Phase.generate)
            ),
        )
