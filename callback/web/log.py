"""One line of log for each request: an event and its fields, with nobody's number or link in it."""

import time
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request

QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
_log = structlog.get_logger("callback.web")


def install(app: Flask) -> None:
    """Binds what is known of the request before, and writes the line after."""
    app.before_request(begin)
    app.after_request(note)


def begin() -> None:
    """The clock of this request runs."""
    g.began = time.perf_counter()


def note(response: Response) -> Response:
    """The line of this request, and the answer as it is."""
    if response.status_code < 400 and request.path.startswith(QUIET):
        return response
    _log.info("request", **_fields(response))
    return response


def _fields(response: Response) -> dict[str, Any]:
    # The rule, not the path: a status link's token and a looked-up number are in the latter.
    rule = request.url_rule.rule if request.url_rule is not None else "unknown"
    fields: dict[str, Any] = {
        "method": request.method,
        "route": rule,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
    }
    if "token" in g:
        fields["token"] = g.token.name
    if call := request.form.get("CallSid") if _readable_webhook(response) else None:
        fields["call"] = call
    return fields


def _readable_webhook(response: Response) -> bool:
    """Whether there is a form to look into: one that was refused for its size stays unread."""
    too_large = response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return request.method == "POST" and request.path.startswith(("/voice/", "/sms/")) and not too_large
