"""The process ends after each step in turn, at every place of a caller's journey: what is left mends itself.

A journey is run once whole to learn its steps, then once for each of them with the process ending right after it. The
carrier does what it would: it asks again for a document it did not get, and people answer, talk and hang up. After a
few minutes of sweeping everybody has been served exactly once, and nobody is held back.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from callback.domain.ids import AgentKey
from callback.domain.lifecycle import ENDS, AgentStatus, State
from callback.flows import cancel, presence
from tests.support.clock import ManualClock
from tests.support.house import BASE, StagedHouse, stage
from tests.support.legs import Leg, Word
from tests.support.steps import Killed
from tests.support.town import Town

OTHER = "+12015550199"
SETTLED_S = 120
"""Several bounds: whatever was lost in between has been found, and rung once more."""
Part = Callable[[StagedHouse], Callable[[], object]]
"""Prepares a house, and gives the step of the journey in which the process ends."""


KNOBS = {"lease_s": 3, "carrier_queue_s": 5, "reconcile_margin_s": 2}
Houses = Callable[[], AbstractContextManager[StagedHouse]]


@pytest.fixture
def houses(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Houses:
    """One new house after the other."""
    numbers = count(1)

    @contextmanager
    def another() -> Iterator[StagedHouse]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with stage(request, redis_url, folder, clock, **KNOBS) as staged:
            staged.redis.flushall()
            yield staged

    return another


# --- the parts of a journey -----------------------------------------------------------------------------------------


def ready(staged: StagedHouse, **policy: Any) -> None:
    brisk = {"retry_delays_s": [1], "wrap_up_s": 1, "ring_timeout_s": 5, "cut_off_s": 0}
    staged.queue(**{**brisk, **policy})
    staged.agent(free=False)


def taking_the_offer(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    leg = staged.ring_in()
    leg.press("1")
    return lambda: leg.press("1")


def becoming_free(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    staged.promise()
    return staged.available


def dialling(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    staged.promise()
    staged.available()
    return staged.work


def rung(staged: StagedHouse) -> Leg:
    ready(staged)
    staged.promise()
    staged.available()
    staged.work()
    return staged.outgoing()


def answering(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    return leg.answer


def pressing_one(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    leg.answer()
    return lambda: leg.press("1")


def bridging(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    leg.answer()
    leg.press("1")
    agent = leg.agent()
    agent.pick_up()
    return lambda: agent.press("1")


def ending_a_talk(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    leg.answer()
    leg.press("1")
    agent = staged.talking(leg)
    staged.wait(60)
    return all_told(staged, [*leg.end(), *agent.end()])


def all_told(staged: StagedHouse, words: list[Word]) -> Callable[[], object]:
    """The carrier reports, and goes on where it was cut off."""

    def tell() -> None:
        while words:
            staged.tell(words[0])
            words.pop(0)

    return tell


def not_answering(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    return lambda: leg.fails("no-answer")


def pressing_later(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    leg.answer()
    return lambda: leg.press("2")


def ringing_in(staged: StagedHouse) -> Callable[[], object]:
    """While their own phone rings for us."""
    rung(staged).ring()
    leg = staged.ring_in()
    return lambda: leg.press("2")


def missing_the_agent(staged: StagedHouse) -> Callable[[], object]:
    leg = rung(staged)
    leg.ring()
    leg.answer()
    leg.press("1")
    staged.agent("bea")
    return lambda: leg.dial_ends("no-answer")


def sweeping(staged: StagedHouse) -> Callable[[], object]:
    rung(staged).fails("no-answer")
    staged.wait(2)
    return staged.sweep


def arriving(staged: StagedHouse) -> Callable[[], object]:
    """While an agent is free."""
    ready(staged)
    staged.available()
    leg = staged.arriving()
    return lambda: leg.ask(f"{BASE}/voice/incoming?queue=support")


def fetching_from_hold(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    staged.holding()
    staged.available()
    return staged.work


def bridging_live(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    staged.available()
    agent = staged.ring_in().agent()
    agent.pick_up()
    return lambda: agent.press("1")


def leaving_the_line(staged: StagedHouse) -> Callable[[], object]:
    ready(staged)
    leg = staged.holding()
    return all_told(staged, leg.end())


def ringing_the_agent_first(staged: StagedHouse) -> Callable[[], object]:
    ready(staged, dial_mode="agent_first")
    staged.promise()
    staged.available()
    return staged.work


def agent_in_the_conference(staged: StagedHouse) -> Leg:
    ringing_the_agent_first(staged)()
    agent = staged.outgoing()
    agent.ring()
    agent.answer()
    return agent


def agent_pressing_one_first(staged: StagedHouse) -> Callable[[], object]:
    agent = agent_in_the_conference(staged)
    return lambda: agent.press("1")


def dialling_second(staged: StagedHouse) -> Callable[[], object]:
    agent_in_the_conference(staged).press("1")
    return staged.work


def joining_the_conference(staged: StagedHouse) -> Callable[[], object]:
    dialling_second(staged)()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    return lambda: leg.press("1")


def missing_the_first_ring(staged: StagedHouse) -> Callable[[], object]:
    ringing_the_agent_first(staged)()
    agent = staged.outgoing()
    return lambda: agent.fails("no-answer")


def ringing_ahead(staged: StagedHouse) -> Callable[[], object]:
    """While the only agent wraps up."""
    ready(staged, dial_mode="dial_ahead", wrap_up_s=8)
    staged.available()
    live = staged.ring_in(OTHER)
    agent = staged.talking(live)
    staged.wait(60)
    for word in [*live.end(), *agent.end()]:
        staged.tell(word)
    staged.promise()
    staged.wait(4)
    return staged.sweep


def pressing_one_early(staged: StagedHouse) -> Callable[[], object]:
    ringing_ahead(staged)()
    leg = staged.outgoing()
    leg.ring()
    leg.answer()
    return lambda: leg.press("1")


PARTS: list[Part] = [
    ringing_ahead,
    pressing_one_early,
    arriving,
    fetching_from_hold,
    bridging_live,
    leaving_the_line,
    ringing_the_agent_first,
    agent_pressing_one_first,
    dialling_second,
    joining_the_conference,
    missing_the_first_ring,
    taking_the_offer,
    becoming_free,
    dialling,
    answering,
    pressing_one,
    bridging,
    ending_a_talk,
    not_answering,
    pressing_later,
    ringing_in,
    missing_the_agent,
    sweeping,
]


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS, ids=[part.__name__ for part in PARTS])
def test_a_process_that_ends_after_any_step_leaves_everybody_served_once(houses: Houses, part: Part) -> None:
    with houses() as staged:
        act = part(staged)
        staged.steps.restart()
        act()
        steps = list(staged.steps.done)
        settle(staged, f"{part.__name__}, whole")
    assert steps
    for number, step in enumerate(steps, 1):
        with houses() as staged:
            act = part(staged)
            staged.steps.restart(kill_after=number)
            with pytest.raises(Killed):
                act()
            staged.steps.restart()
            staged.clock.advance(2.5)
            again(act)
            settle(staged, f"{part.__name__}, ended after step {number}: {step}")


def again(act: Callable[[], object]) -> None:
    """The carrier asks once more for what it did not get, where that can still be asked for."""
    with contextlib.suppress(AssertionError):
        act()


def settle(staged: StagedHouse, when: str) -> None:
    town = Town(staged, talk_s=2)
    staged.follow()
    town.live(2)
    if [callback.state for callback in staged.callbacks()] == [State.SCHEDULED]:
        staged.clock.advance(30 * 60)
    staged.available()
    town.live(SETTLED_S, until=lambda: at_rest(staged))
    for callback in staged.callbacks():
        assert callback.state is State.COMPLETED, f"{when}: {callback.state}, {staged.path(callback.id)}"
    assert at_rest(staged), f"{when}: {staged.status()}, {staged.order()}, {staged.legs}"
    assert sum(town.talks.values()) <= 1, when
    assert len(staged.callbacks()) <= 1, when


def at_rest(staged: StagedHouse) -> bool:
    """Nobody waits, talks, rings or is kept."""
    return (
        all(callback.state in ENDS for callback in staged.callbacks())
        and staged.order() == []
        and not staged.unseen
        and not any(leg.up for leg in staged.legs.values())
        and staged.status() in (AgentStatus.AVAILABLE, AgentStatus.AWAY)
    )


# --- a cancel that was acknowledged ---------------------------------------------------------------------------------


def test_after_an_acknowledged_cancel_nobody_talks_at_whatever_step_it_came(houses: Houses) -> None:
    """Between any two steps of ringing, answering and connecting, somebody cancels by the status page."""
    with houses() as staged:
        steps = whole_call(staged, at=0)
    assert len(steps) > 8
    for number, step in enumerate(steps, 1):
        with houses() as staged:
            whole_call(staged, at=number)
            staged.work()
            town = Town(staged, talk_s=2)
            town.live(20, until=lambda: at_rest(staged))
            town.live(3)
            when = f"cancelled after step {number}: {step}"
            (callback,) = staged.callbacks()
            assert callback.state is State.CANCELLED, when
            assert "bridged" not in staged.path(callback.id), when
            assert not town.talks, when
            assert at_rest(staged), when


def whole_call(staged: StagedHouse, *, at: int) -> list[str]:
    """Rung, answered, connected up to the whisper; cancelled after the step `at` (0: never)."""
    ready(staged)
    callback = staged.promise()
    staged.steps.restart()
    cancelled = False

    def beside(_: str) -> None:
        nonlocal cancelled
        if len(staged.steps.done) == at:
            cancelled = True
            cancel.cancel(staged.house, callback.id, reason="changed my mind", cause="test")

    staged.steps.between = beside
    for act in journey(staged):
        if cancelled:
            break
        act()
    staged.steps.between = None
    return list(staged.steps.done)


def journey(staged: StagedHouse) -> Iterator[Callable[[], object]]:
    yield lambda: presence.set_presence(staged.house, AgentKey("ann"), AgentStatus.AVAILABLE)
    yield staged.work
    if staged.unseen:
        leg = staged.outgoing()
        yield leg.ring
        yield leg.answer
        yield lambda: leg.press("1")
        if leg.dial is not None:
            yield leg.agent().pick_up


def test_a_town_in_which_nothing_goes_wrong_is_served_in_order_with_one_call_each(houses: Houses) -> None:
    with houses() as staged:
        ready(staged, wrap_up_s=0)
        numbers = [f"+120155502{number:02d}" for number in range(4)]
        for number in numbers:
            staged.promise(number)
            staged.wait(1)
        staged.available()
        town = Town(staged, talk_s=2)
        town.live(60)
        assert list(town.talks) == numbers
        assert set(town.rung.values()) == {1}
