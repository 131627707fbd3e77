"""Cancelled, by the caller's page and by programs, at every moment: whatever was acknowledged is never dialled."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.installation import OpenShop, Refused, Shop, http, post_form
from tests.support.people import HUMAN_CHECK, INSISTS, TALKS, hear, pause


def cancel(shop: Shop, number: str) -> dict[str, Any]:
    """Cancel the callback to that number through the API."""
    cancelled: dict[str, Any] = shop.home.api("POST", f"/callbacks/{shop.callback(number)['id']}/cancel")
    return cancelled


def promised(shop: Shop, **behaviour: Any) -> str:
    """Somebody takes the offer, and answers our call like this."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, **behaviour)
    shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    return number


def never_dialled(shop: Shop, number: str, filler: str) -> None:
    """The agent is free and serves others; nobody rings that number."""
    shop.home.carrier.hang_up(filler)
    other = promised_by_api(shop)
    shop.home.carrier.until(shop.home.carrier.call_to(other), "bridged")
    assert shop.home.carrier.creations(number) == []


def promised_by_api(shop: Shop) -> str:
    """Somebody else who is called back as soon as possible."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, script=TALKS)
    shop.home.api("POST", "/callbacks", {"queue": shop.key, "number": number}, Idempotency_Key=number)
    return number


def test_on_the_page_looking_changes_nothing_and_yes_cancels(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    page = shop.callback(ada)["status_url"]
    for path in (page, f"{page}/cancel"):
        assert "ancel" in http("GET", path)
    post_form(f"{page}/cancel", {})
    assert shop.callback(ada)["state"] == "waiting", "a request without the form's own proof"
    proof = re.search(r'name="proof" value="([^"]+)"', http("GET", f"{page}/cancel"))
    assert proof is not None
    status, _ = post_form(f"{page}/cancel", {"proof": proof[1]})
    assert status == 200, "shown again after the redirect"
    assert shop.callback(ada)["state"] == "cancelled"
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 0}
    never_dialled(shop, ada, filler)


def test_through_the_api_again_and_again(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    assert [cancel(shop, ada)["state"] for _ in range(3)] == ["cancelled"] * 3
    assert shop.states(ada) == ["waiting", "cancelled"]
    never_dialled(shop, ada, filler)


def test_while_it_rings_the_call_is_ended_and_the_agent_takes_the_next(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, answer="manual")
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "ringing")
    assert cancel(shop, ada)["state"] == "cancelled"
    ended = shop.home.carrier.until(leg, "ended")
    assert ended["status"] == "canceled"
    other = promised_by_api(shop)
    shop.home.carrier.until(shop.home.carrier.call_to(other), "bridged")
    assert shop.states(ada)[-1] == "cancelled"


def test_whoever_answers_a_cancelled_call_hears_an_apology(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, script=TALKS)
    carrier = shop.home.carrier
    deaf = {"side": "rest", "method": "POST", "url": r"Calls/CA\w+\.json", "status": 404, "code": 20404}
    carrier.do("POST", "faults", deaf)
    held = carrier.do("POST", "faults", {"side": "webhook", "url": r"/voice/callback\b", "hold": True})
    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "in-progress")
    assert cancel(shop, ada)["state"] == "cancelled"
    carrier.do("DELETE", f"faults/{held['id']}")
    for one in carrier.do("GET", "held")["held"]:
        carrier.do("POST", f"held/{one['id']}/release")
    carrier.until(leg, "ended")
    assert "This callback was cancelled" in " ".join(carrier.said(leg))
    assert HUMAN_CHECK not in " ".join(carrier.said(leg))
    shop.nobody_left()


def test_at_the_question_it_is_still_in_time(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, script=[hear(HUMAN_CHECK), pause(600)])
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "gather")
    shop.in_state(ada, "answered")
    assert cancel(shop, ada)["state"] == "cancelled"
    shop.home.carrier.until(leg, "ended")
    shop.nobody_left()


def test_once_they_talk_it_is_too_late(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, script=TALKS)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    refused_with_409(shop, ada)
    assert shop.home.carrier.leg(leg)["bridged_with"], "they talk on"
    shop.home.carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    refused_with_409(shop, ada)


def refused_with_409(shop: Shop, number: str) -> None:
    with pytest.raises(Refused) as refused:
        cancel(shop, number)
    assert refused.value.status == 409


def test_a_callback_moved_to_later_leaves_the_line(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    callback = shop.callback(ada)
    tomorrow = datetime.fromisoformat(callback["created_at"]) + timedelta(days=1)
    moved = shop.home.api("POST", f"/callbacks/{callback['id']}/reschedule", {"at": tomorrow.isoformat()})
    assert (moved["state"], moved["position"]) == ("scheduled", None)
    assert datetime.fromisoformat(moved["requested_for"]) == tomorrow
    never_dialled(shop, ada, filler)


def test_a_callback_cannot_be_moved_into_the_past(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    callback = shop.callback(promised(shop))
    with pytest.raises(Refused) as refused:
        shop.home.api("POST", f"/callbacks/{callback['id']}/reschedule", {"at": callback["created_at"]})
    assert refused.value.status == 422
