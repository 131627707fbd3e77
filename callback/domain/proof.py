"""One-time codes: proof that a telephone is at hand before a callback goes to it.

A code is six digits, good for ten minutes and five tries, and is sent at most three times for one callback and three
times a day to one telephone: enough for somebody who mistypes, far too few to guess (5 in a million for each code) or
to make anybody's telephone buzz. What is kept of a code is a keyed hash.
"""

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from callback.domain.ids import CallbackId

DIGITS = 6
LIFE = timedelta(minutes=10)
TRIES = 5
SEND_AGAIN_AFTER = timedelta(seconds=60)
MOST_FOR_A_CALLBACK = 3
MOST_TO_A_NUMBER = 3
PER = timedelta(days=1)
"""The most to a number counts over this long."""
TO_NEW, TO_OLD = "code", "code_old"
"""The kinds of the texts: to the telephone that is to be rung, and to the one that is rung so far."""
CODES = frozenset({TO_NEW, TO_OLD})


@dataclass(frozen=True)
class NumberChange:
    """Another number for a callback, until it is proved. `new_hash` and `old_hash` are of the codes that were sent to
    either telephone; `old_hash` is "" where the old one can get no texts."""

    callback: CallbackId
    number: str = field(repr=False)
    new_hash: str
    old_hash: str
    sent_at: datetime
    tries_left: int = TRIES

    @property
    def expires_at(self) -> datetime:
        """From when on the codes are good for nothing."""
        return self.sent_at + LIFE


class Verdict(StrEnum):
    """What came of codes that somebody typed."""

    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"  # too many wrong ones: new codes are needed
    EXPIRED = "expired"


def judge(change: NumberChange, new_hash: str, old_hash: str, now: datetime) -> tuple[Verdict, NumberChange]:
    """Whether these are the codes, and the change with one try less where they are not. What cannot be right costs no
    less time than what is."""
    if now >= change.expires_at:
        return Verdict.EXPIRED, change
    if change.tries_left <= 0:
        return Verdict.SPENT, change
    right_new = hmac.compare_digest(change.new_hash, new_hash)
    right_old = not change.old_hash or hmac.compare_digest(change.old_hash, old_hash)
    if right_new and right_old:
        return Verdict.RIGHT, change
    left = replace(change, tries_left=change.tries_left - 1)
    return (Verdict.WRONG if left.tries_left else Verdict.SPENT), left


def wait_to_send(sent_at: datetime | None, now: datetime) -> timedelta:
    """How long until a code may be sent again; zero at once."""
    if sent_at is None:
        return timedelta(0)
    return max(sent_at + SEND_AGAIN_AFTER - now, timedelta(0))
