"""Random histories of the whole protocol, on real scripts and real SQL, with a crash after any step of any process.

One example is a town of two callers, two agents and two queues (one dials the customer first, the other the agent). A
step lets somebody do one thing; a fault ends the house in the middle of it, lets something else happen between two of
its steps, or takes the record or the line away for it. After each step the invariants hold as an outsider sees them; in
the end time passes, and everybody has been served, or told why not.

`make test` runs a few hundred steps, always the same; `make chaos` ten thousand, which are new each time, and more on
other servers (PROTOCOL_STEPS asks for another number). What failed is printed as it happened, with the code that
repeats it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from callback.domain.lifecycle import AgentStatus
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.protocol_people import AGENTS, JOURNEYS, TOLERATED, RoughHouse, Unheard, World
from tests.support.record import postgres_record, sqlite_record
from tests.support.steps import Killed

THOROUGH = "CHAOS_TRIALS" in os.environ or "PROTOCOL_STEPS" in os.environ
STEPS = int(os.environ.get("PROTOCOL_STEPS", "10000" if THOROUGH else "300"))
EACH = 50
"""Steps of one example."""
SETTLED_S = 400
GROUPS = ("callers", "agents", "carrier", "mail", "workers", "office", "beat", "time", "mood", "replays", "loss")


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a step: `killed` after so many effects; `beside`: something else happens after so many; the
    `store` or the `line` away."""

    kind: str
    after: int
    group: str
    which: int


whole = st.just(Fault("", 0, "", 0))
after = st.integers(1, 8)
which = st.integers(0, 10_000)
faults = st.one_of(
    whole,
    whole,
    whole,
    st.builds(Fault, st.just("killed"), after, st.just(""), st.just(0)),
    st.builds(Fault, st.just("killed"), after, st.just(""), st.just(0)),
    st.builds(Fault, st.just("beside"), after, st.sampled_from(GROUPS[:8]), which),
    st.builds(Fault, st.just("beside"), after, st.sampled_from(GROUPS[:8]), which),
    st.builds(Fault, st.sampled_from(["store", "line"]), st.just(0), st.just(""), st.just(0)),
)


