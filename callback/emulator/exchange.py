"""The heart of the carrier: legs, who answers them, and what the application is told about them.

Simulated people need only this module: :class:`Exchange` to make calls and be called, :class:`Leg` and :class:`Heard`
to take part in one, :class:`SimClock` to wait. Ring timeouts, pacing and webhook limits run in real time, as the
application's own clocks do; whatever people do, hear or wait for in a document runs in simulated time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from callback.emulator import account as accounts
from callback.emulator.account import Account
from callback.emulator.amd import Detection, detect, mailbox
from callback.emulator.clock import SimClock
from callback.emulator.conference import Conference
from callback.emulator.documents import Library, Source
from callback.emulator.faults import Faults
from callback.emulator.ledger import Ledger
from callback.emulator.leg import ENDED, Fallback, Heard, Leg, StatusCallback
from callback.emulator.media import Media
from callback.emulator.pacing import Pacer
from callback.emulator.queues import LARGEST_SIZE, CallQueue
from callback.emulator.racing import race
from callback.emulator.reports import Reports
from callback.emulator.session import Activity, Session
from callback.emulator.webhooks import Webhooks

__all__ = ["CallRequest", "Endpoint", "Exchange", "Heard", "Leg", "SimClock"]

NO_VOICE_URL = 11100
POST_DIAL_S = 1.0
KEPT_ENDED_CALLS = 5_000
_EVENTS = {"ringing": "ringing", "in-progress": "answered"}
_log = logging.getLogger(__name__)


class Endpoint(Protocol):
    """Somebody with a telephone."""

    async def ring(self, leg: Leg) -> None:
        """The address is called; the coroutine is the person's whole behaviour on this leg."""

    def text(self, body: str, from_: str) -> None:
        """A text message arrives."""


@dataclass(frozen=True)
class CallRequest:
    """A call to be made, as the REST API asks for it.

    Args:
        to, from_: callee and caller id.
        source: the document once answered.
        timeout_s: real seconds it may ring.
        status_callback, fallback, detection: optional extras.
        send_digits: keys sent after the answer.
    """

    to: str
    from_: str
    source: Source
    timeout_s: float = 60.0
    status_callback: StatusCallback | None = None
    fallback: Fallback | None = None
    detection: Detection | None = None
    send_digits: str = ""


def address_key(address: str) -> str:
    """An address without URI parameters, by which endpoints are found."""
    return (
        address.split(";", maxsplit=1)[0].split("?", maxsplit=1)[0]
        if address.startswith(("sip:", "sips:", "client:"))
        else address
    )


