"""When nobody can help, or callbacks are switched off: what is said then, and what is never promised."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.installation import SHOP_NUMBERS, OpenShop, Refused
from tests.support.people import INSISTS, OFFER, STAYS, TAKES_THE_OFFER, TALKS, answering
from tests.support.waiting import eventually

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def test_out_of_hours_the_next_opening_is_said_and_nobody_joins(open_shop: OpenShop) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    hours = {"timezone": "UTC", "weekly": {DAYS[tomorrow.weekday()]: [["09:00", "17:00"]]}}
    shop = open_shop(hours=hours)
    call = shop.ring()
    shop.home.carrier.until(call, "ended")
    heard = " ".join(shop.home.carrier.said(call))
    assert f"We open again on {tomorrow:%A}, {tomorrow:%B} {tomorrow.day}, at 9:00" in heard.replace("\u202f", " ")
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 0}
    body = {"queue": shop.key, "number": shop.home.new_number()}
    with pytest.raises(Refused) as refused:
        shop.home.api("POST", "/callbacks", body, Idempotency_Key="closed")
    assert refused.value.status == 409


def test_a_queue_that_never_opens_says_so(open_shop: OpenShop) -> None:
    shop = open_shop(hours={"timezone": "UTC", "weekly": {}})
    call = shop.ring()
    shop.home.carrier.until(call, "ended")
    assert "We are closed now. Please call us another day." in " ".join(shop.home.carrier.said(call))


def test_with_nobody_staffed_the_offer_is_made_and_no_wait_is_invented(open_shop: OpenShop) -> None:
    shop = open_shop(agents=0)
    ada = shop.home.new_number()
    call = shop.ring(*TAKES_THE_OFFER, number=ada)
    shop.home.carrier.until(call, "ended")
    heard = " ".join(shop.home.carrier.said(call))
    assert "Nobody is at the phones right now." in heard
    assert "minute" not in heard
    assert "as soon as it is your turn" in heard
    assert shop.callback(ada)["wait"] == {"p50": None, "p80": None, "p90": None, "basis": "unknown"}
    assert shop.now()["offer_reason"] == "nobody_staffed"


def test_a_number_that_leads_nowhere_says_goodbye(open_shop: OpenShop) -> None:
    shop, _ = open_shop(), open_shop()
    carrier = shop.home.carrier
    nowhere = SHOP_NUMBERS[-1]
    carrier.point(nowhere, shop.home.base)
    call = carrier.call_in(shop.home.new_number(), nowhere)
    carrier.until(call, "ended")
    assert "nobody can be reached at this number" in " ".join(carrier.said(call))


def test_a_queue_can_be_named_in_the_numbers_own_url(open_shop: OpenShop) -> None:
    shop = open_shop()
    other = SHOP_NUMBERS[-2]
    shop.home.carrier.point(other, shop.home.base, query=f"?queue={shop.key}")
    call = shop.home.carrier.call_in(shop.home.new_number(), other)
    shop.home.carrier.until(call, "bridged")
    shop.home.carrier.hang_up(call)
    assert shop.until_told("call", call, "completed")
    shop.nobody_left()


def test_while_callbacks_are_not_accepted_nobody_is_offered_one(open_shop: OpenShop) -> None:
    shop = open_shop(accepting=False)
    filler = shop.occupy()
    call = shop.ring()
    shop.home.carrier.until(call, "enqueued")
    shop.home.carrier.hears(call, "You are next")
    heard = " ".join(shop.home.carrier.said(call))
    assert OFFER not in heard
    assert "press 1" not in heard.lower()
    assert (shop.now()["offering"], shop.now()["offer_reason"]) == (False, "switched_off")
    shop.home.carrier.hang_up(filler)
    shop.home.carrier.until(call, "bridged")


def test_while_nothing_is_dialled_callbacks_wait_and_holders_are_served(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    filler = shop.occupy()
    carrier.person(ada, script=TALKS)
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    shop.policy(dialing=False)
    late = shop.ring(*STAYS)
    carrier.until(late, "enqueued")
    carrier.hang_up(filler)
    carrier.until(late, "bridged")
    assert (shop.callback(ada)["state"], shop.callback(ada)["position"]) == ("waiting", 1)
    assert carrier.creations(ada) == []
    shop.policy(dialing=True)
    carrier.hang_up(late)
    carrier.until(carrier.call_to(ada), "bridged")


def test_switched_on_again_a_free_agent_takes_the_callback_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(dialing=False)
    carrier, ada = shop.home.carrier, shop.home.new_number()
    carrier.person(ada, script=TALKS)
    shop.home.api("POST", "/callbacks", {"queue": shop.key, "number": ada}, Idempotency_Key=ada)
    assert shop.callback(ada)["position"] == 1
    shop.policy(dialing=True)
    carrier.until(carrier.call_to(ada), "bridged")


def test_no_more_promises_than_the_policy_allows(open_shop: OpenShop) -> None:
    shop = open_shop(max_outstanding=1)
    carrier, ada = shop.home.carrier, shop.home.new_number()
    shop.occupy()
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    assert shop.callback(ada)["state"] == "waiting"
    second = shop.ring()
    carrier.until(second, "enqueued")
    assert OFFER not in " ".join(carrier.said(second))
    assert shop.now()["offer_reason"] == "full"
    body = {"queue": shop.key, "number": shop.home.new_number()}
    with pytest.raises(Refused) as refused:
        shop.home.api("POST", "/callbacks", body, Idempotency_Key=f"{shop.key} full")
    assert refused.value.status == 409


def test_who_accepts_too_late_hears_so_and_keeps_the_place(open_shop: OpenShop) -> None:
    shop = open_shop(max_outstanding=1)
    carrier, ada = shop.home.carrier, shop.home.new_number()
    shop.occupy()
    slow = shop.ring(*answering(OFFER, "1"), number=ada)
    carrier.hears(slow, "Your number is")
    body = {"queue": shop.key, "number": shop.home.new_number()}
    shop.home.api("POST", "/callbacks", body, Idempotency_Key=f"{shop.key} first")
    carrier.press(slow, "1")
    carrier.until(slow, "enqueued")
    assert "we cannot promise another one now" in " ".join(carrier.said(slow))
    assert eventually(lambda: shop.now()["waiting"] == {"live": 1, "callbacks": 1}, every_s=0.1)
