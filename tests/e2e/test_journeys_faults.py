"""Processes die and reports get lost, come twice or in the wrong order: callers are dialled once, and agents freed."""

import os
import signal
from typing import Any

import pytest

from tests.support.installation import OpenShop, Shop
from tests.support.people import INSISTS, STAYS, TALKS, hang_up, hear
from tests.support.waiting import eventually


def promised(shop: Shop, **behaviour: Any) -> str:
    """Somebody takes the offer, and answers our call like this."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, **(behaviour or {"script": TALKS}))
    shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    return number


def fault(shop: Shop, **rule: Any) -> str:
    """The carrier misbehaves from now on; returns the rule's id."""
    made: dict[str, str] = shop.home.carrier.do("POST", "faults", rule)
    return made["id"]


def asked(shop: Shop, number: str) -> bool:
    """Whether the carrier has been asked to ring that number."""
    return bool(shop.home.carrier.creations(number))


def served(shop: Shop, number: str, *, calls: int = 1) -> None:
    """They talk at last; the carrier placed so many calls to them in all."""
    leg = shop.home.carrier.call_to(number, calls, timeout=60)
    shop.home.carrier.until(leg, "bridged", timeout=60)
    shop.in_state(number, "bridged")
    shop.home.carrier.hang_up(leg)
    shop.in_state(number, "completed")
    assert len(shop.home.carrier.calls_to(number)) == calls
    shop.nobody_left(within_s=60)


def test_worker_and_web_die_after_the_reservation_and_the_callback_is_dialled_once(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    shop.home.kill("worker")
    shop.home.carrier.hang_up(filler)
    shop.until(0, "reserved")
    shop.home.kill("web")
    shop.home.start_process("web")
    shop.home.start_process("worker")
    served(shop, ada)
    assert shop.home.carrier.creations(ada) == [ada]


def test_a_worker_dies_before_the_carrier_heard_of_the_call_and_it_is_made_after_the_bound(open_shop: OpenShop) -> None:
    shop = open_shop(ring_timeout_s=5)
    filler = shop.occupy()
    ada = promised(shop)
    stuck = {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "hang_s": 3, "disconnect": True, "times": 1}
    fault(shop, **stuck)
    shop.home.carrier.hang_up(filler)
    eventually(lambda: asked(shop, ada), every_s=0.1, what="the carrier was asked")
    shop.home.kill("worker")
    shop.home.start_process("worker")
    served(shop, ada)
    outcomes = [attempt["outcome"] for attempt in shop.callback(ada)["attempts"]]
    assert outcomes == ["never_placed", "talked"]
    assert shop.callback(ada)["attempts_left"] == 3, "nothing is spent"


def test_a_worker_dies_before_it_knows_the_call_and_nothing_is_dialled_twice(open_shop: OpenShop) -> None:
    shop = open_shop(ring_timeout_s=5)
    filler = shop.occupy()
    ada = promised(shop)
    late = {"side": "rest", "method": "POST", "url": r"/Calls\.json$", "hang_s": 4, "when": "after", "times": 1}
    fault(shop, **late)
    shop.home.carrier.hang_up(filler)
    eventually(lambda: asked(shop, ada), every_s=0.1, what="the carrier was asked")
    shop.home.kill("worker")
    shop.home.start_process("worker")
    served(shop, ada)
    assert shop.home.carrier.creations(ada) == [ada]


def test_the_carrier_answers_with_an_error_although_it_placed_the_call(open_shop: OpenShop) -> None:
    shop = open_shop(ring_timeout_s=5)
    filler = shop.occupy()
    ada = promised(shop)
    fault(shop, side="rest", method="POST", url=r"/Calls\.json$", status=503, when="after", times=1)
    shop.home.carrier.hang_up(filler)
    served(shop, ada)
    assert shop.home.carrier.creations(ada) == [ada]


def test_a_carrier_that_is_busy_is_asked_again_and_no_attempt_is_spent(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    fault(shop, side="rest", method="POST", url=r"/Calls\.json$", status=429, code=20429, times=2)
    shop.home.carrier.hang_up(filler)
    served(shop, ada)
    assert shop.callback(ada)["attempts_left"] == 3


def test_when_the_last_reports_never_come_everybody_is_freed_by_asking_the_carrier(open_shop: OpenShop) -> None:
    shop = open_shop(agents=3)
    carrier = shop.home.carrier
    fillers = [shop.occupy(at) for at in range(3)]
    ada = promised(shop)
    carrier.configure(shop.number, StatusCallback="")  # a number pointed here by hand may have none
    greeted = shop.ring(hear("Thank you for calling"), hang_up())
    carrier.until(greeted, "ended")
    carrier.hang_up(fillers[0])
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    fault(shop, side="webhook", url=r"/voice/(status|dialled|agent/status|inbound/status)", drop=True)
    carrier.hang_up(leg)
    carrier.hang_up(fillers[1])
    carrier.hang_up(fillers[2])
    shop.in_state(ada, "completed", within_s=60)
    shop.nobody_left(within_s=60)
    for filler in fillers:
        assert shop.until_told("call", filler, "completed")
    assert shop.until_told("call", greeted, "abandoned")


def test_when_the_end_of_a_ringing_call_is_never_reported_it_is_found_out(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=2, ring_timeout_s=5, retry_delays_s=[])
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = shop.home.new_number()
    carrier.do("POST", "endpoints", {"address": ada, "behaviours": [{"answer": "busy"}, {"script": TALKS}]})
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    fault(shop, side="webhook", url=r"/voice/status", drop=True, form={"CallStatus": "busy"})
    carrier.hang_up(filler)
    served(shop, ada, calls=2)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"copies": 1, "concurrent": True}, id="twice at once"),
        pytest.param({"copies": 1}, id="twice in a row"),
        pytest.param({"purpose": "status", "reverse": 3}, id="reports in reverse"),
        pytest.param({"purpose": "status", "delay_s": 0.5, "jitter_s": 1}, id="reports late"),
    ],
)
def test_webhooks_in_any_number_and_order_lead_to_the_same_end(open_shop: OpenShop, rule: dict[str, Any]) -> None:
    shop = open_shop(cut_off_s=10)
    carrier = shop.home.carrier
    fault(shop, side="webhook", **rule)
    filler = shop.occupy()
    ada = promised(shop)
    holder = shop.ring(*STAYS)
    carrier.until(holder, "enqueued")
    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    carrier.hang_up(leg)
    done = shop.in_state(ada, "completed")
    carrier.until(holder, "bridged")
    carrier.hang_up(holder)
    shop.nobody_left()
    assert shop.states(ada) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["talked"]
    assert carrier.creations(ada) == [ada]
    shop.until_told("call", holder, "completed")
    states = [entry["to"] for entry in shop.told("call", holder)]
    assert states == ["arrived", "waiting", "reserved", "bridged", "completed"]


def test_a_web_that_stops_in_order_loses_no_call(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop)
    os.kill(shop.home.pid("web"), signal.SIGTERM)
    shop.home.ended("web")
    shop.home.start_process("web")
    shop.home.until_ready()
    carrier.hang_up(filler)
    served(shop, ada)
