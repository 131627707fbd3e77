"""The caller's page, `/c/TOKEN`: where they stand, kept up to date by itself, and what they may change.

The link is the key (docs/decisions/0016): whoever has it sees a place and a masked number, and may cancel, move or
disown the callback; another number needs codes besides. It is never logged, never stored in clear, never cached, never
sent on as a referrer, and stops working a day after the callback ended. GET changes nothing, because message previews
fetch links; what changes something is a POST with the proof that our own form carried. Everything works without a
script; with one, the page refreshes in place.
"""

from typing import cast

from flask import Blueprint, Flask, Response
from flask.blueprints import BlueprintSetupState

from callback.web import limits
from callback.web.context import OPTIONS
from callback.web.status import glances, number, page, rating, wishes


def blueprint() -> Blueprint:
    """`/c/TOKEN` and what belongs to it."""
    door = Blueprint("status", __name__, url_prefix="/c")
    door.record(_install)
    door.after_request(_not_indexed)
    door.get("/<token>")(page.show)
    door.get("/<token>/now")(page.fragment)
    door.post("/<token>/language")(page.post_language)
    door.get("/<token>/cancel")(wishes.ask_cancel)
    door.post("/<token>/cancel")(wishes.post_cancel)
    door.get("/<token>/later")(wishes.ask_later)
    door.post("/<token>/later")(wishes.post_later)
    door.get("/<token>/ready")(wishes.ask_ready)
    door.post("/<token>/ready")(wishes.post_ready)
    door.get("/<token>/not-me")(wishes.ask_disown)
    door.post("/<token>/not-me")(wishes.post_disown)
    door.post("/<token>/rating")(rating.post_rating)
    door.get("/<token>/number")(number.ask_number)
    door.post("/<token>/number")(number.post_number)
    door.get("/<token>/code")(number.ask_code)
    door.post("/<token>/code")(number.post_code)
    door.post("/<token>/code-again")(number.post_again)
    return door


def _install(state: BlueprintSetupState) -> None:
    extensions = state.app.extensions
    limits.install(extensions, extensions[OPTIONS])
    glances.install(cast(Flask, state.app))


def _not_indexed(response: Response) -> Response:
    response.headers[glances.ROBOTS] = glances.NOT_INDEXED
    return response
