"""Queues and their policies over the API."""

from typing import Any

from flask import Blueprint

from callback.domain import policies
from callback.domain.ids import QueueKey
from callback.flows import configure, hindsight, look
from callback.web.acting import doer
from callback.web.api import models
from callback.web.api.contract import key_of, operation, taken, taken_query
from callback.web.context import house
from callback.web.guards import Role

Json = dict[str, Any]


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.get("/queues")(all_queues)
    api.get("/queues/<key>")(one_queue)
    api.put("/queues/<key>")(put_queue)
    api.patch("/queues/<key>/policy")(patch_policy)
    api.get("/queues/<key>/waits")(waits)


@operation(Role.VIEWER, models.Queues, tag="queues")
def all_queues() -> Json:
    """Every queue at this moment."""
    return {"items": [look.queue_json(now) for now in look.queues_now(house())], "next": None}


@operation(Role.VIEWER, models.Queue, refuses=(404,), tag="queues")
def one_queue(key: str) -> Json:
    """One queue at this moment."""
    return look.queue_view(house(), QueueKey(key))


@operation(Role.ADMIN, models.Queue, json=models.QueueBody, refuses=(422,), tag="queues")
def put_queue(key: str) -> Json:
    """Create a queue, or change its name, numbers and policy."""
    body = taken(models.QueueBody)
    policy = None if body.policy is None else body.policy.root
    configure.put_queue(
        house(),
        QueueKey(key_of(key)),
        name=body.name,
        numbers=_numbers(body),
        policy=policy,
        by=doer().by,
        role=doer().role,
    )
    return look.queue_view(house(), QueueKey(key))


@operation(Role.SUPERVISOR, models.PolicyVersion, json=models.PolicyChanges, refuses=(404, 422), tag="queues")
def patch_policy(key: str) -> Json:
    """Change any fields of a queue's policy: the new policy, with its version."""
    changes = taken(models.PolicyChanges).root
    queue = configure.put_policy(house(), QueueKey(key), changes, by=doer().by, role=doer().role)
    return {**policies.shown(queue.policy), "version": queue.version}


@operation(Role.VIEWER, models.WaitsJudged, query=models.WaitsQuery, refuses=(404, 422), tag="queues")
def waits(key: str) -> Json:
    """How true the waits were that callers of a queue were told on arrival, and the windows that were promised."""
    return hindsight.view(house(), QueueKey(key), taken_query(models.WaitsQuery).days)


def _numbers(body: models.QueueBody) -> tuple[str, ...] | None:
    return None if body.numbers is None else tuple(body.numbers)
