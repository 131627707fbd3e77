"""Stopping everything, with what that means said before, and starting again as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.acts import What
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy, Queue
from callback.flows import configure, look
from callback.flows.look import QueueNow
from callback.ports import PolicyVersion
from callback.web.admin import thresholds, versions
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import page

SWITCHES = thresholds.SWITCHES
WHY = "stop everything"
BACK = 50
"""So many versions back a queue may have been stopped, for starting it again."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/stop")(ask_to_stop)
    console.post("/stop")(stop_everything)
    console.post("/start")(start_again)


@dataclass(frozen=True)
class Stopped:
    """A queue that was stopped with all others, and how its switches stood before."""

    queue: Queue
    before: Policy

    def changes(self) -> dict[str, bool]:
        """What starting it again switches on."""
        return {name: True for name in SWITCHES if getattr(self.before, name)}


@signed_in(Role.SUPERVISOR)
def ask_to_stop() -> str:
    """What would happen, with how many it is about."""
    seen = look.queues_now(house())
    running = [one for one in seen if is_on(one.queue.policy)]
    return page("admin/stop.html", seen=running, waiting=_sum(seen, "callbacks"), live=_sum(seen, "live"))


@signed_in(Role.SUPERVISOR)
def stop_everything() -> AnyResponse:
    """Every queue stops accepting and dialling; nothing that is promised is lost."""
    why = f"{WHY}: {said}" if (said := request.form.get("why", "").strip()[: thresholds.WHY]) else WHY
    for one in _queues():
        if is_on(one.policy):
            off = dict.fromkeys(SWITCHES, False)
            configure.put_policy(house(), QueueKey(one.key), off, **thresholds.by(What.STOP_EVERYTHING), why=why)
    flash(gettext("Everything is stopped: nothing is promised and nobody is rung until you switch it on again."))
    return redirect(url_for("admin.overview"), 303)


@signed_in(Role.SUPERVISOR)
def start_again() -> AnyResponse:
    """Every queue that was stopped is as it was before; one that was switched by hand since stays so."""
    started = stopped(_queues())
    for one in started:
        configure.put_policy(
            house(), QueueKey(one.queue.key), one.changes(), **thresholds.by(What.START_AGAIN), why="start again"
        )
    flash(gettext("Everything goes on as before.") if started else gettext("Nothing was stopped."))
    return redirect(url_for("admin.overview"), 303)


def stopped(queues: Sequence[Queue]) -> list[Stopped]:
    """The queues that are still as stopping everything left them."""
    found = ((one, before(versions.latest(one.key, BACK))) for one in queues if not is_on(one.policy))
    return [Stopped(queue, policy) for queue, policy in found if policy is not None]


def before(newest_first: Sequence[PolicyVersion]) -> Policy | None:
    """The policy before everything was stopped. None where it was not, or where a switch was touched since."""
    for one, earlier in pairwise(newest_first):
        if is_on(one.policy):
            return None
        if is_on(earlier.policy):
            return earlier.policy if one.why.startswith(WHY) else None
    return None


def is_on(policy: Policy) -> bool:
    """Whether any of its switches is on."""
    return policy.accepting or policy.dialing


def _queues() -> list[Queue]:
    with house().store.look() as work:
        return work.queues()


def _sum(seen: Sequence[QueueNow], name: str) -> int:
    return sum(getattr(one.standing, name) for one in seen)
