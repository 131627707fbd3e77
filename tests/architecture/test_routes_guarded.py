"""Every route says who may use it: a forgotten guard is an open door, and nobody notices an open door by using it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from callback.web.guards import Role, guard_of
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse

KINDS = {"public", "carrier signature", "bearer token", "session"}


@pytest.fixture
def app(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[Flask]:
    """The whole application."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    yield house.app
    house.close()


def rules(app: Flask) -> list[Rule]:
    return list(app.url_map.iter_rules())


def test_every_route_declares_its_guard(app: Flask) -> None:
    undeclared = [rule.rule for rule in rules(app) if guard_of(app.view_functions[rule.endpoint]) is None]
    assert undeclared == []


def test_every_guard_is_of_a_known_kind_and_a_public_route_says_why(app: Flask) -> None:
    for rule in rules(app):
        guard = guard_of(app.view_functions[rule.endpoint])
        assert guard is not None
        assert guard.kind in KINDS, rule.rule
        assert guard.why or guard.kind in {"bearer token", "session"}, f"{rule.rule} is open and says nothing of why"


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("/voice/", "carrier signature"),
        ("/sms/", "carrier signature"),
        ("/admin", "session"),
        ("/agent", "session"),
        ("/wall", "session"),
    ],
)
def test_a_part_has_one_kind_of_guard(app: Flask, prefix: str, kind: str) -> None:
    found = [rule for rule in rules(app) if rule.rule.startswith(prefix)]
    assert found
    for rule in found:
        guard = guard_of(app.view_functions[rule.endpoint])
        assert guard is not None
        assert guard.kind == kind, rule.rule


def test_everything_in_the_api_but_its_description_needs_a_token(app: Flask) -> None:
    for rule in rules(app):
        if rule.rule.startswith("/api/") and not rule.rule.endswith("/openapi.json"):
            guard = guard_of(app.view_functions[rule.endpoint])
            assert guard is not None
            assert guard.kind == "bearer token", rule.rule


def test_a_viewer_can_change_nothing(app: Flask) -> None:
    for rule in rules(app):
        guard = guard_of(app.view_functions[rule.endpoint])
        changes = (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        assert not (guard is not None and guard.role is Role.VIEWER and changes), rule.rule


def test_a_request_without_proof_gets_nothing(app: Flask) -> None:
    client = app.test_client()
    for rule in rules(app):
        guard = guard_of(app.view_functions[rule.endpoint])
        if guard is None or guard.kind == "public":
            continue
        path = rule.rule
        for argument in rule.arguments:
            path = (
                path.replace(f"<{argument}>", "1")
                .replace(f"<int:{argument}>", "1")
                .replace(f"<path:{argument}>", "incoming")
            )
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            status = client.open(path, method=method).status_code
            assert status in {303, 400, 401, 403}, f"{method} {path} answers {status} to a stranger"
