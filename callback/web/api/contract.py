"""How a request to the API is checked before a view sees it, and the registry its description is made from.

spectree checks bodies and queries against the models and describes them; what it is lenient about (a body that is no
JSON, or that is not an object) is refused here first, because a silently ignored body is a change nobody asked for.
"""

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

import pydantic
from flask import json, request
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from callback import __doc__ as about
from callback.domain.errors import InvalidInput
from callback.web.api.models import KEY, NoQuery, ProblemDocument
from callback.web.armour import keepable
from callback.web.guards import Role, bearer
from callback.web.problems import Mistake, Problem

View = TypeVar("View", bound=Callable[..., Any])
Model = TypeVar("Model", bound=pydantic.BaseModel)


def _refuse(_request: Any, _response: Any, error: Any, _instance: Any, _adapter: Any) -> None:
    if isinstance(error, pydantic.ValidationError):
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_input",
            "The request cannot be accepted as it is; see errors.",
            [Mistake(_path(mistake["loc"]), mistake["msg"]) for mistake in error.errors()],
        )


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


spec = SpecTree(
    "flask",
    mode="strict",
    title="callback",
    version="1",
    description=(about or "").strip(),
    annotations=False,
    before=_refuse,
    validation_error_model=ProblemDocument,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    security_schemes=[SecurityScheme(name="token", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={"token": []},
)


def operation(
    needed: Role,
    answer: type[pydantic.BaseModel],
    *,
    agents: bool = False,
    status: int = 200,
    also: int | None = None,
    refuses: tuple[int, ...] = (),
    json: type[pydantic.BaseModel] | None = None,
    query: type[pydantic.BaseModel] | None = None,
    headers: type[pydantic.BaseModel] | None = None,
    tag: str = "",
) -> Callable[[View], View]:
    """One operation of the API: who may, what it takes, what it answers, and which refusals are normal for it."""
    answers = Answers(
        **{f"HTTP_{code}": answer for code in {status, also or status}},
        **{f"HTTP_{code}": ProblemDocument for code in (401, 403, *refuses)},
    )

    def wrap(view: View) -> View:
        described = spec.validate(query=query or NoQuery, json=json, headers=headers, resp=answers, tags=(tag,))(view)
        return cast(View, bearer(needed, agents=agents)(_readable(described, json is not None)))

    return wrap


def taken(model: type[Model]) -> Model:
    """The body of the request at hand, as checked. Raises Problem where there is none."""
    body = getattr(request, "context").json  # noqa: B009 -- spectree's addition to the request
    if not isinstance(body, model):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", "This call needs a JSON body.")
    return body


def taken_query(model: type[Model]) -> Model:
    """The query of the request at hand, as checked; with its defaults where none was sent."""
    query = getattr(request, "context").query  # noqa: B009
    return query if isinstance(query, model) else model()


def key_of(key: str) -> str:
    """A key from the path that is about to be created. Raises InvalidInput when it cannot be one."""
    if not re.match(KEY, key):
        raise InvalidInput(
            "key", "a key has 1 to 64 letters, digits, '-', '_' and '.', and begins with a letter or digit"
        )
    return key


def _keepable(value: object) -> bool:
    if isinstance(value, dict):
        return all(keepable(name) and _keepable(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_keepable, value))
    return not isinstance(value, str) or keepable(value)


def _readable(view: View, wants_body: bool) -> View:
    @wraps(view)
    def read(*args: Any, **kwargs: Any) -> Any:
        check_body(wants_body)
        return view(*args, **kwargs)

    return cast(View, read)


def check_body(wanted: bool) -> None:
    """Refuse a body that is no JSON object, or that comes where none is taken. Raises Problem."""
    body = request.get_data(cache=True)
    if not body:
        return
    if not request.is_json:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body with `Content-Type: application/json`.",
        )
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", "The body must be a JSON object.")
    if not _keepable(parsed):
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", "A text has NUL or half of a surrogate pair in it."
        )
    if parsed and not wanted:
        unknown = [Mistake(str(name), "this call takes no fields") for name in parsed]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", "This call takes no body.", unknown)
