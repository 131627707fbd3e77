"""Requests to the application, as the carrier makes them.

Each is signed, carries an idempotency token that stays the same over its retries, obeys the overrides in the URL's
fragment (ct, rt, tt: milliseconds to connect, read and in total; rc: retries; rp: what is retried) and never takes
more than 15 seconds in all. The answer, or what went wrong, is written to the ledger. Fault rules act here, between
the carrier and the wire.
"""

from __future__ import annotations

import asyncio
import urllib.parse
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import yarl

from callback.emulator.clock import SimClock
from callback.emulator.faults import Faults, Ticket, WebhookPlan
from callback.emulator.ledger import Entry, Ledger
from callback.emulator.signature import sign

T = TypeVar("T")

CEILING_MS = 15_000
HTTP_RETRIEVAL_FAILURE = 11200
HTTP_CONNECTION_FAILURE = 11205
INVALID_URL = 11100
LEDGER_BODY = 4000


class DeliveryError(Exception):
    """No usable answer; ``code`` is the carrier's error number, ``url`` what was asked."""

    def __init__(self, code: int, url: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.url = url


class _Failed(Exception):
    """One attempt failed in a way the retry policy may know (ct, rt, 4xx, 5xx)."""

    def __init__(self, kind: str, code: int, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What the application said; ``url`` is without fragment, the base for relative links."""

    status: int
    body: str
    content_type: str
    url: str


@dataclass(frozen=True)
class Overrides:
    """Delivery limits: milliseconds, a number of retries, and which failures are retried."""

    ct: int = 5_000
    rt: int = CEILING_MS
    tt: int = CEILING_MS
    rc: int = 1
    rp: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Overrides:
        """Reads them from a URL's fragment; what is out of bounds is clipped to the carrier's limits."""
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).fragment))

        def limit(name: str, low: int, high: int, default: int) -> int:
            return min(high, max(low, int(given[name]))) if given.get(name, "").isdigit() else default

        policy = frozenset(given["rp"].split(",")) if "rp" in given else cls.rp
        return cls(
            ct=limit("ct", 100, 10_000, cls.ct),
            rt=limit("rt", 100, CEILING_MS, cls.rt),
            tt=limit("tt", 100, CEILING_MS, cls.tt),
            rc=limit("rc", 0, 5, cls.rc),
            rp=policy,
        )

    def retries(self, kind: str) -> bool:
        """Whether a failure of this kind is tried again."""
        return kind in self.rp or "all" in self.rp


@dataclass(frozen=True)
class _Parcel:
    """One webhook on its way."""

    url: str
    method: str
    form: Mapping[str, str]
    purpose: str
    sid: str
    token: str
    overrides: Overrides

    @property
    def target(self) -> str:
        """Where it goes: no fragment, and for GET the parameters in the query."""
        bare = urllib.parse.urldefrag(self.url).url
        if self.method == "POST" or not self.form:
            return bare
        return bare + ("&" if "?" in bare else "?") + urllib.parse.urlencode(self.form)


class Webhooks:
    """Sends documents requests and notifications.

    Args:
        auth_token: the account's secret, which keys the signatures.
        ledger: where every request and answer is written.
        faults: rules that act on them.
        clock: for waiting and measuring in real time.
    """

    def __init__(self, *, auth_token: str, ledger: Ledger, faults: Faults, clock: SimClock) -> None:
        self._token = auth_token
        self._ledger = ledger
        self._faults = faults
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Stops everything still under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str, form: Mapping[str, str], *, method: str, purpose: str, sid: str) -> Answer:
        """Asks the application and waits for its answer.

        A caller who gives up (a hang-up cancels the waiting) does not cancel the request: it is already on the wire.

        Raises:
            DeliveryError: nothing usable came within the limits.
        """
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise DeliveryError(INVALID_URL, url, "not an absolute http URL")
        parcel = _Parcel(url, method, dict(form), purpose, sid, str(uuid.uuid4()), Overrides.of(url))
        delivery = self._background(self._deliver(parcel))
        done, _ = await asyncio.wait({delivery}, timeout=parcel.overrides.tt / 1000)
        if not done:
            self._ledger.write("webhook-timeout", sid=sid, url=url, purpose=purpose)
            raise DeliveryError(HTTP_RETRIEVAL_FAILURE, url, f"no answer within {parcel.overrides.tt} ms")
        return delivery.result()

    def notify(self, url: str, form: Mapping[str, str], *, method: str, purpose: str, sid: str) -> None:
        """Tells the application something without waiting; a failure is only written down."""
        self._background(self._tell(url, form, method, purpose, sid))

    async def _tell(self, url: str, form: Mapping[str, str], method: str, purpose: str, sid: str) -> None:
        try:
            await self.fetch(url, form, method=method, purpose=purpose, sid=sid)
        except DeliveryError as error:
            self._ledger.write("error", sid=sid, code=error.code, url=url, message=str(error), purpose=purpose)

    def _background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    async def _deliver(self, parcel: _Parcel) -> Answer:
        plan = self._faults.for_webhook(parcel.method, parcel.target, parcel.form, parcel.purpose)
        tickets = await self._detain(parcel, plan)
        try:
            return await self._send(parcel, plan)
        finally:
            for ticket in tickets:
                ticket.passed()

    async def _send(self, parcel: _Parcel, plan: WebhookPlan) -> Answer:
        if plan.drop:
            about = {"sid": parcel.sid, "purpose": parcel.purpose, "url": parcel.url, "form": parcel.form}
            self._ledger.write("webhook-dropped", **about)
            raise DeliveryError(HTTP_CONNECTION_FAILURE, parcel.url, "dropped on the way")
        if plan.concurrent:
            for copy in range(1, plan.copies + 1):
                self._background(self._repeat(parcel, copy))
            return await self._attempts(parcel)
        try:
            return await self._attempts(parcel)
        finally:
            if plan.copies:
                self._background(self._repeat_in_turn(parcel, plan.copies))

    async def _detain(self, parcel: _Parcel, plan: WebhookPlan) -> list[Ticket]:
        if plan.hold:
            await self._faults.hold(parcel.purpose, parcel.target, parcel.form)
        tickets = [await rule.turn() for rule in plan.turns]
        await self._clock.sleep_real(plan.delay_s)
        return tickets

    async def _attempts(self, parcel: _Parcel) -> Answer:
        attempt = 0
        while True:
            try:
                return await self._post(parcel, attempt=attempt)
            except _Failed as failure:
                if attempt >= parcel.overrides.rc or not parcel.overrides.retries(failure.kind):
                    raise DeliveryError(failure.code, parcel.url, str(failure)) from failure
            attempt += 1

    async def _repeat_in_turn(self, parcel: _Parcel, copies: int) -> None:
        for copy in range(1, copies + 1):
            await self._repeat(parcel, copy)

    async def _repeat(self, parcel: _Parcel, copy: int) -> None:
        try:
            await self._post(parcel, copy=copy)
        except _Failed as failure:
            about = {"sid": parcel.sid, "code": failure.code, "url": parcel.url, "message": str(failure)}
            self._ledger.write("error", copy=copy, **about)

    async def _post(self, parcel: _Parcel, *, attempt: int = 0, copy: int = 0) -> Answer:
        entry = self._ledger.write(
            "webhook",
            sid=parcel.sid,
            purpose=parcel.purpose,
            method=parcel.method,
            url=parcel.target,
            form=parcel.form,
            attempt=attempt,
            copy=copy,
            token=parcel.token,
            answer=None,
        )
        began = self._clock.now()
        try:
            answer = await self._exchange(parcel)
        except _Failed as failure:
            self._answered(entry, began, None, str(failure))
            raise
        self._answered(entry, began, answer.status, answer.body)
        if not 200 <= answer.status < 300:
            kind = f"{answer.status // 100}xx"
            raise _Failed(kind, HTTP_RETRIEVAL_FAILURE, f"the answer's status is {answer.status}")
        return answer

    def _answered(self, entry: Entry, began: float, status: int | None, body: str) -> None:
        milliseconds = round((self._clock.now() - began) * 1000, 1)
        entry["answer"] = {"status": status, "body": body[:LEDGER_BODY], "ms": milliseconds}
        self._ledger.write("answer", sid=entry["sid"], to=entry["seq"], status=status, ms=milliseconds)

    async def _exchange(self, parcel: _Parcel) -> Answer:
        posted = dict(parcel.form) if parcel.method == "POST" else {}
        headers = {
            "X-Twilio-Signature": sign(self._token, parcel.target, posted),
            "I-Twilio-Idempotency-Token": parcel.token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        limits = aiohttp.ClientTimeout(sock_connect=parcel.overrides.ct / 1000, sock_read=parcel.overrides.rt / 1000)
        try:
            async with self._http().request(
                parcel.method,
                yarl.URL(parcel.target, encoded=True),
                data=posted or None,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
            ) as response:
                body = (await response.read()).decode("utf-8", "replace")
                bare = urllib.parse.urldefrag(parcel.url).url
                return Answer(response.status, body, response.content_type, bare)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _Failed("ct", HTTP_CONNECTION_FAILURE, f"cannot connect: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _Failed("rt", HTTP_RETRIEVAL_FAILURE, f"no answer: {error!r}") from error

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No kept-alive connections: one that the application closes meanwhile would look like a fault of its.
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session
