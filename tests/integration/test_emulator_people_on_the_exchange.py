"""Simulated people on the real exchange: signed webhooks, TwiML and keys, with a small application as the product.

The application here is a call centre of the plainest kind (first come, first served, agents rung one by one), written
against the carrier's documents alone. It exists to show that callers and agents find each other through nothing but
what they hear.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import groupby

from aiohttp import web
from aiohttp.test_utils import TestServer

from callback.emulator import people
from callback.emulator.account import Account, PhoneNumber, sid
from callback.emulator.callers import Caller
from callback.emulator.clock import SimClock
from callback.emulator.documents import Source
from callback.emulator.exchange import CallRequest, Exchange
from callback.emulator.leg import StatusCallback
from callback.emulator.people import PeopleConfig
from callback.emulator.persons import Person
from callback.emulator.scene import Field, Scene
from callback.emulator.speech import Intent
from callback.emulator.staff import Agent, BreakRoom, Habits, Seat

NUMBER = "+12025550100"
ADA, BOB = Seat("ada", "sip:ada@desk.example"), Seat("bob", "+12025550111")
STEADY = Habits(miss_ring=0.0, break_after_call=0.0)
PATIENTLY = 60.0


def _say(text: str) -> str:
    return f"<Say>{text}</Say>"


def _ask(action: str, text: str) -> str:
    return f'<Gather action="{action}" numDigits="1" timeout="5" actionOnEmptyResult="true">{_say(text)}</Gather>'


@dataclass
class TinyProduct:
    """A queue, its agents, and the documents that move people through it."""

    exchange: Exchange | None = None
    free: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    waiting: deque[str] = field(default_factory=deque)
    agent_of: dict[str, str] = field(default_factory=dict)
    spoken: list[str] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=lambda: {seat.key: seat.contact for seat in (ADA, BOB)})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v1/agents/{key}/presence", self._presence)
        app.router.add_post("/voice/{step}", self._voice)
        return app

    async def _presence(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Authorization"])
        self.free.add(request.match_info["key"])
        self._match()
        return web.json_response({"status": (await request.json())["status"]})

    async def _voice(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        steps = {
            "incoming": self._incoming,
            "offer": self._offer,
            "hold": self._hold,
            "answer": self._answer,
            "talk": self._talk,
            "whisper": lambda _form: _ask("/voice/accept", "A call for you. Press 1 to take the call."),
            "accept": lambda form: "" if form.get("Digits") == "1" else "<Hangup/>",
            "done": self._done,
            "gone": self._gone,
        }
        document = steps[request.match_info["step"]](form)
        self._match()
        return web.Response(text=f"<Response>{document}</Response>", content_type="text/xml")

    def _incoming(self, form: dict[str, str]) -> str:
        if not self.waiting and self.free:
            return self._connect(form["CallSid"])
        if not self.waiting or not form["From"].startswith("+"):
            return self._stay(form["CallSid"])
        offer = "To be called back without losing your place, press 1. To stay on the line, press 2."
        return _ask("/voice/offer", offer)

    def _offer(self, form: dict[str, str]) -> str:
        if form.get("Digits") != "1":
            return self._stay(form["CallSid"])
        self.waiting.append(form["From"])
        return _say("We will call you back in some minutes.") + _say("Goodbye.")

    def _stay(self, call: str) -> str:
        self.waiting.append(call)
        return self._hold({"CallSid": call})

    def _hold(self, form: dict[str, str]) -> str:
        call = form["CallSid"]
        if self.waiting and self.waiting[0] == call and self.free:
            self.waiting.popleft()
            return self._connect(call)
        return '<Pause length="5"/><Redirect>/voice/hold</Redirect>'

    def _answer(self, _form: dict[str, str]) -> str:
        return _ask("/voice/talk", "You asked us to call you back. To talk now, press 1. For later, press 2.")

    def _talk(self, form: dict[str, str]) -> str:
        return self._connect(form["CallSid"]) if form.get("Digits") == "1" else _say("Goodbye.")

    def _connect(self, call: str) -> str:
        agent = self.agent_of.get(call) or self.free.pop()
        self.agent_of[call] = agent
        contact = self.contacts[agent]
        noun = "Sip" if contact.startswith("sip:") else "Number"
        return f'<Dial action="/voice/done"><{noun} url="/voice/whisper">{contact}</{noun}></Dial>'

    def _done(self, form: dict[str, str]) -> str:
        if agent := self.agent_of.pop(form["CallSid"], None):
            self.free.add(agent)
        return ""

    def _gone(self, form: dict[str, str]) -> str:
        """A call is over: nobody holds on it any more, and an agent kept for it is free."""
        if form["CallSid"] in self.waiting:
            self.waiting.remove(form["CallSid"])
        return self._done(form) if form["CallSid"] in self.agent_of else ""

    def _match(self) -> None:
        """Ring back whoever is next, once an agent is free."""
        if self.exchange is None or not (self.waiting and self.free and self.waiting[0].startswith("+")):
            return
        voice_url = self.exchange.account.numbers[NUMBER].voice_url
        answer = Source(voice_url.replace("incoming", "answer"))
        over = StatusCallback(voice_url.replace("incoming", "gone"))
        request = CallRequest(self.waiting.popleft(), NUMBER, answer, timeout_s=1.0, status_callback=over)
        leg = self.exchange.place(request)
        self.agent_of[leg.sid] = self.free.pop()


@dataclass
class Told:
    """What was narrated, and a way to wait for it."""

    lines: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def narrate(self, event: str, /, **fields: Field) -> None:
        self.lines.append(f"{fields.get('who')} {event}")
        self.news.set()

    async def until(self, line: str) -> None:
        async with asyncio.timeout(PATIENTLY):
            while line not in self.lines:
                self.news.clear()
                await self.news.wait()


def _on_an_exchange(story: Callable[[Exchange, TinyProduct, str], Awaitable[None]], speed: float) -> None:
    async def run() -> None:
        product = TinyProduct()
        async with TestServer(product.app(), host="127.0.0.1") as server:
            base = str(server.make_url("/"))
            rng = random.Random(1)
            number = PhoneNumber(
                sid("PN", rng), NUMBER, voice_url=f"{base}voice/incoming", status_callback=f"{base}voice/gone"
            )
            account = Account("AC" + "0" * 32, "token", numbers={NUMBER: number})
            exchange = Exchange(account=account, clock=SimClock(speed), rng=rng)
            product.exchange = exchange
            try:
                await story(exchange, product, base)
            finally:
                await exchange.close()

    asyncio.run(run())


def _person(**traits: object) -> Person:
    person = {"index": 1, "name": "Ruth", "number": "+12015550100", "language": "en", "wish": Intent.CALLBACK}
    return Person(**{**person, "patience_s": 900.0, "talk_s": 60.0, **traits})  # type: ignore[arg-type]


def test_a_caller_and_an_agent_talk_after_the_agent_has_pressed_the_key_of_the_whisper() -> None:
    async def story(exchange: Exchange, product: TinyProduct, _base: str) -> None:
        told = Told()
        scene = Scene(exchange, told.narrate)
        ada = Agent(ADA, scene, _always, BreakRoom(0), STEADY)
        product.free.add("ada")
        shift = asyncio.create_task(ada.work())
        async with asyncio.timeout(PATIENTLY):
            await Caller(_person(ends_talk=True), scene, NUMBER).live()
        assert told.lines.index("Ruth talks with Ada") > told.lines.index("Ruth rings")
        assert "Ruth says goodbye and hangs up" in told.lines
        await told.until("Ada is done talking")
        shift.cancel()

    _on_an_exchange(story, speed=50)


async def _always(_key: str, _status: str) -> bool:
    return True


def test_within_a_minute_of_the_demo_maria_is_offered_a_callback_hangs_up_and_is_called_back() -> None:
    async def story(exchange: Exchange, product: TinyProduct, base: str) -> None:
        told = Told()
        config = PeopleConfig(base, "secret", (NUMBER,), (ADA, BOB), habits=STEADY, narrate=told.narrate)
        life = people.start(exchange, config)
        await told.until("Maria Lopez says goodbye and hangs up")
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        assert life.cancelled()
        maria = [line.removeprefix("Maria Lopez ") for line in told.lines if line.startswith("Maria Lopez")]
        # Whoever hears nothing for a moment presses again: at this speed an answer may take longer than that.
        heard = [line for line, _ in groupby(line for line in maria if line != "hears")]
        assert heard[:5] == [
            "rings",
            "presses 1 (callback)",
            "has hung up, keeps the place",
            "is called back",
            "answers",
        ]
        assert heard[5] == "presses 1 (talk)"
        assert heard[6] in {"talks with Ada", "talks with Bob"}
        rang = told.lines.index("Maria Lopez rings")
        talking = told.lines[:rang]
        assert {"Ada talks", "Bob talks"} <= set(talking)
        assert not {"Ada is done talking", "Bob is done talking"} & set(talking)
        assert product.tokens == {"Bearer secret"}

    _on_an_exchange(story, speed=60)
