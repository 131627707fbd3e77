"""Who works: every agent, what they are doing and since when, whom they serve; to supervisors, what each did."""

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.acts import What
from callback.domain.errors import InvalidInput
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.reports import Sums
from callback.flows import look, presence
from callback.ports import Span
from callback.web import languages
from callback.web.acting import record
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, covers, signed_in
from callback.web.pages import fragment, in_house_zone, page

WANTED = (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE)


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/agents")(agents)
    console.get("/agents/now")(agents_now)
    console.post("/agents/<key>/presence")(set_presence)


@signed_in(Role.VIEWER)
def agents() -> str:
    """The page."""
    return page("admin/agents.html", **_values())


@signed_in(Role.VIEWER)
def agents_now() -> AnyResponse:
    """The part of it that changes by itself."""
    return fragment("admin/agents_now.html", **_values())


def _values() -> dict[str, Any]:
    in_house_zone()
    told = covers(current_user.role, Role.SUPERVISOR)  # as the reports of agents: nobody else is told what one did
    today = house().clock.now().astimezone(languages.zone()).date()
    with house().store.look() as work:
        names = {queue.key: queue.name for queue in work.queues()}
        days: dict[str, Sums] = dict(work.report(Span(today, today), "agent")) if told else {}
    return {"agents": look.agents_now(house()), "wanted": WANTED, "names": names, "days": days, "idle": Sums()}


@signed_in(Role.SUPERVISOR)
def set_presence(key: str) -> AnyResponse:
    """Set somebody's presence for them; a talk is never interrupted."""
    status = request.form.get("status", "")
    if status not in WANTED:
        raise InvalidInput("status", f"must be one of {', '.join(WANTED)}")
    with house().store.begin() as work:  # the line's change is the journal's; whose hand it was is told here
        record(work, What.AGENT_PRESENCE, work.agent(AgentKey(key)).key, after={"status": status})
    presence.set_presence(house(), AgentKey(key), AgentStatus(status))
    flash(gettext("%(agent)s was set.", agent=key))
    return redirect(url_for("admin.agents"), 303)
