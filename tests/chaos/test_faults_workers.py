"""Faults 1 to 4: processes of ours are killed between two steps of a callback, and each caller is rung once."""

import time

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import CALLS, exactly, fill, free_all, promises, rung_once, serve_all, until_asked
from tests.support.chaos.callers import heard_the_promise, reaches_the_readback, told_or_holding
from tests.support.chaos.servers import children, stopped
from tests.support.chaos.stage import Round, Stage
from tests.support.waiting import eventually


def kill_children(played: Round) -> None:
    """Every process of the pools, at once: the tasks in their hands are handed out again."""
    for name in ("worker", "worker-2"):
        played.building.kill_pool(name)


@pytest.mark.fault(1)
def test_a_web_killed_around_the_commit_of_a_sign_up_makes_exactly_one_callback(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        legs = played.each(reaches_the_readback)
        for stage, leg in zip(played.stages, legs, strict=True):
            if leg:
                stage.house.carrier.press(leg, "1")
        span = played.rng.uniform(0, 0.08)
        time.sleep(span)
        for stage in played.stages:
            stage.strike(f"{span * 1000:.0f} ms after the key")
        played.building.kill_a_web(played.rng)
        callers = dict(zip((stage.trial for stage in played.stages), legs, strict=True))
        played.each(lambda stage: comes_to_something(stage, callers[stage.trial] or ""))
        free_all(played, fillers)
        played.each(lambda stage: is_served_once(stage, callers[stage.trial] or ""))

    provoke(play)


def comes_to_something(stage: Stage, leg: str) -> None:
    """They are told that they will be rung, or they hold; never silence."""
    eventually(
        lambda: told_or_holding(stage, leg), within_s=30, every_s=0.1,
        what=f"told or on hold: {stage.house.carrier.leg(leg)}",
    )  # fmt: skip


def is_served_once(stage: Stage, leg: str) -> None:
    """On the line that they hold, or by the one callback; never both."""
    caller = stage.house.carrier.leg(leg)
    number = caller["from"]
    told = heard_the_promise(caller)
    listed = stage.house.callbacks(queue=stage.shop.key, number=number)
    if told:
        stage.case.promised[number] = frozenset({"completed"})
        stage.served(number)
        rung_once(stage, number)
    else:
        stage.house.carrier.until(leg, "bridged", timeout=40)
        assert stage.house.carrier.creations(number) == [], "nobody is rung who holds"
        stage.house.carrier.hang_up(leg)
        if listed:
            stage.case.promised[number] = frozenset({"completed", "cancelled"})
    assert len(listed) <= 1, f"{len(listed)} callbacks"
    stage.well()


@pytest.mark.fault(2)
def test_workers_killed_between_the_reservation_and_the_dial_dial_once_within_the_bound(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        promises(played)
        pids = [pid for name in ("worker", "worker-2") for pid in pool(played, name)]
        with stopped(pids):
            free_all(played, fillers)
            played.each(lambda stage: stage.shop.until(0, "reserved"))
        span = played.turn((0.0, played.rng.uniform(0, 0.2)))
        time.sleep(span)
        for stage in played.stages:
            stage.strike(f"{span * 1000:.0f} ms after the workers could see the reservation")
        played.building.kill_workers()
        played.building.revive_workers()
        serve_all(played)

    provoke(play)


def pool(played: Round, name: str) -> list[int]:
    """A worker and its processes."""
    pid = played.house.pid(name)
    return [pid, *children(pid)]


@pytest.mark.fault(3)
def test_workers_killed_before_they_know_the_call_that_the_carrier_accepted_ring_nobody_twice(
    provoke: Provoke,
) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        numbers = promises(played)
        for stage, number in zip(played.stages, numbers, strict=True):
            slow = {"hang_s": 4, "when": "after", "times": 1, "form": {"To": exactly(number)}}
            stage.fault(side="rest", method="POST", url=CALLS, **slow)
        free_all(played, fillers)
        until_asked(played, numbers)
        time.sleep(played.rng.uniform(0, 1.5))
        for stage in played.stages:
            stage.strike("while the carrier's answer was on its way")
        played.building.kill_workers()
        played.building.revive_workers()
        serve_all(played)

    provoke(play)


@pytest.mark.fault(4)
def test_processes_killed_after_the_outcome_and_before_the_ack_change_nothing_when_it_is_done_again(
    provoke: Provoke,
) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        numbers = promises(played)
        free_all(played, fillers)
        until_asked(played, numbers, every_s=0.01)
        if played.turn((True, False)):
            point = "while the record took the outcome"
            with played.building.postgres.frozen():
                time.sleep(played.rng.uniform(0, 0.4))
                kill_children(played)
        else:
            span = played.rng.uniform(0, 0.3)
            point = f"{span * 1000:.0f} ms after the carrier was asked"
            time.sleep(span)
            kill_children(played)
        for stage in played.stages:
            stage.strike(point)
        serve_all(played)

    provoke(play)
