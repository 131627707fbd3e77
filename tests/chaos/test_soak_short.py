"""The soak in short: some dozens of callers, and everything dies once or twice."""

import os
from pathlib import Path

import pytest

from tests.chaos.soak import report
from tests.support.chaos.building import Building
from tests.support.chaos.outcome import Record
from tests.support.chaos.plan import draw
from tests.support.chaos.soak import QUEUES, Soak

CALLERS = 28


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_dozens_of_callers_survive_that_everything_dies(tmp_path: Path, record: Record) -> None:
    seed = int(os.environ["CHAOS_SEED"])
    plan = draw(seed, CALLERS, queues=QUEUES, rate=3, death_every_s=3, prank_every_s=2)
    building = Building(tmp_path)
    try:
        result = Soak(plan, building.ready(), print).run()
        logs = building.house.logs(2000) if result.breaches else ""
    finally:
        building.close()
    kept = [
        record.story(f"soak-{seed}-{name}", text) for name, text in (("seen", result.story), ("logs", logs)) if text
    ]
    assert not result.breaches, f"{report(result, seed)}\n{kept}"
