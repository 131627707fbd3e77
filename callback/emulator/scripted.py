"""People described in JSON, so that a test can say over HTTP who answers and what they do.

A behaviour is an object; every field is optional and times are simulated seconds:

``answer``
    true (default), ``"manual"`` (rings until the control API answers), ``"busy"``, ``"no-answer"``, ``"failed"``,
    ``"machine"``.
``after_s``
    how long it rings before that (default 2).
``machine``
    the verdict a detection comes to when a machine answers (default ``machine_start``).
``amd``
    the verdict regardless of who answers, to make detection err.
``on_say``
    list of ``{"match": REGEX, "press": DIGITS, "after_s": 0.5, "times": null}``: pressed on hearing it.
``hang_up_on_say``
    REGEX: hangs up on hearing it.
``talk_s``
    hangs up after being connected for so long.
``patience_s``
    hangs up after so long on the line without being connected.
``script``
    list of steps done one after the other: ``{"sleep_s": 2}``, ``{"wait": "gather"}`` (any state of a leg),
    ``{"hear": REGEX}``, ``{"press": "1"}``, ``{"hang_up": true}``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callback.emulator.clock import SimClock
from callback.emulator.leg import Heard, Leg

ANSWERS = (True, "manual", "busy", "no-answer", "failed", "machine")
STEPS = frozenset({"sleep_s", "wait", "hear", "press", "hang_up"})


class OnSay:
    """Keys pressed on hearing something, at most ``times`` times on a leg."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        _known("on_say", data, {"match", "press", "after_s", "times"})
        self.match = re.compile(data["match"], re.IGNORECASE)
        self.press = str(data["press"])
        self.after_s = float(data.get("after_s", 0.5))
        self.times: int | None = data.get("times")


@dataclass(frozen=True)
class Behaviour:
    """What a person does on one leg; see the module's description."""

    answer: bool | str = True
    after_s: float = 2.0
    machine: str = "machine_start"
    amd: str | None = None
    on_say: tuple[OnSay, ...] = ()
    hang_up_on_say: str | None = None
    talk_s: float | None = None
    patience_s: float | None = None
    script: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Behaviour:
        """Reads a behaviour.

        Raises:
            ValueError: a field, an answer or a step that is not known.
        """
        _known("behaviour", data, set(cls.__dataclass_fields__))
        if data.get("answer", True) not in ANSWERS:
            raise ValueError(f"answer must be one of {ANSWERS}")
        for step in data.get("script", ()):
            _known("step", step, STEPS)
        rules = tuple(OnSay(rule) for rule in data.get("on_say", ()))
        return cls(**{**data, "on_say": rules, "script": tuple(data.get("script", ()))})


def _known(what: str, data: Mapping[str, Any], names: set[str] | frozenset[str]) -> None:
    unknown = sorted(set(data) - names)
    if unknown:
        raise ValueError(f"{what} has unknown fields: {', '.join(unknown)}; known are {', '.join(sorted(names))}")


class Person:
    """Somebody who follows a behaviour on one leg."""

    def __init__(self, behaviour: Behaviour, clock: SimClock) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._pressed: dict[OnSay, int] = {}

    async def ring(self, leg: Leg) -> None:
        """Answers (or not) as described, then lives the call."""
        behaviour = self._behaviour
        leg.amd_verdict = behaviour.amd
        if behaviour.answer != "manual":
            await self._clock.sleep(behaviour.after_s)
        if behaviour.answer is True:
            await leg.answer()
        elif behaviour.answer == "machine":
            await leg.answer_as_machine(behaviour.machine)
        elif behaviour.answer in ("busy", "no-answer", "failed"):
            leg.finish(str(behaviour.answer))
        if behaviour.answer in (True, "manual"):
            await self.live(leg)

    async def live(self, leg: Leg) -> None:
        """Listens, presses, talks and hangs up until the leg ends."""
        timers = [self._listen(leg), self._follow(leg), self._lose_patience(leg), self._talk(leg)]
        tasks = [asyncio.create_task(timer) for timer in timers]
        try:
            await leg.ended.wait()
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _listen(self, leg: Leg) -> None:
        while True:
            heard = await leg.heard.get()
            if heard.kind == "say":
                await self._react(leg, heard)

    async def _react(self, leg: Leg, heard: Heard) -> None:
        behaviour = self._behaviour
        if behaviour.hang_up_on_say and re.search(behaviour.hang_up_on_say, heard.text, re.IGNORECASE):
            await leg.hang_up()
        for rule in behaviour.on_say:
            used = self._pressed.get(rule, 0)
            if rule.match.search(heard.text) and (rule.times is None or used < rule.times):
                self._pressed[rule] = used + 1
                await self._clock.sleep(rule.after_s)
                await leg.press(rule.press)
                return

    async def _lose_patience(self, leg: Leg) -> None:
        if self._behaviour.patience_s is None:
            return
        await leg.wait_until(leg.picked_up.is_set)
        await self._clock.sleep(self._behaviour.patience_s)
        if not leg.is_now("bridged"):
            await leg.hang_up()

    async def _talk(self, leg: Leg) -> None:
        if self._behaviour.talk_s is None:
            return
        await leg.wait_until(lambda: leg.is_now("bridged"))
        await self._clock.sleep(self._behaviour.talk_s)
        await leg.hang_up()

    async def _follow(self, leg: Leg) -> None:
        seen = 0
        for step in self._behaviour.script:
            ((what, value),) = step.items()
            if what == "sleep_s":
                await self._clock.sleep(float(value))
            elif what == "wait":
                await leg.wait_until(lambda state=str(value): leg.is_now(state))  # type: ignore[misc]
            elif what == "hear":
                seen = await wait_heard(leg, str(value), seen)
            elif what == "press":
                await leg.press(str(value))
            else:
                await leg.hang_up()


async def wait_heard(leg: Leg, pattern: str, start: int = 0) -> int:
    """Waits until something spoken from place ``start`` of the transcript on matches; gives the place after it."""
    wanted = re.compile(pattern, re.IGNORECASE)
    place = start
    while True:
        await leg.wait_until(lambda known=place: len(leg.transcript) > known)  # type: ignore[misc]
        _, heard = leg.transcript[place]
        place += 1
        if heard.kind == "say" and wanted.search(heard.text):
            return place


class ScriptedEndpoint:
    """Answers an address: the first ring by the first behaviour and so on, the last one from then on."""

    def __init__(self, behaviours: Sequence[Behaviour], clock: SimClock) -> None:
        if not behaviours:
            raise ValueError("at least one behaviour is needed")
        self._behaviours = list(behaviours)
        self._clock = clock
        self.rings = 0
        self.texts: list[dict[str, str]] = []

    async def ring(self, leg: Leg) -> None:
        """Somebody calls."""
        behaviour = self._behaviours[min(self.rings, len(self._behaviours) - 1)]
        self.rings += 1
        await Person(behaviour, self._clock).ring(leg)

    def text(self, body: str, from_: str) -> None:
        """A text arrives and is kept."""
        self.texts.append({"from": from_, "body": body})
