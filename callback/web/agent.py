"""The agent's desk: one big switch, who is next and why, and what is known of the caller before anybody says hello."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.callback import Agent, Callback
from callback.domain.errors import InvalidInput, NotFound, Unreadable
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import AgentStatus
from callback.flows import presence
from callback.ports import Reservation, Waiting
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Forbidden, Role, signed_in
from callback.web.pages import fragment, page

REFRESH_S = 2
LOOK_AHEAD = 20
"""How many of each queue are looked at to find the next one who can be served now."""
WANTED = (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE)
MISSED = frozenset({"missed the ring", "hung up before the caller"})
"""Reasons of being away that the agent did not choose, and may not have noticed."""
READY = frozenset({"hold", "due"})


def blueprint() -> Blueprint:
    """`/agent`."""
    desk_ = Blueprint("agent", __name__, url_prefix="/agent")
    desk_.get("", strict_slashes=False)(desk)
    desk_.get("/now")(desk_now)
    desk_.post("/presence")(post_presence)
    desk_.post("/cut-off")(post_cut_off)
    return desk_


@dataclass(frozen=True)
class Caller:
    """What an agent may know of a caller."""

    live: bool
    queue: str
    number: str
    name: str
    language: str
    since: datetime | None
    context: dict[str, Any]
    attempts: int = 0


@dataclass(frozen=True)
class Next:
    """Who would come next, and by which rule."""

    queue: str
    live: bool
    waited_s: float
    ahead_of_time: bool  # a segment's credit put them further ahead
    waiting: int


@signed_in(Role.AGENT)
def desk() -> str:
    """The page."""
    return page("agent.html", refresh_s=REFRESH_S, **_values())


@signed_in(Role.AGENT)
def desk_now() -> AnyResponse:
    """The part that changes."""
    return fragment("agent_now.html", **_values())


@signed_in(Role.AGENT)
def post_presence() -> AnyResponse:
    """What the agent wants from now on."""
    status = request.form.get("status", "")
    if status not in WANTED:
        raise InvalidInput("status", f"must be one of {', '.join(WANTED)}")
    presence.set_presence(house(), _key(), AgentStatus(status))
    return redirect(url_for("agent.desk"), 303)


@signed_in(Role.AGENT)
def post_cut_off() -> AnyResponse:
    """The line broke: the caller is back at the front and does not have to ring again."""
    if not presence.cut_off(house(), _key(), cause=f"desk:{current_user.email}"):
        flash(gettext("You are not on a call any more."), "warn")
    return redirect(url_for("agent.desk"), 303)


def _key() -> AgentKey:
    if not current_user.agent:
        raise Forbidden("this account is not linked to an agent: `callback user add --agent KEY` links it")
    return AgentKey(current_user.agent)


def _values() -> dict[str, Any]:
    key = _key()
    with house().store.begin() as work:
        agent = work.agent(key)
    live = house().line.agent(key)
    held = house().line.reservation(live.token) if live.token else None
    return {
        "agent": agent,
        "live": live,
        "names": {served.queue: house().book.queue(served.queue).name for served in agent.queues},
        "wanted": WANTED,
        "missed": MISSED,
        "held": held,
        "caller": _caller(held) if held is not None else None,
        "next": _next(agent) if held is None else None,
    }


def _caller(held: Reservation) -> Caller:
    name = house().book.queue(held.queue).name
    promise = _promise(held.entry)
    if promise is not None:
        return Caller(
            held.live,
            name,
            promise.number,
            promise.name,
            promise.language,
            promise.joined_at,
            promise.context,
            promise.attempts_made,
        )
    with house().store.begin() as work:
        leg = work.leg(CallSid(held.entry))
    return Caller(True, name, leg.number if leg else "", "", held.language, held.joined_at, {})


def _promise(entry: EntryId) -> Callback | None:
    if not is_callback(entry):
        return None
    try:
        with house().store.begin() as work:
            return work.callback(CallbackId(entry))
    except (NotFound, Unreadable):
        return None


def _next(agent: Agent) -> Next | None:
    """The lowest score among those of the agent's queues who can be served now."""
    ready = [(one, queue) for queue in _served(agent) for one in _ready(queue)]
    if not ready:
        return None
    first, queue = min(ready, key=lambda pair: (pair[0].score, pair[0].entry))
    waited_s = (house().clock.now() - first.joined_at).total_seconds()
    credited = first.score < round(first.joined_at.timestamp() * 1_000_000) - 1_000_000
    return Next(house().book.queue(queue).name, first.live, waited_s, credited, len(ready))


def _served(agent: Agent) -> list[QueueKey]:
    return [served.queue for served in agent.queues]


def _ready(queue: QueueKey) -> list[Waiting]:
    return [one for one in house().line.listing(queue, limit=LOOK_AHEAD) if one.place in READY]
