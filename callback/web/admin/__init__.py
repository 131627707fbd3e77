"""The console: queues and their thresholds, who waits, who works. Pages for people; the rules live in the flows."""

from flask import Blueprint

from callback.web.admin import (
    acts,
    adding,
    agents,
    first_agent,
    first_call,
    first_number,
    first_use,
    line,
    opening,
    overview,
    pacing,
    people,
    plans,
    preview,
    prompts,
    reports,
    staffing,
    stopping,
    thresholds,
    tokens,
    trouble,
    users,
    versions,
    waits,
)


def blueprint() -> Blueprint:
    """The whole of `/admin`."""
    console = Blueprint("admin", __name__, url_prefix="/admin")
    for part in (
        overview,
        first_use,
        first_agent,
        first_number,
        first_call,
        adding,
        stopping,
        thresholds,
        preview,
        versions,
        opening,
        pacing,
        line,
        waits,
        reports,
        staffing,
        agents,
        people,
        plans,
        users,
        tokens,
        prompts,
        acts,
        trouble,
    ):
        part.routes(console)
    return console
