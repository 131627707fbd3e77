"""The carrier's webhooks of calls on the shortest way: from the server's request to a step, and back.

Somebody on the phone waits for every one of them, and what the framework does around a view (contexts, routing,
signals, request and response objects) takes as long as all we do in one. So the usual request, a form posted to
`/voice/...`, is answered here, from the same check and the same steps as the view has. Whatever is unusual about
a request goes the way of all others, and a test holds the two ways against each other.
"""

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import structlog

from callback.domain.errors import CallbackError
from callback.flows.hook import Hook
from callback.ports import House
from callback.web.armour import BODY_LIMIT
from callback.web.problems import status_of, unreachable
from callback.web.webhooks import SLOW_S, Answer, Check

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FORM = "application/x-www-form-urlencoded"
DOOR = "/voice/"
_log = structlog.get_logger("callback.web")


class Lane:
    """A WSGI application for the requests that it `takes`. `step` answers a webhook that the check let pass."""

    def __init__(self, house: House, check: Check, step: Callable[[House, str, Hook], Answer]) -> None:
        self._house, self._check, self._step = house, check, step

    @staticmethod
    def takes(environ: "WSGIEnvironment") -> bool:
        """Whether this is a form of a usual size for one of the doors, in plain characters."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"].startswith(DOOR)
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE", "").startswith(FORM)
            and length.isdecimal()
            and int(length) <= BODY_LIMIT
            and environ["PATH_INFO"].isascii()
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The answer to one webhook."""
        began = time.perf_counter()
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        pairs = _pairs(body.decode("utf-8", "replace"))
        form = _first(pairs)
        answer = self._check.refusal(path, query, pairs, form, environ.get("HTTP_X_TWILIO_SIGNATURE"))
        if answer is None:
            answer = self._answered(path[len(DOOR) :], Hook(form, _first(_pairs(query))))
        _note(answer, began, form)
        text = answer.body.encode()
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", _headers(answer, len(text)))
        return [text] if text else []

    def _answered(self, step: str, hook: Hook) -> Answer:
        try:
            return self._step(self._house, step, hook)
        except CallbackError as refused:
            return Answer(status_of(refused), str(refused))
        except Exception as error:  # noqa: BLE001 -- a report that we lose is logged whole, and the carrier told so
            away = unreachable(error)
            _log.error(
                "request.broke", route=DOOR, step=step, call=hook.call, error=type(error).__name__,
                exc_info=None if away else error,
            )  # fmt: skip
            return Answer(503 if away else 500, "this did not work; please try again")


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True) if text else []


def _first(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Of fields sent more than once, the first."""
    return dict(reversed(pairs))


def _headers(answer: Answer, length: int) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff"), ("Content-Type", answer.type)]
    return headers if answer.status == 204 else [*headers, ("Content-Length", str(length))]


def _note(answer: Answer, began: float, form: dict[str, Any]) -> None:
    took = time.perf_counter() - began
    if answer.status >= 400 or took > SLOW_S:
        call = form.get("CallSid", "")
        _log.info("request", method="POST", route=DOOR, status=answer.status, ms=round(took * 1000, 1), call=call)
