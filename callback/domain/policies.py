"""Reading, checking and writing a queue's policy: every mistake at once, each with how to mend it.

The public contract names the fields and their defaults; any subset may be sent, the rest keeps its value, and `null`
switches a rule off where there is a rule to switch off.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

import phonenumbers

from callback.domain.errors import InvalidInput
from callback.domain.hours import is_clock_time, validate_hours
from callback.domain.policy import Policy

DEFAULTS = Policy()
QUANTILES = ("p50", "p80", "p90")
DIAL_MODES = ("agent_first", "customer_first", "dial_ahead")
CONFIRMATIONS = ("press_1", "amd", "off")
MISSED_PLACES = ("keep", "back")
LANGUAGES = ("en", "zh")

_LONGEST_S = 1e9
"""About 31 years: whoever means "never" is understood, and no date overflows."""
_LONGEST_RING_S = 600
"""The carrier's own limit for `Timeout`."""

Check = Callable[[object], object]
"""Takes a value from outside and gives the one to keep; raises `Unacceptable`."""


class Unacceptable(Exception):
    """One value that cannot be kept; the text says how to mend it."""


class InvalidPolicy(InvalidInput):
    """A policy that cannot be saved. `mistakes` names each field and how to mend it; `field` is the first of them."""

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        super().__init__(mistakes[0][0], "; ".join(f"{field}: {message}" for field, message in mistakes))
        self.mistakes = mistakes


def parse(changes: Mapping[str, object], base: Policy = DEFAULTS) -> Policy:
    """`base` with these changes, as sent by somebody outside.

    Raises:
        InvalidPolicy: with every unknown field, wrong type and bad value in it.
    """
    mistakes: list[tuple[str, str]] = []
    accepted: dict[str, Any] = {}
    for field, value in changes.items():
        try:
            accepted[field] = _check(field)(value)
        except Unacceptable as mistake:
            mistakes.append((field, str(mistake)))
    if mistakes:
        raise InvalidPolicy(mistakes)
    return replace(base, **accepted)


def to_json(policy: Policy) -> dict[str, Any]:
    """The policy under the contract's field names, in the contract's order; shares nothing with `policy`."""
    return {name: _plain(getattr(policy, name)) for name in _NAMES}


def shown(policy: Policy) -> dict[str, Any]:
    """As `to_json`, for programs: a field that the contract does not have is there only where somebody changed it, so
    whoever compares whole policies never meets a surprise."""
    return {name: value for name, value in to_json(policy).items() if name not in ADDED or value != ADDED[name]}


def from_json(stored: Mapping[str, Any]) -> Policy:
    """The policy that `to_json` wrote: trusted, so nothing is checked.

    A field that another version of the product wrote and this one does not know is left out; one that is missing has
    its default, so that old and new versions run side by side.
    """
    known = {name: value for name, value in stored.items() if name in _CHECKS}
    for name in _TUPLES & known.keys():
        known[name] = None if known[name] is None else tuple(known[name])
    return Policy(**known)


def effective_stop(policy: Policy) -> float | None:
    """Seconds of wait below which offering stops: a stop above the start counts as equal to it, and so does none.

    None where waits start no offer at all.
    """
    start, stop = policy.offer_at_wait_s, policy.stop_offering_at_wait_s
    if start is None:
        return None
    return start if stop is None else min(stop, start)


# --- one check a kind of value ----------------------------------------------------------------------------------


def _check(field: str) -> Check:
    if field not in _CHECKS:
        near = get_close_matches(field, _CHECKS, n=1)
        raise Unacceptable(f"is not a policy field; did you mean {near[0]}?" if near else "is not a policy field")
    return _CHECKS[field]


def _number(least: float, most: float, unit: str = "seconds", *, above: bool = False) -> Check:
    """A finite number from `least` (or only above it) to `most`, whole ones kept whole."""
    wanted = f"must be a number of {unit}, " + (f"more than {least:g}" if above else f"at least {least:g}")

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unacceptable(wanted)
        if not (value > least if above else value >= least):  # so worded that NaN fails
            raise Unacceptable(wanted)
        if value > most:
            raise Unacceptable(f"must be at most {most:,.0f} {unit}")
        return value

    return check


