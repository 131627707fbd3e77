"""Rooms in which several legs talk: entered by Dial, begun when somebody entitled to begin it is not alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callback.emulator.interpreter import Interpreter
from callback.emulator.leg import Leg, StatusCallback
from callback.emulator.racing import race
from callback.emulator.reports import rfc2822
from callback.emulator.twiml import Mode, Verb

if TYPE_CHECKING:
    from callback.emulator.exchange import Exchange
    from callback.emulator.outcome import Outcome

BREATH_S = 1.0
_BEEP_ON_ENTER = ("true", "onEnter")
_BEEP_ON_EXIT = ("true", "onExit")


@dataclass(eq=False)
class Participant:
    """A leg in a conference and how it came in."""

    leg: Leg
    starts: bool
    ends: bool
    muted: bool
    beep: str


class Conference:
    """One room, from the first participant to the last.

    Args:
        exchange: tells the application.
        sid: ``CF`` and 32 hex digits.
        name: the room's name.
        callback: events wanted by the first participant's document; later ones cannot change it.
    """

    def __init__(self, exchange: Exchange, sid: str, name: str, callback: StatusCallback | None) -> None:
        self.sid = sid
        self.name = name
        self.participants: list[Participant] = []
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self._exchange = exchange
        self._callback = callback
        self._sequence = 0

    def enter(self, newcomer: Participant) -> None:
        """Lets a participant in; begins the conference if that makes it complete."""
        self.participants.append(newcomer)
        self._tell("join", "participant-join", newcomer)
        self._beep(newcomer, _BEEP_ON_ENTER)
        if self.started.is_set():
            self._introduce(newcomer)
        elif len(self.participants) > 1 and any(one.starts for one in self.participants):
            self.started.set()
            self._tell("start", "conference-start", newcomer)
            for one in self.participants:
                self._hear_others(one)

    def leave(self, leaver: Participant) -> None:
        """Takes a participant out; ends the conference if that was agreed or nobody is left."""
        if leaver not in self.participants:
            return
        self.participants.remove(leaver)
        self._tell("leave", "participant-leave", leaver)
        self._beep(leaver, _BEEP_ON_EXIT)
        if self.started.is_set() and len(self.participants) == 1:
            self.participants[0].leg.hear("unbridged")
        agreed = leaver.ends and self.started.is_set()
        if not self.over.is_set() and (agreed or not self.participants):
            self.over.set()
            self._tell("end", "conference-end", leaver)

    def _introduce(self, newcomer: Participant) -> None:
        self._hear_others(newcomer)
        for one in self.participants:
            if one is not newcomer:
                one.leg.hear("bridged", leg=newcomer.leg)

    def _hear_others(self, one: Participant) -> None:
        other = next((other for other in self.participants if other is not one), None)
        if other is not None:
            one.leg.hear("bridged", leg=other.leg)

    def _beep(self, mover: Participant, when: tuple[str, ...]) -> None:
        if mover.beep in when:
            for one in self.participants:
                one.leg.hear("beep")

    def _tell(self, wanted: str, event: str, participant: Participant) -> None:
        if self._callback is None or wanted not in self._callback.events:
            return
        form = {
            "AccountSid": self._exchange.account.sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self._sequence),
            "Timestamp": rfc2822(self._exchange.clock.now()),
        }
        if event.startswith("participant"):
            form |= {
                "CallSid": participant.leg.sid,
                "Muted": str(participant.muted).lower(),
                "Hold": "false",
                "StartConferenceOnEnter": str(participant.starts).lower(),
                "EndConferenceOnExit": str(participant.ends).lower(),
            }
        self._sequence += 1
        self._exchange.webhooks.notify(
            self._callback.url, form, method=self._callback.method, purpose="conference", sid=participant.leg.sid
        )


async def perform(call: Interpreter, verb: Verb, noun: Verb, outcome: Outcome) -> None:
    """Executes ``<Dial><Conference>`` until the participant or the conference is gone."""
    call.leg.pick_up()
    room = call.exchange.conference_named(noun.text, _callback(call, noun))
    if len(room.participants) >= noun.number("maxParticipants", 250):
        outcome.status = "failed"
        return
    participant = Participant(
        call.leg,
        starts=noun.flag("startConferenceOnEnter", True),
        ends=noun.flag("endConferenceOnExit"),
        muted=noun.flag("muted"),
        beep=noun.get("beep", "true"),
    )
    outcome.status = "answered"
    try:
        with call.leg.doing("conference"):
            room.enter(participant)
            limit = call.exchange.clock.sleep(verb.number("timeLimit", 14400))
            await race(room.over.wait(), limit, _stay(call, noun, room))
    finally:
        room.leave(participant)


async def _stay(call: Interpreter, noun: Verb, room: Conference) -> None:
    await race(room.started.wait(), _hold(call, noun))
    with call.leg.doing("bridged"):
        await room.over.wait()


async def _hold(call: Interpreter, noun: Verb) -> None:
    if not noun.get("waitUrl"):
        if "waitUrl" not in noun.attributes:
            call.leg.hear("music")
        await asyncio.Event().wait()
    source = call.here.link(noun.get("waitUrl"), noun.get("waitMethod", "POST"))
    while True:
        began = call.exchange.clock.now()
        await Interpreter(call.exchange, call.leg, Mode.HOLD).run(source)
        if call.exchange.clock.now() - began < BREATH_S / call.exchange.clock.speed:
            await call.exchange.clock.sleep(BREATH_S)


def _callback(call: Interpreter, noun: Verb) -> StatusCallback | None:
    if not noun.get("statusCallback"):
        return None
    events = frozenset(noun.get("statusCallbackEvent", "").split())
    return StatusCallback(
        call.here.link(noun.get("statusCallback")).url, noun.get("statusCallbackMethod", "POST"), events
    )
