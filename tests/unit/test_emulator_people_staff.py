"""What simulated agents do: come on duty, press the key they hear of, talk, miss a ring, take a break."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from callback.emulator.scene import Field, Scene, Talk
from callback.emulator.staff import Agent, BreakRoom, Habits, PresenceApi, Seat
from tests.support.telephone import FakeExchange, FakeLeg, VirtualClock, in_virtual_time

ADA = Seat("ada", "sip:ada@desk")
NUMBER = "+12025550100"
WHISPER = "Callback for Maria, who has waited 12 minutes. Press 1 to take the call."
STEADY = Habits(miss_ring=0.0, break_after_call=0.0)


class Desk:
    """One agent, a record of the states they asked for, and what was told."""

    def __init__(self, clock: VirtualClock, habits: Habits = STEADY, *, places: int = 1, refusals: int = 0) -> None:
        self.clock = clock
        self.told: list[str] = []
        self.states: list[tuple[float, str]] = []
        self.exchange = FakeExchange(clock)
        self.scene = Scene(self.exchange, self._narrate)
        self.room = BreakRoom(places)
        self.refusals = refusals
        self.agent = Agent(ADA, self.scene, self._set_presence, self.room, habits)

    def _narrate(self, event: str, /, **fields: Field) -> None:
        self.told.append(f"{fields.get('who')} {event}")

    async def _set_presence(self, key: str, status: str) -> bool:
        assert key == "ada"
        if self.refusals:
            self.refusals -= 1
            return False
        self.states.append((self.clock.now_s, status))
        return True

    async def at_work(self, story: Callable[[], Awaitable[None]]) -> None:
        shift = asyncio.create_task(self.agent.work())
        await self.agent.on_duty.wait()
        await story()
        shift.cancel()

    def bridging(self, talk: Talk | None = None) -> Callable[[FakeLeg], Awaitable[None]]:
        """A product that whispers, and bridges to a caller once a key was pressed."""

        async def product(leg: FakeLeg) -> None:
            if await leg.ask(WHISPER) == "1":
                caller = self.exchange.leg("+12015550100", NUMBER)
                if talk is not None:
                    self.scene.talks[caller.sid] = talk
                leg.bridge_to(caller)
                await leg.ended.wait()

        return product


def test_an_agent_comes_on_duty_even_if_the_product_is_not_up_yet() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock, refusals=3)

        async def nothing() -> None:
            assert [status for _, status in desk.states] == ["available"]

        await desk.at_work(nothing)
        assert clock.now_s >= 15

    in_virtual_time(story)


def test_an_agent_answers_within_seconds_presses_the_key_of_the_whisper_and_talks_as_long_as_there_is_to_say() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock)
        talk = Talk(100.0, caller_ends=False)
        leg = await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging(talk))
        assert leg.pressed == ["1"]
        assert talk.finished
        assert 100 + 2 < clock.now_s < 100 + 5 + 8
        assert desk.told == ["Ada talks", "Ada is done talking"]
        assert desk.scene.talking == 0

    in_virtual_time(story)


def test_the_caller_who_ends_the_talk_is_given_the_time_to_do_so() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock)
        talk = Talk(100.0, caller_ends=True)
        await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging(talk))
        assert clock.now_s > 100 + 2 + 6

    in_virtual_time(story)


def test_with_a_stranger_an_agent_talks_about_as_long_as_with_anybody() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock)
        for _ in range(150):
            await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging())
        assert clock.now_s / 150 == pytest.approx(250, rel=0.2)

    in_virtual_time(story)


def test_an_agent_who_hears_of_no_key_presses_none_and_hangs_up_in_the_end() -> None:
    async def story(clock: VirtualClock) -> None:
        async def product(leg: FakeLeg) -> None:
            await leg.say("Please wait for the caller.")
            await leg.ended.wait()

        desk = Desk(clock)
        leg = await desk.exchange.call("sip:ada@desk", NUMBER, product)
        assert leg.pressed == []
        assert 300 <= clock.now_s < 320

    in_virtual_time(story)


def test_an_agent_told_goodbye_hangs_up() -> None:
    async def story(clock: VirtualClock) -> None:
        async def product(leg: FakeLeg) -> None:
            await leg.say("The caller has hung up. Goodbye.")
            await leg.ended.wait()

        await Desk(clock).exchange.call("sip:ada@desk", NUMBER, product)

    async def bounded(clock: VirtualClock) -> None:
        await story(clock)
        assert clock.now_s < 15

    in_virtual_time(bounded)


def test_a_second_ring_during_a_call_finds_the_agent_busy() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock)
        first = asyncio.create_task(desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging(Talk(60.0, False))))
        await clock.sleep(20)
        second = await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging())
        assert second.declined == "busy"
        await first

    in_virtual_time(story)


def test_an_agent_who_missed_a_ring_notices_and_becomes_available_again() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock, Habits(miss_ring=1.0, notices_after_s=40.0))

        async def missing() -> None:
            leg = await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging())
            assert not leg.answered.is_set()
            missed_at = clock.now_s
            await clock.sleep(100)
            assert [status for _, status in desk.states] == ["available", "available"]
            assert 20 <= desk.states[1][0] - missed_at <= 60

        await desk.at_work(missing)
        assert "Ada misses a ring" in desk.told

    in_virtual_time(story)


def test_a_break_follows_a_call_and_ends() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock, Habits(miss_ring=0.0, break_after_call=1.0, break_s=200.0))

        async def calling() -> None:
            await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging(Talk(30.0, False)))
            await clock.sleep(400)
            assert [status for _, status in desk.states] == ["available", "away", "available"]
            assert 100 <= desk.states[2][0] - desk.states[1][0] <= 300
            assert desk.room.taken == 0

        await desk.at_work(calling)

    in_virtual_time(story)


def test_nobody_takes_a_break_when_the_room_is_full() -> None:
    async def story(clock: VirtualClock) -> None:
        desk = Desk(clock, Habits(miss_ring=0.0, break_after_call=1.0), places=0)

        async def calling() -> None:
            await desk.exchange.call("sip:ada@desk", NUMBER, desk.bridging(Talk(30.0, False)))
            await clock.sleep(400)
            assert [status for _, status in desk.states] == ["available"]

        await desk.at_work(calling)

    in_virtual_time(story)


def test_presence_goes_to_the_products_api_with_the_token_and_a_refusal_is_told_from_success() -> None:
    asked: list[tuple[str, str, object]] = []

    async def presence(request: web.Request) -> web.Response:
        asked.append((request.match_info["key"], request.headers["Authorization"], await request.json()))
        return web.json_response({}, status=200 if request.match_info["key"] == "ada" else 404)

    async def story() -> None:
        app = web.Application()
        app.router.add_post("/api/v1/agents/{key}/presence", presence)
        async with TestServer(app, host="127.0.0.1") as server, ClientSession() as session:
            base = str(server.make_url("/"))
            api = PresenceApi(session, base, "secret")
            assert await api.set("ada", "available")
            assert not await api.set("nobody", "away")
        async with ClientSession() as session:
            assert not await PresenceApi(session, base, "secret").set("ada", "available")

    asyncio.run(story())
    assert asked == [
        ("ada", "Bearer secret", {"status": "available"}),
        ("nobody", "Bearer secret", {"status": "away"}),
    ]
