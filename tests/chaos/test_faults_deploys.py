"""Fault 24: a version takes the place of another while people are on the phone, and the other way round."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import fill, free_all, promises, serve_all
from tests.support.chaos.building import SPEED, Building
from tests.support.chaos.stage import Round, Stage
from tests.support.installation import Installation
from tests.support.people import STAYS
from tests.support.versions import EXPANDED, Rollout, migrate_with, the_next

THIS, NEXT = "", "@next"


class Rolling(Building):
    """A building in which one version takes the place of another, between the two halves of a migration."""

    running = THIS

    def _furnished(self, folder: Path) -> Installation:
        self.running = THIS
        tree = the_next(folder / "next")
        url = self.postgres.url(self.postgres.create_database())
        return Rollout(folder, self.redis.url, url, speed=SPEED, trees={"next": tree})

    def rolls(self) -> str:
        """The version that does not run comes, and then the one that runs is asked to end."""
        house = self.house
        assert isinstance(house, Rollout)
        old, self.running = self.running, NEXT if self.running == THIS else THIS
        migrate_with(house.trees["next"], house.database_url, EXPANDED)
        for kind in ("web", "worker"):
            house.start_process(kind + self.running)
        with self._hands:  # nobody starts again what was asked to end
            house.replace("web" + old, "worker" + old, "beat" + old, signal=signal.SIGTERM)
        house.start_process("beat" + self.running)
        return f"{self.running or '@this'} for {old or '@this'}"


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rolling]:
    """Built when first used."""
    found = Rolling(tmp_path_factory.mktemp("rolling"))
    yield found
    found.close()


@pytest.mark.fault(24)
@pytest.mark.chaos
def test_a_version_takes_the_place_of_another_under_load_and_everybody_is_called_once(
    provoke: Provoke, rolling: Rolling
) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        promises(played)
        played.each(holds)
        for stage in played.stages:
            stage.strike(f"a deploy in round {played.trials.start}")
        free_all(played, fillers)
        point = rolling.rolls()
        for stage in played.stages:
            stage.point = point
        serve_all(played)

    provoke(play, at=rolling, together=2)


def holds(stage: Stage) -> None:
    """Somebody stays on the line, and talks for a while when it is their turn."""
    stage.house.carrier.until(stage.shop.ring(*STAYS, talk_s=20), "enqueued", timeout=40)
