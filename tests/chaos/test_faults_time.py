"""Faults 16 and 22: a worker whose clock is wrong, the nights on which clocks change, and closing time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import rung_once
from tests.support.chaos.building import Building
from tests.support.chaos.stage import Round, Stage
from tests.support.chaos.wrong_clock import Dial, off_by
from tests.support.people import TALKS
from tests.support.redis_server import valkey_binary

OFF_S = (-600.0, 600.0)
EARLY_S = 0.3
"""The clocks that are right agree within this."""
BERLIN = ZoneInfo("Europe/Berlin")
AGREED_S = 8.0
"""Every process has asked for the time again within 5 s, and given a sign of life by the new one within 2 s more."""
NIGHTS = {
    "the hour that is left out": datetime(2027, 3, 28, 0, 40, tzinfo=UTC),
    "the hour that comes twice": datetime(2027, 10, 30, 23, 40, tzinfo=UTC),
}
"""Some minutes before people in Berlin turn their clocks, always at 01:00 UTC."""
OPEN = {"timezone": "Europe/Berlin", "weekly": {"sun": [["00:30", "05:00"]], "mon": [["09:00", "18:00"]]}}
STEP = timedelta(minutes=30)
STEPS = 4


@pytest.mark.chaos
@pytest.mark.fault(16)
def test_a_worker_whose_clock_is_ten_minutes_off_does_nothing_early_and_steals_nothing(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        house = played.house
        off, alone = played.turn([(off, alone) for off in OFF_S for alone in (True, False)])
        played.building.kill_workers()
        house.surroundings["worker-2"] = off_by(off)
        house.start_process("worker-2")
        if not alone:
            house.start_process("worker")
        try:
            played.open(retry_delays_s=[6])
            point = f"{off:+.0f} s, {'alone' if alone else 'beside one that is right'}"
            played.each(lambda stage: nothing_early(stage, point))
        finally:
            house.surroundings.clear()
            if alone:
                house.start_process("worker")
            played.building.kill("worker-2")
            house.start_process("worker-2")

    provoke(play)


def nothing_early(stage: Stage, point: str) -> None:
    """One is rung at the time they asked for, one is rung again after the pause, and a talk goes on meanwhile."""
    carrier = stage.house.carrier
    wanted = time.time() + stage.rng.uniform(5, 9)
    at = datetime.fromtimestamp(wanted, UTC).isoformat()
    ada, bob = stage.house.new_number(), stage.house.new_number()
    carrier.person(ada, script=TALKS)
    carrier.do("POST", "endpoints", {"address": bob, "behaviours": [{"answer": "busy"}, {"script": TALKS}]})
    for number in (ada, bob):
        stage.case.promised[number] = frozenset({"completed"})
    stage.strike(point)
    stage.ask(bob)
    stage.ask(ada, requested_for=at)
    stage.shop.in_state(bob, "waiting")
    stage.served_in_turn(ada, bob)
    stage.well()
    asked = [(when, to) for when, to in creations(stage) if to in {ada, bob}]
    early = [when for when, to in asked if to == ada and when < wanted - EARLY_S]
    assert not early, f"rung {wanted - early[0]:.1f} s before the time they asked for"
    first, second = [when for when, to in asked if to == bob]
    assert second - first >= 6 - EARLY_S, f"rung again after {second - first:.1f} s already"
    rung_once(stage, ada)


def creations(stage: Stage) -> list[tuple[float, str]]:
    """When the carrier was asked to ring whom."""
    asked = [entry for entry in stage.house.carrier.ledger("rest") if entry["path"].endswith("/Calls.json")]
    return [
        (datetime.fromisoformat(entry["at"]).timestamp(), entry["form"]["To"])
        for entry in asked
        if entry["method"] == "POST"
    ]


# --- the nights on which clocks change -------------------------------------------------------------------------------


@pytest.fixture
def dial(tmp_path_factory: pytest.TempPathFactory) -> Dial:
    """The clock of the whole house."""
    return Dial(tmp_path_factory.mktemp("dial"))


@pytest.fixture
def timed(tmp_path_factory: pytest.TempPathFactory, dial: Dial) -> Iterator[Building]:
    """A building that goes by that clock."""
    found = Building(tmp_path_factory.mktemp("timed"), redis=dial.program(valkey_binary()))
    yield found
    found.close()


@pytest.mark.chaos
@pytest.mark.fault(22)
def test_on_the_night_clocks_change_everybody_is_rung_once_at_the_time_they_asked_for(
    provoke: Provoke, dial: Dial, timed: Building
) -> None:
    def play(played: Round) -> None:
        night = played.turn(list(NIGHTS), 10)
        start = NIGHTS[night]
        turn(played, dial, start)
        played.open(agents=2, hours=OPEN, closing_guard=False)
        wanted = played.each(lambda stage: asks_for_times(stage, night, start))
        for at in range(1, STEPS + 1):
            turn(played, dial, start + at * STEP)
            played.each(lambda stage: serves_who_is_due(stage, dial, wanted[stage.trial - played.trials.start] or {}))
        played.each(misses_closing_time)
        turn(played, dial, closing(night) + timedelta(minutes=5))
        played.each(nobody_is_lost_when_closed)
        turn(played, dial, closing(night) + timedelta(hours=28, minutes=5))
        played.each(rung_at_the_next_opening)

    provoke(play, together=10, at=timed)


def turn(played: Round, dial: Dial, moment: datetime) -> None:
    """It is that moment for everybody, and the house has found its feet: a leap looks like an outage at first."""
    dial.turn_to(moment)
    time.sleep(AGREED_S)
    played.building.until_well()


def asks_for_times(stage: Stage, night: str, start: datetime) -> dict[str, datetime]:
    """Three who ask for times around the change."""
    wanted = {}
    for _ in range(3):
        number = stage.house.new_number()
        stage.house.carrier.person(number, script=TALKS)
        wanted[number] = start + timedelta(minutes=stage.rng.uniform(10, 110))
        stage.ask(number, requested_for=wanted[number].isoformat())
        stage.case.promised[number] = frozenset({"completed"})
    local = ", ".join(f"{at.astimezone(BERLIN):%H:%M %Z}" for at in wanted.values())
    stage.strike(f"{night}: {local}")
    return wanted


def serves_who_is_due(stage: Stage, dial: Dial, wanted: dict[str, datetime]) -> None:
    """Whoever's time has come is rung, once; nobody else is. Three may be due for two agents: whoever asked for the
    earliest time is among those who talk first, and rings off first."""
    now = datetime.now(UTC) + timedelta(seconds=dial.seconds)
    due = sorted((number for number, at in wanted.items() if at <= now), key=lambda number: wanted[number])
    for number in due:
        if stage.shop.callback(number)["state"] != "completed":
            stage.served(number)
        rung_once(stage, number)
    later = [number for number, at in wanted.items() if at > now + timedelta(minutes=1)]
    assert stage.house.carrier.creations(*later) == [], "rung before the time they asked for"


def misses_closing_time(stage: Stage) -> None:
    """One is promised a callback shortly before closing, while nobody is free."""
    for agent in stage.shop.agents:
        stage.house.presence(agent, "away")
    stage.promise(by="api")


def closing(night: str) -> datetime:
    """05:00 in Berlin, after the change."""
    return NIGHTS[night].astimezone(BERLIN).replace(hour=5, minute=0, day=28 if "left out" in night else 31)


def nobody_is_lost_when_closed(stage: Stage) -> None:
    """Nobody has come back to work before closing: the promise stands."""
    number = list(stage.case.promised)[-1]
    assert stage.house.carrier.creations(number) == []
    assert stage.shop.callback(number)["state"] in {"waiting", "scheduled"}


def rung_at_the_next_opening(stage: Stage) -> None:
    """Somebody is there again: once."""
    for agent in stage.shop.agents:
        stage.house.presence(agent, "available")
    number = list(stage.case.promised)[-1]
    stage.served(number)
    rung_once(stage, number)
    stage.well()
