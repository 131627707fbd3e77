"""The simulated agents: they come to their desks, answer, prove themselves with the key they are told of, and talk.

An agent's phone is an endpoint of the exchange like any other; their state switch is the product's public API. Now and
then an agent misses a ring and only then notices that they were taken off duty, or takes a break, one at a time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from random import Random
from typing import Final

import aiohttp

from callback.emulator import speech
from callback.emulator.arrivals import lognormal, stream
from callback.emulator.handset import Handset, Line, Reminder, Sound
from callback.emulator.scene import Field, Scene, Talk
from callback.emulator.speech import Intent

log = logging.getLogger(__name__)

AVAILABLE: Final = "available"
AWAY: Final = "away"
PATIENT_FOR_S: Final = 300.0
REACTION_S: Final = 0.7
LEAVES_AFTER_S: Final = 1.5
ACCEPTS: Final = (Intent.TALK, Intent.CONFIRM, Intent.CALLBACK, Intent.UNKNOWN, Intent.SLOT, Intent.STAY)
LETS_CALLER_GO_S: Final = 6.0
COMES_BACK_IN_S: Final = 5.0

SetPresence = Callable[[str, str], Awaitable[bool]]


@dataclass(frozen=True)
class Seat:
    """An agent of the product: the key in its API, the address that rings, and a name for the story."""

    key: str
    contact: str
    name: str = ""

    @property
    def called(self) -> str:
        """The name, or one made of the key."""
        return self.name or self.key.replace("-", " ").replace("_", " ").title()


@dataclass(frozen=True)
class Habits:
    """What agents do besides talking. Times in simulated seconds, shares from 0 to 1."""

    miss_ring: float = 0.03
    notices_after_s: float = 40.0
    break_after_call: float = 0.06
    break_s: float = 240.0


class PresenceApi:
    """The product's public API for an agent's state: `POST /api/v1/agents/KEY/presence`."""

    def __init__(self, session: aiohttp.ClientSession, product_url: str, token: str) -> None:
        self._session = session
        self._base = product_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}

    async def set(self, key: str, status: str) -> bool:
        """Ask for `status`; False when the product refused or could not be reached (the reason is logged)."""
        url = f"{self._base}/api/v1/agents/{key}/presence"
        try:
            async with self._session.post(url, json={"status": status}, headers=self._headers) as answer:
                if answer.status < HTTPStatus.BAD_REQUEST:
                    return True
                log.warning("presence of %s refused with %s: %s", key, answer.status, (await answer.text())[:200])
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("presence of %s not set: %s", key, error)
        return False


class Errand(Enum):
    """Why an agent has to see to their state switch."""

    MISSED_A_RING = "missed a ring"
    CALL_OVER = "call over"


@dataclass
class BreakRoom:
    """How many may be away at once."""

    places: int
    taken: int = field(default=0)

    def enter(self) -> bool:
        """Take a place if there is one."""
        if self.taken >= self.places:
            return False
        self.taken += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self.taken -= 1


class Agent:
    """One agent at one address. `work` is the shift, `ring` a call."""

    def __init__(self, seat: Seat, scene: Scene, presence: SetPresence, room: BreakRoom, habits: Habits) -> None:
        self.seat = seat
        self.on_duty = asyncio.Event()
        self._scene = scene
        self._presence = presence
        self._room = room
        self._habits = habits
        self._answers = stream(scene.seed, "agent", seat.key, "answers")
        self._misses = stream(scene.seed, "agent", seat.key, "misses")
        self._talks = stream(scene.seed, "agent", seat.key, "talks")
        self._breaks = stream(scene.seed, "agent", seat.key, "breaks")
        self._errands: asyncio.Queue[Errand] = asyncio.Queue()
        self._on_the_phone = False
        scene.agent_at[seat.contact] = seat.called
        scene.exchange.register(seat.contact, self)

    async def work(self) -> None:
        """The shift: comes on duty, and returns to it after every break and every missed ring. Endless."""
        await self._become_available()
        self.on_duty.set()
        while True:
            if await self._errands.get() is Errand.MISSED_A_RING:
                await self._sleep(self._breaks.uniform(0.5, 1.5) * self._habits.notices_after_s)
                await self._become_available()
            elif self._breaks.random() < self._habits.break_after_call and self._room.enter():
                await self._take_a_break()

    async def ring(self, leg: Line) -> None:
        """The agent's phone rings."""
        if self._on_the_phone:
            await leg.decline("busy")
            return
        self._on_the_phone = True
        try:
            await self._take(leg)
        finally:
            self._on_the_phone = False

    def text(self, body: str, from_: str) -> None:
        """Agents get no texts; one that comes is told."""
        self._tell("gets a text", text=body, sender=from_)

    async def _take(self, leg: Line) -> None:
        if self._misses.random() < self._habits.miss_ring:
            self._tell("misses a ring")
            await leg.ended.wait()
            self._errands.put_nowait(Errand.MISSED_A_RING)
            return
        await self._sleep(self._answers.uniform(2, 5))
        if leg.ended.is_set():
            return
        await leg.answer()
        await AgentCall(self.seat.called, leg, self._scene, self._talks).live()
        self._errands.put_nowait(Errand.CALL_OVER)

    async def _take_a_break(self) -> None:
        try:
            if await self._presence(self.seat.key, AWAY):
                self._tell("takes a break")
                await self._sleep(self._breaks.uniform(0.5, 1.5) * self._habits.break_s)
                await self._become_available()
        finally:
            self._room.leave()

    async def _become_available(self) -> None:
        while not await self._presence(self.seat.key, AVAILABLE):
            await self._sleep(COMES_BACK_IN_S)
        self._tell("is available")

    async def _sleep(self, seconds: float) -> None:
        await self._scene.exchange.clock.sleep(seconds)

    def _tell(self, event: str, **fields: Field) -> None:
        self._scene.narrate(event, who=self.seat.called, agent=self.seat.key, **fields)


