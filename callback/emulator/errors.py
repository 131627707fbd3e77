"""The REST API's refusals: a number, a sentence and the HTTP status they travel with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN_PARAMETER = 20001
AUTHENTICATE = 20003
METHOD_NOT_ALLOWED = 20004
NOT_FOUND = 20404
TOO_MANY_REQUESTS = 20429

_STATUS: Mapping[int, int] = {
    AUTHENTICATE: 401,
    METHOD_NOT_ALLOWED: 405,
    20005: 403,
    20009: 409,
    NOT_FOUND: 404,
    TOO_MANY_REQUESTS: 429,
}
_MESSAGES: Mapping[int, str] = {
    UNKNOWN_PARAMETER: "Unknown or invalid parameter",
    AUTHENTICATE: "Authenticate",
    METHOD_NOT_ALLOWED: "Method not allowed",
    20005: "Account not active",
    20009: "Cannot delete this resource while it is in progress",
    NOT_FOUND: "The requested resource was not found",
    TOO_MANY_REQUESTS: "Too Many Requests",
    21201: "No 'To' number is specified",
    21205: "Url is not a valid URL",
    21210: "'From' phone number not verified",
    21211: "Invalid 'To' Phone Number",
    21213: "No 'From' number is specified",
    21214: "'To' phone number cannot be reached",
    21215: "Account not authorized to call this country",
    21216: "Account not allowed to call this number",
    21217: "Phone number does not appear to be valid",
    21220: "Call is not in-progress. Cannot redirect.",
    21262: "AsyncAmdStatusCallback is required for asynchronous answering machine detection",
    21602: "Message body is required",
    21604: "'To' phone number is required to send a Message",
    21606: "The 'From' phone number is not a valid message-capable number of this account",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21614: "'To' number is not a valid mobile number",
    21617: "The message body exceeds the 1600 character limit",
    22003: "A queue with this name already exists",
}


class CarrierError(Exception):
    """A request that is refused.

    Args:
        code: the carrier's error number.
        detail: what exactly was wrong, appended to the number's own sentence.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        message = _MESSAGES.get(code, "The request cannot be fulfilled")
        super().__init__(f"{message}: {detail}" if detail else message)
        self.code = code
        self.status = _STATUS.get(code, 400)

    def to_json(self) -> dict[str, Any]:
        """The error body."""
        return error_body(self.code, str(self), self.status)


def error_body(code: int, message: str, status: int) -> dict[str, Any]:
    """An error as the API writes it."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
