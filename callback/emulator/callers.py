"""The people who ring, and who are rung back.

A caller is a person and a phone: rings in once, and if a callback was promised stays reachable for it. The phone may be
answered, be busy, ring unheard or end in a voicemail; how the person behaves once they are on the line is in `visit`.
"""

import asyncio
from enum import Enum
from typing import Final

from callback.emulator import speech
from callback.emulator.arrivals import stream
from callback.emulator.handset import Handset, Line, Reminder
from callback.emulator.persons import Person
from callback.emulator.scene import Field, Scene
from callback.emulator.speech import Intent
from callback.emulator.visit import Progress, Visit, Wanting, wants_called_back, wants_ringing_in

ANONYMOUS: Final = "anonymous"
VOICEMAIL_TAKES_S: Final = 60.0
REMEMBERS_S: Final = 3600.0
LEAD_RINGS_S: Final = 4.0


class Reaction(Enum):
    """What becomes of a phone that rings."""

    ANSWER = "answer"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"


class Caller:
    """One person with a phone. An endpoint of the exchange at the person's numbers."""

    def __init__(self, person: Person, scene: Scene, queue_number: str) -> None:
        self.person = person
        self.messages: list[str] = []
        self._scene = scene
        self._queue_number = queue_number
        self._fate = stream(scene.seed, "phone", person.index)
        self._served = asyncio.Event()
        self._on_the_phone = False

    async def live(self, remembers_s: float = REMEMBERS_S) -> None:
        """Ring in; after a promise, stay until served or until `remembers_s` simulated seconds have passed."""
        self._scene.exchange.register(self.person.number, self)
        if self.person.other_number is not None:
            self._scene.exchange.register(self.person.other_number, self)
        progress = await self._ring_in()
        if progress.believes_in_a_callback:
            await self._wait_for_it(remembers_s)

    async def ring(self, leg: Line) -> None:
        """The phone rings: the person answers, or not, and lives the call to its end."""
        self._tell("is called back", by=leg.from_)
        if self._on_the_phone:
            await self._decline_busy(leg)
            return
        self._on_the_phone = True
        try:
            await self._react(leg, self._reaction())
        finally:
            self._on_the_phone = False

    def text(self, body: str, from_: str) -> None:
        """A text arrives: it is kept, and told with the link in it."""
        self.messages.append(body)
        self._tell("gets a text", text=body, sender=from_, link=speech.link_in(body))

    async def _ring_in(self) -> Progress:
        person = self.person
        number = ANONYMOUS if person.withheld else person.number
        network = {"StirVerstat": "TN-Validation-Passed-A"} | ({} if person.withheld else {"CallerName": person.name})
        self._on_the_phone = True
        try:
            self._tell("rings", queue_number=self._queue_number, language=person.language, withheld=person.withheld)
            leg = await self._scene.exchange.call_in(from_=number, to=self._queue_number, **network)
            return await self._visit(leg, wants_ringing_in(person), person.patience_s)
        finally:
            self._on_the_phone = False

    async def _visit(self, leg: Line, wants: Wanting, patience_s: float) -> Progress:
        visit = Visit(self.person, self._scene, leg, wants, patience_s)
        await visit.live()
        if visit.progress.talked:
            self._served.set()
        return visit.progress

    async def _wait_for_it(self, remembers_s: float) -> None:
        forgetting = asyncio.create_task(self._scene.exchange.clock.sleep(remembers_s))
        serving = asyncio.create_task(self._served.wait())
        try:
            await asyncio.wait((forgetting, serving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            forgetting.cancel()
            serving.cancel()

    async def _react(self, leg: Line, reaction: Reaction) -> None:
        if reaction is Reaction.BUSY:
            await self._decline_busy(leg)
            return
        if reaction is Reaction.NO_ANSWER:
            await leg.ended.wait()
            self._tell("did not hear the phone")
            return
        rings_s = LEAD_RINGS_S if self.person.lead else min(24.0, max(2.0, self._fate.gauss(9, 4)))
        await self._scene.exchange.clock.sleep(rings_s)
        if leg.ended.is_set():
            return
        await (self._answer(leg) if reaction is Reaction.ANSWER else self._be_voicemail(leg))

    async def _answer(self, leg: Line) -> None:
        mood = self._mood()
        patience_s = 120.0 + self._fate.expovariate(1 / 240.0)
        self._tell("answers")
        await leg.answer()
        await self._visit(leg, wants_called_back(self.person, mood), patience_s)
        if mood is Intent.NOT_NEEDED:
            self._served.set()

    async def _be_voicemail(self, leg: Line) -> None:
        self._tell("lets the voicemail answer")
        await leg.answer_as_machine()
        async with Handset(leg, self._scene.exchange.clock) as handset:
            handset.remind(Reminder.HANG_UP, VOICEMAIL_TAKES_S)
            while (happened := await handset.next()) is not None:
                if happened is Reminder.HANG_UP:
                    await leg.hang_up()

    async def _decline_busy(self, leg: Line) -> None:
        self._tell("is on another call")
        await leg.decline("busy")

    def _reaction(self) -> Reaction:
        figures, drawn = self._scene.figures, self._fate.random()
        if self.person.lead or drawn < figures.answer:
            return Reaction.ANSWER
        if drawn < figures.answer + figures.busy:
            return Reaction.BUSY
        return Reaction.VOICEMAIL if drawn < figures.answer + figures.busy + figures.voicemail else Reaction.NO_ANSWER

    def _mood(self) -> Intent:
        """What somebody wants who is rung back; who has been served since wants nothing more."""
        figures, drawn = self._scene.figures, self._fate.random()
        if self._served.is_set():
            return Intent.NOT_NEEDED
        if self.person.lead or drawn < figures.talk_when_called:
            return Intent.TALK
        later = drawn < figures.talk_when_called + figures.later_when_called
        return Intent.LATER if later else Intent.NOT_NEEDED

    def _tell(self, event: str, **fields: Field) -> None:
        self._scene.tell(self.person, event, **fields)
