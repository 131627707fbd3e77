"""What a simulated person holds: one end of a call, a voice to listen to, and a few things to remember to do.

The protocols say how much of the exchange the people need, so that they can be tried on a leg that is no carrier's at
all. `Handset` turns one leg into a single sequence of happenings: what is heard, in order, and the reminders a person
has set ("press the key once the sentence is over", "give up after ten minutes"), all in simulated seconds.
"""

import asyncio
from enum import Enum
from types import TracebackType
from typing import Literal, Protocol, Self


class Clock(Protocol):
    """Simulated time: `sleep` takes simulated seconds."""

    async def sleep(self, sim_seconds: float, /) -> None:
        """Wait so many simulated seconds."""


class Sound(Protocol):
    """Something heard: ringing, say, play, pause, beep, music, bridged, unbridged, gather or ended."""

    @property
    def kind(self) -> str:
        """What it is, in one of the words above."""

    @property
    def text(self) -> str:
        """The words of a `say`; it is heard when its speech starts."""

    @property
    def leg(self) -> "Line | None":
        """The other end of a `bridged`, where it is known."""


class Sounds(Protocol):
    """The queue of what a leg hears."""

    async def get(self) -> Sound:
        """The next sound; waits for it."""


class Line(Protocol):
    """One leg of a call, seen from the person who holds its end."""

    @property
    def sid(self) -> str:
        """The carrier's name of the leg."""

    @property
    def from_(self) -> str:
        """Who calls."""

    @property
    def to(self) -> str:
        """Who is called."""

    @property
    def heard(self) -> Sounds:
        """What this end hears."""

    @property
    def ended(self) -> asyncio.Event:
        """Set once the leg is over."""

    async def answer(self) -> None:
        """Pick up."""

    async def decline(self, how: Literal["busy", "no-answer", "failed"], /) -> None:
        """Refuse a ringing leg: busy, no-answer or failed."""

    async def answer_as_machine(self) -> None:
        """Let the voicemail pick up."""

    async def press(self, digits: str, /) -> None:
        """Press keys."""

    async def hang_up(self) -> None:
        """End the leg."""


class Endpoint(Protocol):
    """Whoever is at an address."""

    async def ring(self, leg: Line) -> None:
        """A call arrives; lives it to its end."""

    def text(self, body: str, from_: str) -> None:
        """A text message arrives."""


class Exchange(Protocol):
    """As much of the carrier as people need."""

    @property
    def clock(self) -> Clock:
        """The time everybody lives by."""

    async def call_in(self, *, from_: str, to: str, **extra_params: str) -> Line:
        """Dial a number of the account."""

    def register(self, address: str, endpoint: Endpoint, /) -> None:
        """Be reachable at an address."""


class Reminder(Enum):
    """Something a person on the phone means to do after a while."""

    PRESS = "press"
    PRESS_AGAIN = "press again"
    GIVE_UP = "give up"
    HANG_UP = "hang up"
    TALK_OVER = "talk over"


class Handset:
    """One leg as a sequence of sounds and reminders. Use it as an async context manager; it leaves no task behind."""

    def __init__(self, leg: Line, clock: Clock) -> None:
        self.leg = leg
        self._clock = clock
        self._reminders: dict[Reminder, asyncio.Task[None]] = {}
        self._hearing: asyncio.Task[Sound] | None = None
        self._ended: asyncio.Task[bool] | None = None

    async def __aenter__(self) -> Self:
        self._ended = asyncio.create_task(self.leg.ended.wait())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = [task for task in (self._hearing, self._ended, *self._reminders.values()) if task is not None]
        self._reminders.clear()
        self._hearing = self._ended = None
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def remind(self, what: Reminder, in_s: float) -> None:
        """Let `next` return `what` after `in_s` simulated seconds; an earlier reminder of it is forgotten."""
        self.forget(what)
        self._reminders[what] = asyncio.create_task(self._clock.sleep(max(0.0, in_s)))

    def forget(self, *what: Reminder) -> None:
        """Drop reminders; all of them when none is named."""
        for reminder in what or tuple(self._reminders):
            if task := self._reminders.pop(reminder, None):
                task.cancel()

    def reminded_of(self, what: Reminder) -> bool:
        """Whether this reminder is set and still to come."""
        return what in self._reminders

    async def next(self) -> Sound | Reminder | None:
        """The next thing that happens; None once the leg is over and all of it has been heard."""
        if self._ended is None:
            raise RuntimeError("a handset is used inside `async with`")
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._sound())
        happening = {self._hearing, self._ended, *self._reminders.values()}
        await asyncio.wait(happening, return_when=asyncio.FIRST_COMPLETED)
        if self._hearing.done():
            sound = self._hearing.result()
            self._hearing = None
            return None if sound.kind == "ended" else sound
        return None if self._ended.done() else self._due()

    async def _sound(self) -> Sound:
        return await self.leg.heard.get()

    def _due(self) -> Reminder | None:
        reminder = next(reminder for reminder, task in self._reminders.items() if task.done())
        self._reminders.pop(reminder).result()
        return reminder
