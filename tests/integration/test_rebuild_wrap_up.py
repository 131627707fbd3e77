"""An agent who wraps up when the line is lost wraps up to the end, and no longer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.domain.lifecycle import AgentStatus
from callback.flows import persist
from tests.support.clock import ManualClock
from tests.support.house import StagedHouse, on_both, stage


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.called(wrap_up_s=60)
        talked(house)
        yield house


def talked(staged: StagedHouse) -> None:
    """A talk that has just ended, and is written down."""
    leg = next(iter(staged.legs.values()))
    leg.answer()
    leg.press("1")
    agent = staged.talking(leg)
    staged.wait(30)
    for word in [*leg.end(), *agent.end()]:
        staged.tell(word)
    persist.persist(staged.house)
    assert staged.status() is AgentStatus.WRAP_UP


def lost_and_filled(staged: StagedHouse) -> None:
    staged.lose_line()
    staged.pass_time(16)


@on_both
def test_they_are_rung_for_nobody_before_it_is_over(staged: StagedHouse) -> None:
    until = staged.line.agent(staged.line.agents()[0].key).wrap_until
    staged.promise("+12015550124")
    staged.wait(20)
    lost_and_filled(staged)
    assert staged.status() is AgentStatus.WRAP_UP
    assert staged.line.agents()[0].wrap_until == until
    lost_and_filled(staged)
    assert staged.line.agents()[0].wrap_until == until, "however often the line is lost"
    assert staged.unseen == 0
    staged.pass_time(10)
    assert staged.outgoing().to == "+12015550124"


def test_a_wrap_up_that_was_over_before_is_over(staged: StagedHouse) -> None:
    staged.wait(10)
    staged.available()
    persist.persist(staged.house)
    lost_and_filled(staged)
    assert staged.status() is AgentStatus.AVAILABLE


def test_a_wrap_up_that_ends_while_the_line_is_away_is_over(staged: StagedHouse) -> None:
    staged.lose_line()
    staged.wait(61)
    staged.pass_time(16)
    assert staged.status() is AgentStatus.AVAILABLE


def test_whoever_went_away_while_wrapping_up_is_away(staged: StagedHouse) -> None:
    staged.away()
    persist.persist(staged.house)
    lost_and_filled(staged)
    assert staged.status() is AgentStatus.AWAY
