"""The configuration of the record and that of the line: one never takes back what another has just published."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from callback.domain.callback import Agent, Served
from callback.domain.errors import Stale
from callback.domain.ids import AgentKey, QueueKey
from callback.flows import configure, stand_again
from callback.ports import House
from tests.support.house import SUPPORT, StagedHouse, on_both

HOURS = {"timezone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "18:00"]]}, "holidays": "CN", "closed_dates": []}


class Slow:
    """A line to which somebody else publishes just before we do, so many times."""

    def __init__(self, staged: StagedHouse, times: int) -> None:
        self.staged, self.times = staged, times

    def __getattr__(self, name: str) -> object:
        return getattr(self.staged.house.line, name)

    def configure(self, *configuration: object, **how: object) -> object:
        if self.times:
            self.times -= 1
            hire(self.staged.house, f"late{self.times}")
        return self.staged.house.line.configure(*configuration, **how)  # type: ignore[arg-type]


def hire(house: House, key: str) -> Agent:
    """An agent of support."""
    serves = [Served(QueueKey(SUPPORT), 1)]
    return configure.put_agent(house, AgentKey(key), name=key, contact=f"client:{key}", queues=serves, by="test")


def published(staged: StagedHouse) -> set[str]:
    """The agents whom the line knows."""
    return {agent.key for agent in staged.line.configuration()[2]}


@pytest.mark.parametrize("times", [1, 3])
def test_who_was_overtaken_while_publishing_does_not_take_the_others_change_back(
    staged: StagedHouse, times: int
) -> None:
    staged.queue()
    hire(replace(staged.house, line=Slow(staged, times)), "ann")  # type: ignore[arg-type]
    assert published(staged) == {"ann", *(f"late{number}" for number in range(times))}


def test_who_is_overtaken_again_and_again_gives_up_with_what_was_saved_kept(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configure, "TRIES", 2)
    staged.queue()
    with pytest.raises(Stale, match="in force within seconds"):
        hire(replace(staged.house, line=Slow(staged, 2)), "ann")  # type: ignore[arg-type]
    stand_again.stand_again(staged.house)
    assert published(staged) == {"ann", "late0", "late1"}


@on_both
def test_of_many_who_change_something_at_once_nobodys_change_is_lost(staged: StagedHouse) -> None:
    staged.queue()
    keys = {f"agent{number}" for number in range(12)}
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda key: hire(staged.house, key), keys))
    assert published(staged) == keys


@on_both
def test_what_was_saved_and_never_published_is_in_force_after_a_look_and_published_once(staged: StagedHouse) -> None:
    staged.queue(hours=HOURS, priority_credit_s={"vip": 90}, quiet_hours=["21:00", "09:00"], allowed_countries=["US"])
    staged.agent("ann", ("support", 2))
    with staged.sql.begin() as work:
        work.put_agent(Agent(AgentKey("bob"), "Bob", "client:bob", (Served(SUPPORT, 1),)), staged.clock.now())
    before, *_ = staged.line.configuration()
    assert published(staged) == {"ann"}
    stand_again.stand_again(staged.house)
    assert published(staged) == {"ann", "bob"}
    after, *_ = staged.line.configuration()
    stand_again.stand_again(staged.house)
    assert (after, staged.line.configuration()[0]) == (before + 1, after)
