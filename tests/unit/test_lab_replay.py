"""A replay shows what was known, when it was known, in the order of the line."""

import pytest

from callback.domain.floor import Event, Floor, Freed, Handled, Joined, Kind, Left, Served, Wait
from callback.lab import replay
from callback.lab.trace import Outcome, Row
from tests.support.traffic import MONDAY, crowd, row

START = MONDAY.timestamp()


def story(*rows: Row, **credit: float) -> list[tuple[str, str, float]]:
    return [
        (type(event).__name__, event.call, event.at - START)
        for event, _ in replay.events(sorted(rows, key=lambda r: r.at), credit)
    ]


def floor_at(rows: list[Row], call: str, **credit: float) -> Floor:
    """The floor when this call has just joined."""
    floor = Floor()
    for event, _ in replay.events(rows, credit):
        floor.apply(event)
        if isinstance(event, Joined) and event.call == call:
            break
    return floor


def test_a_wait_is_taken_apart_into_what_happened() -> None:
    assert story(row("a", 0, waited=5, handled=60)) == [("Joined", "a", 0), ("Served", "a", 5), ("Freed", "a", 65)]


def test_what_ends_comes_before_what_begins_in_the_same_second() -> None:
    told = story(row("a", 0, handled=10), row("b", 0.5, waited=9.5, handled=5), row("c", 10, waited=5))
    assert [(kind, call) for kind, call, at in told if at == 10] == [("Freed", "a"), ("Served", "b"), ("Joined", "c")]


def test_who_need_not_wait_is_served_before_anybody_else_joins() -> None:
    assert [kind for kind, *_ in story(row("a", 0), row("b", 0))[:4]] == ["Joined", "Served", "Joined", "Served"]


def test_a_credit_puts_a_caller_before_those_who_joined_less_than_that_earlier() -> None:
    rows = [row("early", 0, waited=100), row("late", 50, waited=100), row("vip", 70, waited=20, priority="vip")]
    ahead = floor_at(rows, "vip", vip=60.0).ahead("vip")
    assert [one.joined.call for one in ahead] == ["early"]
    assert [one.joined.call for one in floor_at(rows, "vip", vip=60.0).behind("vip")] == ["late"]


def test_a_callback_keeps_the_place_of_the_call_it_comes_from() -> None:
    rows = [
        row("a", 0, waited=30, outcome=Outcome.CALLBACK),
        row("b", 10, waited=90),
        row("a-r", 30, waited=40),
    ]
    floor = floor_at(rows, "a-r")
    assert floor.ahead("a-r") == []
    assert [one.joined.call for one in floor.behind("a-r")] == ["b"]
    assert floor.place("a-r").joined.callback


def test_the_outcome_of_a_wait_and_the_length_of_a_talk_are_known_when_they_are_over() -> None:
    floor, known = Floor(), []
    for event, _ in replay.events([row("a", 0, waited=5, handled=60), row("b", 1, 9, outcome=Outcome.ABANDONED)], {}):
        known.append((event.at - START, floor.apply(event)))
    assert [(at, type(one)) for at, one in known if one is not None] == [(5, Wait), (10, Wait), (65, Handled)]
    assert [one.waited for _, one in known if isinstance(one, Wait)] == [5, 9]
    assert [one.served for _, one in known if isinstance(one, Wait)] == [True, False]


def test_a_promise_is_no_wait_that_is_over() -> None:
    floor = Floor()
    known = [floor.apply(event) for event, _ in replay.events([row("a", 0, 5, outcome=Outcome.CALLBACK)], {})]
    assert known == [None, None]
    assert floor.line == []


@pytest.mark.parametrize("event", [Served(1.0, "x"), Left(1.0, "x"), Freed(1.0, "x")])
def test_what_is_said_of_somebody_unknown_changes_nothing(event: Event) -> None:
    floor = Floor()
    assert floor.apply(event) is None
    assert (floor.line, floor.talks) == ([], {})


def test_agents_are_counted_by_name_for_a_quarter_of_an_hour_after_they_were_seen() -> None:
    rows = [
        row("a", 0, handled=60, agent="ann"),
        row("b", 0, handled=60, agent="bob"),
        row("c", 900, 5),
        row("d", 1000),
    ]
    assert floor_at(rows, "c").seen() == 2
    assert floor_at(rows, "d").seen() == 1


def test_agents_without_a_name_are_counted_by_how_many_talked_at_once() -> None:
    rows = [row("a", 0, handled=60, agent=""), row("b", 10, handled=60, agent=""), row("c", 100, 5, agent="")]
    assert floor_at(rows, "c").seen() == 2


def test_the_line_is_the_same_as_one_sorted_anew_at_every_arrival() -> None:
    rows = crowd(600, credit=90.0)
    floor = Floor()
    inside: dict[str, float] = {}
    for event, row_ in replay.events(rows, {"vip": 90.0}):
        floor.apply(event)
        if isinstance(event, Joined):
            inside[event.call] = event.at - (90.0 if row_.priority else 0.0)
            ahead = [one.joined.call for one in floor.ahead(event.call)]
            mine = inside[event.call]
            assert ahead == sorted((call for call, score in inside.items() if score < mine), key=lambda c: inside[c])
        elif isinstance(event, Served):
            del inside[event.call]
    assert floor.line == []


def test_kinds_are_told_apart_by_queue_priority_and_type() -> None:
    assert replay.kind(row("a", 0, priority="vip", type="NE")) == Kind("q", "vip", "NE")
