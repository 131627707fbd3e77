"""Many workers, one free agent: exactly one of them gets the agent, whichever way each of them tried."""

import pytest

from tests.support.line_racers import race_processes, race_threads

RACES = 200


@pytest.mark.slow
@pytest.mark.parametrize("server", ["redis_url", "redis62_url"])
def test_of_twenty_threads_one_gets_the_agent(request: pytest.FixtureRequest, server: str) -> None:
    won = race_threads(request.getfixturevalue(server), racers=20, races=RACES)
    assert [len(tokens) for tokens in won] == [1] * RACES


@pytest.mark.slow
def test_of_eight_processes_one_gets_the_agent(redis_url: str) -> None:
    won = race_processes(redis_url, racers=8, races=RACES)
    assert [len(tokens) for tokens in won] == [1] * RACES