def _whole(least: int, most: float, unit: str) -> Check:
    number = _number(least, most, unit)

    def check(value: object) -> object:
        accepted = number(value)
        if isinstance(accepted, float):
            if not accepted.is_integer():
                raise Unacceptable(f"must be a whole number of {unit}")
            return int(accepted)
        return accepted

    return check


def _or_null(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _one_of(*words: str) -> Check:
    def check(value: object) -> object:
        if value not in words:
            raise Unacceptable(f"must be one of {', '.join(words)}")
        return value

    return check


def _flag(value: object) -> object:
    if not isinstance(value, bool):
        raise Unacceptable("must be true or false")
    return value


def _list_of(item: Check, what: str, *, empty: bool) -> Check:
    def check(value: object) -> object:
        if not isinstance(value, list | tuple) or not (value or empty):
            raise Unacceptable(f"must be a list of {what}" + ("" if empty else ", at least one"))
        return tuple(item(one) for one in value)

    return check


def _country(value: object) -> object:
    if isinstance(value, str) and (value == "own" or value in phonenumbers.SUPPORTED_REGIONS):
        return value
    raise Unacceptable(f"{value!r} must be own (the caller id's country) or an ISO 3166 alpha-2 code such as US or CN")


def _credits(value: object) -> object:
    if not isinstance(value, Mapping):
        raise Unacceptable('must be an object of seconds by priority, such as {"vip": 300}; {} gives nobody credit')
    seconds = _number(0, _LONGEST_S)
    accepted = {}
    for name, credit in value.items():
        if not isinstance(name, str) or not name.strip():
            raise Unacceptable("each priority needs a name")
        try:
            accepted[name] = seconds(credit)
        except Unacceptable as mistake:
            raise Unacceptable(f"{name} {mistake}") from None
    return accepted


def _quiet(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Unacceptable('must be null or two times such as ["21:00", "09:00"], in the callee\'s zone')
    start, end = value
    if not is_clock_time(start) or not is_clock_time(end, end=True):
        raise Unacceptable('must be times as HH:MM, such as ["21:00", "09:00"]')
    if start == str(end).replace("24:00", "00:00"):
        raise Unacceptable("begin and end at the same time; null switches quiet hours off")
    return (start, end)


def _hours(value: object) -> object:
    mistakes = validate_hours(value)
    if mistakes:
        raise Unacceptable("; ".join(mistakes))
    return deepcopy(value)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else deepcopy(value)


_SECONDS = _number(0, _LONGEST_S)
_SECONDS_ABOVE_0 = _number(0, _LONGEST_S, above=True)

_CHECKS: dict[str, Check] = {
    "offer_at_wait_s": _or_null(_SECONDS),
    "stop_offering_at_wait_s": _or_null(_SECONDS),
    "offer_quantile": _one_of(*QUANTILES),
    "offer_at_waiting": _or_null(_whole(0, _LONGEST_S, "callers waiting")),
    "max_outstanding": _or_null(_whole(0, _LONGEST_S, "promises")),
    "hours": _or_null(_hours),
    "closing_guard": _flag,
    "accepting": _flag,
    "dialing": _flag,
    "dial_mode": _one_of(*DIAL_MODES),
    "confirm_human": _one_of(*CONFIRMATIONS),
    "wait_tolerance_s": _SECONDS,
    "max_wait_probability": _number(0, 1, "chances from 0 to 1"),
    "attempts": _whole(1, 100, "attempts"),
    "retry_delays_s": _list_of(_SECONDS, "seconds", empty=True),
    "missed_place": _one_of(*MISSED_PLACES),
    "ring_timeout_s": _whole(1, _LONGEST_RING_S, "seconds"),
    "wrap_up_s": _SECONDS,
    "cut_off_s": _SECONDS,
    "prior_handle_s": _SECONDS_ABOVE_0,
    "prior_patience_s": _SECONDS_ABOVE_0,
    "priority_credit_s": _credits,
    "quiet_hours": _or_null(_quiet),
    "allowed_countries": _or_null(_list_of(_country, "countries", empty=False)),
    "languages": _list_of(_one_of(*LANGUAGES), "languages (en, zh)", empty=False),
    "ask_rating": _flag,
}
ADDED: Mapping[str, Any] = {"ask_rating": True}
"""Fields that the contract does not have, with their defaults."""
_TUPLES = frozenset({"retry_delays_s", "quiet_hours", "allowed_countries", "languages"})
_NAMES = tuple(field.name for field in fields(Policy))
