"""A beat that is asked to end: soon, also while the Redis that holds its lock does not answer."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.adapters.dispatch import PERSIST, SWEEP
from callback.adapters.line.client import make_client
from callback.adapters.line.keys import BEAT_LOCK
from tests.support.chaos.servers import stopped
from tests.support.redis_server import RedisServer
from tests.support.tree import ROOT
from tests.support.waiting import eventually
from workers.celery import END_S

SLOW_S = 10
"""A crowded machine takes this much longer; whoever waits for a silent server does so for ever."""


@pytest.fixture
def beat(own_redis: RedisServer, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """It ticks."""
    surroundings = {
        **os.environ, "REDIS_URL": own_redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/record.sqlite3",
        "SECRET_KEY": "a secret of thirty-two characters!",
    }  # fmt: skip
    argv = [sys.executable, "-m", "celery", "-A", "workers", "beat", "--scheduler", "workers.ticker.Ticker"]
    with (tmp_path / "beat.log").open("wb") as log:
        running = subprocess.Popen([*argv, "--pidfile="], cwd=ROOT, env=surroundings, stdout=log, stderr=log)
    try:
        with make_client(own_redis.url, timeout_s=10) as client:
            eventually(lambda: client.exists(BEAT_LOCK), within_s=30, what="the beat has its lock")
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_beat_ticks_keeps_but_its_lock_in_redis_and_gives_that_back_when_it_ends(
    beat: subprocess.Popen[bytes], own_redis: RedisServer
) -> None:
    with make_client(own_redis.url, timeout_s=10) as client:
        eventually(lambda: client.llen(PERSIST) > 2 and client.llen(SWEEP) > 1, within_s=30, what="it ticks")
        assert client.keys("callback:beat:*") == [BEAT_LOCK]
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(END_S + SLOW_S) == 0
    with make_client(own_redis.url, timeout_s=10) as client:
        assert not client.exists(BEAT_LOCK)


def test_a_beat_whose_redis_does_not_answer_ends_all_the_same(
    beat: subprocess.Popen[bytes], own_redis: RedisServer
) -> None:
    with stopped([own_redis.pid]):
        beat.send_signal(signal.SIGTERM)
        beat.wait(END_S + SLOW_S)
