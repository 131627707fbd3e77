"""How often something may be asked for: counted for all processes together, in each alone while that place is away.

Whoever would guess, flood, or have us text strangers is slowed down here. Pages that only show something are not
counted, but for a search that answers whether somebody is there. A rule is such as "5 per minute; 30 per hour"; whom
it counts is said by names that are joined.

What is asked for counts as it is asked (`spend`). A try at a door counts before it is judged and is given back where it
was right (`take`, `give_back`): so many at the same moment do not get in between counting and judging.
"""

import math
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Any, TypeVar, cast

from flask import request
from limits import parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from callback.web.catalogue import gettext, ngettext
from callback.web.options import WebOptions

EXTENSION = "callback.limits"
ONE_PLACE = 64
"""Bits of an IPv6 address that one connection has in common: it has as many addresses as it likes behind them."""
HOURS_FROM = 120
"""A wait of more minutes is said in hours."""
T = TypeVar("T")
_rules = lru_cache(parse_many)


class Limits:
    """Counts what was asked for, by rule and by whom."""

    def __init__(self, options: WebOptions) -> None:
        """Nothing is connected to before the first use."""
        self._options = options
        self._shared: Storage | None = None
        self._alone = MemoryStorage()

    def spend(self, rules: str, *whom: str) -> float:
        """Count one more for these, within any stretch of time. 0: it may be; else in so many seconds, one at least."""
        return self._ask(lambda storage: _counted(MovingWindowRateLimiter(storage), rules, whom))

    def take(self, rules: str, *whom: str) -> float:
        """Count one try by these, by the clock of whose first it was. Gives what `spend` does."""
        return self._ask(lambda storage: _counted(FixedWindowRateLimiter(storage), rules, whom))

    def give_back(self, rules: str, *whom: str) -> None:
        """The try that was taken last was right."""

        def give(storage: Storage) -> None:
            for one in _rules(rules):
                FixedWindowRateLimiter(storage).hit(one, *whom, cost=-1)

        self._ask(give)

    def _ask(self, question: Callable[[Storage], T]) -> T:
        try:
            return question(self._together())
        except StorageError:
            return question(self._alone)

    def _together(self) -> Storage:
        if self._shared is None:
            options = dict(self._options.limits_options)
            self._shared = cast(Storage, storage_from_string(self._options.limits_url, wrap_exceptions=True, **options))
        return self._shared


def _counted(limiter: RateLimiter, rules: str, whom: tuple[str, ...]) -> float:
    """By each rule until one refuses: 0 where none does, else how many seconds until all would allow another."""
    if all(limiter.hit(one, *whom) for one in _rules(rules)):
        return 0
    seen = [limiter.get_window_stats(one, *whom) for one in _rules(rules)]
    return max([1, *(stats.reset_time - time.time() for stats in seen if not stats.remaining)])


def minutes(wait_s: float) -> int:
    """A wait in whole minutes, one at least."""
    return max(math.ceil(wait_s / 60), 1)


def too_often(wait_s: float) -> str:
    """The refusal of a try, and when there may be another."""
    return gettext("Too many attempts. Please try again %(when)s.", when=in_a_while(wait_s))


def in_a_while(wait_s: float) -> str:
    """When a wait is over, at the end of a sentence."""
    wait = minutes(wait_s)
    if wait <= HOURS_FROM:
        return ngettext("in %(num)d minute", "in %(num)d minutes", wait)
    return ngettext("in %(num)d hour", "in %(num)d hours", math.ceil(wait / 60))


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
