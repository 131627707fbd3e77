"""The carrier, what it can answer, and the numbers that are ours there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callback.domain.ids import CallSid
from callback.domain.numbers import OwnNumber, Webhooks


class CarrierError(Exception):
    """The carrier said no, or nothing. `code` is its error code, 0 where there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class NumberUndialable(CarrierError):
    """This number can never be dialled."""


class CarrierStopped(CarrierError):
    """Nothing can be dialled until somebody mends the account (credentials, unverified caller id)."""


class CarrierBusy(CarrierError):
    """Too much at once; never processed, safe to try again after `retry_after_s`."""

    retry_after_s: float = 1.0


class OutcomeUnknown(CarrierError):
    """A timeout, a 5xx or an answer without a sid: the call may exist."""


class LegGone(CarrierError):
    """The leg is not in progress (21220) or unknown (20404): nothing to redirect."""


class StillGoing(CarrierError):
    """The record of a call cannot be deleted before the call has ended (20009)."""


@dataclass(frozen=True)
class CarrierCall:
    """A call as the carrier's record has it."""

    sid: CallSid
    to: str
    from_: str
    status: str  # queued, ringing, in-progress, completed, busy, failed, no-answer, canceled
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    answered_by: str = ""


@dataclass(frozen=True)
class NewCall:
    """A call to create. URLs are absolute."""

    to: str
    from_: str
    url: str
    status_url: str
    timeout: int
    fallback_url: str = ""
    detect_machine: bool = False


class Carrier(Protocol):
    """The REST side of the carrier. Every method has a bounded time and raises a `CarrierError` by class."""

    def create_call(self, call: NewCall) -> CallSid: ...
    def redirect(self, call: CallSid, url: str) -> None:
        """Raises LegGone."""
        ...

    def hang_up(self, call: CallSid) -> None:
        """Queued, ringing or talking: it ends. A call that has ended already is no error."""
        ...

    def fetch(self, call: CallSid) -> CarrierCall | None: ...
    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        """All calls between the two created at or after `since` (whole pages, also those not dialled yet)."""
        ...

    def send_text(self, *, to: str, from_: str, body: str, status_url: str) -> str: ...
    def records_of(self, number: str) -> list[str]:
        """The names of all calls and texts to or from this number that the carrier has on record."""
        ...

    def delete_record(self, sid: str) -> None:
        """Have the carrier forget a call or a text. One it does not know is no error. Raises StillGoing."""
        ...


class Numbers(Protocol):
    """The account's own numbers. Every method has a bounded time and raises a `CarrierError` by class."""

    def all(self) -> list[OwnNumber]: ...
    def find(self, number: str) -> OwnNumber | None:
        """The one that is exactly `number`; None: it is no number of the account."""
        ...

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:
        """Sends the number's events there, and takes off what would bypass it."""
        ...


class NoNumbers:
    """No account is known."""

    def all(self) -> list[OwnNumber]:
        """None."""
        return []

    def find(self, number: str) -> OwnNumber | None:  # noqa: ARG002
        """None."""
        return None

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:  # noqa: ARG002
        """Raises CarrierStopped."""
        raise CarrierStopped("no account is set")


class Outside(Protocol):
    """Our own address as others see it."""

    def answers(self, base_url: str) -> str | None:
        """What is wrong with it, in a few words; None where it leads here. Takes seconds at most, never raises."""
        ...


class NotLooked:
    """Nobody looks."""

    def answers(self, base_url: str) -> str | None:  # noqa: ARG002
        """Says so."""
        return "nobody looked"
