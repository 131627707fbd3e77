"""How often something may be asked for: counted for all processes together, in each alone while that place is away.

Whoever would guess, flood, or have us text strangers is slowed down here. Pages that only show something are not
counted.
"""

from typing import Any

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from callback.web.options import WebOptions

EXTENSION = "callback.limits"


class Limits:
    """Counts what was asked for, by rule and by whom."""

    def __init__(self, options: WebOptions) -> None:
        """Nothing is connected to before the first use."""
        self._options = options
        self._shared: MovingWindowRateLimiter | None = None
        self._alone = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, rule: str, *whom: str) -> bool:
        """Count one more of `rule`, such as "5 per minute", for these. False: it is one too many."""
        limit = parse(rule)
        try:
            return self._together().hit(limit, *whom)
        except StorageError:
            return self._alone.hit(limit, *whom)

    def _together(self) -> MovingWindowRateLimiter:
        if self._shared is None:
            storage = storage_from_string(
                self._options.limits_url, wrap_exceptions=True, **dict(self._options.limits_options)
            )
            self._shared = MovingWindowRateLimiter(storage)
        return self._shared


def install(extensions: dict[str, Any], options: WebOptions) -> None:
    """One counter for the application whose `extensions` these are."""
    extensions[EXTENSION] = Limits(options)
