"""The carrier's REST side: calls created, redirected, ended and looked up, and texts sent.

Creating a call has no idempotency key, so it is asked for exactly once; who gets `OutcomeUnknown` must look the call up
before asking again. Every method takes a bounded time and fails with an error of `callback.ports` (see `errors`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import twilio.rest.api.v2010.account  # noqa: F401 -- else imported by the first client, in each process of a pool
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from callback.adapters.telephony.transport import Transport
from callback.domain.ids import CallSid
from callback.ports import CarrierCall, LegGone, NewCall, OutcomeUnknown

STATUS_EVENTS: Final = ["initiated", "ringing", "answered", "completed"]
NOT_YET_TALKING: Final = frozenset({"queued", "initiated", "ringing"})
PAGE_SIZE: Final = 200
MOST_PAGES: Final = 20
MOST_RECORDS: Final = 1_000
"""Of one kind and one direction, at one time."""

_SID: Final = re.compile(r"(?:CA|SM|MM)[0-9a-f]{32}")


class TwilioCarrier:
    """`ports.Carrier` over Twilio's API v2010.

    Args:
        account_sid: whose calls they are.
        auth_token: its secret; never logged.
        api_base_url: scheme, host and port of a compatible API in place of the carrier's own, or None.
        timeout_s: of one request: to connect, and to wait for an answer.
    """

    def __init__(
        self, account_sid: str, auth_token: str, api_base_url: str | None = None, *, timeout_s: float = 5
    ) -> None:
        self._transport = Transport(api_base_url, timeout_s)
        self._api = Client(account_sid, auth_token, http_client=self._transport).api.v2010.account

    def close(self) -> None:
        """Closes the connection to the carrier."""
        self._transport.close()

    def create_call(self, call: NewCall) -> CallSid:
        optional = _wanted(fallback_url=call.fallback_url, machine_detection="Enable" if call.detect_machine else "")
        with _readable():
            created = self._api.calls.create(
                to=call.to,
                from_=call.from_,
                url=call.url,
                status_callback=call.status_url,
                status_callback_event=STATUS_EVENTS,
                timeout=call.timeout,
                **optional,
            )
        return CallSid(_usable(created.sid))

    def redirect(self, call: CallSid, url: str) -> None:
        self._update(call, url=url, method="POST")

    def hang_up(self, call: CallSid) -> None:
        """`completed` ends what talks or rings. Should the call still stand in the carrier's own queue afterwards, it
        is cancelled there; and should it have been answered in that moment, it is ended after all."""
        for wanted in ("completed", "canceled", "completed"):
            try:
                status = self._update(call, status=wanted)
            except LegGone as gone:
                if gone.code != _NOT_IN_PROGRESS:
                    return
                continue
            if status not in NOT_YET_TALKING and status != "in-progress":
                return

    def fetch(self, call: CallSid) -> CarrierCall | None:
        try:
            with _readable():
                return _call(self._api.calls(call).fetch())
        except LegGone:
            return None

    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        """Newest first. The carrier cannot filter by the time of creation (which it gives in whole seconds), and a call
        it has not dialled yet has no time of start: so pages are read until one has nothing new enough.

        Raises:
            OutcomeUnknown: more pages than can be read in a bounded time.
        """
        found: list[CarrierCall] = []
        second = since.replace(microsecond=0)
        for page in self._pages(to, from_):
            recent = [call for call in page if call.created_at is None or call.created_at >= second]
            found += recent
            if not recent:
                return found
        return found

    def send_text(self, *, to: str, from_: str, body: str, status_url: str) -> str:
        with _readable():
            sent = self._api.messages.create(to=to, from_=from_, body=body, status_callback=status_url)
        return _usable(sent.sid)

    def records_of(self, number: str) -> list[str]:
        """At most a thousand of each kind and direction: once those are deleted, the next asking finds others."""
        found: dict[str, None] = {}
        for resource in (self._api.calls, self._api.messages):
            for side in ("to", "from_"):
                with _readable():
                    records = resource.list(**{side: number}, limit=MOST_RECORDS, page_size=PAGE_SIZE)
                    found |= dict.fromkeys(_usable(record.sid) for record in records)
        return list(found)

    def delete_record(self, sid: str) -> None:
        resource = self._api.calls if sid.startswith("CA") else self._api.messages
        try:
            with _readable():
                resource(sid).delete()
        except LegGone:
            return

    def _update(self, call: CallSid, **changes: str) -> str:
        with _readable():
            return str(self._api.calls(call).update(**changes).status)

    def _pages(self, to: str, from_: str) -> Iterator[list[CarrierCall]]:
        with _readable():
            page = self._api.calls.page(to=to, from_=from_, page_size=PAGE_SIZE)
        for _ in range(MOST_PAGES):
            with _readable():
                calls = [_call(call) for call in page]
            yield calls
            with _readable():
                page = page.next_page()
            if page is None:
                return
        raise OutcomeUnknown(f"more than {PAGE_SIZE * MOST_PAGES} calls between these numbers")


_NOT_IN_PROGRESS: Final = 21220


@contextmanager
def _readable() -> Iterator[None]:
    """What the library makes of an answer in a shape it does not expect: nobody knows what came of the request."""
    try:
        yield
    except (TwilioException, AttributeError, KeyError, TypeError, ValueError) as unread:
        raise OutcomeUnknown(f"the carrier's answer is not understood: {type(unread).__name__}") from unread


def _wanted(**settings: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if value}


def _usable(sid: object) -> str:
    if isinstance(sid, str) and _SID.fullmatch(sid):
        return sid
    raise OutcomeUnknown("the carrier accepted without a usable sid")


def _call(found: Any) -> CarrierCall:
    return CarrierCall(
        sid=CallSid(_usable(found.sid)),
        to=found.to or "",
        from_=found._from or "",
        status=found.status or "",
        created_at=_moment(found.date_created),
        started_at=_moment(found.start_time),
        ended_at=_moment(found.end_time),
        duration_s=int(found.duration) if str(found.duration or "").isdigit() else None,
        answered_by=found.answered_by or "",
    )


def _moment(value: object) -> datetime | None:
    """The library gives aware times, and hands on unread what it cannot read."""
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
