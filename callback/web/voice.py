"""The carrier's door: every webhook of a call, verified, answered once, with a document that always makes sense.

The table of steps is `flows.journey`. Here a request becomes a `Hook`, and a `Script` becomes TwiML. Whatever fails
behind it, the caller hears something sensible, and keeps the place that their own URL carries.
"""

import structlog
from flask import Blueprint, Response, request

from callback.adapters.telephony import twiml
from callback.adapters.telephony.urls import NONCE
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.flows import journey, trouble
from callback.flows.hook import Hook
from callback.ports import House
from callback.web.context import house
from callback.web.guards import carrier_signature
from callback.web.webhooks import Guard

XML = "text/xml; charset=utf-8"
_log = structlog.get_logger("callback.voice")


def blueprint() -> Blueprint:
    """`POST /voice/<step>`."""
    door = Blueprint("voice", __name__)
    Guard(door)
    door.add_url_rule("/voice/<path:step>", view_func=carrier_signature(step), methods=["POST"])
    return door


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
