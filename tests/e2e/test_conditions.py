"""Parts of an installation die or refuse: it says so everywhere, promises nothing it could not keep, and recovers."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.installation import Installation, Refused, Shop, http
from tests.support.people import HOLDING, HUMAN_CHECK, INSISTS, STAYS, TALKS, answering, hang_up, pause, wait_for
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("conditions")  # one process has the installation


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of its own, whose workers may be missing for twelve seconds."""
    folder = tmp_path_factory.mktemp("conditions")
    redis = RedisServer(valkey_binary()).start()
    settings = {"WORKERS_GONE_S": "12"}
    house = Installation(folder, redis.url, f"sqlite:///{folder / 'callback.sqlite3'}", speed=20, settings=settings)
    try:
        yield house.start()
    finally:
        house.stop()
        redis.close()


@pytest.fixture
def shop(house: Installation) -> Iterator[Shop]:
    """A shop with one agent."""
    opened = house.shop(ring_timeout_s=5)
    yield opened
    opened.close()


def ready(house: Installation) -> dict[str, Any]:
    """What `/readyz` says; the status code is 200 as long as the line and the record are there."""
    found: dict[str, Any] = http("GET", f"{house.base}/readyz")
    return found


def out_of_order(house: Installation) -> dict[str, str]:
    """Each part that is out of order, and how."""
    return {name: part["word"] for name, part in ready(house)["parts"].items() if not part["ok"]}


def figure(house: Installation, name: str) -> float:
    """A figure of `/metrics`."""
    with urllib.request.urlopen(f"{house.base}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def said(house: Installation, event: str, about: str) -> int:
    """How often the processes together logged that event about that part."""
    lines = [line for log in house.folder.glob("*.log") for line in log.read_text(errors="replace").splitlines()]
    return sum(event in line and about in line for line in lines)


def in_order(house: Installation, within_s: float = 30) -> None:
    """Wait until nothing is out of order any more."""
    eventually(lambda: not out_of_order(house), within_s=within_s, every_s=0.2, what=f"in order: {out_of_order(house)}")


def test_without_workers_and_beat_nothing_is_promised_until_they_are_back(house: Installation, shop: Shop) -> None:
    in_order(house)
    assert ready(house)["status"] == "ok"
    filler = shop.occupy()
    house.kill("worker")
    house.kill("beat")
    eventually(
        lambda: {"workers", "beat"} <= set(out_of_order(house)), within_s=30, every_s=0.2, what="they are missed"
    )
    told = ready(house)
    assert told["status"] == "degraded"
    assert told["parts"]["workers"]["word"] == "gone"
    assert "no callback is offered" in told["parts"]["workers"]["meaning"]
    assert figure(house, 'callback_part_up{part="workers"}') == 0
    assert figure(house, 'callback_part_up{part="line"}') == 1
    assert figure(house, "callback_sweep_age_seconds") > 9
    eventually(lambda: shop.now()["offer_reason"] == "cannot_ring", every_s=0.2, what="no more offers")
    with pytest.raises(Refused, match="nobody can be rung"):
        house.api("POST", "/callbacks", {"queue": shop.key, "number": house.new_number()}, Idempotency_Key="k1")
    caller = shop.ring(*STAYS)
    house.carrier.hears(caller, HOLDING)
    assert not any("called back" in text for text in house.carrier.said(caller))
    house.start_process("worker")
    house.start_process("beat")
    in_order(house)
    assert shop.now()["offer_reason"] != "cannot_ring"
    house.carrier.hang_up(filler)
    house.carrier.until(caller, "bridged")
    house.carrier.hang_up(caller)


def test_a_carrier_that_refuses_the_account_is_found_out_once_and_tried_again_until_it_works(
    house: Installation, shop: Shop
) -> None:
    in_order(house)
    filler = shop.occupy()
    promised = []
    for _ in range(2):
        number = house.new_number()
        house.carrier.person(number, script=TALKS)
        house.carrier.until(shop.ring(*INSISTS, number=number), "ended")
        promised.append(shop.callback(number))
    rule = house.carrier.do("POST", "faults", {"side": "rest", "url": r"/Calls\.json", "status": 401, "code": 20003})
    house.carrier.hang_up(filler)
    eventually(lambda: out_of_order(house) == {"carrier": "stopped"}, every_s=0.1, what="it is noticed")
    assert ready(house)["parts"]["carrier"]["detail"] == "error 20003"
    assert ready(house)["status"] == "degraded"
    assert figure(house, 'callback_part_up{part="carrier"}') == 0
    assert figure(house, 'callback_carrier_refusals_total{kind="stopped"}') >= 1
    eventually(lambda: shop.now()["offer_reason"] == "cannot_ring", every_s=0.2, what="no more offers")
    house.carrier.do("DELETE", f"faults/{rule['id']}")
    for one in promised:
        leg = house.carrier.call_to(one["number"], 1, timeout=60)
        house.carrier.until(leg, "bridged", timeout=60)
        house.carrier.hang_up(leg)
        shop.in_state(one["number"], "completed")
        assert shop.callback(one["number"])["attempts_left"] == 3
    in_order(house)
    assert [entry["to"] for entry in house.journal(kind="queue", subject="carrier")] == ["stopped", "working"]
    assert said(house, "condition.began", "The carrier refuses") == 1


@pytest.mark.parametrize(("status", "code", "word"), [(429, 20429, "busy"), (503, None, "silent")])
def test_a_strained_carrier_shows_while_it_lasts(
    house: Installation, shop: Shop, status: int, code: int | None, word: str
) -> None:
    in_order(house)
    rule: dict[str, Any] = {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "status": status}
    house.carrier.do("POST", "faults", rule | ({"code": code} if code else {}))
    numbers = [house.new_number() for _ in range(3)]
    for number in numbers:
        house.carrier.person(number, script=[*answering(HUMAN_CHECK, "1"), wait_for("bridged"), pause(2), hang_up()])
        house.api("POST", "/callbacks", {"queue": shop.key, "number": number}, Idempotency_Key=f"strained {number}")
    eventually(lambda: out_of_order(house) == {"carrier": word}, within_s=60, every_s=0.2, what="it shows")
    assert ready(house)["status"] == "degraded"
    house.carrier.do("DELETE", "faults")
    for number in numbers:
        shop.in_state(number, "completed", within_s=60)
    in_order(house)
