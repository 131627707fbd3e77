"""Fetching the TwiML a call is to execute, and what the carrier tells about the call when it asks."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from callback.emulator.ledger import Ledger
from callback.emulator.leg import Leg
from callback.emulator.twiml import Mode, TwimlError, Verb, parse
from callback.emulator.webhooks import DeliveryError, Webhooks

API_VERSION = "2010-04-01"
INVALID_CONTENT_TYPE = 12300
_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


class DocumentError(Exception):
    """A document that could not be had or understood; ``code`` is the carrier's error number."""

    def __init__(self, code: int, url: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.url = url


@dataclass(frozen=True)
class Source:
    """Where the next document comes from: a URL, or TwiML given with the request.

    Args:
        url: absolute; for inline TwiML the base of its relative links, possibly empty.
        params: sent besides the call's own.
        twiml: the document itself, then nothing is fetched.
    """

    url: str = ""
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    twiml: str | None = None

    def link(self, reference: str, method: str = "POST", params: Mapping[str, str] | None = None) -> Source:
        """What ``reference`` means in a document from here."""
        return Source(urllib.parse.urljoin(self.url, reference), method, params or {})


class Library:
    """Gets documents from the application.

    Args:
        account_sid: reported with every request.
        webhooks: the way to the application.
        ledger: where documents that cannot be executed are written down.
    """

    def __init__(self, account_sid: str, webhooks: Webhooks, ledger: Ledger) -> None:
        self.account_sid = account_sid
        self._webhooks = webhooks
        self._ledger = ledger

    def call_params(self, leg: Leg) -> dict[str, str]:
        """What every request about a call says."""
        params = {
            "CallSid": leg.sid,
            "AccountSid": self.account_sid,
            "From": leg.from_,
            "Caller": leg.from_,
            "To": leg.to,
            "Called": leg.to,
            "CallStatus": leg.status,
            "Direction": leg.direction,
            "ApiVersion": API_VERSION,
        }
        if leg.parent_sid is not None:
            params["ParentCallSid"] = leg.parent_sid
        return params | leg.params

    async def load(self, leg: Leg, source: Source, mode: Mode, purpose: str = "document") -> tuple[Verb, ...]:
        """Fetches and checks a document.

        Raises:
            DocumentError: it could not be fetched, is no XML, or is not valid in ``mode``.
        """
        document = source.twiml
        try:
            if document is None:
                document = await self._fetch(leg, source, purpose)
            return parse(document, mode)
        except (TwimlError, DeliveryError) as error:
            self._ledger.write("error", sid=leg.sid, code=error.code, url=source.url, message=str(error))
            raise DocumentError(error.code, source.url, str(error)) from error

    async def _fetch(self, leg: Leg, source: Source, purpose: str) -> str:
        form = {**self.call_params(leg), **source.params}
        answer = await self._webhooks.fetch(source.url, form, method=source.method, purpose=purpose, sid=leg.sid)
        if answer.content_type not in _XML_TYPES:
            raise DeliveryError(INVALID_CONTENT_TYPE, source.url, f"content type {answer.content_type!r} is not XML")
        return answer.body

    def farewell(self, leg: Leg, source: Source) -> None:
        """Requests a document whose answer no longer matters, as after a hang-up."""
        form = {**self.call_params(leg), **source.params}
        self._webhooks.notify(source.url, form, method=source.method, purpose="farewell", sid=leg.sid)
