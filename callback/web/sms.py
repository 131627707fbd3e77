"""Texts from callers: their opt-outs are kept, anything else is answered with where they stand."""

from flask import Blueprint, Response, request

from callback.adapters.patience import Within
from callback.flows import text
from callback.flows.hook import Hook
from callback.web import voice
from callback.web.context import house
from callback.web.guards import carrier_signature
from callback.web.webhooks import Guard

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def blueprint() -> Blueprint:
    """`POST /sms/incoming`."""
    door = Blueprint("sms", __name__)
    Guard(door)
    door.add_url_rule("/sms/incoming", view_func=carrier_signature(incoming), methods=["POST"])
    return door


def incoming() -> Response:
    """A text arrived. The answer goes out as a text of its own, since messages are REST here."""
    with Within(voice.BUDGET_S):
        text.received(house(), Hook(request.form))
    return Response(EMPTY, content_type=voice.XML)