class Exchange:
    """The carrier for one account.

    Args:
        account: its numbers and credentials.
        clock: real and simulated time.
        rng: source of ids, jitter and anything random.
        calls_per_second: pace of starting API calls; None for no limit.
        base_url: where this carrier's REST API is reached, for links to recordings.
    """

    def __init__(
        self,
        *,
        account: Account,
        clock: SimClock,
        rng: random.Random,
        calls_per_second: float | None = None,
        base_url: str = "",
    ) -> None:
        self.account = account
        self.clock = clock
        self.rng = rng
        self.base_url = base_url
        self.ledger = Ledger(clock)
        self.faults = Faults(random.Random(rng.random()))
        self.webhooks = Webhooks(auth_token=account.auth_token, ledger=self.ledger, faults=self.faults, clock=clock)
        self.library = Library(account.sid, self.webhooks, self.ledger)
        self._reports = Reports(self.library, self.webhooks, clock)
        self.media = Media(self.ledger)
        self.pacer = Pacer(calls_per_second, clock)
        self.legs: dict[str, Leg] = {}
        self.queues: dict[str, CallQueue] = {}
        self.ring_slack_s = 0.0
        self._conferences: dict[str, Conference] = {}
        self._sessions: dict[str, Session] = {}
        self._ended: deque[str] = deque()
        self._endpoints: dict[str, Endpoint] = {}
        self._running: set[asyncio.Task[Any]] = set()

    # For people ----------------------------------------------------------------------------------------------------

    async def call_in(self, *, from_: str, to: str, **extra_params: str) -> Leg:
        """A person dials a number of the account; ``extra_params`` (StirVerstat, CallerName) go into its webhooks."""
        number = self.account.numbers.get(to)
        leg = self.new_leg(from_=from_, to=to, direction="inbound", params=extra_params)
        leg.dial()
        leg.ring()
        leg.hear("ringing")
        if number is None or not number.voice_url:
            self.ledger.write("error", sid=leg.sid, code=NO_VOICE_URL, url="", message=f"{to} has no VoiceUrl here")
            leg.finish("failed")
            return leg
        leg.phone_number_sid = number.sid
        if number.status_callback:
            leg.status_callback = StatusCallback(number.status_callback, number.status_callback_method)
        if number.voice_fallback_url:
            leg.fallback = Fallback(number.voice_fallback_url, number.voice_fallback_method)
        session = self._session(leg)
        self.spawn(session.run(partial(session.execute, Source(number.voice_url, number.voice_method))))
        return leg

    def register(self, address: str, endpoint: Endpoint) -> None:
        """From now on ``endpoint`` answers ``address`` (``+1...``, ``sip:...``, ``client:...``)."""
        self._endpoints[address_key(address)] = endpoint

    def unregister(self, address: str) -> None:
        """Nobody answers ``address`` any more; it rings out."""
        self._endpoints.pop(address_key(address), None)

    def endpoint(self, address: str) -> Endpoint | None:
        """Who answers ``address``."""
        return self._endpoints.get(address_key(address))

    # For the REST API ----------------------------------------------------------------------------------------------

    def place(self, request: CallRequest) -> Leg:
        """Queues a call that the application asked for."""
        leg = self.new_leg(from_=request.from_, to=request.to, direction="outbound-api")
        leg.status_callback = request.status_callback
        leg.fallback = request.fallback
        self._enter(leg)
        self.start(leg, partial(self._outbound, leg, request))
        return leg

    def divert(self, leg: Leg, source: Source) -> None:
        """Redirects a call in progress to another document."""
        self._session(leg).divert(source)

    def cancel(self, leg: Leg) -> None:
        """Stops a call that is queued or rings; one in progress goes on."""
        if leg.status in ("queued", "ringing"):
            leg.finish("canceled")

    def complete(self, leg: Leg) -> None:
        """Ends a call whatever it does."""
        leg.finish("completed" if leg.status == "in-progress" else "canceled")

    def queue_named(self, name: str, max_size: int = 0) -> CallQueue:
        """The queue of that name, made on first use."""
        for queue in self.queues.values():
            if queue.name == name:
                return queue
        queue = CallQueue(accounts.sid("QU", self.rng), name, self.clock)
        if max_size:
            queue.max_size = min(max_size, LARGEST_SIZE)
        self.queues[queue.sid] = queue
        return queue

    # For verbs -----------------------------------------------------------------------------------------------------

    def new_leg(
        self,
        *,
        from_: str,
        to: str,
        direction: str,
        parent_sid: str | None = None,
        params: dict[str, str] | None = None,
    ) -> Leg:
        """Makes a leg and enters it in the books."""
        leg = Leg(
            sid=accounts.sid("CA", self.rng),
            from_=from_,
            to=to,
            direction=direction,
            clock=self.clock,
            on_change=self._changed,
            parent_sid=parent_sid,
            params=params,
        )
        self.legs[leg.sid] = leg
        return leg

    def start(self, leg: Leg, activity: Activity) -> None:
        """Has a leg follow an activity until it ends or is redirected."""
        self.spawn(self._session(leg).run(activity))

    async def ring(self, leg: Leg, timeout_s: float) -> bool:
        """Sets up the call to ``leg.to`` and lets it ring for real ``timeout_s``; True once answered."""
        leg.dial()
        self._reports.status(leg, "initiated", "initiated")
        await self.clock.sleep(POST_DIAL_S)
        if self.account.verdict(leg.to).unallocated:
            leg.finish("failed")
        if leg.ended.is_set():
            return False
        leg.ring()
        endpoint = self.endpoint(leg.to)
        if endpoint is not None:
            self.spawn(self._person(leg, endpoint))
        timeout = self.clock.sleep_real(timeout_s + self.ring_slack_s)
        if await race(leg.picked_up.wait(), leg.ended.wait(), timeout) == 2:
            leg.finish("no-answer")
        return not leg.ended.is_set()

    def conference_named(self, name: str, callback: StatusCallback | None) -> Conference:
        """The room of that name, made anew when there is none or it is over."""
        room = self._conferences.get(name)
        if room is None or room.over.is_set():
            room = Conference(self, accounts.sid("CF", self.rng), name, callback)
            self._conferences[name] = room
        return room

    def new_recording(self) -> tuple[str, str]:
        """Sid and URL of a recording."""
        recording = accounts.sid("RE", self.rng)
        return recording, f"{self.base_url}/2010-04-01/Accounts/{self.account.sid}/Recordings/{recording}"

    # Inside --------------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs something in the background; a crash is written to the ledger and the log."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def reset(self) -> None:
        """Hangs up and forgets all calls and queues, who answers what, rules, verdicts and opt-outs."""
        for leg in list(self.legs.values()):
            if not leg.ended.is_set():
                self.complete(leg)
        self.legs.clear()
        self.queues.clear()
        self._endpoints.clear()
        self.faults.remove()
        for held in list(self.faults.held):
            self.faults.release(held)
        self.account.forget()
        self.ring_slack_s = 0.0

    async def close(self) -> None:
        """Stops everything."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.webhooks.close()

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.ledger.write("crash", message=repr(error))
            _log.error("the emulator failed", exc_info=error)

    def _session(self, leg: Leg) -> Session:
        return self._sessions.setdefault(leg.sid, Session(self, leg))

    async def _person(self, leg: Leg, endpoint: Endpoint) -> None:
        try:
            await endpoint.ring(leg)
        except Exception:
            await leg.hang_up()
            raise

    async def _outbound(self, leg: Leg, request: CallRequest) -> None:
        asked = self.clock.now()
        await self.pacer.turn()
        leg.queue_time_ms = int((self.clock.now() - asked) * 1000)
        if not await self.ring(leg, request.timeout_s):
            return
        if request.send_digits:
            leg.hear("play", request.send_digits)
        answered_by = await self._detect(leg, request.detection)
        source = request.source
        params = {**source.params, **({"AnsweredBy": answered_by} if answered_by else {})}
        await self._session(leg).execute(Source(source.url, source.method, params, source.twiml))

    async def _detect(self, leg: Leg, detection: Detection | None) -> str:
        """Who answered, where that holds back the document; else empty, and the verdict follows by itself."""
        if detection is None:
            return ""
        if detection.url:
            self.spawn(self._reports.detection(leg, detection))
            return ""
        with leg.doing("detecting"):
            return await detect(leg, detection, self.clock)

    def _changed(self, leg: Leg, what: str) -> None:
        if what.startswith("key"):
            word, digit = what.split(" ")
            self.ledger.write(word, sid=leg.sid, digit=digit)
        if what != "status":
            return
        self._enter(leg)
        self._reports.status(leg, _EVENTS.get(leg.status, "completed"), leg.status)
        if leg.status == "in-progress" and leg.machine is not None:
            self.spawn(mailbox(leg, self.clock))
        if leg.status in ENDED:
            self._close_books(leg)

    def _enter(self, leg: Leg) -> None:
        about = {"sid": leg.sid, "status": leg.status, "direction": leg.direction, "from": leg.from_, "to": leg.to}
        self.ledger.write("call", parent=leg.parent_sid, **about)

    def _close_books(self, leg: Leg) -> None:
        if leg.bridge is not None:
            leg.bridge.end()
        self._ended.append(leg.sid)
        while len(self._ended) > KEPT_ENDED_CALLS:
            old = self._ended.popleft()
            self.legs.pop(old, None)
            self._sessions.pop(old, None)
