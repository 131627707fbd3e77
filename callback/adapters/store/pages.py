"""The cursors of lists that are handed out page by page: a time and an id, and nothing that a reader could not see."""

import base64
import binascii
from datetime import datetime

from callback.domain.errors import InvalidInput


def to_cursor(at: datetime, key: str) -> str:
    """Where the next page goes on: after this row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> tuple[datetime, str]:
    """The time and the id of the row before. Raises InvalidInput."""
    try:
        at, key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        moment = datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        raise InvalidInput("cursor", "this cursor was not made here: start again without one") from None
    if moment.tzinfo is None:
        raise InvalidInput("cursor", "this cursor was not made here: start again without one")
    return moment, key
