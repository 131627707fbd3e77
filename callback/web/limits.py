"""How often something may be asked for: counted for all processes together, in each alone while that place is away.

Whoever would guess, flood, or have us text strangers is slowed down here. Pages that only show something are not
counted.
"""

from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Any

from flask import request
from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from callback.web.options import WebOptions

EXTENSION = "callback.limits"
ONE_PLACE = 64
"""Bits of an IPv6 address that one connection has in common: it has as many addresses as it likes behind them."""


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


def address() -> str:
    """Where the request at hand comes from, as far as it can be told from others."""
    known = request.remote_addr or "unknown"
    try:
        parsed = IPv6Address(known)
    except AddressValueError:
        return known
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), ONE_PLACE), strict=False))


def install(extensions: dict[str, Any], options: WebOptions) -> None:
    """One counter for the application whose `extensions` these are."""
    extensions[EXTENSION] = Limits(options)
