"""All that happens around a webhook of the carrier, at the door for calls and at the one for texts.

No other hook of the application runs there (`application`), and a webhook that went well and fast leaves no line: the
journal tells what it changed. What the installation is called by and what its secret is are learnt once, when the door
is hung, since looking them up costs more than checking a signature.
"""

import time

import structlog
from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState

from callback.adapters.telephony.signature import HEADER, SignatureCheck
from callback.web import armour, log
from callback.web.context import OPTIONS
from callback.web.options import WebOptions

SLOW_S = 0.5
"""Whoever waits this long for what they hear next notices."""
_log = structlog.get_logger("callback.voice")


class Guard:
    """403 before anything else is read, for whoever is not the carrier; a line for what failed or was slow."""

    def __init__(self, door: Blueprint) -> None:
        self._base = self._account = ""
        self._check = SignatureCheck("")
        door.record(self._learn)
        door.before_request(self.refuse_strangers)
        door.after_request(self.note)

    def _learn(self, state: BlueprintSetupState) -> None:
        known: WebOptions = state.app.extensions[OPTIONS]
        self._base, self._account = known.public_base_url, known.carrier_account
        self._check = SignatureCheck(known.carrier_token)

    def refuse_strangers(self) -> Response | None:
        """No signature, a wrong one, or another account's."""
        log.begin()
        query, form = request.query_string, request.form
        url = self._base + request.path + (f"?{query.decode('latin-1')}" if query else "")
        if not self._check.valid(url, form.items(multi=True), request.headers.get(HEADER)):
            _log.warning("webhook refused: signature", step=request.path)
            return Response("the signature does not fit: is PUBLIC_BASE_URL what the carrier calls?", 403)
        if self._account and form.get("AccountSid") != self._account:
            _log.warning("webhook refused: another account's", step=request.path)
            return Response("not our account", 403)
        return None

    @staticmethod
    def note(response: Response) -> Response:
        """The answer as it is, with the line it deserves."""
        if response.status_code >= 400 or time.perf_counter() - g.began > SLOW_S:
            log.note(response)
        return armour.never_sniffed(response)
