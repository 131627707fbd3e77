"""All queues at a glance, those in trouble first, and the door in."""

from collections.abc import Sequence

from flask import Blueprint, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import hours
from callback.domain.lifecycle import AgentStatus
from callback.flows import look, outlook
from callback.flows.look import QueueNow
from callback.web.admin import doing, first_use, plans, stopping
from callback.web.catalogue import gettext, ngettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment, page

LONG = 2.0
"""A wait of so many times its threshold is trouble, not only a reason to offer."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("", strict_slashes=False)(overview)
    console.get("/now")(overview_now)
    console.add_app_template_filter(worry)
    console.add_app_template_filter(doing.span)


@signed_in(Role.VIEWER)
def overview() -> str | AnyResponse:
    """Every queue: who waits, for how long, who works, and whether callbacks are offered. An administrator who finds an
    empty house is led through furnishing it."""
    seen = _by_trouble()
    unfinished = first_use.unfinished() if current_user.role == Role.ADMIN else None
    if unfinished and not seen:
        return redirect(url_for("admin.start"))
    queues = [one.queue for one in seen]
    return page(
        "admin/overview.html", queues=seen, stopped=stopping.stopped(queues), refused=plans.refused(queues),
        unfinished=unfinished,
    )  # fmt: skip


@signed_in(Role.VIEWER)
def overview_now() -> AnyResponse:
    """The part of it that changes."""
    return fragment("admin/overview_now.html", queues=_by_trouble())


def worry(seen: QueueNow) -> str:
    """What somebody should look into, "" for nothing: the worst of it."""
    return trouble(seen)[1]


def trouble(seen: QueueNow) -> tuple[int, str]:
    """How much trouble a queue is in, from 0 (none), and what it is."""
    standing, policy = seen.standing, seen.queue.policy
    waiting = standing.live + standing.callbacks
    if waiting and not outlook.staffed(standing) and hours.is_open(policy.hours, seen.now):
        return 4, gettext("Nobody is signed in, and people wait.")
    if standing.callbacks and not policy.dialing:
        count = standing.callbacks
        return 3, ngettext(
            "%(num)d promised callback is not being rung.", "%(num)d promised callbacks are not being rung.", count
        )
    if _too_long(seen):
        return 2, gettext("The wait is far above its threshold.")
    if standing.live and not standing.agents.get(AgentStatus.AVAILABLE) and not policy.accepting:
        return 1, gettext("People hold, and no callback is promised.")
    return 0, ""


def _too_long(seen: QueueNow) -> bool:
    start, found = seen.queue.policy.offer_at_wait_s, seen.outlook.wait.p50
    return bool(start) and found is not None and found >= LONG * (start or 0)


def _by_trouble() -> Sequence[QueueNow]:
    """The worst first; alike, the longer wait first, then by key."""
    return sorted(
        look.queues_now(house()), key=lambda one: (-trouble(one)[0], -(one.outlook.wait.p50 or 0), one.queue.key)
    )
