"""Fixtures of the contract suites: the same port, once on its fake and once on every real thing we support."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.store.sql_store import SqlStore
from callback.ports import Line
from tests.fakes.line import FakeLine
from tests.support.clock import ManualClock
from tests.support.line_scene import Scene
from tests.support.record import postgres_record, sqlite_record


@pytest.fixture(params=["fake", "redis_url", "redis62_url"])
def line(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Line]:
    """An empty line: the fake, the server we embed, and the oldest Redis we support."""
    if request.param == "fake":
        yield FakeLine(clock)
        return
    with make_client(request.getfixturevalue(request.param), timeout_s=10) as client:
        yield RedisLine(client, clock)


@pytest.fixture
def scene(line: Line, clock: ManualClock) -> Scene:
    """That line, in a few words."""
    return Scene(line, clock)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """An empty record, once on each database."""
    if request.param == "sqlite":
        opened = sqlite_record(tmp_path)
    else:
        opened = postgres_record(request.getfixturevalue("postgres_server"))
    with opened as store:
        yield store
