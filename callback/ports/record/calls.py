"""Attempts, legs, and what the carrier told of them."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callback.domain.callback import Attempt, Leg, Outcome
from callback.domain.ids import AttemptId, CallbackId, CallSid, QueueKey


@dataclass(frozen=True)
class Tried:
    """An attempt at some number and the queue it was made for: without its callback, whose row need not be readable."""

    queue: QueueKey
    attempt: Attempt


class Calls(Protocol):
    """Attempts and legs."""

    def add_attempt(self, attempt: Attempt) -> Attempt: ...
    def attempt(self, id: AttemptId) -> Attempt: ...
    def save_attempt(self, attempt: Attempt) -> Attempt: ...
    def attempts(self, callback: CallbackId) -> list[Attempt]: ...
    def may_still_ring(self, number: str, outcomes: Container[Outcome], *, since: datetime) -> list[Tried]:
        """Attempts at this number, whatever their callback, whose call may be up although no callback is in flight for
        it: over since `since` with one of these outcomes, or never closed while the callback was."""
        ...

    def calls_to(self, number: str, *, since: datetime) -> dict[CallSid, AttemptId]:
        """What the calls to this number are known to have been for, of callbacks that are open or ended since."""
        ...

    def put_leg(self, leg: Leg) -> Leg:
        """Insert or overwrite by call sid."""
        ...

    def leg(self, call: CallSid) -> Leg | None: ...
    def leg_without_number(self, call: CallSid) -> Leg | None:
        """The same with no number, for where that cannot be read and the rest is wanted."""
        ...

    def open_legs(self, *, before: datetime, limit: int = 200) -> list[Leg]:
        """Legs that have not ended and were created before: the sweep asks the carrier about them."""
        ...

    def first_sight(self, call: CallSid, event: str, sequence: str, at: datetime) -> bool:
        """True the first time this carrier event is seen; a repeat is False."""
        ...
