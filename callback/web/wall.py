"""The wallboard: at most six numbers a queue, each beside its threshold, readable from across a room."""

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from callback.flows import look
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.hub import Topic
from callback.web.live import stream
from callback.web.pages import fragment, page

REFRESH_S = 2


def blueprint() -> Blueprint:
    """`/wall`."""
    board = Blueprint("wall", __name__, url_prefix="/wall")
    board.get("", strict_slashes=False)(wall)
    board.get("/now")(wall_now)
    board.get("/live")(wall_live)
    return board


@signed_in(Role.VIEWER)
def wall() -> str:
    """The page."""
    return page("wall.html", queues=look.wall(house()), refresh_s=REFRESH_S)


@signed_in(Role.VIEWER)
def wall_now() -> AnyResponse:
    """The part that changes."""
    return fragment("wall_now.html", queues=look.wall(house()))


@signed_in(Role.VIEWER)
def wall_live() -> AnyResponse:
    """The same, told as it changes: one look for all wallboards of this process."""
    topic = Topic("wall", lambda glance: look.wall(glance.house))
    return stream(topic, lambda queues: page("wall_now.html", queues=queues), fresh_s=REFRESH_S)
