"""Fault 23: a row that nobody can read. Whoever comes next is served, and once it is mended it gets its call."""

import time
from typing import Any

import psycopg
import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import fill, free, rung_once
from tests.support.chaos.building import Building
from tests.support.chaos.stage import Round, Stage
from tests.support.waiting import eventually

SOON_S = 15.0
"""The next caller is served in the normal time: nobody waits for what is poisoned."""


@pytest.mark.chaos
@pytest.mark.fault(23)
def test_a_row_that_cannot_be_read_stops_nobody_and_is_served_once_it_is_mended(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        played.each(lambda stage: poisoned(stage, played.building))

    provoke(play)


def poisoned(stage: Stage, building: Building) -> None:
    """The first in line is unreadable; the second is served; the first as well, when somebody has mended the row."""
    filler = fill(stage)
    ada, bob = stage.promise(by="api"), stage.promise(by="api")
    callback = stage.shop.callback(ada)["id"]
    time.sleep(stage.rng.uniform(0, 1))
    sealed = spoil(building, callback)
    stage.strike("the number of the first in line")
    free(stage, filler)
    stage.served(bob, within_s=SOON_S)
    stage.well()
    held = eventually(lambda: held_for(stage, callback), within_s=30, every_s=0.3, what="it is held, and visible")
    assert stage.house.carrier.creations(ada) == []
    mend(building, callback, sealed)
    stage.house.api("POST", f"/quarantine/{held['id']}/retry")
    stage.served(ada)
    rung_once(stage, ada)


def held_for(stage: Stage, callback: str) -> dict[str, Any]:
    """What is held of that callback, {} for nothing."""
    items = stage.house.api("GET", "/quarantine?limit=200")["items"]
    return next((item for item in items if item["subject"] == callback and item["held_at"]), {})


def spoil(building: Building, callback: str) -> bytes:
    """Write nonsense over the sealed number by hand; gives what was there."""
    with psycopg.connect(record(building), autocommit=True) as session:
        found = session.execute("SELECT number FROM callbacks WHERE id = %s", [callback]).fetchone()
        assert found is not None
        session.execute("UPDATE callbacks SET number = %s WHERE id = %s", [b"nonsense", callback])
        return bytes(found[0])


def mend(building: Building, callback: str, sealed: bytes) -> None:
    """Put it back."""
    with psycopg.connect(record(building), autocommit=True) as session:
        session.execute("UPDATE callbacks SET number = %s WHERE id = %s", [sealed, callback])


def record(building: Building) -> str:
    """The address of the database, as its own client takes it."""
    return building.house.database_url.replace("+psycopg", "")
