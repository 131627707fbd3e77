"""Refusals as RFC 9457 problem documents for programs, and as plain pages for people.

One table says which of the product's own errors is which HTTP status; nothing else in `web` chooses one for them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, json, render_template, request
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from callback.domain.errors import (
    AlreadyBridged,
    CallbackError,
    IllegalMove,
    InvalidInput,
    KeyReused,
    NotAccepting,
    NotFound,
    NumberRefused,
    Stale,
    StillDamaged,
    Unreadable,
)
from callback.web.catalogue import gettext
from callback.web.guards import Forbidden, Unauthenticated

_log = structlog.get_logger("callback.web")
RETRY_S = 5
"""When to try again where a backend is away: it is looked for four times a second."""
PLAIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><main><h1>{title}</h1><p>{detail}</p></main></html>"""
PROBLEM_JSON = "application/problem+json"

STATUS: Mapping[type[CallbackError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAccepting: HTTPStatus.CONFLICT,
    AlreadyBridged: HTTPStatus.CONFLICT,
    IllegalMove: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.CONFLICT,
    StillDamaged: HTTPStatus.CONFLICT,
    Unreadable: HTTPStatus.INTERNAL_SERVER_ERROR,
    NumberRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The status of each refusal."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a request: which field, and how to mend it."""

    field: str
    detail: str


class Problem(CallbackError):
    """A refusal that is about the request itself rather than about a rule of the house."""

    def __init__(self, status: HTTPStatus, kind: str, detail: str, errors: Sequence[Mistake] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.errors = tuple(errors)


def install(app: Flask) -> None:
    """Every error leaves the application as a problem document or a page, never as a stack trace."""
    app.register_error_handler(CallbackError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def wants_problem() -> bool:
    """Whether who is asking is a program."""
    return request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def status_of(error: CallbackError) -> HTTPStatus:
    """The HTTP status of a refusal."""
    if isinstance(error, Problem):
        return error.status
    if unreachable(error):
        return HTTPStatus.SERVICE_UNAVAILABLE
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.CONFLICT


def _refused(error: CallbackError) -> Response:
    status = status_of(error)
    if status is HTTPStatus.SERVICE_UNAVAILABLE and unreachable(error):
        return _away(error)
    answer = _answer(status, _kind(error), str(error), _mistakes(error))
    if status is HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="callback"'
    return answer


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    answer = _answer(status, status.phrase.lower().replace(" ", "_"), error.description or status.phrase)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def unreachable(error: Exception) -> bool:
    """Whether this says that the line or the record cannot be reached. Redis' own errors are known by their home alone,
    since no door imports its library."""
    homes = {kind.__module__ for kind in type(error).__mro__}
    return isinstance(error, (ConnectionError, TimeoutError)) or "redis.exceptions" in homes


def _broken(error: Exception) -> Response:
    route = request.url_rule.rule if request.url_rule is not None else "unknown"
    if unreachable(error):
        return _away(error)
    _log.error("request.broke", route=route, error=type(error).__name__, exc_info=error)
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "defect",
        "Something is broken on our side. It has been noted; please try again.",
    )


def _away(error: Exception) -> Response:
    """Something behind us is away: not what and where, which is for the log, but that nothing is lost, and when to try
    again."""
    route = request.url_rule.rule if request.url_rule is not None else "unknown"
    _log.warning("request.cut_off", route=route, error=type(error).__name__, why=str(error))
    detail = gettext(
        "We cannot be reached in full at the moment. Nothing is lost: places in line and promised callbacks are kept. "
        "Please try again in a few seconds."
    )
    answer = _answer(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail)
    answer.headers["Retry-After"] = str(RETRY_S)
    return answer


def _kind(error: CallbackError) -> str:
    if isinstance(error, Problem):
        return error.kind
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def _mistakes(error: CallbackError) -> tuple[Mistake, ...]:
    if isinstance(error, Problem):
        return error.errors
    listed = getattr(error, "mistakes", None)
    if listed is not None:
        return tuple(Mistake(field, message) for field, message in listed)
    if isinstance(error, InvalidInput):
        return (Mistake(error.field, str(error)),)
    if isinstance(error, NumberRefused):
        return (Mistake("number", str(error)),)
    return ()


def _answer(status: HTTPStatus, kind: str, detail: str, errors: Sequence[Mistake] = ()) -> Response:
    if wants_problem():
        return _document(status, kind, detail, errors)
    try:
        page = render_template("error.html", status=status, detail=detail)
    except Exception as error:  # noqa: BLE001 -- logged; what failed may be what the page around the words asks for
        _log.warning("error_page.broke", error=type(error).__name__, exc_info=None if unreachable(error) else error)
        page = PLAIN.format(title=escape(status.phrase), detail=escape(detail))
    return Response(page, status, mimetype="text/html")


def _document(status: HTTPStatus, kind: str, detail: str, errors: Sequence[Mistake]) -> Response:
    document: dict[str, Any] = {
        "type": f"urn:callback:problem:{kind}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "errors": [{"field": mistake.field, "detail": mistake.detail} for mistake in errors],
    }
    return Response(json.dumps(document), status, mimetype=PROBLEM_JSON)
