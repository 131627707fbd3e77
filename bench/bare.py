"""The references: the least that a web server and a worker can do for the same request, on the same servers."""

from datetime import UTC, datetime

from flask import Flask, Response, request

DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-US" voice="Polly.Joanna">Thank you for calling '
    "Support.</Say><Enqueue>cb-support</Enqueue></Response>"
)
FIELDS = ("CallSid", "AccountSid", "From", "To", "CallStatus")


def application() -> Flask:
    """A bare Flask view: it reads the same form and answers with a constant document."""
    app = Flask("bench.bare")

    @app.post("/voice/incoming")
    def incoming() -> Response:
        for field in FIELDS:
            request.form.get(field)
        return Response(DOCUMENT, content_type="text/xml; charset=utf-8")

    return app


def moment() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)
