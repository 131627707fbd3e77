"""All queues at a glance, and the door in."""

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from callback.flows import look
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment, page


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("", strict_slashes=False)(overview)
    console.get("/now")(overview_now)


@signed_in(Role.VIEWER)
def overview() -> str:
    """Every queue: who waits, for how long, who works, and whether callbacks are offered."""
    return page("admin/overview.html", queues=look.queues_now(house()))


@signed_in(Role.VIEWER)
def overview_now() -> AnyResponse:
    """The part of it that changes."""
    return fragment("admin/overview_now.html", queues=look.queues_now(house()))
