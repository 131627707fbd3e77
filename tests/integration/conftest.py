"""What the tests of one layer share: a whole house in one process, on a fresh line and a fresh record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from tests.support.house import StagedHouse, stage


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    """A house on SQLite, or on each database where the test says `on_both`; its clock stands until it is turned."""
    with stage(request, redis_url, tmp_path, clock) as house:
        yield house
