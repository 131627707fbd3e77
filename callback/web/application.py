"""The application as a class: a webhook of the carrier passes the hooks of its own door and no others.

Sessions, forms, languages, rate limits and headers for browsers hang on the whole application, and each is right for
people. The carrier has no use for any of them, and somebody on the phone waits for all of them: together they cost as
much as joining the line. So its doors name their own hooks, and the session of a webhook is the empty one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue

from callback.web.lane import Lane

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATHS = ("/voice/", "/sms/")
DOORS = frozenset({"voice", "sms"})
"""The blueprints of the carrier's doors, below these paths."""


class PeoplesSessions(SecureCookieSessionInterface):
    """Sessions in signed cookies, which the carrier does not have."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None stands for a session that is neither read nor kept."""
        return None if request.path.startswith(PATHS) else super().open_session(app, request)


class Application(Flask):
    """A Flask application whose hooks leave the carrier's doors alone. `lane` answers what it takes in its stead."""

    session_interface = PeoplesSessions()
    lane: Lane | None = None

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """One request."""
        if self.lane is not None and self.lane.takes(environ):
            return self.lane(environ, start_response)
        return super().wsgi_app(environ, start_response)

    def preprocess_request(self) -> ResponseReturnValue | None:
        """The hooks before a view: for a webhook those of its blueprint."""
        door = request.blueprint
        if door not in DOORS:
            return super().preprocess_request()
        for hook in self.before_request_funcs.get(door, ()):
            refusal: ResponseReturnValue | None = self.ensure_sync(hook)()
            if refusal is not None:
                return refusal
        return None

    def process_response(self, response: Response) -> Response:
        """The hooks after a view: for a webhook those of its blueprint."""
        door = request.blueprint
        if door not in DOORS:
            return super().process_response(response)
        for hook in self.after_request_funcs.get(door, ()):
            response = self.ensure_sync(hook)(response)
        return response
