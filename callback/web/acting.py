"""Who acts through a door, and the audit log's line of it, written in the same transaction as what is done."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import g
from flask_login import current_user

from callback.domain.acts import Doer, What, act
from callback.domain.callback import Callback
from callback.ports import ApiToken, Failure, Work
from callback.web.context import house

Values = Mapping[str, Any]


def doer() -> Doer:
    """The program whose token was shown, else the person who is signed in."""
    token: ApiToken | None = g.get("token")
    if token is not None:
        return Doer(f"token:{token.name}", token.role)
    return Doer(current_user.email, current_user.role)


def record(
    work: Work,
    what: What,
    subject: str,
    *,
    queue: str = "",
    before: Values | None = None,
    after: Values | None = None,
    cause: str = "",
) -> None:
    """Writes the act of whoever asks now. No number and no caller's name belongs into it."""
    at = house().clock.now()
    work.act(act(doer(), what, subject, at, queue=queue, before=before, after=after, cause=cause))


def on_callback(what: What, *, after: Values | None = None, cause: str = "") -> Callable[[Work, Callback], None]:
    """What a flow that changes a callback is to write along with it."""
    return lambda work, callback: record(work, what, callback.id, queue=callback.queue, after=after, cause=cause)


def on_held(what: What) -> Callable[[Work, Failure], None]:
    """What a flow that decides about something set aside is to write along with it."""

    def write(work: Work, failure: Failure) -> None:
        held = {"kind": failure.kind, "step": failure.step}
        record(work, what, failure.subject, queue=failure.queue, before=held)

    return write
