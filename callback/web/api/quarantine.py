"""What is in quarantine, over the API: look, try again, give up."""

from typing import Any

from flask import Blueprint, g

from callback.domain.acts import What
from callback.flows import look
from callback.flows import quarantine as decisions
from callback.ports import Failure
from callback.web.acting import on_held
from callback.web.api import models
from callback.web.api.contract import operation, taken_query
from callback.web.context import house
from callback.web.guards import Role

Json = dict[str, Any]


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.get("/quarantine")(all_held)
    api.post("/quarantine/<id>/retry")(retry)
    api.post("/quarantine/<id>/drop")(drop)


@operation(Role.VIEWER, models.Quarantine, query=models.QuarantineQuery, refuses=(422,), tag="quarantine")
def all_held() -> Json:
    """What failed again and again and is held until somebody decides, newest first."""
    asked = taken_query(models.QuarantineQuery)
    with house().store.begin() as work:
        page = work.quarantine(cursor=asked.cursor, limit=asked.limit)
    return {"items": [failure_json(failure) for failure in page.items], "next": page.next}


@operation(Role.SUPERVISOR, models.Held, refuses=(404, 409), tag="quarantine")
def retry(id: str) -> Json:
    """Try again, from its old place in line, counted afresh. Repeatable; 409 while its row cannot be read."""
    return failure_json(decisions.retry(house(), id, by=f"api:{g.token.name}", along=on_held(What.HELD_RETRY)))


@operation(Role.SUPERVISOR, models.Held, refuses=(404,), tag="quarantine")
def drop(id: str) -> Json:
    """Give it up: a callback is cancelled and its caller told by text, a text is not sent. Repeatable."""
    return failure_json(decisions.drop(house(), id, by=f"api:{g.token.name}", along=on_held(What.HELD_DROP)))


def failure_json(failure: Failure) -> Json:
    """One of them as the API answers it."""
    return {
        "id": failure.id,
        "kind": failure.kind,
        "subject": failure.subject,
        "queue": failure.queue,
        "step": failure.step,
        "reason": failure.reason,
        "times": failure.times,
        "first_at": look.stamp(failure.first_at),
        "last_at": look.stamp(failure.last_at),
        "held_at": look.stamp(failure.held_at),
        "resolved_at": look.stamp(failure.resolved_at),
        "resolution": failure.resolution,
        "by": failure.by,
    }
