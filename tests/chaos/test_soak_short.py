"""The soak in short: some dozens of callers, and everything dies once or twice."""

import pytest

from tests.chaos.soak import report
from tests.support.chaos.building import Building
from tests.support.chaos.plan import draw
from tests.support.chaos.soak import QUEUES, Soak

CALLERS = 60


@pytest.mark.timeout(400)
def test_dozens_of_callers_survive_that_everything_dies(building: Building) -> None:
    seed = 20260101
    plan = draw(seed, CALLERS, queues=QUEUES, rate=3, death_every_s=3, prank_every_s=2)
    result = Soak(plan, building.ready(), print).run()
    building.pull_down()
    assert not result.breaches, report(result, seed)
