"""One end of a call: what the carrier does to it and what the person who holds it hears and presses.

A leg is at once the carrier's Call resource (sid, status, times) and a telephone in somebody's hand. The person side
(:meth:`Leg.answer`, :meth:`Leg.press`, :meth:`Leg.hang_up`, the :attr:`Leg.heard` queue) is all that simulated people
use; the rest belongs to the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from callback.emulator.clock import SimClock

if TYPE_CHECKING:
    from callback.emulator.bridge import Bridge

HeardKind = Literal["ringing", "say", "play", "pause", "beep", "music", "bridged", "unbridged", "gather", "ended"]
Declined = Literal["busy", "no-answer", "failed"]
ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class Heard:
    """One thing that reaches the ear; ``leg`` is the other party of a bridge."""

    kind: HeardKind
    text: str = ""
    language: str = ""
    leg: Leg | None = None


@dataclass(frozen=True)
class StatusCallback:
    """Where and about which events (initiated, ringing, answered, completed) the application wants to be told."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True)
class Fallback:
    """The document that stands in when another cannot be fetched or understood."""

    url: str
    method: str = "POST"


class KeyCollector:
    """Takes keys for one Gather, Record or bridge until it has what it asked for.

    Args:
        wanted: how many digits complete it; 0 for no limit.
        finish_on: keys that complete it without being part of the result.
        purpose: what the keys are for: ``gather``, ``record`` or ``star``.
    """

    def __init__(self, wanted: int, finish_on: str, purpose: str = "gather") -> None:
        self.wanted = wanted
        self.purpose = purpose
        self.finish_on = finish_on
        self.digits = ""
        self.finished_on = ""
        self.touched = asyncio.Event()
        self.done = asyncio.Event()
        self.latest = asyncio.Event()

    def feed(self, digit: str) -> None:
        """One key; ignored once complete."""
        self.touched.set()
        if digit in self.finish_on:
            self.finished_on = digit
            self.done.set()
        else:
            self.digits += digit
            if self.wanted and len(self.digits) >= self.wanted:
                self.done.set()
        latest, self.latest = self.latest, asyncio.Event()
        latest.set()


@dataclass
class Times:
    """Real epoch seconds of a call's turns; None until they happen."""

    created: float
    dialed: float | None = None
    answered: float | None = None
    ended: float | None = None
    updated: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.updated = self.created