class Protocol(RuleBasedStateMachine):
    """One town."""

    steps_taken = 0
    town: ClassVar[Callable[[], AbstractContextManager[RoughHouse]]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stage = self.stack.enter_context(type(self).town())
        self.world = World(self.stage)

    @initialize(journey=st.integers(0, len(JOURNEYS) - 1), stations=st.integers(0, 10))
    def a_callback_is_under_way(self, journey: int, stations: int) -> None:
        self.world.begin(journey, stations)

    # --- one thing happens --------------------------------------------------------------------------------------

    def step(self, group: str, which: int, fault: Fault) -> None:
        choices = self.world.choices(group)
        if not choices:  # no precondition: which rules may be drawn must not depend on what real servers did
            return
        label, act = choices[which % len(choices)]
        note(f"{label}{f', {fault}' if fault.kind else ''}")
        type(self).steps_taken += 1
        self.stage.clock.advance(0.001)  # no two things happen at the very same time
        steps = self.stage.steps
        steps.restart(fault.after if fault.kind == "killed" else 0)
        steps.away = frozenset({fault.kind} & {"store", "line"})
        steps.between = self.beside(fault) if fault.kind == "beside" else None
        try:
            act()
        except Killed as where:
            note(f"  died after {where}")
        except Unheard as why:
            note(f"  unheard: {why}")
        except TOLERATED as why:
            note(f"  not done: {why}")
            if not steps.away and fault.kind != "beside":
                raise
        finally:
            steps.restart()
            steps.away, steps.between = frozenset(), None
        self.world.sync()

    def beside(self, fault: Fault) -> Any:
        """Something else, once, after so many steps of the process."""
        before = len(self.stage.steps.done)

        def other(_: str) -> None:
            if len(self.stage.steps.done) - before != fault.after:
                return
            choices = self.world.choices(fault.group)
            if choices:
                label, act = choices[fault.which % len(choices)]
                note(f"  beside: {label}")
                self.world.quietly(act)

        return other

    @rule(which=which, fault=faults)
    def a_caller(self, which: int, fault: Fault) -> None:
        self.step("callers", which, fault)

    @rule(which=which, fault=faults)
    def an_agent(self, which: int, fault: Fault) -> None:
        self.step("agents", which, fault)

    @rule(which=which, fault=faults)
    def the_carrier(self, which: int, fault: Fault) -> None:
        self.step("carrier", which, fault)

    @rule(which=which, fault=faults)
    def a_report(self, which: int, fault: Fault) -> None:
        self.step("mail", which, fault)

    @rule(which=which, fault=faults)
    def a_replay(self, which: int, fault: Fault) -> None:
        self.step("replays", which, fault)

    @rule(which=which, fault=faults)
    def a_worker(self, which: int, fault: Fault) -> None:
        self.step("workers", which, fault)

    @rule(which=which, fault=faults)
    def the_office(self, which: int, fault: Fault) -> None:
        self.step("office", which, fault)

    @rule(which=which, fault=faults)
    def beat(self, which: int, fault: Fault) -> None:
        self.step("beat", which, fault)

    @rule(which=which)
    def time_passes(self, which: int) -> None:
        self.step("time", which, Fault("", 0, "", 0))

    @rule(which=which)
    def the_carriers_mood(self, which: int) -> None:
        self.step("mood", which, Fault("", 0, "", 0))

    @rule(which=which, fault=faults)
    def redis_is_lost(self, which: int, fault: Fault) -> None:
        self.step("loss", which, fault)

    # --- what holds ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        self.world.witness.check()

    def teardown(self) -> None:
        with self.stack:
            self.settle()

    def settle(self) -> None:
        """Time passes and everybody helps, the carrier as well."""
        world, witness = self.world, self.world.witness
        self.stage.carrier.relent()
        for second in range(SETTLED_S):
            free = {view.key for view in self.stage.line.agents() if view.status is AgentStatus.AVAILABLE}
            for key in set(AGENTS) - free:
                world.quietly(lambda key=key: self.stage.available(key))
            for leg in world.up():
                world.helped(leg)
            world.live(1)
            world.jump()
            if second % 20 == 0 and witness.at_rest():
                break
        witness.check()
        assert witness.at_rest(), witness.unrest()
        witness.check_journal()


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> type[Protocol]:
    """A machine on the Redis and the record of this test."""
    server, record = request.param
    url: str = request.getfixturevalue(server)
    postgres: PostgresServer | None = request.getfixturevalue("postgres_server") if record == "postgresql" else None
    numbers = count(1)

    @contextmanager
    def town() -> Iterator[RoughHouse]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with postgres_record(postgres) if postgres else sqlite_record(folder) as store:
            stage = RoughHouse(url, store, ManualClock())
            stage.raw.flushall()
            try:
                yield stage
            finally:
                stage.redis.close()
                stage.raw.close()

    return type("Town", (Protocol,), {"town": staticmethod(town), "steps_taken": 0})


def explore(machine: type[Protocol], steps: int) -> None:
    """So many steps, and no fewer."""
    while machine.steps_taken < steps:
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            machine,
            settings=settings(
                max_examples=-(-(steps - machine.steps_taken) // EACH),
                stateful_step_count=EACH,
                deadline=None,
                derandomize=not THOROUGH,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            ),
        )


def on(server: str, record: str) -> Any:
    """The test on that server and that record."""
    return pytest.mark.parametrize("machine", [(server, record)], indirect=True, ids=[f"{server}-{record}"])


@pytest.mark.slow
@pytest.mark.timeout(300 + STEPS)
@on("redis_url", "sqlite")
def test_no_history_breaks_a_promise(machine: type[Protocol]) -> None:
    explore(machine, STEPS)
    assert machine.steps_taken >= STEPS


@pytest.mark.chaos
@pytest.mark.timeout(300 + STEPS)
@on("redis62_url", "sqlite")
def test_no_history_breaks_a_promise_on_the_oldest_redis(machine: type[Protocol]) -> None:
    explore(machine, STEPS // 4)


@pytest.mark.chaos
@pytest.mark.timeout(300 + STEPS)
@on("redis_url", "postgresql")
def test_no_history_breaks_a_promise_on_postgresql(machine: type[Protocol]) -> None:
    explore(machine, STEPS // 4)
