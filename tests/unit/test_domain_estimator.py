"""The estimator of one pool: what it learns from whom, and that asking it changes nothing."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callback.domain.callback import Agent, Entry
from callback.domain.callback import Served as Serves
from callback.domain.errors import InvalidInput
from callback.domain.estimator import Estimator
from callback.domain.floor import Came, Event, Freed, Joined, Kind, Left, Served, Went
from callback.domain.following import Following, shape
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Policy, Queue
from callback.domain.retelling import Place
from callback.domain.watch import Question, Watch

SUPPORT = Kind("support")
HOUR = 3600.0
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def joined(at: float, call: str, **more: object) -> Joined:
    return replace(Joined(at, call, SUPPORT, since=at), **more)  # type: ignore[arg-type]


def traffic(calls: int) -> Iterator[Event]:
    """One agent, a caller every 80 s, talks of about 70 s; every fifth takes three times as long."""
    dice = random.Random(1)
    at = free = 0.0
    events: list[Event] = [Came(0.0, "ann")]
    for number in range(calls):
        at += dice.expovariate(1 / 100)
        began = max(at, free)
        free = began + dice.uniform(50, 90) * (3 if number % 5 == 0 else 1)
        call = f"CA{number}"
        events += [joined(at, call), Served(began, call, "ann"), Freed(free, call)]
    ranks = {Freed: 0, Came: 1, Joined: 2, Served: 3}
    return iter(sorted(events, key=lambda event: (event.at, ranks[type(event)])))


def taught(calls: int = 400) -> Estimator:
    estimator = Estimator(Policy(), UTC)
    for event in traffic(calls):
        estimator.see(event)
        estimator.learn()
    return estimator


@pytest.fixture(scope="module")
def learnt() -> Estimator:
    return taught()


def test_a_night_is_no_wait() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (
        Came(0, "ann"),
        joined(10, "cb1", callback=True),
        Went(60, "ann"),
        joined(HOUR, "CA2"),
        joined(2 * HOUR, "CA3"),
        Left(3 * HOUR, "CA3"),
        Came(16 * HOUR, "ann"),
        Served(16 * HOUR + 300, "cb1", "ann"),
    ):
        estimator.see(event)
    floor = estimator.watch.floor
    assert [(wait.waited, wait.served) for wait in floor.waits] == [(300, True)]
    assert [place.joined.call for place in floor.line] == ["CA2"]
    assert floor.line[0].joined.since == HOUR


class Curious(Watch):
    """Counts what is asked."""

    asked = 0

    def ask(self, call: str) -> Question:
        self.asked += 1
        return super().ask(call)


def test_nobody_is_asked_about_through_a_night() -> None:
    estimator, watch = Estimator(Policy(), UTC), Curious(Policy(), UTC)
    estimator.watch = watch
    for event in (Came(0, "ann"), joined(10, "cb1", callback=True), Went(60, "ann"), Came(16 * HOUR, "ann")):
        estimator.see(event)
    assert 2 <= watch.asked < 50


def test_a_record_that_begins_in_the_night_begins_without_a_wait() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (joined(0, "CA1"), joined(HOUR, "CA2"), Came(2 * HOUR, "ann"), Served(2 * HOUR + 60, "CA1", "ann")):
        estimator.see(event)
    assert [wait.waited for wait in estimator.watch.floor.waits] == [60]


def test_a_line_that_was_stopped_while_agents_sat_idle_is_no_wait() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (
        Came(0, "ann"),
        joined(10, "cb1", callback=True),
        joined(20, "cb2", callback=True),
        joined(5 * HOUR, "cb3", callback=True),
        Served(5 * HOUR + 30, "cb1", "ann"),
        Freed(5 * HOUR + 90, "cb1"),
        Served(5 * HOUR + 90, "cb2", "ann"),
    ):
        estimator.see(event)
    floor = estimator.watch.floor
    assert [wait.waited for wait in floor.waits] == [0, 60]
    assert [place.joined.call for place in floor.line] == ["cb3"]


def test_an_idle_floor_is_no_line_at_rest() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (Came(0, "ann"), joined(5 * HOUR, "CA1"), Served(5 * HOUR + 30, "CA1", "ann")):
        estimator.see(event)
    assert [wait.waited for wait in estimator.watch.floor.waits] == [30]


def test_a_break_is_part_of_the_wait() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (Came(0, "ann"), joined(10, "CA1"), Went(60, "ann"), Came(900, "ann"), Served(910, "CA1", "ann")):
        estimator.see(event)
    assert [wait.waited for wait in estimator.watch.floor.waits] == [900]


def test_whoever_found_a_free_agent_teaches_nothing() -> None:
    estimator = Estimator(Policy(), UTC)
    for event in (Came(0, "ann"), joined(10, "CA1"), Served(10, "CA1", "ann"), Freed(90, "CA1")):
        estimator.see(event)
    assert estimator.known == 0


def test_asking_for_a_newcomer_changes_nothing(learnt: Estimator) -> None:
    at = learnt.watch.floor.now
    before = [place.joined.call for place in learnt.watch.floor.line]
    first, second = (learnt.newcomer(SUPPORT, at) for _ in range(2))
    assert first == second
    assert [place.joined.call for place in learnt.watch.floor.line] == before


def test_a_table_has_a_row_for_everybody_in_line_and_one_for_a_newcomer(learnt: Estimator) -> None:
    at, mine = learnt.watch.floor.now + 1, Estimator(Policy(), UTC, stored=learnt.store(NOON, seq=1))
    mine.see(joined(at, "CAlast"))
    line = [
        Place("CAlast", "support", round(at * 1e6), at, "hold", "CAlast", at),
        Place("cb7", "support", round((at + 1) * 1e6), at + 1, "later", "", at + 1),
    ]
    now = datetime.fromtimestamp(at, UTC)
    found = mine.table("support", line, at, made=now, config=5, more_s=4)
    assert (found.places, found.config, found.waits) == ((1, 2, 3), 5, learnt.waits)
    assert all(number >= 4 for row in found.rows for number in row)
    assert "learnt" in found.basis or found.basis.startswith("simple rule")


def test_what_was_stored_goes_on_with_the_same_numbers_and_learns_nothing_twice(learnt: Estimator) -> None:
    stored = learnt.store(NOON, seq=10**6)
    again = Estimator(Policy(), UTC, stored=stored)
    assert (again.ready, again.waits, again.version) == (True, learnt.waits, learnt.version)
    for event in traffic(400):
        again.see(event, seq=1)
    assert not again.learn()
    at = learnt.watch.floor.now
    assert again.joining.calibration.offsets == learnt.joining.calibration.offsets
    assert again.newcomer(SUPPORT, at).simple == pytest.approx(learnt.newcomer(SUPPORT, at).simple)
    assert again.newcomer(SUPPORT, at).model == pytest.approx(learnt.newcomer(SUPPORT, at).model)


def test_a_damaged_model_is_refused(learnt: Estimator) -> None:
    stored = learnt.store(NOON, seq=1)
    with pytest.raises(InvalidInput):
        Estimator(Policy(), UTC, stored=replace(stored, joining=b"nonsense"))


# --- several pools --------------------------------------------------------------------------------------------------


def agent(key: str, *queues: str) -> Agent:
    return Agent(AgentKey(key), key, f"client:{key}", tuple(Serves(QueueKey(one)) for one in queues))


def queue(key: str) -> Queue:
    return Queue(key, key, (), Policy(), 1)


def call(seq: int, key: str, queue: str) -> Entry:
    at = datetime(2026, 3, 2, 9, 0, seq, tzinfo=UTC)
    place = {"score": seq, "joined": seq}
    return Entry(at, "call", key, None, "arrived", "", key, queue, place, seq)


def test_each_event_goes_to_the_floor_of_its_agents_and_a_failure_stays_there() -> None:
    shaped = shape([queue("a"), queue("b"), queue("c")], [agent("ann", "a", "b")])
    failures: list[str] = []
    following = Following(shaped, lambda _: Estimator(Policy(), UTC), lambda key, _: failures.append(key))
    assert sorted(following.estimators) == ["a b", "c"]
    for seq, (key, where) in enumerate((("CA1", "a"), ("CA2", "b"), ("CA3", "c"), ("CA4", "unknown"))):
        following.feed(call(seq, key, where))
    line = [place.joined.call for place in following.estimators["a b"].watch.floor.line]
    assert line == ["CA1", "CA2"]

    following.estimators["c"].watch.floor = None  # type: ignore[assignment]
    following.feed(call(9, "CA9", "c"))
    assert (failures, sorted(following.estimators)) == (["c"], ["a b"])
    assert following.table("c", NOON, 1) is None