class Leg:
    """A call leg. ``status`` uses the carrier's words: queued, ringing, in-progress and the five ends.

    Args:
        sid: the call sid, ``CA`` and 32 hex digits.
        from_: caller's number, ``sip:`` or ``client:`` address, or a withheld marker.
        to: the number or address called.
        direction: inbound, outbound-api or outbound-dial.
        clock: source of timestamps.
        on_change: told of every ``status``, ``activity`` and ``heard`` change, at the moment it happens.
        parent_sid: the leg that dialled this one.
        params: what else the carrier reports about the call in its webhooks (StirVerstat, CallerName, ...).
    """

    def __init__(
        self,
        *,
        sid: str,
        from_: str,
        to: str,
        direction: str,
        clock: SimClock,
        on_change: Callable[[Leg, str], None],
        parent_sid: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self.sid = sid
        self.from_ = from_
        self.to = to
        self.direction = direction
        self.parent_sid = parent_sid
        self.params = dict(params or {})
        self.status = "queued"
        self.times = Times(clock.now())
        self.queue_time_ms = 0
        self.answered_by: str | None = None
        self.machine: str | None = None
        self.amd_verdict: str | None = None
        self.phone_number_sid: str | None = None
        self.heard: asyncio.Queue[Heard] = asyncio.Queue()
        self.transcript: list[tuple[float, Heard]] = []
        self.picked_up = asyncio.Event()
        self.ended = asyncio.Event()
        self.collector: KeyCollector | None = None
        self.bridge: Bridge | None = None
        self.activities: list[str] = []
        self.gathers = 0
        self.status_callback: StatusCallback | None = None
        self.status_sequence = 0
        self.fallback: Fallback | None = None
        self._clock = clock
        self._on_change = on_change
        self._pulse = asyncio.Event()

    # The person's side -------------------------------------------------------------------------------------------

    @property
    def is_callee(self) -> bool:
        """Whether the person at this end was called (else they called us)."""
        return self.direction != "inbound"

    async def answer(self) -> None:
        """The called person picks up; without effect unless it rings."""
        if self.is_callee and self.status == "ringing":
            self.pick_up()

    async def decline(self, how: Declined) -> None:
        """The called end does not take the call; without effect unless it rings."""
        if self.is_callee and self.status == "ringing":
            self.finish(how)

    async def answer_as_machine(self, kind: str = "machine_start") -> None:
        """A voicemail greeting (or a fax) picks up; ``kind`` is the verdict a detection would come to."""
        if self.is_callee and self.status == "ringing":
            self.machine = kind
            self.pick_up()

    async def press(self, digits: str) -> None:
        """Presses keys one after the other; a key that nobody waits for is lost, as on a real telephone."""
        for digit in digits:
            collector = self.collector
            if collector is None or self.ended.is_set():
                self._on_change(self, f"key-ignored {digit}")
                continue
            self._on_change(self, f"key {digit}")
            collector.feed(digit)
            if collector.done.is_set():
                self.stop_collecting()

    async def hang_up(self) -> None:
        """The person puts the phone down, whatever is happening."""
        if self.status in ("queued", "ringing"):
            self.finish("busy" if self.is_callee else "canceled")
        else:
            self.finish("completed")

    # The carrier's side ------------------------------------------------------------------------------------------

    def hear(self, kind: HeardKind, text: str = "", language: str = "", leg: Leg | None = None) -> None:
        """Delivers a sound to the person and keeps it in the transcript."""
        heard = Heard(kind, text, language, leg)
        self.heard.put_nowait(heard)
        self.transcript.append((self._clock.now(), heard))
        self._changed("heard")

    def dial(self) -> None:
        """The network starts to set up the call."""
        self.times.dialed = self._clock.now()

    def ring(self) -> None:
        """The far end rings."""
        if self.status == "queued":
            self.status = "ringing"
            self._changed("status")

    def pick_up(self) -> None:
        """The call is answered."""
        if self.status in ("queued", "ringing"):
            self.status = "in-progress"
            self.times.answered = self._clock.now()
            self.picked_up.set()
            self._changed("status")

    def finish(self, status: str) -> None:
        """Ends the leg with one of the carrier's end words; only the first end counts."""
        if self.ended.is_set():
            return
        self.status = status
        self.times.ended = self._clock.now()
        self.stop_collecting()
        self.ended.set()
        self.hear("ended")
        self._changed("status")

    def collect(self, collector: KeyCollector) -> None:
        """From now on keys go to ``collector``."""
        self.collector = collector
        self.gathers += collector.purpose == "gather"
        self._changed("activity")

    def stop_collecting(self) -> None:
        """Keys are ignored again."""
        if self.collector is not None:
            self.collector = None
            self._changed("activity")

    @contextmanager
    def doing(self, activity: str) -> Iterator[None]:
        """Marks what the leg is engaged in for the time of a ``with`` block."""
        self.activities.append(activity)
        self._changed("activity")
        try:
            yield
        finally:
            self.activities.remove(activity)
            self._changed("activity")

    def is_now(self, state: str) -> bool:
        """Whether ``state`` holds: a status, an activity, ``gather``, ``answered``, ``ended``."""
        if state == "ended":
            return self.ended.is_set()
        if state == "answered":
            return self.picked_up.is_set()
        if state == "gather":
            return self.collector is not None and self.collector.purpose == "gather"
        return state == self.status or state in self.activities

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Returns as soon as ``holds()`` is true; it is asked again at each change of this leg."""
        while not holds():
            await self._pulse.wait()

    @property
    def duration_s(self) -> int | None:
        """Whole real seconds between answer and end; None unless both happened."""
        if self.times.answered is None or self.times.ended is None:
            return None
        return int(self.times.ended - self.times.answered)

    def _changed(self, what: str) -> None:
        if what == "status":
            self.times.updated = self._clock.now()
        self._on_change(self, what)
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()
