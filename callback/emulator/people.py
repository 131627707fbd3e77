"""The simulated people of a run: staff at their desks, callers who arrive by the day's curve, and the demo's opening.

`start` brings everybody to life on an exchange and returns the task that is their life; cancelling it sends everybody
home. The `demo` scenario opens with a scene that shows the product within a minute: short calls occupy every agent, a
few patient people hold, and then Maria and Wang Fang ring, are offered a callback and take it.
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, fields
from typing import IO, Final, cast, get_args

import aiohttp

from callback.emulator.arrivals import Arrivals, Scenario, curve_for, stream
from callback.emulator.callers import Caller
from callback.emulator.handset import Exchange
from callback.emulator.persons import CHINESE, ENGLISH, Figures, Person, draw_person, story_number
from callback.emulator.scene import Field, Narrate, Scene
from callback.emulator.speech import Intent
from callback.emulator.staff import Agent, BreakRoom, Habits, PresenceApi, Seat

log = logging.getLogger(__name__)

# Ring, whisper and wrap-up: what a call costs an agent besides the talk.
AROUND_A_TALK_S: Final = 30.0
HTTP_TIMEOUT_S: Final = 10.0
SCENE_WAITS_S: Final = 90.0
LEADS: Final = (("Maria Lopez", ENGLISH), ("Wang Fang", CHINESE))
# Far enough from the opening's people that no number is shared.
_BACKGROUND_FIRST_INDEX: Final = 1000


def _silent(_event: str, /, **_fields: Field) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class PeopleConfig:
    """How a run is peopled. Times in simulated seconds.

    `queue_numbers` are dialled with equal chance, the first one by the demo's leads. `max_callers` bounds the callers
    alive at any time, on the phone or waiting to be called back; who would ring beyond it does not.
    """

    product_url: str
    api_token: str = field(repr=False)
    queue_numbers: tuple[str, ...]
    agents: tuple[Seat, ...]
    seed: int = 1
    scenario: Scenario = "demo"
    max_callers: int = 60
    figures: Figures = field(default_factory=Figures)
    habits: Habits = field(default_factory=Habits)
    narrate: Narrate = _silent

    def __post_init__(self) -> None:
        if not self.queue_numbers or not self.agents:
            raise ValueError("simulated people need at least one number to ring and one agent")
        if self.scenario not in get_args(Scenario):
            raise ValueError(f"scenario {self.scenario!r} is none of {', '.join(get_args(Scenario))}")
        if self.max_callers < 1:
            raise ValueError("max_callers must be at least 1")


def config_from(document: Mapping[str, object], narrate: Narrate = _silent) -> PeopleConfig:
    """Read a `PeopleConfig` from a JSON object with its field names.

    `agents` is a list of objects with `key`, `contact` and optionally `name`; `figures` and `habits` are objects.

    Raises:
        ValueError: a field is unknown, missing or not of its kind.
    """
    known = {each.name for each in fields(PeopleConfig)} - {"narrate"}
    if unknown := set(document) - known:
        raise ValueError(f"unknown fields for simulated people: {', '.join(sorted(unknown))}")
    given = dict(document)
    try:
        given["queue_numbers"] = tuple(cast("list[str]", given["queue_numbers"]))
        given["agents"] = tuple(Seat(**seat) for seat in cast("list[dict[str, str]]", given["agents"]))
        given["figures"] = Figures(**cast("dict[str, float]", given.get("figures", {})))
        given["habits"] = Habits(**cast("dict[str, float]", given.get("habits", {})))
        return PeopleConfig(narrate=narrate, **given)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise ValueError(f"simulated people are badly described: {error}") from error


def json_lines(feed: IO[str], now: Callable[[], float] = time.time) -> Narrate:
    """A storyteller that writes one JSON object a line: `at` (real epoch seconds of `now`), `event` and its fields."""

    def narrate(event: str, /, **told: Field) -> None:
        line = {"at": round(now(), 3), "event": event, **told}
        feed.write(json.dumps(line, ensure_ascii=False) + "\n")
        feed.flush()

    return narrate


def start(exchange: Exchange, config: PeopleConfig) -> asyncio.Task[None]:
    """Let the people live. The task never ends by itself; cancel it to end them all."""
    task = asyncio.create_task(People(exchange, config).live(), name="simulated people")
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the simulated people stopped", exc_info=error)


class Crowd:
    """The tasks of the people alive; a person who fails is logged and gone, the others live on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, life: Coroutine[object, object, None]) -> None:
        """Let one person live."""
        task = asyncio.create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    async def disperse(self) -> None:
        """End everybody and wait until they have ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a simulated person failed", exc_info=error)


class People:
    """Everybody of one run."""

    def __init__(self, exchange: Exchange, config: PeopleConfig) -> None:
        self._config = config
        self._clock = exchange.clock
        self._scene = Scene(exchange, config.narrate, config.seed, config.figures)
        self._callers = Crowd()
        self._staff = Crowd()
        self._reserved = {*config.queue_numbers, *(seat.contact for seat in config.agents)}
        self._choice = stream(config.seed, "queue")

    async def live(self) -> None:
        """Staff the desks, play the opening, and let callers arrive, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                await self._staff_the_desks(session)
                if self._config.scenario == "demo":
                    await self._open()
                await self._arrive()
            finally:
                await self._callers.disperse()
                await self._staff.disperse()

    async def _staff_the_desks(self, session: aiohttp.ClientSession) -> None:
        """Bring the agents on duty; goes on as soon as one of them is and the others have had a moment."""
        config = self._config
        api = PresenceApi(session, config.product_url, config.api_token)
        room = BreakRoom(places=len(config.agents) // 3)
        agents = [Agent(seat, self._scene, api.set, room, config.habits) for seat in config.agents]
        for agent in agents:
            self._staff.add(agent.work())
        arrivals = [asyncio.create_task(agent.on_duty.wait()) for agent in agents]
        try:
            await asyncio.wait(arrivals, return_when=asyncio.FIRST_COMPLETED)
            await self._until(lambda: all(arrival.done() for arrival in arrivals), 10.0)
        finally:
            for arrival in arrivals:
                arrival.cancel()

    async def _open(self) -> None:
        """Occupy the agents, let a few hold, then bring on the leads: the wait is long enough for an offer."""
        agents = len(self._config.agents)
        for i in range(agents):
            self._bring(self._extra(i, talk_s=100.0 + 200.0 * i / agents))
            await self._clock.sleep(2.0)
        await self._until(lambda: self._scene.talking >= agents, SCENE_WAITS_S)
        holders = max(0, math.ceil(0.85 * agents) - 1)
        for i in range(holders):
            self._bring(self._extra(agents + i, talk_s=140.0))
            await self._clock.sleep(3.0)
        for i, (name, language) in enumerate(LEADS):
            await self._clock.sleep(5.0)
            self._bring(self._lead(agents + holders + i, name, language))

    async def _arrive(self) -> None:
        config = self._config
        figures = config.figures
        arrivals = Arrivals(curve_for(config.scenario), len(config.agents), figures.talk_s + AROUND_A_TALK_S)
        passed = 0.0
        for number, at in enumerate(arrivals.times(stream(config.seed, "arrivals"))):
            await self._clock.sleep(at - passed)
            passed = at
            person = draw_person(_BACKGROUND_FIRST_INDEX + number, figures, config.seed)
            queue_number = self._choice.choice(config.queue_numbers)
            taken = {person.number, person.other_number} & self._reserved
            if len(self._callers) < config.max_callers and not taken:
                self._callers.add(Caller(person, self._scene, queue_number).live())

    def _bring(self, person: Person) -> None:
        self._callers.add(Caller(person, self._scene, self._config.queue_numbers[0]).live())

    def _extra(self, index: int, talk_s: float) -> Person:
        """Somebody patient who occupies an agent, or holds."""
        drawn = draw_person(index, self._config.figures, self._config.seed)
        return Person(index, drawn.name, self._number(index), ENGLISH, Intent.STAY, 3600.0, talk_s)

    def _lead(self, index: int, name: str, language: str) -> Person:
        return Person(
            index, name, self._number(index), language, Intent.CALLBACK, 3600.0, 120.0, ends_talk=True, lead=True
        )

    def _number(self, index: int) -> str:
        return next(n for n in map(story_number, range(index, index + 2000, 100)) if n not in self._reserved)

    async def _until(self, holds: Callable[[], bool], at_most_s: float) -> None:
        """Wait until `holds()`, looking every simulated second, at most `at_most_s`."""
        waited = 0.0
        while not holds() and waited < at_most_s:
            await self._clock.sleep(1.0)
            waited += 1.0
