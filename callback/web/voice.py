"""The carrier's door: every webhook of a call, verified, answered once, with a document that always makes sense.

The table of steps is `flows.journey`. Here a request becomes a `Hook`, and a `Script` becomes TwiML. Whatever fails
behind it, the caller hears something sensible, and keeps the place that their own URL carries.
"""

import structlog
from flask import Blueprint, Response, current_app, request

from callback.adapters.telephony import twiml
from callback.adapters.telephony.signature import SignatureCheck
from callback.adapters.telephony.urls import NONCE
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.flows import journey, trouble
from callback.flows.hook import Hook
from callback.ports import House
from callback.web import armour, log
from callback.web.context import house, options
from callback.web.guards import carrier_signature

SIGNATURES = "callback.signatures"
XML = "text/xml; charset=utf-8"
_log = structlog.get_logger("callback.voice")


def blueprint() -> Blueprint:
    """`POST /voice/<step>`."""
    door = Blueprint("voice", __name__)
    guard(door)
    door.add_url_rule("/voice/<path:step>", view_func=carrier_signature(step), methods=["POST"])
    return door


def guard(door: Blueprint) -> None:
    """All that happens around a webhook, at this door and at that for texts: no other hook runs (`application`)."""
    door.before_request(log.begin)
    door.before_request(refuse_strangers)
    door.after_request(log.note)
    door.after_request(armour.never_sniffed)


def signature_check() -> SignatureCheck:
    """The check with this installation's token, made once an application."""
    found = current_app.extensions.get(SIGNATURES)
    if not isinstance(found, SignatureCheck):
        found = current_app.extensions[SIGNATURES] = SignatureCheck(options().carrier_token)
    return found


def refuse_strangers() -> Response | None:
    """403 before anything else is read: no signature, a wrong one, or another account's."""
    known = options()
    query = request.query_string.decode("latin-1")
    url = known.public_base_url + request.path + (f"?{query}" if query else "")
    if not signature_check().valid(url, request.form.items(multi=True), request.headers.get("X-Twilio-Signature")):
        _log.warning("webhook refused: signature", step=request.path)
        return Response("the signature does not fit: is PUBLIC_BASE_URL what the carrier calls?", 403)
    if known.carrier_account and request.form.get("AccountSid") != known.carrier_account:
        _log.warning("webhook refused: another account's", step=request.path)
        return Response("not our account", 403)
    return None


def step(step: str) -> Response:
    """One webhook."""
    hook = Hook(request.form, request.args)
    if step in journey.REPORTS:
        journey.REPORTS[step](house(), hook)
        return Response(status=204)
    if step not in journey.DOCUMENTS:
        return Response("no such step", 404)
    return Response(document(house(), step, hook), content_type=XML)


def document(home: House, step: str, hook: Hook) -> str:
    """The TwiML of one step. A repeated request of the same document gets the same text."""

    def compute() -> str:
        try:
            return twiml.render(journey.DOCUMENTS[step](home, hook), home.urls)
        except Exception:  # noqa: BLE001 -- logged whole; the caller must hear something, whatever it was
            _log.exception("step failed", step=step, call=hook.call)
            return sorry(home, step, hook)

    nonce = hook.query.get(NONCE)
    if nonce is None or step in journey.REPEATABLE:
        return compute()
    return home.once.document(f"{nonce}:{hook.call}", compute)


def sorry(home: House, step: str, hook: Hook) -> str:
    """Trouble of ours is heard as an apology on hold, never as silence; if even that fails, as a goodbye."""
    try:
        return twiml.render(trouble.trouble(home, hook, step), home.urls)
    except Exception:  # noqa: BLE001 -- as above
        _log.exception("apology failed", step=step, call=hook.call)
        return twiml.render(Script("en", (Speak((Prompt("trouble_bye"),)), HangUp())), home.urls)
