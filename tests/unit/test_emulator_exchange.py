"""The emulated exchange in one process: what happens when things are cut short."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from callback.emulator.account import Account, PhoneNumber
from callback.emulator.clock import SimClock
from callback.emulator.documents import Source
from callback.emulator.exchange import CallRequest, Exchange, Leg

OURS, THEIRS = "+12025550100", "+14155550123"


class Answering:
    """Somebody who picks up at once and remembers what arrives."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def ring(self, leg: Leg) -> None:
        await leg.answer()

    def text(self, body: str, from_: str) -> None:
        self.texts.append(f"{from_}: {body}")


class Failing(Answering):
    """Somebody whose behaviour has a defect."""

    async def ring(self, leg: Leg) -> None:
        raise RuntimeError(f"no idea what to do with {leg.sid}")


def on_an_exchange(story: Callable[[Exchange], Awaitable[None]], speed: float = 1000.0) -> None:
    """Runs a story on a new exchange and closes it, whatever is still going on."""

    async def run() -> None:
        account = Account("AC" + "0" * 32, "token", {OURS: PhoneNumber("PN" + "0" * 32, OURS)})
        exchange = Exchange(account=account, clock=SimClock(speed), rng=random.Random(1))
        try:
            await asyncio.wait_for(story(exchange), 20)
        finally:
            await exchange.close()

    asyncio.run(run())


def request(twiml: str) -> CallRequest:
    """A call to them that executes this."""
    return CallRequest(to=THEIRS, from_=OURS, source=Source(twiml=f"<Response>{twiml}</Response>"))


def test_an_exchange_closes_quietly_with_calls_in_every_state() -> None:
    async def story(exchange: Exchange) -> None:
        exchange.register(THEIRS, Answering())
        exchange.place(request("<Say>Never begun.</Say>"))
        talking = exchange.place(request('<Pause length="600"/><Pause length="600"/>'))
        await talking.picked_up.wait()
        exchange.place(request("<Enqueue>line</Enqueue>"))
        exchange.pacer.per_second = 0.001
        for _ in range(3):
            exchange.place(request("<Hangup/>"))
        exchange.place(request("<Hangup/>")).finish("canceled")

    on_an_exchange(story)


def test_of_several_redirects_the_latest_counts() -> None:
    async def story(exchange: Exchange) -> None:
        exchange.register(THEIRS, Answering())
        leg = exchange.place(request('<Pause length="600"/>'))
        await leg.picked_up.wait()
        for word in ("one", "two", "three"):
            exchange.divert(leg, Source(twiml=f"<Response><Say>{word}</Say></Response>"))
        await leg.ended.wait()
        assert [heard.text for _, heard in leg.transcript if heard.kind == "say"] == ["three"]

    on_an_exchange(story)


def test_a_number_without_a_voice_url_does_not_take_calls() -> None:
    async def story(exchange: Exchange) -> None:
        leg = await exchange.call_in(from_=THEIRS, to=OURS)
        assert leg.status == "failed"
        assert [entry["code"] for entry in exchange.ledger.read(kind="error")] == [11100]

    on_an_exchange(story)


def test_a_person_with_a_defect_is_noticed_and_off_the_line() -> None:
    async def story(exchange: Exchange) -> None:
        exchange.register(THEIRS, Failing())
        leg = exchange.place(request("<Say>Hello?</Say>"))
        await leg.ended.wait()
        await exchange.ledger.wait_news(1.0)
        (crash,) = exchange.ledger.read(kind="crash")
        assert "no idea what to do" in crash["message"]

    on_an_exchange(story)


def test_an_address_is_found_whatever_parameters_its_uri_has() -> None:
    async def story(exchange: Exchange) -> None:
        ada = Answering()
        exchange.register("sip:ada@desk.example", ada)
        assert exchange.endpoint("sip:ada@desk.example;transport=tls") is ada
        exchange.unregister("sip:ada@desk.example")
        assert exchange.endpoint("sip:ada@desk.example") is None

    on_an_exchange(story)


def test_speech_is_heard_when_it_starts_and_lasts_as_long_as_it_takes() -> None:
    async def story(exchange: Exchange) -> None:
        exchange.register(THEIRS, Answering())
        leg = exchange.place(request(f"<Say>{'a' * 150}</Say><Say>b</Say>"))
        await leg.ended.wait()
        moments = [moment for moment, heard in leg.transcript if heard.kind == "say"]
        assert 0.09 <= moments[1] - moments[0] < 5

    on_an_exchange(story, speed=100.0)