class AgentCall:
    """One call as the agent lives it: the whisper, the key it asks for, the conversation, the end."""

    def __init__(self, name: str, leg: Line, scene: Scene, talks: Random) -> None:
        self._name = name
        self._leg = leg
        self._scene = scene
        self._handset = Handset(leg, scene.exchange.clock)
        figures = scene.figures
        self._talk = Talk(lognormal(talks, figures.talk_s, figures.talk_variation), caller_ends=False)
        self._talking = False
        self._said = ""
        self._key: str | None = None

    async def live(self) -> None:
        """Listen and act until the call is over."""
        try:
            async with self._handset as handset:
                handset.remind(Reminder.GIVE_UP, PATIENT_FOR_S)
                while (happened := await handset.next()) is not None:
                    if isinstance(happened, Reminder):
                        await self._do(happened)
                    else:
                        self._hear(happened)
        finally:
            self._stop_talking()

    async def _do(self, what: Reminder) -> None:
        if what is Reminder.PRESS and self._key is not None:
            await self._leg.press(self._key)
            return
        if what is Reminder.TALK_OVER:
            self._talk.finished = True
        await self._leg.hang_up()

    def _hear(self, sound: Sound) -> None:
        if sound.kind == "say":
            self._listen(sound.text)
        elif sound.kind == "bridged":
            self._start_talking(sound.leg)
        elif sound.kind == "unbridged":
            self._stop_talking()
            self._handset.remind(Reminder.HANG_UP, LEAVES_AFTER_S)

    def _listen(self, text: str) -> None:
        offered = speech.options(text, self._said)
        self._said = text
        if (wanted := speech.choose(offered, ACCEPTS)) is not None:
            self._key = wanted.key
            self._handset.remind(Reminder.PRESS, wanted.known_after_s + REACTION_S)
        elif speech.is_goodbye(text):
            self._handset.remind(Reminder.HANG_UP, speech.spoken_seconds(text) + LEAVES_AFTER_S)

    def _start_talking(self, peer: Line | None) -> None:
        self._handset.forget()
        self._talking = True
        self._scene.talking += 1
        if peer is not None:
            self._talk = self._scene.talks.get(peer.sid, self._talk)
        margin_s = LETS_CALLER_GO_S if self._talk.caller_ends else 0.0
        self._handset.remind(Reminder.TALK_OVER, self._talk.length_s + margin_s)
        self._scene.narrate("talks", who=self._name)

    def _stop_talking(self) -> None:
        if self._talking:
            self._talking = False
            self._scene.talking -= 1
            self._scene.narrate("is done talking", who=self._name)
