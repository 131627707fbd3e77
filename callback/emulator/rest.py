"""What all REST resources share: who asks, what they may send, and how an answer or a refusal looks."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from callback.emulator.errors import UNKNOWN_PARAMETER, CarrierError
from callback.emulator.exchange import Exchange
from callback.emulator.messages import Messaging


@dataclass(frozen=True)
class Carrier:
    """What the REST and control interfaces work on."""

    exchange: Exchange
    messaging: Messaging


CARRIER = web.AppKey("carrier", Carrier)
FORM = "form"


@dataclass(frozen=True)
class Parameters:
    """The parameters of one operation.

    Args:
        effective: acted upon.
        inert: accepted without effect, because what they ask for cannot be noticed here.
    """

    effective: frozenset[str]
    inert: frozenset[str] = frozenset()

    def check(self, given: Mapping[str, str]) -> None:
        """Refuses everything unknown, and says so.

        Raises:
            CarrierError: 20001.
        """
        unknown = sorted(set(given) - self.effective - self.inert)
        if unknown:
            raise CarrierError(UNKNOWN_PARAMETER, f"not known here: {', '.join(unknown)}")


def form_of(request: web.Request) -> Mapping[str, str]:
    """The posted form, last value of a repeated name."""
    form: Mapping[str, str] = request[FORM]
    return form


def url_of(form: Mapping[str, str], name: str) -> str:
    """An absolute http URL, or empty when absent.

    Raises:
        CarrierError: 21205.
    """
    value = form.get(name, "")
    parts = urllib.parse.urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise CarrierError(21205, f"{name}={value}")
    return value


def method_of(form: Mapping[str, str], name: str) -> str:
    """GET or POST; POST when absent.

    Raises:
        CarrierError: 20001.
    """
    value = form.get(name, "POST").upper()
    if value not in ("GET", "POST"):
        raise CarrierError(UNKNOWN_PARAMETER, f"{name}={value}")
    return value


def flag_of(form: Mapping[str, str], name: str) -> bool:
    """A boolean parameter; false when absent.

    Raises:
        CarrierError: 20001.
    """
    value = form.get(name, "false").lower()
    if value not in ("true", "false"):
        raise CarrierError(UNKNOWN_PARAMETER, f"{name}={value}")
    return value == "true"


def whole_of(form: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds.

    Raises:
        CarrierError: 20001.
    """
    value = form.get(name, str(default))
    if not value.isdigit() or not low <= int(value) <= high:
        raise CarrierError(UNKNOWN_PARAMETER, f"{name}={value}")
    return int(value)
