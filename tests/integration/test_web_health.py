"""Operations: liveness, readiness and figures."""

from collections.abc import Iterator

import pytest

from callback.domain.lifecycle import AgentStatus
from tests.support.clock import ManualClock
from tests.support.redis_server import RedisServer
from tests.support.web_house import WebHouse


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with one queue."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    yield house
    house.close()


def test_the_process_is_up(web: WebHouse) -> None:
    assert web.app.test_client().get("/healthz").get_json() == {"status": "ok"}


def test_ready_when_both_backends_answer(web: WebHouse) -> None:
    answer = web.app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"
    parts = {name: part["ok"] for name, part in answer.get_json()["parts"].items()}
    assert parts == dict.fromkeys(
        ("line", "record", "epoch", "workers", "beat", "sweep", "estimator", "carrier", "disk", "quarantine"), True
    )


def test_not_ready_without_redis_but_still_alive(own_redis: RedisServer, sqlite_url: str, clock: ManualClock) -> None:
    web = WebHouse(own_redis.url, sqlite_url, clock, "http://callback.test")
    own_redis.kill()
    client = web.app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["parts"]["line"]["ok"] is False
    assert answer.get_json()["parts"]["record"]["ok"] is True
    assert client.get("/healthz").status_code == 200
    web.close()


def test_without_redis_the_api_says_that_it_is_cut_off(
    own_redis: RedisServer, sqlite_url: str, clock: ManualClock
) -> None:
    web = WebHouse(own_redis.url, sqlite_url, clock, "http://callback.test")
    web.queue()
    headers = web.token()
    own_redis.kill()
    answer = web.app.test_client().get("/api/v1/queues", headers=headers)
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    web.close()


def test_the_figures_tell_who_waits_who_works_and_what_became_of_callbacks(web: WebHouse) -> None:
    web.agent(status=AgentStatus.AWAY)
    web.caller()
    web.promise()
    answer = web.app.test_client().get("/metrics")
    figures = dict(
        line.rsplit(" ", 1) for line in answer.get_data(as_text=True).splitlines() if not line.startswith("#")
    )
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert figures['callback_waiting{kind="live",queue="support"}'] == "1.0"
    assert figures['callback_waiting{kind="callback",queue="support"}'] == "1.0"
    assert figures['callback_agents{status="away"}'] == "1.0"
    assert figures['callback_queue_agents{queue="support",status="away"}'] == "1.0"
    assert figures['callback_callbacks{state="waiting"}'] == "1.0"
    assert figures['callback_callbacks{state="completed"}'] == "0.0"
    assert float(figures["callback_journal_seq_total"]) >= 1
    assert "+12015550123" not in answer.get_data(as_text=True)
