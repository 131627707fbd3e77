"""Calling somebody else from a call: Number, Client and Sip, one or several at once.

Each called party is a leg of its own with its own session, so that the REST API can redirect or end it. A party that
answers first runs its whisper document; only one who comes out of that still on the line is connected, and the first
to do so wins. The carrier's report is kept as vague as the real one: DialCallStatus says ``completed`` for every
answered leg, whoever hung up and whether or not anybody talked; DialBridged tells the latter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from callback.emulator import conference, enqueue
from callback.emulator.bridge import Bridge
from callback.emulator.documents import DocumentError, Source
from callback.emulator.interpreter import HangUp, Interpreter
from callback.emulator.leg import Leg, StatusCallback
from callback.emulator.outcome import Outcome
from callback.emulator.twiml import Mode, Verb, identity

CANNOT_CALL = 13224
NOT_PERMITTED = 13227
INVALID_CALLER_ID = 13214

Noun = Callable[[Interpreter, Verb, Verb, Outcome], Awaitable[None]]
NOUNS: dict[str, Noun] = {"Queue": enqueue.dial_queue, "Conference": conference.perform}


async def perform(call: Interpreter, verb: Verb) -> Source | None:
    """Executes ``<Dial>``: gives the action to go on with, or None for the next verb.

    When the caller hung up, the action is still requested, with CallStatus=completed, and its document ignored.
    """
    outcome = Outcome()
    try:
        with call.leg.doing("dialing"):
            await _reach(call, verb, outcome)
    except asyncio.CancelledError:
        call.farewell(call.action(verb, outcome.params(), default_here=False))
        raise
    return call.action(verb, outcome.params(), default_here=False)


async def _reach(call: Interpreter, verb: Verb, outcome: Outcome) -> None:
    nouns = verb.children or (Verb("Number", {}, verb.text, ()),)
    special = NOUNS.get(nouns[0].name)
    if special is not None:
        await special(call, verb, nouns[0], outcome)
    else:
        await _Ringing(call, verb, outcome).run(nouns)


class _Ringing:
    """The legs of one Dial."""

    def __init__(self, call: Interpreter, verb: Verb, outcome: Outcome) -> None:
        self._call = call
        self._verb = verb
        self._outcome = outcome
        self._tried: list[Leg] = []
        self._ours: set[Leg] = set()
        self._bridge: Bridge | None = None
        self._decided = asyncio.Event()

    async def run(self, nouns: tuple[Verb, ...]) -> None:
        """Rings all of ``nouns``, connects the first that is ready and waits for the end of the conversation."""
        for noun in nouns:
            self._call_party(noun)
        if not self._tried:
            self._outcome.status = "failed"
            return
        if not self._verb.flag("answerOnBridge"):
            self._call.leg.pick_up()
        self._call.leg.hear("ringing")
        try:
            await self._decided.wait()
            if self._bridge is None:
                self._outcome.nobody(self._tried)
            else:
                await self._outcome.converse(self._bridge, self._call, self._verb)
        finally:
            self._release(set(self._ours))

    def _call_party(self, noun: Verb) -> None:
        address = {"Client": f"client:{identity(noun)}"}.get(noun.name, noun.text)
        caller_id = self._verb.get("callerId") or self._call.leg.from_
        error = self._refusal(noun, address, caller_id)
        if error is not None:
            message = f"cannot dial {address} as {caller_id}"
            self._call.exchange.ledger.write(
                "error", sid=self._call.leg.sid, code=error, url=self._call.here.url, message=message
            )
            return
        leg = self._call.exchange.new_leg(
            from_=caller_id, to=address, direction="outbound-dial", parent_sid=self._call.leg.sid
        )
        leg.status_callback = self._status_callback(noun)
        self._tried.append(leg)
        self._ours.add(leg)
        self._call.exchange.start(leg, partial(self._party, leg, noun))

    def _refusal(self, noun: Verb, address: str, caller_id: str) -> int | None:
        exchange = self._call.exchange
        own = (self._call.leg.from_, self._call.leg.to)
        if noun.name == "Number" and not exchange.account.may_call_from(caller_id) and caller_id not in own:
            return INVALID_CALLER_ID
        refusal = exchange.account.refusal(address)
        if refusal is None:
            return None
        return NOT_PERMITTED if refusal == 21215 else CANNOT_CALL

    def _status_callback(self, noun: Verb) -> StatusCallback | None:
        if not noun.get("statusCallback"):
            return None
        events = frozenset(noun.get("statusCallbackEvent", "completed").split())
        url = self._call.here.link(noun.get("statusCallback")).url
        return StatusCallback(url, noun.get("statusCallbackMethod", "POST"), events)

    async def _party(self, leg: Leg, noun: Verb) -> None:
        """What a called leg does: ring, whisper, talk."""
        try:
            if not await self._call.exchange.ring(leg, self._verb.number("timeout", 30)):
                return
            if noun.get("sendDigits"):
                leg.hear("play", noun.get("sendDigits"))
            if noun.get("url"):
                await self._whisper(leg, noun)
            bridge = self._connect(leg)
            if bridge is not None:
                await bridge.over.wait()
        except (HangUp, DocumentError):
            return
        finally:
            self._gone(leg)

    async def _whisper(self, leg: Leg, noun: Verb) -> None:
        whisper = Interpreter(self._call.exchange, leg, Mode.WHISPER)
        with leg.doing("whisper"):
            await whisper.run(self._call.here.link(noun.get("url"), noun.get("method", "POST")))

    def _connect(self, leg: Leg) -> Bridge | None:
        if leg.ended.is_set() or self._bridge is not None or self._call.leg.ended.is_set():
            return None
        self._call.leg.pick_up()
        self._outcome.leg = leg
        self._bridge = Bridge(self._call.leg, leg, self._call.exchange.clock)
        self._release(self._ours - {leg})
        self._decided.set()
        return self._bridge

    def _gone(self, leg: Leg) -> None:
        """The leg ended or was redirected away: it is no longer this Dial's."""
        self._ours.discard(leg)
        if self._bridge is not None and leg in self._bridge.legs:
            self._bridge.end()
        if not self._ours:
            self._decided.set()

    def _release(self, legs: set[Leg]) -> None:
        for leg in legs:
            leg.finish("completed" if leg.picked_up.is_set() else "no-answer")
