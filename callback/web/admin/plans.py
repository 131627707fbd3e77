"""Changes that take effect later as pages show them: what is planned, and what was refused when its time came."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.ids import QueueKey
from callback.domain.planned import Forfeited, Planned
from callback.domain.policy import Queue
from callback.flows import planned
from callback.web.acting import doer
from callback.web.admin import fields
from callback.web.admin.versions import Change
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, covers, signed_in
from callback.web.pages import back


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.post("/queues/<key>/planned/<id>/take-back")(take_back)
    console.post("/queues/<key>/planned/<id>/seen")(seen_refused)


@dataclass(frozen=True)
class PlanShown:
    """A plan of a queue, and what it changes as things stand. Of a refused one, `why`, and where it can be made anew
    (`again`)."""

    plan: Planned
    queue: Queue
    changes: list[Change]
    again: str
    why: str = ""


@signed_in(Role.SUPERVISOR)
def take_back(key: str, id: str) -> AnyResponse:
    """A planned change does not take effect."""
    if planned.take_back(house(), QueueKey(key), id, by=doer().by, role=doer().role):
        flash(gettext("It was taken back."))
    else:
        flash(gettext("It has taken effect already."), "warn")
    return back("admin.queue", key=key)


@signed_in(Role.SUPERVISOR)
def seen_refused(key: str, id: str) -> AnyResponse:
    """Somebody has seen that a planned change did not take effect."""
    planned.take_note(house(), QueueKey(key), id, by=doer().by, role=doer().role)
    return back("admin.queue", key=key)


def waiting(queue: Queue) -> list[PlanShown]:
    """What is still to take effect, the next first."""
    with house().store.look() as work:
        found = work.plans(QueueKey(queue.key))
    return [_shown(one, queue) for one in found]


def refused(queues: Sequence[Queue]) -> list[PlanShown]:
    """What did not take effect in these queues and nobody has taken note of yet: for supervisors alone."""
    if not covers(current_user.role, Role.SUPERVISOR):
        return []
    by_key = {queue.key: queue for queue in queues}
    return [_shown(one, by_key[one.queue]) for one in planned.refused(house()) if one.queue in by_key]


def _shown(one: Planned, queue: Queue) -> PlanShown:
    now = policies.to_json(queue.policy)
    changes = [
        Change(fields.label(name), fields.said(name, now.get(name)), fields.said(name, value))
        for name, value in one.changes.items()
    ]
    page = "admin.hours" if one.changes.keys() <= {"hours"} else "admin.queue"
    return PlanShown(one, queue, changes, url_for(page, key=queue.key), _why(one.note))


def _why(note: str) -> str:
    words = {
        Forfeited.GONE: gettext("Whoever planned it is no user any more."),
        Forfeited.DISABLED: gettext("Whoever planned it cannot sign in any more."),
        Forfeited.ROLE: gettext("Whoever planned it may not change thresholds any more."),
    }
    return words[Forfeited(note)] if note in list(Forfeited) else note
