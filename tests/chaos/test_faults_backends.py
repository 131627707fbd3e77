"""Faults 5 to 9: Redis is emptied, away or old, the database is restarted or away, while people wait and ring."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.chaos.conftest import Provoke, trials
from tests.support.chaos.acts import fill, free_all, promises
from tests.support.chaos.callers import all_are_served, reaches_the_readback, rings_or_signs_up
from tests.support.chaos.oracle import went_backwards
from tests.support.chaos.stage import Round, Stage
from tests.support.installation import Refused
from tests.support.people import TALKS
from tests.support.waiting import eventually

CROWD = 40
"""So many wait in each of five shops when Redis is emptied."""
LONG_S = 60.0
"""How long Redis is away."""


def places(stage: Stage) -> dict[str, int]:
    """Who stands where, by number. Raises Refused or OSError while it cannot be told."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = stage.house.api("GET", f"/callbacks?queue={stage.shop.key}&state=waiting&limit=200{more}")
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return {item["number"]: item["position"] for item in items}


def readable(stage: Stage) -> dict[str, int]:
    """The same, {} while nobody can tell."""
    try:
        return places(stage)
    except (Refused, OSError):
        return {}


@pytest.mark.fault(5)
def test_a_redis_emptied_with_hundreds_waiting_has_the_same_positions_again(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        played.each(crowd)
        for stage in played.stages:
            before = {shop.trial: places(shop) for shop in played.stages}
            time.sleep(played.rng.uniform(0, 2))
            stage.strike(f"{sum(len(waiting) for waiting in before.values())} waiting")
            played.building.redis.command("FLUSHALL")
            played.each(lambda shop, told=before: stands_again(shop, told[shop.trial]))  # type: ignore[misc]
            stage.well()
        free_all(played, fillers)
        played.each(the_first_is_served_first)

    provoke(play)


def crowd(stage: Stage) -> None:
    """Many are promised a callback, one after the other."""
    for _ in range(CROWD):
        number = stage.house.new_number()
        stage.house.carrier.person(number, script=TALKS)
        stage.ask(number)
        stage.case.promised[number] = frozenset({"completed", "cancelled"})


def stands_again(stage: Stage, before: dict[str, int]) -> None:
    """Everybody has their position again; until then it is not known, and never a wrong one."""

    def same() -> bool:
        now = readable(stage)
        told = {number: place for number, place in now.items() if place is not None}
        wrong = {number: place for number, place in told.items() if place != before.get(number, place)}
        assert not wrong, f"told {wrong}, not {[before[number] for number in wrong]}"
        return told == before

    eventually(same, within_s=45, every_s=0.1, what="everybody stands where they stood")


def the_first_is_served_first(stage: Stage) -> None:
    """The next who is rung is the first in line; the others change their minds."""
    first = min(stage.case.promised, key=list(stage.case.promised).index)
    stage.talking(first)
    for number in list(stage.case.promised)[1:]:
        stage.cancel(number)
    stage.rings_off(first)
    assert stage.house.carrier.creations(*stage.case.promised)[0] == first


@pytest.mark.chaos
@pytest.mark.fault(6)
def test_redis_away_loses_no_sign_up_and_everything_goes_on_unaided(provoke: Provoke) -> None:
    span = LONG_S if trials() >= 20 else 6.0

    def play(played: Round) -> None:
        redis = played.building.redis
        outlast(played, played.turn((redis.frozen, redis.away), 10), "Redis", span)

    provoke(play, together=10)


@pytest.mark.fault(9)
def test_a_database_away_when_a_call_arrives_promises_nothing_and_lets_nobody_fall(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        postgres = played.building.postgres
        how = played.turn((postgres.frozen, postgres.away))
        outlast(played, how, "the database", played.rng.uniform(3, 10))

    provoke(play)


def outlast(played: Round, how: Callable[[], AbstractContextManager[None]], what: str, span_s: float) -> None:
    """While a backend is away some sign up, some arrive; afterwards all are served, as they were told."""
    played.open()
    fillers = played.each(fill)
    promises(played)
    legs = played.each(reaches_the_readback)
    point = f"{what} {'frozen' if how.__name__ == 'frozen' else 'refusing'} for {span_s:.0f} s"
    with how():
        gone = time.monotonic() + span_s
        callers = played.each(lambda stage: rings_or_signs_up(stage, legs[stage.trial - played.trials.start], point))
        time.sleep(max(0.0, gone - time.monotonic()))
    back = time.time()
    for stage in played.stages:
        stage.struck_at = back
    free_all(played, fillers)
    played.each(lambda stage: all_are_served(stage, callers[stage.trial - played.trials.start] or []))


@pytest.mark.fault(7)
def test_a_redis_restored_from_an_older_dump_rings_neither_the_cancelled_nor_the_served(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        people = played.each(lambda stage: [stage.promise(by="api") for _ in range(4)])
        time.sleep(played.rng.uniform(0, 2))
        kept = played.building.redis.copy(f"{played.trials.start}")
        free_all(played, fillers)
        held = played.each(lambda stage: lives_on(stage, people[stage.trial - played.trials.start] or []))
        before = played.each(places)
        time.sleep(played.rng.uniform(0, 2))
        for stage in played.stages:
            stage.strike("a dump from before some were served, some cancelled and some joined")
        played.building.redis.go_back(kept)
        played.each(lambda stage: comes_back(stage, before[stage.trial - played.trials.start] or {}))
        free_all(played, held)
        serve_the_rest(played, people)

    provoke(play)


def lives_on(stage: Stage, people: list[str]) -> str:
    """The second cancels, the first is served, the third talks, and one more joins. Gives the talker's leg."""
    assert stage.cancel(people[1])
    stage.served(people[0])
    leg = stage.talking(people[2])
    stage.promise(by="api")
    return leg


def comes_back(stage: Stage, before: dict[str, int]) -> None:
    """Nobody who waited stands further back."""
    eventually(lambda: readable(stage).keys() == before.keys(), within_s=45, every_s=0.2, what="the same people wait")

    def right() -> bool:
        return not went_backwards(before, {**readable(stage)})

    eventually(right, within_s=30, every_s=0.2, what=f"nobody is further back than {before}")
    stage.well()


def serve_the_rest(played: Round, people: list[list[str] | None]) -> None:
    """Those who still wait are rung, once; the served and the cancelled never again."""

    def one(stage: Stage) -> None:
        _, cancelled, talking, _ = people[stage.trial - played.trials.start] or []
        stage.shop.in_state(talking, "completed", within_s=40)
        for number in list(stage.case.promised)[3:]:
            stage.served(number)
        for number in stage.case.promised:
            asked = stage.house.carrier.creations(number)
            assert asked == ([] if number == cancelled else [number]), f"{number} was asked for {len(asked)} times"

    played.each(one)


@pytest.mark.fault(8)
def test_a_database_restarted_in_mid_transition_again_and_again_loses_nothing(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        played.each(lambda stage: [stage.promise() for _ in range(2)])
        free_all(played, fillers)
        for stage in played.stages:
            span = stage.random_pause(0.1, 1.2)
            stage.strike(f"{span:.2f} s after the one before")
            played.building.postgres.restart()
        played.each(lambda stage: all_are_served(stage, []))

    provoke(play, least=50 if trials() >= 20 else 1)
