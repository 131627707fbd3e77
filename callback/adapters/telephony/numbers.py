"""The account's own telephone numbers, and where the carrier sends what happens on them.

Set once, by `callback twilio provision` or in the console's first use, and compared by `callback doctor`; what is right
and wrong with them, `domain.numbers` says.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from callback.adapters.telephony.transport import Transport
from callback.domain.numbers import OwnNumber, Webhooks
from callback.ports import OutcomeUnknown

PAGE_SIZE = 200


class OwnNumbers:
    """IncomingPhoneNumbers of the API v2010.

    Every method takes a bounded time and raises an error of `callback.ports` (see `errors`). Arguments as for
    `client.TwilioCarrier`.
    """

    def __init__(
        self, account_sid: str, auth_token: str, api_base_url: str | None = None, *, timeout_s: float = 10
    ) -> None:
        self._transport = Transport(api_base_url, timeout_s)
        account = Client(account_sid, auth_token, http_client=self._transport).api.v2010.account
        self._numbers = account.incoming_phone_numbers

    @property
    def clock_ahead_s(self) -> float | None:
        """How far the carrier's clock was ahead of this machine's at its last answer. None: it did not tell."""
        return self._transport.clock_ahead_s

    def close(self) -> None:
        """Closes the connection to the carrier."""
        self._transport.close()

    def all(self) -> list[OwnNumber]:
        """Every number of the account."""
        with _readable():
            return [_own(found) for found in self._numbers.stream(page_size=PAGE_SIZE)]

    def find(self, number: str) -> OwnNumber | None:
        """The one that is exactly `number` (the carrier's own search also finds parts of numbers)."""
        with _readable():
            found = [_own(one) for one in self._numbers.stream(phone_number=number, page_size=PAGE_SIZE)]
        return next((one for one in found if one.number == number), None)

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:
        """Sends the number's events to `webhooks`, by POST; an application or a trunk in their way is taken off."""
        methods = dict.fromkeys(
            ("voice_method", "voice_fallback_method", "status_callback_method", "sms_method"), "POST"
        )
        freed = {number.bypassed: ""} if number.bypassed else {}
        with _readable():
            return _own(self._numbers(number.sid).update(**asdict(webhooks), **methods, **freed))


class NumbersNow:
    """`ports.Numbers`: a connection for each question, since numbers are looked at once in a while only. `open` gives
    the account's."""

    def __init__(self, open: Callable[[], OwnNumbers]) -> None:
        self._open = open

    def all(self) -> list[OwnNumber]:
        """Every number of the account, by its digits."""
        with closing(self._open()) as numbers:
            return sorted(numbers.all(), key=lambda one: one.number)

    def find(self, number: str) -> OwnNumber | None:
        """The one that is exactly `number`."""
        with closing(self._open()) as numbers:
            return numbers.find(number)

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:
        """Sends the number's events to `webhooks`."""
        with closing(self._open()) as numbers:
            return numbers.point(number, webhooks)


@contextmanager
def _readable() -> Iterator[None]:
    """What the library makes of an answer in a shape it does not expect."""
    try:
        yield
    except (TwilioException, AttributeError, KeyError, TypeError, ValueError) as unread:
        raise OutcomeUnknown(f"the carrier's answer is not understood: {type(unread).__name__}") from unread


def _own(found: Any) -> OwnNumber:
    webhooks = Webhooks(
        voice_url=found.voice_url or "",
        voice_fallback_url=found.voice_fallback_url or "",
        status_callback=found.status_callback or "",
        sms_url=found.sms_url or "",
    )
    bypassed = next((name for name in ("trunk_sid", "voice_application_sid") if getattr(found, name, None)), "")
    return OwnNumber(found.sid, found.phone_number, webhooks, bypassed)
