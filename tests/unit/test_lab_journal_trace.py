"""The journal turned back into traffic: a rehearsal's own journal gives the people and agents it was made of."""

import random
from datetime import datetime, timedelta

import pytest

from callback.domain.callback import Agent, Entry, Served
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Policy
from callback.lab.engine import Engine, Habits, Setting
from callback.lab.journal_trace import JournalTrace, Recorded
from callback.lab.journalled import Journal
from callback.lab.line import Agent as OnFloor
from callback.lab.people import Person, TakeUp
from callback.lab.rehearse import rehearse
from callback.lab.tally import End, Tally
from callback.lab.trace import Outcome
from tests.support.journals import BEGAN
from tests.support.rehearsals import START, person, seats

POLICY = Policy(offer_at_wait_s=40, stop_offering_at_wait_s=20, wrap_up_s=10, retry_delays_s=(60,), attempts=2)
HABITS = Habits(connect_s=4, agent_answers_s=4)


def crowd(calls: int = 200) -> list[Person]:
    dice, at, people = random.Random(3), 0.0, []
    for number in range(calls):
        at += dice.expovariate(0.06)
        people.append(
            person(
                number, at, dice.expovariate(1 / 90), patience_s=dice.expovariate(1 / 300), queue="support",
                priority="vip" if number % 9 == 0 else "", willing=dice.random(),
            )
        )  # fmt: skip
    return people


@pytest.fixture(scope="module")
def lived() -> tuple[Tally, list[Entry]]:
    """A day, and its journal."""
    told: list[Entry] = []
    on_duty = seats(5, 5000, "support")
    journal = Journal({"support": POLICY}, [OnFloor(seat.agent, seat.queues) for seat in on_duty], START, told.append)
    setting = Setting(crowd(), on_duty, {"support": POLICY}, TakeUp.constant(0.6), HABITS)
    return Engine(setting, journal).run(), told


def read(told: list[Entry], since: datetime = BEGAN, hours: float = 24) -> Recorded:
    reader = JournalTrace()
    for row in told:
        reader.feed(row)
    agents = [Agent(AgentKey(f"a{n:03d}"), "", "", (Served(QueueKey("support"), 2),)) for n in range(5)]
    until = since + timedelta(hours=hours)
    return reader.recorded(since, until, agents=agents, credits_s={"support": {"vip": 300}})


def test_everybody_is_found_with_their_outcome_their_wait_and_their_talk(lived: tuple[Tally, list[Entry]]) -> None:
    tally, told = lived
    counts, rows = tally.queues["support"], read(told).rows
    first = [row for row in rows if not row.is_return]
    by = {outcome: [row for row in first if row.outcome is outcome] for outcome in Outcome}
    assert len(by[Outcome.ANSWERED]) == counts.ends[End.ANSWERED]
    assert len(by[Outcome.ABANDONED]) == counts.ends[End.ABANDONED]
    assert len(by[Outcome.CALLBACK]) == counts.taken
    assert sorted(row.waited_s for row in by[Outcome.ANSWERED]) == pytest.approx(sorted(counts.live_s), abs=1e-3)
    assert sum(row.priority == "vip" for row in first) == pytest.approx(len(first) / 9, abs=3)
    people = {one.at: one for one in crowd()}
    for row in by[Outcome.ANSWERED]:
        wrapped = row.handled_s - people[nearest(people, row.at)].handle_s
        assert wrapped == pytest.approx(POLICY.wrap_up_s, abs=0.01) or wrapped == pytest.approx(0, abs=0.01)


def nearest(people: dict[float, Person], at: float) -> float:
    """The one who came then, to the microsecond."""
    return min(people, key=lambda moment: abs(moment - at))


