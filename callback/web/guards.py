"""Who may use a route, declared where the route is and enforced by the same decorator.

A route without a declaration is a defect: a test walks the URL map and refuses it. `declared` only marks, for guards
that are enforced elsewhere (the carrier's signature is checked before anything of a webhook is read); every other
decorator here checks as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar, cast

from flask import current_app, g, request
from flask_login import current_user

from callback.domain.errors import CallbackError
from callback.domain.ids import token_hash
from callback.ports import ApiToken
from callback.web import tokens_used
from callback.web.context import house

View = TypeVar("View", bound=Callable[..., Any])

_BEARER = "Bearer "


class Role(StrEnum):
    """What somebody, or some program, may do. An agent has a desk and a presence, and is no step of the ladder."""

    VIEWER = "viewer"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    AGENT = "agent"


_LADDER = (Role.VIEWER, Role.SUPERVISOR, Role.ADMIN)


@dataclass(frozen=True)
class Guard:
    """What a route demands: the kind of proof, and the role it must carry."""

    kind: str
    role: Role | None = None
    why: str = ""


class Unauthenticated(CallbackError):
    """No proof of who is asking, or a wrong one."""


class Forbidden(CallbackError):
    """We know who is asking, and they may not."""


def covers(held: str, needed: Role) -> bool:
    """Whether the role `held` may do what `needed` may. Unknown roles may nothing."""
    if held == needed:
        return True
    ladder = [str(role) for role in _LADDER]
    return held in ladder and needed in _LADDER and ladder.index(held) > _LADDER.index(needed)


def declared(kind: str, why: str = "") -> Callable[[View], View]:
    """Marks a route whose guard stands elsewhere. Enforces nothing."""

    def mark(view: View) -> View:
        view.guard = Guard(kind, why=why)  # type: ignore[attr-defined]
        return view

    return mark


def public(why: str) -> Callable[[View], View]:
    """Open to everybody, for the reason given."""
    return declared("public", why)


carrier_signature = declared("carrier signature", "checked in full before the request is read")
"""For the carrier's webhooks, whose blueprint checks the signature of each request first."""


def bearer(needed: Role, *, agents: bool = False) -> Callable[[View], View]:
    """A program with a token of at least this role; `agents` admits a token of the role agent, where it
    speaks for the agent whose `key` is asked for, or for all of them."""

    def guard(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            token = _token()
            if agents and token.role == Role.AGENT:
                _is_theirs(token, kwargs["key"])
            elif not covers(token.role, needed):
                raise Forbidden(f"this needs the role {needed}; the token {token.name!r} has {token.role}")
            g.token = token
            return view(*args, **kwargs)

        checked.guard = Guard("bearer token", needed)  # type: ignore[attr-defined]
        return cast(View, checked)

    return guard


def signed_in(needed: Role) -> Callable[[View], View]:
    """A person with a session of at least this role. Who is not signed in is shown the door to sign in."""

    def guard(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return current_app.extensions["callback.sign_in"]()
            if current_user.must_set_up:
                return current_app.extensions["callback.set_up"]()
            if not covers(current_user.role, needed):
                raise Forbidden(f"this needs the role {needed}; you are signed in as {current_user.role}")
            return view(*args, **kwargs)

        checked.guard = Guard("session", needed)  # type: ignore[attr-defined]
        return cast(View, checked)

    return guard


def own_account(view: View) -> View:
    """A person with a session, whatever their role, about themselves; also before they set up what they must."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            return current_app.extensions["callback.sign_in"]()
        return view(*args, **kwargs)

    checked.guard = Guard("session")  # type: ignore[attr-defined]
    return cast(View, checked)


def guard_of(view: Callable[..., Any]) -> Guard | None:
    """The guard a view declares, or None."""
    found = getattr(view, "guard", None)
    return found if isinstance(found, Guard) else None


def _is_theirs(token: ApiToken, agent: str) -> None:
    if token.agent is not None and token.agent != agent:
        raise Forbidden(f"the token {token.name!r} speaks for the agent {token.agent} alone")


def _token() -> ApiToken:
    header = request.headers.get("Authorization", "")
    if not header.startswith(_BEARER):
        raise Unauthenticated("send `Authorization: Bearer TOKEN`; `callback token add NAME --role ROLE` makes one")
    mark = token_hash(header.removeprefix(_BEARER).strip())
    token = house().store.ask(lambda work: work.token(mark))
    if token is None:
        raise Unauthenticated("this token is not known; `callback token add NAME --role ROLE` makes one")
    tokens_used.note(token)
    return token
