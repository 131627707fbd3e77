"""How requests reach the carrier: a bounded time, one connection kept open, never a second try.

The carrier's library takes any object with this `request`. Its own client is not used: it has no timeout unless given
one, and hands its last answer around in an attribute, so that two threads could read each other's. Here every answer
that is not a success becomes an error of `callback.ports` where its headers are still at hand, and every answer that is
not the JSON object it should be is an unknown outcome, since a garbled 201 may stand for a call that rings.
"""

import json
import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from twilio.http.response import Response

from callback.adapters import patience
from callback.adapters.telephony.errors import refusal
from callback.ports import CarrierBusy, OutcomeUnknown

LEAST_S: Final = 0.01
"""What a request gets though the budget of a webhook is spent: none at all would be an error of another kind."""
NO_CONTENT: Final = 204
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Transport:
    """Sends the library's requests to the carrier, or to `base_url` (scheme, host and port) in its stead.

    `timeout_s` bounds connecting, and every wait for a part of the answer. A session belongs to one process: after a
    fork a new one is opened, so that two processes never share a connection.
    """

    def __init__(self, base_url: str | None, timeout_s: float) -> None:
        self._base = base_url.rstrip("/") if base_url else None
        self._timeout_s = timeout_s
        self._session: requests.Session | None = None
        self._pid = 0
        self.clock_ahead_s: float | None = None
        """How far the carrier's clock was ahead of this machine's at its last answer, within half a second."""

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """The answer, surely a success with a JSON object, or with nothing where something was deleted.

        Raises:
            CarrierError: of the class `errors.refusal` gives; OutcomeUnknown for no answer or an unreadable one;
                CarrierBusy when no connection came about, so that nothing can have been processed.
        """
        answer = self._send(
            method, self._address(url), params=params, data=data, headers=headers, auth=auth,
            timeout=max(patience.left(timeout or self._timeout_s), LEAST_S), allow_redirects=allow_redirects,
        )  # fmt: skip
        self.clock_ahead_s = _ahead_s(answer.headers.get("Date"))
        if answer.status_code >= 300:
            raise refusal(answer.status_code, answer.text, answer.headers)
        if not _is_object(answer.text) and not (method == "DELETE" and answer.status_code == NO_CONTENT):
            raise OutcomeUnknown(f"HTTP {answer.status_code} without a readable answer")
        return Response(answer.status_code, answer.text, answer.headers)

    def close(self) -> None:
        """Closes the connection of this process. The next request opens another."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(self, method: str, url: str, **how: Any) -> requests.Response:
        # The library's own errors are not chained: they name the URL, in whose query a caller's number may stand, and
        # whoever logs one of ours would log them as well.
        try:
            return self._own_session().request(method, url, **how)
        except requests.ConnectTimeout:
            raise CarrierBusy("no connection to the carrier in time") from None
        except requests.ConnectionError as broken:
            if _never_connected(broken):
                raise CarrierBusy("no connection to the carrier") from None
            raise OutcomeUnknown("the connection to the carrier broke") from None
        except requests.RequestException as failed:
            raise OutcomeUnknown(f"no answer from the carrier: {type(failed).__name__}") from None

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        parts = urlsplit(url)
        return f"{self._base}{parts.path}{'?' + parts.query if parts.query else ''}"

    def _own_session(self) -> requests.Session:
        if self._session is None or self._pid != os.getpid():
            self._session = requests.Session()
            # What listens on this machine is never behind a proxy of the environment.
            self._session.trust_env = urlsplit(self._base or "").hostname not in LOOPBACK
            self._pid = os.getpid()
        return self._session


def _ahead_s(date: str | None) -> float | None:
    """By the header of an answer, which names the whole second that has begun. None: it does not tell."""
    try:
        return parsedate_to_datetime(date or "").timestamp() + 0.5 - time.time()
    except ValueError:
        return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether it failed before anything was sent. A connection that broke later may have delivered the request."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError"}
