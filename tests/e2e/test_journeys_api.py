"""Programs ask for callbacks: every rule of the contract, and the calls that follow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.installation import OpenShop, Refused, Shop
from tests.support.people import TALKS


def ask(shop: Shop, key: str | None, **body: Any) -> dict[str, Any]:
    """`POST /callbacks` with that idempotency key, in this shop's queue unless the body says otherwise."""
    headers = {} if key is None else {"Idempotency_Key": f"{shop.key} {key}"}
    answer: dict[str, Any] = shop.home.api("POST", "/callbacks", {"queue": shop.key, **body}, **headers)
    return answer


def refused(shop: Shop, key: str | None, **body: Any) -> int:
    """The status of the refusal."""
    with pytest.raises(Refused) as no:
        ask(shop, key, **body)
    assert "title" in no.value.body, "a problem document"
    return no.value.status


def test_asked_for_it_is_dialled_at_once_by_a_free_agent(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    carrier.person(ada, script=TALKS)
    made = ask(shop, "one", number=ada, context={"order": 7})
    assert made["context"] == {"order": 7}
    assert made["status_url"].startswith(f"{shop.home.base}/c/")
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    assert shop.states(ada) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    shop.nobody_left()


def test_a_repeat_gets_the_first_answer_and_another_body_is_refused(open_shop: OpenShop) -> None:
    shop = open_shop(dialing=False)
    ada, bob = shop.home.new_number(), shop.home.new_number()
    first = ask(shop, "same", number=ada)
    assert ask(shop, "same", number=ada)["id"] == first["id"]
    assert refused(shop, "same", number=bob) == 422
    assert len(shop.home.callbacks(queue=shop.key)) == 1


def test_a_number_that_is_open_already_gets_that_callback(open_shop: OpenShop) -> None:
    shop = open_shop(dialing=False)
    ada = shop.home.new_number()
    first = ask(shop, "one", number=ada)
    assert ask(shop, "two", number=ada)["id"] == first["id"]


def test_without_a_key_or_with_nonsense_it_is_refused(open_shop: OpenShop) -> None:
    shop = open_shop(dialing=False)
    ada = shop.home.new_number()
    assert refused(shop, None, number=ada) == 400
    assert refused(shop, "no queue", number=ada, queue="nowhere") == 404
    assert refused(shop, "unknown field", number=ada, nummer="1") == 422
    assert refused(shop, "no number", number="12") == 422
    assert refused(shop, "premium", number="+19005551234") == 422
    assert refused(shop, "abroad", number="+447911123456") == 422
    assert refused(shop, "language", number=ada, language="fr") == 422
    assert shop.home.callbacks(queue=shop.key) == []


def test_not_accepting_is_a_conflict(open_shop: OpenShop) -> None:
    shop = open_shop(accepting=False)
    assert refused(shop, "one", number=shop.home.new_number()) == 409


def test_asked_for_later_it_is_scheduled_then_waits_then_is_dialled(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    carrier.person(ada, script=TALKS)
    at = datetime.now(UTC) + timedelta(seconds=4)
    made = ask(shop, "soon", number=ada, requested_for=at.isoformat())
    assert (made["state"], made["position"]) == ("scheduled", None)
    leg = carrier.call_to(ada)
    assert datetime.now(UTC) >= at, "not before its time"
    carrier.until(leg, "bridged")
    carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    story = ["scheduled", "waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    assert shop.states(ada) == story


def test_in_the_language_asked_for(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    carrier.person(ada, on_say=[{"match": "现在通话", "press": "1"}])
    ask(shop, "zh", number=ada, language="zh")
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    assert set(carrier.languages(leg)) == {"cmn-CN"}


def test_live_and_asked_for_stand_in_one_line(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    ada, bob = shop.home.new_number(), shop.home.new_number()
    ask(shop, "ada", number=ada)
    call = shop.ring()
    shop.home.carrier.until(call, "answered")
    ask(shop, "bob", number=bob)
    assert [shop.callback(number)["position"] for number in (ada, bob)] == [1, 3]
    assert shop.now()["waiting"] == {"live": 1, "callbacks": 2}
