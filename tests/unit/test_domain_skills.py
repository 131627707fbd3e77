"""Who takes which calls, as far as what they took tells, and what the floor and the drift make of kinds of calls."""

from datetime import UTC

import pytest

from callback.domain.drift import Drift
from callback.domain.floor import Came, Floor, Freed, Joined, Kind, Served, Went
from callback.domain.signals import Signals
from callback.domain.skills import Skills

ENGLISH, HEBREW = 0, 1


def learnt() -> Skills:
    """`both` takes everything, `one` takes no English, and English is a fifth of all."""
    skills = Skills()
    for number in range(300):
        skills.took("both", ENGLISH if number % 5 < 2 else HEBREW)
        skills.took("one", HEBREW)
    return skills


def test_who_never_took_a_kind_of_call_is_hardly_able_to() -> None:
    skills = learnt()
    assert skills.able("both", ENGLISH) == 1.0
    assert skills.able("one", ENGLISH) < 0.1
    assert skills.able("one", HEBREW) == 1.0


def test_of_whom_nothing_is_known_everything_is_believed() -> None:
    skills = learnt()
    assert skills.able("new", ENGLISH) == 1.0
    skills.took("new", HEBREW)
    assert skills.able("new", ENGLISH) > 0.9
    skills.took("", HEBREW)
    assert skills.able("", ENGLISH) == 1.0


def test_only_those_count_as_rivals_who_want_the_same_agents() -> None:
    skills, agents = learnt(), ["both", "one"]
    assert skills.rivals(ENGLISH, {ENGLISH: 2}, agents) == pytest.approx(2, abs=0.2)
    assert skills.rivals(ENGLISH, {HEBREW: 4}, agents) == pytest.approx(2, abs=0.2)
    assert skills.rivals(HEBREW, {HEBREW: 4}, agents) == 4
    assert skills.rivals(HEBREW, {HEBREW: 3}, []) == 3
    assert Skills().rivals(None, {None: 5}, ["both"]) == 5


def test_a_caller_is_told_of_the_agents_who_take_such_calls() -> None:
    floor = Floor()
    signals = Signals(floor, UTC)
    rows = {}
    for number in range(400):
        kind = Kind("bank", type="english" if number % 4 == 0 else "hebrew")
        agent = "both" if number % 4 == 0 else ("both", "one", "one")[number % 3]
        at = 1e9 + number * 60
        joined = Joined(at, f"{number}", kind, since=at)
        for event in (joined, Served(at + 5, f"{number}", agent), Freed(at + 40, f"{number}")):
            signals.see(floor.apply(event))
            if isinstance(event, Joined):
                signals.joined(event)
                rows[kind.type] = signals.row(event.call)
    able = len(rows["english"]) - 13
    assert rows["hebrew"][able] == pytest.approx(2, abs=0.01)
    assert rows["english"][able] == pytest.approx(1.1, abs=0.1)


def test_at_work_is_who_talks_was_seen_lately_or_is_known_to_be() -> None:
    floor = Floor()
    for call, agent in (("1", "a"), ("2", "b")):
        floor.apply(Joined(0.0, call, Kind("q"), since=0.0))
        floor.apply(Served(1.0, call, agent))
    floor.apply(Freed(100.0, "2"))
    assert floor.present() == ["a", "b"]
    assert floor.idle(50.0) == ["b"]
    floor.now = 1001.0
    assert (floor.present(), floor.idle(50.0), floor.seen()) == (["a"], [], 1)
    for event in (Came(1002.0, "d"), Came(1002.0, "c"), Went(1003.0, "b")):
        floor.apply(event)
    assert floor.present() == ["a", "c", "d"]


def test_one_kind_of_call_may_be_slow_while_the_others_are_not() -> None:
    drift = Drift()
    for number in range(4000):
        kind = "slow" if number % 2 else "usual"
        slow = kind == "slow" and number // 400 % 2
        drift.met(100.0, drift.lately(kind), 180.0 if slow else 100.0, kind)
    assert drift.factor(drift.lately("slow")) > 1.5
    assert drift.factor(drift.lately("usual")) == pytest.approx(1, abs=0.12)
    assert drift.lately("new") == drift.lately()
