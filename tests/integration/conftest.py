"""What the tests of one layer share: a whole house in one process, on a fresh line and a fresh record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from tests.support.house import StagedHouse, stage
from tests.support.web_house import WebHouse


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    """A house on SQLite, or on each database where the test says `on_both`; its clock stands until it is turned."""
    with stage(request, redis_url, tmp_path, clock) as house:
        yield house


@pytest.fixture
def bare_web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """The doors of a house without any queue, on a fresh line and a fresh record."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://localhost")
    yield house
    house.close()


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """A house with a queue and an agent."""
    bare_web.queue()
    bare_web.agent()
    return bare_web
