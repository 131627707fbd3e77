"""A full disk: nothing that was promised is lost, nothing is promised that cannot be kept, and room is all it takes.

SQLite, an append-only Redis and the web's own log lie on one small file system, which is really full.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.supervise.logs import LineLog
from tests.support.front import Front, action, in_time, kept, opened
from tests.support.redis_server import RedisServer, redis62_binary, valkey_binary
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually

GREEN = ("--worker-class", "gthread", "--threads", "16")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_kb=16_384) as disk:
        yield disk


@pytest.mark.parametrize("server", ["valkey", "redis62"])
def test_everything_on_one_full_disk_is_refused_honestly_and_recovers_by_itself(disk: SmallDisk, server: str) -> None:
    binary = {"valkey": valkey_binary, "redis62": redis62_binary}[server]()
    redis = RedisServer(binary, "--dir", str(disk.folder), "--appendonly", "yes", "--appendfsync", "everysec")
    (disk.folder / "web").mkdir()
    try:
        redis.start()
        with opened(disk.folder / "web", redis, f"sqlite:///{disk.folder}/record.sqlite3", None, GREEN) as front:
            play(front, disk)
    finally:
        redis.close()


def play(front: Front, disk: SmallDisk) -> None:
    assert front.promises()
    before = promised(front)
    ready = [front.confirming() for _ in range(10)]
    waiting = front.arrive()
    disk.fill()
    refused = front.all_confirm(ready)
    in_time(refused)
    assert kept(refused)
    arrived = front.all_arrive(10)
    in_time(arrived)
    assert promised(front) == before, "what was promised can still be read"
    assert action(waiting)
    disk.free()
    eventually(front.promises, what="promises are made again")
    again = front.all_confirm(ready)
    in_time(again)
    after = promised(front)
    assert set(before) < set(after)
    assert len(after) == len(set(after))


def promised(front: Front) -> list[str]:
    return [item["id"] for item in front.home.callbacks(queue="support")]


def test_a_record_alone_on_a_full_disk_takes_arrivals_and_no_promises(disk: SmallDisk, own_redis: RedisServer) -> None:
    (disk.folder / "web").mkdir()
    with opened(disk.folder / "web", own_redis, f"sqlite:///{disk.folder}/record.sqlite3", None, GREEN) as front:
        ready = [front.confirming() for _ in range(5)]
        disk.fill()
        assert kept(front.all_confirm(ready))
        arrived = [front.arrive() for _ in range(5)]
        in_time(arrived)
        assert all(action(one) for one in arrived), "the line has room"
        disk.free()
        eventually(front.promises, what="promises are made again")


def test_a_log_that_cannot_be_written_stops_nobody_and_goes_on_when_there_is_room(disk: SmallDisk) -> None:
    log = LineLog(disk.folder / "web.log")
    log.write(["before"])
    disk.fill()
    log.write(["x" * 100_000, "y" * 100_000])
    assert log.lost == 2
    disk.free()
    log.write(["after"])
    text = (disk.folder / "web.log").read_text()
    assert text.startswith("before\n")
    assert "2 lines lost" in text
    assert text.endswith("after\n")
    assert log.lost == 0
