"""Text messages: sent by the application, delivered or not, and sent to it by people.

Opt-out works as at the carrier: certain words from a person silence the number they were sent to until others undo it,
and a text to somebody who opted out is refused.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callback.emulator import account as accounts
from callback.emulator.account import PhoneNumber
from callback.emulator.documents import API_VERSION
from callback.emulator.errors import CarrierError
from callback.emulator.webhooks import DeliveryError

if TYPE_CHECKING:
    from callback.emulator.exchange import Exchange

STOP_WORDS = frozenset({"CANCEL", "END", "OPTOUT", "QUIT", "REVOKE", "STOP", "STOPALL", "UNSUBSCRIBE"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})
STEP_S = 1.0
LONGEST = 1600
MESSAGING_PARSE_FAILURE = 12100
MESSAGING_INVALID = 12200


@dataclass
class Message:
    """One text, in the carrier's words for status and direction."""

    sid: str
    from_: str
    to: str
    body: str
    direction: str
    status: str
    created: float
    updated: float
    sent: float | None = None
    error_code: int | None = None
    status_callback: str = ""
    service_sid: str | None = None

    @property
    def segments(self) -> int:
        """Parts it is sent in: 160 characters alone or 153 each in plain alphabet, else 70 or 67."""
        alone, joined = (160, 153) if self.body.isascii() else (70, 67)
        return 1 if len(self.body) <= alone else -(-len(self.body) // joined)


class Messaging:
    """Texts of the account."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.messages: dict[str, Message] = {}

    def send(self, *, from_: str, to: str, body: str, status_callback: str = "", service: str | None = None) -> Message:
        """Accepts a text from the application and sends it in the background.

        Raises:
            CarrierError: it is refused.
        """
        account = self._exchange.account
        if service is not None and not from_:
            from_ = next(iter(account.numbers), "")
        self._check(from_, to, body)
        message = self._new(from_, to, body, "outbound-api", "queued")
        message.status_callback = status_callback
        message.service_sid = service
        self._tell(message)
        self._exchange.spawn(self._carry(message))
        return message

    def receive(self, *, from_: str, to: str, body: str) -> Message:
        """A person texts one of the account's numbers."""
        message = self._new(from_, to, body, "inbound", "received")
        number = self._exchange.account.numbers.get(to)
        self._opt(message)
        if number is not None and number.sms_url:
            self._exchange.spawn(self._hand_over(message, number))
        return message

    def _check(self, from_: str, to: str, body: str) -> None:
        account = self._exchange.account
        if not to:
            raise CarrierError(21604)
        if from_ not in account.numbers:
            raise CarrierError(21606, from_)
        if not body:
            raise CarrierError(21602)
        if len(body) > LONGEST:
            raise CarrierError(21617)
        if account.verdict(to).sms_error is not None:
            raise CarrierError(account.verdict(to).sms_error or 0, to)
        if account.refusal(to) in (21211, 21217):
            raise CarrierError(21211, to)
        if (from_, to) in account.opted_out:
            raise CarrierError(21610, to)

    def _new(self, from_: str, to: str, body: str, direction: str, status: str) -> Message:
        now = self._exchange.clock.now()
        message = Message(accounts.sid("SM", self._exchange.rng), from_, to, body, direction, status, now, now)
        self.messages[message.sid] = message
        self._note(message)
        return message

    def _note(self, message: Message) -> None:
        about = {"from": message.from_, "to": message.to, "body": message.body, "direction": message.direction}
        self._exchange.ledger.write("message", sid=message.sid, status=message.status, **about)

    def _become(self, message: Message, status: str) -> None:
        message.status = status
        message.updated = self._exchange.clock.now()
        self._note(message)
        self._tell(message)

    async def _carry(self, message: Message) -> None:
        fate, _, code = self._exchange.account.verdict(message.to).sms.partition(":")
        await self._exchange.clock.sleep(STEP_S)
        message.sent = self._exchange.clock.now()
        if fate != "failed":
            self._become(message, "sent")
            await self._exchange.clock.sleep(STEP_S)
        message.error_code = int(code) if code else None
        self._become(message, fate)
        endpoint = self._exchange.endpoint(message.to)
        if fate == "delivered" and endpoint is not None:
            endpoint.text(message.body, message.from_)

    def _tell(self, message: Message) -> None:
        if not message.status_callback:
            return
        form = self._params(message) | {"MessageStatus": message.status, "SmsStatus": message.status}
        if message.error_code is not None:
            form["ErrorCode"] = str(message.error_code)
        self._exchange.webhooks.notify(
            message.status_callback, form, method="POST", purpose="sms-status", sid=message.sid
        )

    def _params(self, message: Message) -> dict[str, str]:
        return {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "AccountSid": self._exchange.account.sid,
            "From": message.from_,
            "To": message.to,
            "ApiVersion": API_VERSION,
        }

    def _opt(self, message: Message) -> None:
        word = message.body.strip().upper()
        pair = (message.to, message.from_)
        if word in STOP_WORDS:
            self._exchange.account.opted_out.add(pair)
        elif word in START_WORDS:
            self._exchange.account.opted_out.discard(pair)

    async def _hand_over(self, message: Message, number: PhoneNumber) -> None:
        form = self._params(message) | {
            "Body": message.body,
            "NumMedia": "0",
            "NumSegments": str(message.segments),
            "SmsMessageSid": message.sid,
            "SmsStatus": "received",
        }
        try:
            answer = await self._exchange.webhooks.fetch(
                number.sms_url, form, method=number.sms_method, purpose="sms", sid=message.sid
            )
        except DeliveryError as error:
            self._error(message, error.code, error.url, str(error))
            return
        for reply in self._replies(message, answer.body, answer.url):
            self._reply(message, reply)

    def _replies(self, message: Message, document: str, url: str) -> list[str]:
        if not document.strip():
            return []
        try:
            root = ET.fromstring(document.strip().encode())  # noqa: S314 - the application's own document
        except ET.ParseError as error:
            self._error(message, MESSAGING_PARSE_FAILURE, url, str(error))
            return []
        strange = [element.tag for element in root if element.tag != "Message" or element.attrib or len(element)]
        if root.tag != "Response" or strange:
            self._error(message, MESSAGING_INVALID, url, f"cannot be executed: {root.tag} {strange}")
            return []
        return [element.text or "" for element in root]

    def _reply(self, message: Message, body: str) -> None:
        try:
            reply = self.send(from_=message.to, to=message.from_, body=body)
            reply.direction = "outbound-reply"
        except CarrierError as refusal:
            self._error(message, refusal.code, "", str(refusal))

    def _error(self, message: Message, code: int, url: str, text: str) -> None:
        self._exchange.ledger.write("error", sid=message.sid, code=code, url=url, message=text)
