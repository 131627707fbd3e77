"""A telephone exchange in memory, for trying simulated people without a carrier: virtual time, legs, a voice to script.

Time jumps to the next thing anybody waits for as soon as everybody waits, so that an hour of holding takes no time and
a test is decided by what was said alone.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from callback.emulator.handset import Clock, Endpoint
from callback.emulator.speech import spoken_seconds

# How often the event loop is let run before everybody is taken to be waiting.
_ROUNDS = 40


class VirtualClock:
    """Simulated seconds that pass only when nobody has anything left to do."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def sleep(self, sim_seconds: float, /) -> None:
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_s + max(0.0, sim_seconds), next(self._order), wake))
        await wake

    async def turn(self) -> None:
        """Let time pass, for ever."""
        while True:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if self._sleepers:
                self.now_s, _, wake = heapq.heappop(self._sleepers)
                wake.set_result(None)


@dataclass(frozen=True)
class FakeSound:
    """What a leg hears."""

    kind: str
    text: str = ""
    leg: "FakeLeg | None" = None


@dataclass
class FakeLeg:
    """One leg. A test plays the carrier with `say`, `ask`, `bridge_to`, `play` and `end`."""

    clock: Clock
    sid: str
    from_: str
    to: str
    params: dict[str, str] = field(default_factory=dict)
    heard: asyncio.Queue[FakeSound] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    declined: str = ""
    machine: bool = False
    pressed: list[str] = field(default_factory=list)
    peer: "FakeLeg | None" = None
    _keys: asyncio.Queue[str] | None = None

    async def answer(self) -> None:
        self.answered.set()

    async def decline(self, how: Literal["busy", "no-answer", "failed"], /) -> None:
        self.declined = how
        self.end()

    async def answer_as_machine(self) -> None:
        self.machine = True
        self.answered.set()

    async def press(self, digits: str, /) -> None:
        self.pressed.append(digits)
        if self._keys is not None:
            self._keys.put_nowait(digits)

    async def hang_up(self) -> None:
        self.end()

    def end(self) -> None:
        if self.ended.is_set():
            return
        self.ended.set()
        self.heard.put_nowait(FakeSound("ended"))
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            peer.heard.put_nowait(FakeSound("unbridged"))

    def play(self, kind: str) -> None:
        self.heard.put_nowait(FakeSound(kind))

    def bridge_to(self, other: "FakeLeg") -> None:
        self.peer, other.peer = other, self
        self.heard.put_nowait(FakeSound("bridged", leg=other))
        other.heard.put_nowait(FakeSound("bridged", leg=self))

    async def say(self, *texts: str) -> None:
        """Speak, without listening."""
        for text in texts:
            self.heard.put_nowait(FakeSound("say", text))
            await self.clock.sleep(spoken_seconds(text))

    async def ask(self, *texts: str, timeout_s: float = 5.0) -> str:
        """Speak and take keys meanwhile: what was pressed first, or nothing when silence lasted."""
        self._keys = asyncio.Queue()
        speaking = asyncio.create_task(self._speak_and_wait(texts, timeout_s))
        pressing = asyncio.create_task(self._keys.get())
        gone = asyncio.create_task(self.ended.wait())
        try:
            await asyncio.wait({speaking, pressing, gone}, return_when=asyncio.FIRST_COMPLETED)
            return pressing.result() if pressing.done() else ""
        finally:
            self._keys = None
            for task in (speaking, pressing, gone):
                task.cancel()

    async def _speak_and_wait(self, texts: tuple[str, ...], timeout_s: float) -> None:
        await self.say(*texts)
        await self.clock.sleep(timeout_s)


Product = Callable[[FakeLeg], Awaitable[None]]


class FakeExchange:
    """An exchange whose account answers every call with the voice a test gives it."""

    def __init__(self, clock: Clock, product: Product | None = None) -> None:
        self.clock = clock
        self.product = product
        self.legs: list[FakeLeg] = []
        self.endpoints: dict[str, Endpoint] = {}
        self.voices: list[asyncio.Task[None]] = []

    async def call_in(self, *, from_: str, to: str, **extra_params: str) -> FakeLeg:
        leg = self.leg(from_, to, **extra_params)
        if self.product is not None:
            self.voices.append(asyncio.create_task(self._run(self.product, leg)))
        return leg

    def register(self, address: str, endpoint: Endpoint, /) -> None:
        self.endpoints[address] = endpoint

    def leg(self, from_: str, to: str, **params: str) -> FakeLeg:
        leg = FakeLeg(self.clock, f"CA{len(self.legs):032x}", from_, to, params)
        self.legs.append(leg)
        return leg

    async def call(self, address: str, from_: str, product: Product, ring_s: float = 25.0) -> FakeLeg:
        """Ring an address and play `product` to it once answered, until the leg is over."""
        leg = self.leg(from_, address)
        ringing = asyncio.create_task(self.endpoints[address].ring(leg))
        over = asyncio.create_task(self._until_answered_or_over(leg))
        giving_up = asyncio.create_task(self.clock.sleep(ring_s))
        await asyncio.wait({over, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        if leg.answered.is_set() and not leg.ended.is_set():
            await self._run(product, leg)
        leg.end()
        await ringing
        for task in (over, giving_up):
            task.cancel()
        return leg

    async def _until_answered_or_over(self, leg: FakeLeg) -> None:
        answered = asyncio.create_task(leg.answered.wait())
        ended = asyncio.create_task(leg.ended.wait())
        await asyncio.wait({answered, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answered, ended):
            task.cancel()

    async def _run(self, product: Product, leg: FakeLeg) -> None:
        await product(leg)
        if leg.peer is not None:
            await leg.ended.wait()
        leg.end()


T = TypeVar("T")


def in_virtual_time(story: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run a story on a clock that turns by itself."""

    async def run() -> T:
        clock = VirtualClock()
        turning = asyncio.create_task(clock.turn())
        try:
            return await story(clock)
        finally:
            turning.cancel()

    return asyncio.run(run())
