"""Many workers, one free agent: one of them gets the agent, and one call is asked for, a thousand times over.

Real processes on a real server. `make test` runs twenty races of each kind, `make chaos` a thousand, and on the oldest
Redis as well.
"""

import os
import time
from pathlib import Path

import pytest

from callback.adapters.store.migrate import upgrade
from tests.support.chaos.outcome import Outcome, Record
from tests.support.dial_racers import race_to_dial
from tests.support.line_racers import race_processes

RACES = 1_000 if "CHAOS_TRIALS" in os.environ else 20
LONG = pytest.mark.timeout(60 + RACES)


def judged(record: Record, winners: list[int], point: str, took_s: float) -> None:
    """Each race is a trial, and anything but one winner a breach."""
    each_s = took_s / len(winners)
    for trial, won in enumerate(winners):
        breaches = () if won == 1 else (f"A: {won} workers got the one agent",)
        record.add(Outcome(18, trial, 0, point, each_s, breaches))
    assert winners == [1] * RACES


@LONG
@pytest.mark.fault(18)
@pytest.mark.parametrize("server", ["redis_url", pytest.param("redis62_url", marks=pytest.mark.chaos)])
def test_of_many_processes_that_want_the_free_agent_one_wins(
    request: pytest.FixtureRequest, record: Record, server: str
) -> None:
    began = time.monotonic()
    won = race_processes(request.getfixturevalue(server), racers=6, races=RACES)
    judged(
        record, [len(tokens) for tokens in won], f"the pairing, {server.partition('_')[0]}", time.monotonic() - began
    )


@LONG
@pytest.mark.fault(18)
@pytest.mark.parametrize("server", ["redis_url", pytest.param("redis62_url", marks=pytest.mark.chaos)])
def test_of_many_workers_with_the_same_task_one_asks_for_the_call_on_sqlite(
    request: pytest.FixtureRequest, record: Record, tmp_path: Path, server: str
) -> None:
    url = f"sqlite:///{tmp_path / 'record.sqlite3'}"
    upgrade(url)
    began = time.monotonic()
    asked = race_to_dial(request.getfixturevalue(server), url, racers=4, races=RACES)
    judged(record, [len(numbers) for numbers in asked], f"the dial, SQLite, {server}", time.monotonic() - began)


@LONG
@pytest.mark.fault(18)
def test_of_many_workers_with_the_same_task_one_asks_for_the_call_on_postgresql(
    record: Record, redis_url: str, pg_url: str
) -> None:
    upgrade(pg_url)
    began = time.monotonic()
    asked = race_to_dial(redis_url, pg_url, racers=4, races=RACES)
    judged(record, [len(numbers) for numbers in asked], "the dial, PostgreSQL", time.monotonic() - began)
