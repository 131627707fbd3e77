"""How was it? Asked once we have talked: five buttons, no words to write, and an answer that may be changed."""

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.errors import InvalidInput
from callback.domain.rating import score_of
from callback.flows import rating as flow
from callback.web.context import house
from callback.web.guards import public
from callback.web.status.found import LINK, Found, act


@public(LINK)
def post_rating(token: str) -> AnyResponse:
    """So it was."""
    return act(token, "rating", "status.show", _rate)


def _rate(found: Found) -> AnyResponse:
    try:
        score = score_of(request.form.get("score", ""))
    except InvalidInput:
        return found.to("status.show")
    flow.rate(house(), found.callback.id, score)
    return found.to("status.show", did="rated")
