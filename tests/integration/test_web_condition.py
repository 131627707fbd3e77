"""What people and machines are told of the house's condition, also while the record is away."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from callback.flows import account, condition
from callback.ports import CarrierStopped
from callback.web.context import HOUSE
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.web_house import WebHouse, signed_in

REFUSED = CarrierStopped("401: authenticate", 20003)


@dataclass(frozen=True)
class Backend:
    """What a process finds of a backend."""

    name: str
    since: datetime | None
    why: str = "connection to server at 10.1.2.3 failed"


@pytest.fixture
def web(redis_url: str, own_postgres: PostgresServer, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with a database of its own."""
    house = WebHouse(redis_url, own_postgres.url(own_postgres.create_database()), clock, "http://localhost")
    house.queue()
    yield house
    house.close()


def figures(web: WebHouse) -> dict[str, float]:
    text = web.app.test_client().get("/metrics").get_data(as_text=True)
    pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_what_is_wrong_is_in_readiness_figures_queue_and_pages_alike(web: WebHouse) -> None:
    account.refused(web.house, None, REFUSED)
    web.wait(9)
    answer = web.app.test_client().get("/readyz")
    assert answer.status_code == 200, "callers can be served"
    said = answer.get_json()
    assert said["status"] == "degraded"
    carrier = said["parts"]["carrier"]
    assert (carrier["ok"], carrier["word"], carrier["severity"], carrier["detail"]) == (
        False, "stopped", "bad", "error 20003",
    )  # fmt: skip
    assert carrier["since"].endswith("Z")
    assert carrier["meaning"]
    assert carrier["remedy"]
    found = figures(web)
    assert found['callback_part_up{part="carrier"}'] == 0
    assert found['callback_part_up{part="record"}'] == 1
    assert found['callback_condition_seconds{part="carrier"}'] == 9
    assert found["callback_sweep_age_seconds"] == 0
    assert found["callback_quarantined"] == 0
    assert found['callback_carrier_refusals_total{kind="stopped"}'] == 1
    queue = web.app.test_client().get("/api/v1/queues/support", headers=web.token()).get_json()
    assert (queue["offering"], queue["offer_reason"]) == (False, "cannot_ring")
    refused = web.app.test_client().post(
        "/api/v1/callbacks",
        json={"queue": "support", "number": "+12015550123"},
        headers={**web.token(), "Idempotency-Key": "one"},
    )
    assert refused.status_code == 409
    assert "nobody can be rung" in refused.get_json()["detail"]
    page = signed_in(web).get("/admin").get_data(as_text=True)
    assert "The carrier refuses to dial" in page


def test_a_stranger_is_told_nothing(web: WebHouse) -> None:
    account.refused(web.house, None, REFUSED)
    stranger = web.app.test_client()
    assert stranger.get("/condition").status_code == 204
    assert "refuses" not in stranger.get("/sign-in").get_data(as_text=True)


def test_without_the_record_people_see_what_is_known_and_the_figures_are_partial(
    web: WebHouse, own_postgres: PostgresServer
) -> None:
    browser = signed_in(web)
    own_postgres.kill()
    away = (Backend("record", web.clock.now()), Backend("line", None))
    web.app.extensions[HOUSE] = replace(web.house, backends=away)
    banner = browser.get("/condition")
    assert banner.status_code == 200
    assert "The database cannot be reached" in banner.get_data(as_text=True)
    page = browser.get("/admin")
    assert page.status_code == 503
    assert "The database cannot be reached" in page.get_data(as_text=True)
    assert "10.1.2.3" not in page.get_data(as_text=True)
    assert 'http-equiv="refresh"' in page.get_data(as_text=True)
    found = figures(web)
    assert found['callback_part_up{part="record"}'] == 0
    assert found['callback_waiting{kind="live",queue="support"}'] == 0
    assert not [name for name in found if name.startswith("callback_callbacks")]
    said = web.app.test_client().get("/readyz")
    assert said.status_code == 503
    assert said.get_json()["status"] == "unavailable"
    assert said.get_json()["parts"]["record"]["ok"] is False
    assert "10.1.2.3" not in said.get_data(as_text=True)


def test_the_zone_of_the_banner_is_the_pages(web: WebHouse) -> None:
    condition.line_is(web.house, "rebuilding")
    known = signed_in(web)
    assert "since 09:00 UTC" in known.get("/condition").get_data(as_text=True)
    assert "since 17:00<" in known.get("/condition?zone=Asia/Shanghai").get_data(as_text=True)
    assert "since 09:00 UTC" in known.get("/condition?zone=../etc/passwd").get_data(as_text=True)
    assert "since 09:00 UTC" in known.get("/condition?zone=America").get_data(as_text=True), "a folder of zones"
