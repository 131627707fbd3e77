"""The eight estimators of the field, by hand."""

import pytest

from callback.domain.floor import Floor, Joined
from callback.lab import baselines, replay
from callback.lab.trace import Outcome, Row
from tests.support.traffic import row


def at(rows: list[Row], call: str) -> dict[str, float]:
    """What the field says when this call has just joined."""
    floor = Floor()
    field = baselines.Field(floor)
    for event, there in replay.events(rows, {}):
        field.see(floor.apply(event))
        if isinstance(event, Joined) and event.call == call:
            return field.predict(call, there.queue)
    raise AssertionError(call)


PAST = [row(f"p{number}", number * 100.0, waited=number * 4.0, handled=80, agent="ann") for number in range(12)]
"""Twelve callers who waited 0, 4 … 44 seconds, and talked 80 seconds each."""
NOW = [
    row("t1", 1300, handled=300, agent="ann"),
    row("t2", 1310, handled=300, agent="bob"),
    row("w1", 1320, waited=280),
    row("w2", 1350, waited=250),
    row("me", 1360, waited=300),
]


def test_every_formula_gives_what_it_says() -> None:
    said = at([*PAST, *NOW], "me")
    assert tuple(said) == baselines.NAMES
    assert said["ql"] == pytest.approx(3 * 80 / 2)
    assert said["hol"] == 40
    assert said["les"] == 0
    assert said["last10"] == pytest.approx(sum(number * 4 for number in range(4, 12)) / 10)
    assert said["cisco"] == pytest.approx(3 * 80 / 2)
    assert said["genesys"] == pytest.approx(80 * 2 / 2)


def test_asterisk_keeps_whole_seconds_and_a_quarter_of_the_new() -> None:
    hold = 0
    for waited in (0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 0, 0):
        hold = (3 * hold + waited) // 4
    assert at([*PAST, *NOW], "me")["asterisk"] == hold


def test_impatience_ahead_shortens_qlm_below_ql() -> None:
    gone = [row(f"g{number}", 1100 + number, waited=10, outcome=Outcome.ABANDONED) for number in range(8)]
    said = at([*PAST, *gone, *NOW], "me")
    theta = 8 / (sum(number * 4 for number in range(12)) + 80)
    assert said["qlm"] == pytest.approx(sum(1 / (2 / 80 + i * theta) for i in range(3)))
    assert said["qlm"] < said["ql"]


def test_without_a_past_there_is_still_a_number() -> None:
    said = at([row("me", 0, waited=9)], "me")
    assert said["genesys"] == 0
    assert said["ql"] == baselines.PRIOR_TALK_S
    assert all(number >= 0 for number in said.values())


def test_other_queues_do_not_count() -> None:
    others = [row("x1", 1301, 50, queue="other"), row("x2", 1302, handled=500, queue="other", agent="cy")]
    assert at(sorted([*PAST, *NOW, *others], key=lambda one: one.at), "me") == at([*PAST, *NOW], "me")
