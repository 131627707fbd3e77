"""All that happens around a webhook of the carrier, at the door for calls and at the one for texts.

No other hook of the application runs there (`application`), and a webhook that went well and fast leaves no line: the
journal tells what it changed. What the installation is called by and what its secret is are learnt once, when the door
is hung, since looking them up costs more than checking a signature.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState

from callback.adapters.telephony.signature import HEADER, SignatureCheck
from callback.web import armour, log
from callback.web.context import OPTIONS
from callback.web.options import WebOptions

SLOW_S = 0.5
"""Whoever waits this long for what they hear next notices."""
TEXT = "text/html; charset=utf-8"
_log = structlog.get_logger("callback.voice")


@dataclass(frozen=True)
class Answer:
    """What a webhook gets back."""

    status: int
    body: str = ""
    type: str = TEXT

    def response(self) -> Response:
        """As the framework has it."""
        return Response(self.body, self.status, content_type=self.type)


class Check:
    """Whether a webhook is the carrier's, and about our account."""

    def __init__(self, options: WebOptions) -> None:
        self._base, self._account = options.public_base_url, options.carrier_account
        self._signature = SignatureCheck(options.carrier_token)

    def refusal(
        self, path: str, query: str, pairs: Iterable[tuple[str, str]], form: Mapping[str, str], signature: str | None
    ) -> Answer | None:
        """403 for no signature, a wrong one, or another account's; None for the carrier's own.

        `pairs` is the whole form, `form` the first value of each field.
        """
        url = f"{self._base}{path}?{query}" if query else self._base + path
        if not self._signature.valid(url, pairs, signature):
            _log.warning("webhook refused: signature", step=path)
            return Answer(403, "the signature does not fit: is PUBLIC_BASE_URL what the carrier calls?")
        if self._account and form.get("AccountSid") != self._account:
            _log.warning("webhook refused: another account's", step=path)
            return Answer(403, "not our account")
        return None


class Guard:
    """The check before anything else of a request is read, and a line for what failed or was slow."""

    def __init__(self, door: Blueprint) -> None:
        self._check: Check | None = None
        door.record(self._learn)
        door.before_request(self.refuse_strangers)
        door.after_request(self.note)

    def _learn(self, state: BlueprintSetupState) -> None:
        self._check = Check(state.app.extensions[OPTIONS])

    def refuse_strangers(self) -> Response | None:
        """Nothing of a stranger's request is read."""
        log.begin()
        if self._check is None:
            raise RuntimeError("this door was never hung in an application")
        query, form = request.query_string.decode("latin-1"), request.form
        refused = self._check.refusal(request.path, query, form.items(multi=True), form, request.headers.get(HEADER))
        return refused.response() if refused else None

    @staticmethod
    def note(response: Response) -> Response:
        """The answer as it is, with the line it deserves."""
        if response.status_code >= 400 or time.perf_counter() - g.began > SLOW_S:
            log.note(response)
        return armour.never_sniffed(response)