def test_a_callback_is_two_rows_and_the_second_ends_with_its_talk(lived: tuple[Tally, list[Entry]]) -> None:
    tally, told = lived
    counts, rows = tally.queues["support"], {row.call_id: row for row in read(told).rows}
    returns = {name: row for name, row in rows.items() if row.is_return}
    assert sum(row.outcome is Outcome.ANSWERED for row in returns.values()) == counts.ends[End.CALLED_BACK] > 20
    assert sum(row.outcome is Outcome.ABANDONED for row in returns.values()) == counts.ends[End.UNREACHED]
    waits = []
    for name, row in returns.items():
        first = rows[name.removesuffix("-r")]
        assert row.at == pytest.approx(first.at + first.waited_s, abs=1e-3)
        if row.outcome is Outcome.ANSWERED:
            assert row.agent.startswith("a0")
            waits.append(row.at + row.waited_s - first.at)
    assert sorted(waits) == pytest.approx(sorted(counts.back_s), abs=1e-3)


def test_agents_are_there_when_the_journal_says_so_and_their_habits_are_learnt(
    lived: tuple[Tally, list[Entry]],
) -> None:
    found = read(lived[1])
    assert [seat.agent for seat in found.roster.seats] == [f"a{n:03d}" for n in range(5)]
    assert all(seat.shifts[0][0] == pytest.approx(START, abs=1) for seat in found.roster.seats)
    assert all(4990 < seat.shifts[-1][1] - START < 5200 for seat in found.roster.seats)
    assert found.roster.seats[0].queues == {"support": 2}
    assert found.connect_s == pytest.approx(4)
    assert found.answer == pytest.approx(0.8, abs=0.15)


def test_a_part_of_the_day_has_its_own_callers_alone(lived: tuple[Tally, list[Entry]]) -> None:
    rows = read(lived[1], BEGAN + timedelta(minutes=20), hours=0.5).rows
    assert 0 < len(rows) < len(read(lived[1]).rows)
    assert all(row.at >= START + 1200 for row in rows)


def test_the_day_rehearsed_under_its_own_policy_comes_out_as_it_was(lived: tuple[Tally, list[Entry]]) -> None:
    found = read(lived[1])
    habits = Habits(connect_s=found.connect_s or 0, agent_answers_s=4, answer=found.answer)
    again = rehearse(found.rows, {"then": POLICY}, roster=found.roster, habits=habits, warm=False, runs=4, take_up=0.6)
    then = again.played["then"].figures
    assert then["live_mean_s"] == pytest.approx(again.recorded["live_mean_s"], rel=0.25)
    assert then["offers"] == pytest.approx(lived[0].queues["support"].offers, rel=0.25)


def test_whoever_rang_in_about_the_promise_they_had_is_nobody_new(lived: tuple[Tally, list[Entry]]) -> None:
    last = lived[1][-1]
    at = BEGAN + timedelta(minutes=10)
    again = {"score": 0, "joined": round(at.timestamp() * 1e6)}
    rows = [
        Entry(at, "call", "CAagain", None, "arrived", "arrived", "", "support", again, last.seq + 1),
        Entry(at, "call", "CAagain", "arrived", "callback", "callback", "", "support", again, last.seq + 2),
    ]
    assert len(read([*lived[1], *rows]).rows) == len(read(lived[1]).rows)


def test_a_promise_asked_for_without_a_call_begins_with_its_making() -> None:
    at = BEGAN + timedelta(minutes=1)
    rows = [
        Entry(at, "callback", "cb1", None, "waiting", "asked for by api", "request", "support", {"score": 0}, 1),
        Entry(at, "agent", "a000", "reserved", "busy", "bridged", "cb1", "support", {"entry": "cb1"}, 2),
        Entry(at + timedelta(seconds=9), "agent", "a000", "busy", "available", "completed", "", "support", {}, 3),
        Entry(at + timedelta(seconds=9), "callback", "cb1", "bridged", "completed", "talked", "", "support", {}, 4),
    ]
    first, second = read(rows).rows
    assert (first.call_id, first.outcome, first.waited_s) == ("cb1", Outcome.CALLBACK, 0)
    assert (second.call_id, second.outcome, second.handled_s) == ("cb1-r", Outcome.ANSWERED, 9)
