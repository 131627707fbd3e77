"""A whole run of simulated people: how it is described, bounded, told and ended."""

import asyncio
import inspect
import io
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from callback.emulator import people
from callback.emulator.people import Crowd, PeopleConfig, config_from, json_lines
from callback.emulator.persons import Figures
from callback.emulator.scene import Field
from callback.emulator.staff import Habits, Seat
from tests.support.telephone import FakeExchange, FakeLeg, VirtualClock, in_virtual_time

NUMBER = "+12025550100"
EMULATOR = str(Path(people.__file__).parent)
DOCUMENT: dict[str, object] = {
    "product_url": "http://127.0.0.1:8000",
    "api_token": "secret",
    "queue_numbers": [NUMBER],
    "agents": [{"key": "ada", "contact": "sip:ada@desk"}, {"key": "bob", "contact": "+12025550111", "name": "Bobby"}],
}


async def _holding_forever(leg: FakeLeg) -> None:
    leg.play("music")
    await leg.ended.wait()


def _run(
    story: Callable[[VirtualClock, FakeExchange, PeopleConfig], Awaitable[None]], **settings: Any
) -> list[tuple[str, dict[str, Field]]]:
    """Run a story with a product that holds everybody for ever; gives what was narrated."""
    told: list[tuple[str, dict[str, Field]]] = []

    def narrate(event: str, /, **fields: Field) -> None:
        told.append((event, fields))

    async def presence(_request: web.Request) -> web.Response:
        return web.json_response({})

    async def run(clock: VirtualClock) -> None:
        app = web.Application()
        app.router.add_post("/api/v1/agents/{key}/presence", presence)
        async with TestServer(app, host="127.0.0.1") as server:
            config = config_from({**DOCUMENT, "product_url": str(server.make_url("/")), **settings}, narrate)
            await story(clock, FakeExchange(clock, _holding_forever), config)

    in_virtual_time(run)
    return told


def test_a_run_is_described_by_a_json_object() -> None:
    given = {**DOCUMENT, "seed": 7, "scenario": "burst", "figures": {"talk_s": 60}, "habits": {"miss_ring": 0}}
    config = config_from(given)
    assert config.agents == (Seat("ada", "sip:ada@desk"), Seat("bob", "+12025550111", "Bobby"))
    assert [seat.called for seat in config.agents] == ["Ada", "Bobby"]
    assert (config.seed, config.scenario, config.queue_numbers) == (7, "burst", (NUMBER,))
    assert (config.figures, config.habits) == (Figures(talk_s=60), Habits(miss_ring=0))
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"speed": 10}, "unknown fields for simulated people: speed"),
        ({"agents": []}, "at least one number to ring and one agent"),
        ({"queue_numbers": []}, "at least one number to ring and one agent"),
        ({"scenario": "calm"}, "scenario 'calm' is none of steady, demo, burst"),
        ({"max_callers": 0}, "max_callers must be at least 1"),
        ({"agents": [{"name": "Ada"}]}, "badly described"),
        ({"figures": {"charm": 1}}, "badly described"),
    ],
)
def test_a_mistake_in_the_description_is_named(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        config_from({**DOCUMENT, **change})


def test_a_missing_part_of_the_description_is_named() -> None:
    with pytest.raises(ValueError, match="agents"):
        config_from({key: value for key, value in DOCUMENT.items() if key != "agents"})


def test_the_story_is_one_json_object_a_line() -> None:
    feed = io.StringIO()
    narrate = json_lines(feed, now=lambda: 1700000000.1234)
    narrate("rings", who="王芳", lead=True)
    narrate("hangs up", who="Ruth", link=None)
    lines = feed.getvalue().splitlines()
    assert "王芳" in lines[0]
    assert [json.loads(line) for line in lines] == [
        {"at": 1700000000.123, "event": "rings", "who": "王芳", "lead": True},
        {"at": 1700000000.123, "event": "hangs up", "who": "Ruth", "link": None},
    ]


def test_no_more_callers_live_at_a_time_than_allowed_and_others_follow_as_they_leave() -> None:
    most, rung = 0, 0

    async def story(clock: VirtualClock, exchange: FakeExchange, config: PeopleConfig) -> None:
        nonlocal most, rung
        life = people.start(exchange, config)
        for _ in range(300):
            await clock.sleep(60)
            most = max(most, sum(not leg.ended.is_set() for leg in exchange.legs))
        rung = len(exchange.legs)
        life.cancel()

    _run(story, scenario="steady", max_callers=4)
    assert most == 4
    assert rung > 40


def test_the_same_seed_brings_the_same_callers_and_another_seed_others() -> None:
    def callers(seed: int) -> list[tuple[str, str]]:
        rung: list[tuple[str, str]] = []

        async def story(clock: VirtualClock, exchange: FakeExchange, config: PeopleConfig) -> None:
            life = people.start(exchange, config)
            await clock.sleep(5000)
            life.cancel()
            rung.extend((leg.from_, leg.params.get("CallerName", "")) for leg in exchange.legs[:15])

        _run(story, scenario="steady", seed=seed)
        return rung

    first = callers(3)
    assert len(first) == 15
    assert callers(3) == first
    assert callers(4) != first


def test_the_demo_occupies_every_agent_before_it_lets_the_leads_ring() -> None:
    async def story(clock: VirtualClock, exchange: FakeExchange, config: PeopleConfig) -> None:
        life = people.start(exchange, config)
        await clock.sleep(600)
        life.cancel()

    told = _run(story)
    rings = [fields for event, fields in told if event == "rings"]
    leads = [number for number, fields in enumerate(rings) if fields["lead"]]
    assert [rings[number]["who"] for number in leads] == ["Maria Lopez", "Wang Fang"]
    assert leads[0] >= 2 + 1
    assert rings[leads[1]]["language"] == "zh"


def test_cancelling_the_run_ends_everybody_and_leaves_no_task() -> None:
    def alive() -> set[str]:
        tasks = (task.get_coro() for task in asyncio.all_tasks())
        return {
            task.__qualname__ for task in tasks if inspect.iscoroutine(task) and EMULATOR in task.cr_code.co_filename
        }

    async def story(clock: VirtualClock, exchange: FakeExchange, config: PeopleConfig) -> None:
        life = people.start(exchange, config)
        await clock.sleep(2000)
        assert {"Caller.live", "Agent.work"} <= alive()
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        assert life.cancelled()
        await asyncio.sleep(0)
        assert not alive()

    _run(story, scenario="burst")


def test_a_person_who_fails_is_logged_and_the_others_live_on(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise RuntimeError("stumbled")

    async def living(done: asyncio.Event) -> None:
        await asyncio.sleep(0)
        done.set()

    async def story() -> None:
        crowd, done = Crowd(), asyncio.Event()
        crowd.add(failing())
        crowd.add(living(done))
        await done.wait()
        await asyncio.sleep(0)
        assert len(crowd) == 0
        await crowd.disperse()

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert "a simulated person failed" in caplog.text
    assert "stumbled" in caplog.text
