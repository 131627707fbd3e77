"""What each refusal of the carrier means for us: a table of its error codes, and the rule for everything without one.

The class decides what happens next: a number that can never be dialled ends its callback, a stopped account stops the
dialler and alerts, too much at once is tried again, and an unknown outcome is reconciled before anything is dialled.
"""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from callback.ports import (
    CarrierBusy,
    CarrierError,
    CarrierStopped,
    LegGone,
    NumberUndialable,
    OutcomeUnknown,
    StillGoing,
)

MEANINGS: Final[dict[int, type[CarrierError]]] = {
    13224: NumberUndialable,  # Dial: invalid number
    21211: NumberUndialable,  # invalid To
    21214: NumberUndialable,  # To cannot be reached
    21215: NumberUndialable,  # geographic permission: the country is not enabled for this account
    21216: NumberUndialable,  # calls to this number are blocked
    21217: NumberUndialable,  # not a valid phone number
    21610: NumberUndialable,  # text: the person opted out
    21612: NumberUndialable,  # text: no route between these two numbers
    21614: NumberUndialable,  # text: not a mobile number
    21635: NumberUndialable,  # text: a landline
    21408: NumberUndialable,  # text: the country is not enabled for this account
    20003: CarrierStopped,  # credentials, or an account that is suspended
    20005: CarrierStopped,  # account not active
    21210: CarrierStopped,  # caller id not verified
    21212: CarrierStopped,  # caller id invalid
    21606: CarrierStopped,  # text: the sender cannot text
    20429: CarrierBusy,
    20009: StillGoing,  # deleting what is in progress
    20404: LegGone,
    21220: LegGone,  # not in progress
}

ALERTS: Final = frozenset({21215, 21408})
"""Codes that end one number's callback and concern somebody who can enable its country."""

SHORTEST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0

_NUMBER: Final = re.compile(r"\+?\d[\d ().-]{5,}\d")


def refusal(status: int, body: str, headers: Mapping[str, str]) -> CarrierError:
    """The error for an answer that is not a success.

    Args:
        status: HTTP status, 300 or above.
        body: as received; the carrier sends JSON with `code` and `message`, whatever stands between us may not.
        headers: of the answer; `Retry-After` is honoured within a second and a minute.
    """
    code, message = _code_and_message(body)
    text = f"{status}: {_NUMBER.sub('(number)', message)}" if message else f"HTTP {status}"
    if status == 429:
        busy = CarrierBusy(text, code)
        busy.retry_after_s = _pause(headers.get("Retry-After", ""), headers.get("Date", ""))
        return busy
    if status >= 500:
        return OutcomeUnknown(text, code)
    return MEANINGS.get(code, _BY_STATUS.get(status, CarrierError))(text, code)


_BY_STATUS: Final[dict[int, type[CarrierError]]] = {401: CarrierStopped, 403: CarrierStopped, 404: LegGone}
"""Where the code says nothing."""


def _code_and_message(body: str) -> tuple[int, str]:
    try:
        answer = json.loads(body)
    except ValueError:
        return 0, ""
    if not isinstance(answer, dict):
        return 0, ""
    code = answer.get("code")
    return code if isinstance(code, int) else 0, str(answer.get("message") or "")


def _pause(retry_after: str, date: str) -> float:
    """Seconds; a `Retry-After` that names a time counts from the time of the answer itself."""
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _seconds_between(date, retry_after)
    return min(max(SHORTEST_PAUSE_S, seconds), LONGEST_PAUSE_S)  # in this order, no number at all is the shortest


def _seconds_between(start: str, end: str) -> float:
    try:
        return (parsedate_to_datetime(end) - parsedate_to_datetime(start)).total_seconds()
    except (ValueError, TypeError):
        return SHORTEST_PAUSE_S
