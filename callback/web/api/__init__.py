"""`/api/v1`: the product for programs. JSON in and out, bearer tokens, RFC 9457 refusals, described by OpenAPI 3.1."""

from flask import Blueprint

from callback.web.api import agents, callbacks, description, journal, quarantine, queues


def blueprint() -> Blueprint:
    """The whole of `/api/v1`."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    for part in (queues, agents, callbacks, quarantine, journal, description):
        part.routes(api)
    return api
