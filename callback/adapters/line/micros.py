"""Times as Redis keeps them: whole microseconds since 1970, which sort as numbers and fit a double without loss."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_SECOND = 1_000_000


def to_micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware time. Raises TypeError for a time without a zone."""
    since = at - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC time."""
    return _EPOCH + timedelta(microseconds=micros)


def span(seconds: float) -> int:
    """A duration in whole microseconds."""
    return round(seconds * _SECOND)
