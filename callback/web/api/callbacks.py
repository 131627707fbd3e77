"""Callbacks over the API: ask for one, look, change one's mind."""

import hashlib
from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, json, request

from callback.domain.acts import What
from callback.domain.callback import Callback, Source
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import State
from callback.flows import cancel, enrol, look
from callback.web.acting import on_callback
from callback.web.api import models
from callback.web.api.contract import operation, taken, taken_query
from callback.web.context import house
from callback.web.guards import Role
from callback.web.problems import Problem

Json = dict[str, Any]

KEY_LENGTH = 255
_PAIRING = frozenset({State.WAITING, State.RESERVED})
"""The line may show a waiting row as reserved, so a filter for either reads both."""


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.post("/callbacks")(post_callback)
    api.get("/callbacks")(some_callbacks)
    api.get("/callbacks/<id>")(one_callback)
    api.post("/callbacks/<id>/cancel")(cancel_callback)
    api.post("/callbacks/<id>/reschedule")(reschedule_callback)


@operation(
    Role.SUPERVISOR,
    models.Callback,
    status=201,
    also=200,
    json=models.CallbackBody,
    headers=models.IdempotencyHeader,
    refuses=(400, 404, 409, 422),
    tag="callbacks",
)
def post_callback() -> tuple[Json, int]:
    """Ask for a callback. 201 with the promise; 200 with the one that stands when this number is open there already."""
    key = _idempotency_key()
    body = taken(models.CallbackBody)
    cause = f"api:{g.token.name} key:{key[:16]}"
    callback, created = enrol.request(
        house(),
        queue=QueueKey(body.queue),
        number=body.number,
        requested_for=body.requested_for,
        language=body.language,
        context=body.context,
        name=body.name,
        source=Source.API,
        idempotency=(key, _body_hash()),
        cause=cause,
    )
    first = created or _made_by(callback, cause)
    return look.callback_view(house(), callback), HTTPStatus.CREATED if first else HTTPStatus.OK


@operation(Role.VIEWER, models.Callbacks, query=models.CallbackQuery, refuses=(422,), tag="callbacks")
def some_callbacks() -> Json:
    """Callbacks, newest first."""
    asked = taken_query(models.CallbackQuery)
    states = {State(word) for word in asked.words()}
    with house().store.begin() as work:
        page = work.callbacks(
            queue=None if asked.queue is None else QueueKey(asked.queue),
            states=_rows(states),
            number=_number(asked.number),
            cursor=asked.cursor,
            limit=asked.limit,
        )
    items = [look.callback_view(house(), callback) for callback in page.items]
    return {"items": [item for item in items if not states or item["state"] in states], "next": page.next}


@operation(Role.VIEWER, models.Callback, refuses=(404,), tag="callbacks")
def one_callback(id: str) -> Json:
    """One callback, with its attempts."""
    return look.callback_view(house(), _find(id))


@operation(Role.SUPERVISOR, models.Callback, refuses=(404, 409), tag="callbacks")
def cancel_callback(id: str) -> Json:
    """Cancel a callback. Repeatable; 409 once caller and agent are connected."""
    along = on_callback(What.CALLBACK_CANCEL)
    cause = f"api:{g.token.name}"
    done = cancel.cancel(house(), CallbackId(id), reason="cancelled through the API", cause=cause, along=along)
    return look.callback_view(house(), done)


@operation(Role.SUPERVISOR, models.Callback, json=models.RescheduleBody, refuses=(404, 409, 422), tag="callbacks")
def reschedule_callback(id: str) -> Json:
    """Ring at another time instead."""
    body = taken(models.RescheduleBody)
    along = on_callback(What.CALLBACK_RESCHEDULE, after={"requested_for": look.stamp(body.at)})
    moved = cancel.reschedule(house(), CallbackId(id), body.at, cause=f"api:{g.token.name}", along=along)
    return look.callback_view(house(), moved)


def _made_by(callback: Callback, cause: str) -> bool:
    """Whether a repeat of this very request made it before: then the first answer is given again."""
    with house().store.begin() as work:
        made = work.journal(after=0, limit=1, kind="callback", subject=callback.id)
    return bool(made) and made[0].cause == cause


def _find(id: str) -> Callback:
    with house().store.begin() as work:
        return work.callback(CallbackId(id))


def _rows(states: set[State]) -> set[State] | None:
    if not states:
        return None
    return states | _PAIRING if states & _PAIRING else states


def _number(asked: str | None) -> str | None:
    # A "+" that was not escaped arrives as a space.
    return None if asked is None else "+" + asked.strip().lstrip("+")


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > KEY_LENGTH:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "idempotency_key",
            f"Send an `Idempotency-Key` header of 1 to {KEY_LENGTH} characters, so that a repeat has no second effect.",
        )
    # Of this token alone: two programs may choose the same key.
    return hashlib.sha256(f"{g.token.name}\n{key}".encode()).hexdigest()


def _body_hash() -> str:
    canonical = json.dumps(request.get_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
