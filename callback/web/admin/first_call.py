"""First use, the last step: a test call, watched from the ring until caller and agent talk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import hours
from callback.domain.acts import What
from callback.domain.callback import Agent
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import ENDS, AgentStatus
from callback.domain.policy import Queue
from callback.flows import first_use as use
from callback.flows import presence
from callback.flows.first_use import WATCHED, Progress, Said, Stage, Step, Trial
from callback.ports import AgentView
from callback.web.acting import doer, record
from callback.web.admin import first_use
from callback.web.admin.first_agent import pretend
from callback.web.admin.first_use import Answer
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment

SHOWN = 5
AT_WORK = frozenset({AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY, AgentStatus.WRAP_UP})


@dataclass(frozen=True)
class Line:
    """A stage as it is read: when it was reached, None not yet."""

    name: str
    at: datetime | None
    next: bool


@dataclass(frozen=True)
class Watch:
    """The test call as the page shows it. `advice` is what to do, or to look at, for the next stage."""

    since: datetime | None
    lines: Sequence[Line]
    advice: str
    going: bool
    done: bool
    trial: Trial
    staff: Sequence[tuple[Agent, AgentView]]
    working: bool
    bring: bool


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/start/call")(start_call)
    console.get("/start/call/now")(start_call_now)
    console.post("/start/call/presence/<status>")(start_call_presence)
    console.post("/start/call/pretend")(start_call_pretend)


@signed_in(Role.SUPERVISOR)
def start_call() -> Answer:
    """What to do, and how far the call has come."""
    found = first_use.asked()
    if found.queue is None:
        return redirect(url_for("admin.start_queue"))
    return first_use.shown(Step.CALL, "admin/start_call.html", found=found, **_parts(found, found.queue))


@signed_in(Role.SUPERVISOR)
def start_call_now() -> AnyResponse:
    """The part of it that changes."""
    found = first_use.asked()
    if found.queue is None:
        abort(404)
    return fragment(
        "admin/start_call_now.html", queue=found.queue, progress=found, step=Step.CALL,
        next=first_use.following(Step.CALL), **_parts(found, found.queue),
    )  # fmt: skip


@signed_in(Role.ADMIN)
def start_call_presence(status: str) -> AnyResponse:
    """Every agent of the queue comes, or goes: callers are offered a callback while nobody is there."""
    found = first_use.asked()
    if status not in (AgentStatus.AVAILABLE, AgentStatus.AWAY):
        abort(404)
    for agent in found.agents[:SHOWN]:
        with house().store.begin() as work:
            record(work, What.AGENT_PRESENCE, agent.key, after={"status": status}, cause="first use")
        presence.set_presence(house(), AgentKey(agent.key), AgentStatus(status))
    return redirect(first_use.here(Step.CALL), 303)


@signed_in(Role.ADMIN)
def start_call_pretend() -> AnyResponse:
    """Somebody simulated rings, where nobody real is called."""
    found, pretended = first_use.asked(), pretend()
    if found.queue is None or not found.queue.numbers or pretended is None:
        abort(404)
    use.say(house(), Step.CALL, Said.WATCHING, doer(), queue=found.queue.key)
    for agent in found.agents[:SHOWN]:
        if not agent.contact.startswith("client:"):
            pretended.agent(agent.contact)
    if not pretended.caller(found.queue.numbers[0]):
        flash(gettext("The emulated carrier does not answer."), "warn")
    return redirect(first_use.here(Step.CALL), 303)


def _parts(found: Progress, queue: Queue) -> dict[str, object]:
    return {
        "watch": watch(found, queue), "pretending": pretend() is not None,
        "number": queue.numbers[0] if queue.numbers else "",
    }  # fmt: skip


def watch(found: Progress, queue: Queue) -> Watch:
    """What is known of the test call now."""
    now = house().clock.now()
    since = found.watching if found.watching and now - found.watching < WATCHED else None
    trial = use.trial(house(), QueueKey(queue.key), since) if since else Trial()
    staff = [(agent, house().line.agent(agent.key)) for agent in found.agents[:SHOWN]]
    working = any(live.status in AT_WORK for _, live in staff)
    promised = trial.callback is not None and trial.callback.state not in ENDS
    done = trial.next is None
    return Watch(
        since, _lines(trial), _advice(queue, trial, now, since, working=working), bool(since) and not done, done, trial,
        staff, working, promised and not working,
    )  # fmt: skip


def _lines(trial: Trial) -> list[Line]:
    names: Mapping[Stage, str] = {
        Stage.CAME: gettext("A call came in"),
        Stage.OFFERED: gettext("The callback was offered"),
        Stage.PROMISED: gettext("The callback was promised"),
        Stage.RUNG: gettext("We rang back"),
        Stage.ANSWERED: gettext("The caller answered"),
        Stage.CONNECTED: gettext("Caller and agent were connected"),
    }
    return [Line(names[stage], trial.at.get(stage), stage is trial.next) for stage in Stage]


def _advice(queue: Queue, trial: Trial, now: datetime, since: datetime | None, *, working: bool) -> str:
    """For the stage that comes next."""
    if since is None or trial.next is None:
        return ""
    if trial.straight:
        return gettext(
            "You were connected at once, because an agent was free: no callback was needed. Set the agents away and "
            "call again."
        )
    if trial.left:
        return gettext("The caller hung up before a callback was promised. Call again, and press 1 at the offer.")
    return _ADVICE[trial.next](queue, trial, now, working)


def _coming(queue: Queue, _: Trial, now: datetime, __: bool) -> str:
    if not hours.is_open(queue.policy.hours, now):
        return gettext("The queue is closed now: callers hear when it opens, and nothing else happens. See Hours.")
    return gettext("Nothing has come yet. If you have called: does the number lead here? See Number.")


def _offering(queue: Queue, _: Trial, __: datetime, working: bool) -> str:
    if not queue.policy.accepting:
        return gettext("Accepting is switched off for this queue, so nothing is offered.")
    if working:
        return gettext("An agent is at work, so nobody has to be called back. Set the agents away, and call again.")
    return gettext("The caller hears the greeting.")


def _promising(_: Queue, __: Trial, ___: datetime, ____: bool) -> str:
    return gettext("Press 1 to be called back, press 1 again to confirm the number, and hang up.")


def _ringing(queue: Queue, _: Trial, __: datetime, working: bool) -> str:
    if not queue.policy.dialing:
        return gettext("Dialling is switched off for this queue, so nobody is rung.")
    if not working:
        return gettext("Now an agent has to be there. Set the agents available.")
    return gettext("It is being rung. If nothing happens for half a minute, run callback doctor: do the workers run?")


def _answering(_: Queue, trial: Trial, __: datetime, ___: bool) -> str:
    if trial.outcome:
        return gettext("The last try reached nobody. It is tried again by itself.")
    return gettext("The telephone rings: answer it.")


def _connecting(_: Queue, trial: Trial, __: datetime, ___: bool) -> str:
    if trial.outcome:
        return gettext("It was answered, and nobody pressed 1. It is tried again by itself.")
    return gettext("Press 1 to talk. Then the agent's telephone rings, and they press 1 as well.")


_ADVICE = {
    Stage.CAME: _coming,
    Stage.OFFERED: _offering,
    Stage.PROMISED: _promising,
    Stage.RUNG: _ringing,
    Stage.ANSWERED: _answering,
    Stage.CONNECTED: _connecting,
}
