"""Fault 25: the disk under the record, under the line, or under both is full while people sign up, talk and are rung.

The record is a SQLite, the line a Redis that writes down what it acknowledges; each lies on a small file system of its
own, which is really full for some seconds. Nobody does anything about it but make room.
"""

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import fill, free_all, promises
from tests.support.chaos.building import MEMBERS, SPEED, Building
from tests.support.chaos.callers import all_are_served, reaches_the_readback, rings_or_signs_up
from tests.support.chaos.servers import KeepingRedis
from tests.support.chaos.stage import Round, Stage
from tests.support.installation import Installation
from tests.support.small_disk import SmallDisk, small_disk

DISK_KB = 32_768
SIGN_UP, COMMIT, CALL = "a sign-up", "a worker's commit", "a call"
AFTER_S = {SIGN_UP: (0.0, 2.5), COMMIT: (0.0, 0.6), CALL: (0.6, 6.0)}
"""So long after the press of the key, or after an agent got free, the disk is full."""
WAYS = [(point, places) for places in (("record",), ("line",), ("record", "line")) for point in AFTER_S]
TOGETHER = 2
FULL_S = (4.0, 9.0)
AGAIN_S = 0.1
"""Whatever gets free meanwhile is taken again, this often."""


class Cramped(Building):
    """A building whose record and line lie on small disks."""

    def __init__(self, folder: Path, disks: dict[str, SmallDisk]) -> None:
        self.disks = disks
        super().__init__(folder, concurrency=2)

    def _line(self, folder: Path) -> KeepingRedis:
        return KeepingRedis(None, "--dir", str(self._room("line", folder.name)))

    def _furnished(self, folder: Path) -> Installation:
        self.record = self._room("record", folder.name) / "record.sqlite3"
        return Installation(
            folder, self.redis.url, f"sqlite:///{self.record}", speed=SPEED, members=MEMBERS, concurrency=2
        )

    def _room(self, name: str, inside: str) -> Path:
        disk = self.disks[name]
        disk.free()
        for old in disk.folder.iterdir():
            shutil.rmtree(old)
        room = disk.folder / inside
        room.mkdir()
        return room

    @contextlib.contextmanager
    def full(self, places: Sequence[str], *, after_s: float, for_s: float) -> Iterator[None]:
        """After so long, and for so long, no file grows there; at the end of the block that is over."""
        flood = threading.Thread(target=self._flood, args=(places, after_s, for_s), name="flood")
        flood.start()
        try:
            yield
        finally:
            flood.join()

    def _flood(self, places: Sequence[str], after_s: float, for_s: float) -> None:
        time.sleep(after_s)
        until = time.monotonic() + for_s
        try:
            while time.monotonic() < until:
                for name in places:
                    if name == "record":
                        self._shorten()
                    self.disks[name].fill()
                time.sleep(AGAIN_S)
        finally:
            for name in places:
                self.disks[name].free()

    def _shorten(self) -> None:
        """A log that has been as long before would take many a commit without growing."""
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(self.record)) as record:
            record.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cramped]:
    """Built when first used."""
    folder = tmp_path_factory.mktemp("cramped")
    with small_disk(folder / "record", DISK_KB) as record, small_disk(folder / "line", DISK_KB) as line:
        found = Cramped(folder / "house", {"record": record, "line": line})
        yield found
        found.close()


@pytest.mark.chaos
@pytest.mark.fault(25)
def test_a_full_disk_loses_no_promise_lets_nobody_fall_and_room_is_all_it_takes(
    provoke: Provoke, cramped: Cramped
) -> None:
    def play(played: Round) -> None:
        point, places = played.turn(WAYS, TOGETHER)
        after_s, for_s = played.rng.uniform(*AFTER_S[point]), played.rng.uniform(*FULL_S)
        played.open()
        fillers = played.each(fill)
        promises(played)
        legs = played.each(reaches_the_readback)
        told = f"{' and '.join(places)} full for {for_s:.0f} s, {after_s:.1f} s into {point}"
        with cramped.full(places, after_s=after_s, for_s=for_s):
            if point != SIGN_UP:
                free_all(played, fillers)
            callers = played.each(lambda stage: rings_or_signs_up(stage, legs[stage.trial - played.trials.start], told))
        room = time.time()
        for stage in played.stages:
            stage.struck_at = room
        if point == SIGN_UP:
            free_all(played, fillers)
        played.each(
            lambda stage: served(stage, callers[stage.trial - played.trials.start] or [], once=point == SIGN_UP)
        )

    provoke(play, at=cramped, together=TOGETHER)


def served(stage: Stage, legs: list[str], *, once: bool) -> None:
    """All of them, as they were told; all is well when the last has rung off."""
    all_are_served(stage, legs, once=once)
    stage.well_at = time.time()
