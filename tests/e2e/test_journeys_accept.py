"""A caller takes the offer, hangs up, keeps their place, and is called back once: on every database and Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation, OpenShop, Shop
from tests.support.people import TAKES_THE_OFFER, TALKS
from tests.support.waiting import eventually


def test_a_caller_who_takes_the_offer_is_called_back_in_their_place(open_shop: OpenShop) -> None:
    accept_and_be_served(open_shop())


@pytest.fixture
def home_on_others(tmp_path: Path, redis62_url: str, pg_url: str) -> Iterator[Installation]:
    yield from running(Installation(tmp_path, redis62_url, pg_url, speed=20))


def test_the_same_happens_on_postgresql_and_the_oldest_redis(home_on_others: Installation) -> None:
    accept_and_be_served(home_on_others.shop())


def running(home: Installation) -> Iterator[Installation]:
    try:
        yield home.start()
    finally:
        home.stop()


def accept_and_be_served(shop: Shop) -> None:
    carrier, ada = shop.home.carrier, shop.home.new_number()
    filler = shop.occupy()
    carrier.person(ada, script=TALKS)

    call = shop.ring(*TAKES_THE_OFFER, number=ada)
    carrier.until(call, "ended")
    promised_in_order(shop, call, ada)

    late = shop.ring()
    carrier.until(late, "enqueued")
    waiting = shop.callback(ada)
    assert (waiting["state"], waiting["position"]) == ("waiting", 1)
    eventually(lambda: carrier.texts(ada), every_s=0.1, what="the text with the link")
    assert [waiting["status_url"] in text for text in carrier.texts(ada)] == [True]

    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    talking = shop.in_state(ada, "bridged")
    assert carrier.leg(leg)["from"] == shop.number
    assert talking["position"] is None
    assert carrier.leg(carrier.leg(leg)["bridged_with"])["to"] == shop.contact()
    assert not carrier.leg(late)["bridged_with"], "who came later waits until the callback is served"

    carrier.hang_up(leg)
    done = shop.in_state(ada, "completed")
    assert shop.states(ada) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["talked"]
    assert done["attempts"][0]["call"] == leg
    assert carrier.creations(ada) == [ada]
    carrier.until(late, "bridged")
    carrier.hang_up(late)
    shop.nobody_left()


def promised_in_order(shop: Shop, call: str, number: str) -> None:
    """The wait comes before the offer, the number is read back, and the promise says when, from where and what next."""
    spelt = ", ".join(" ".join(group) for group in (number[2:5], number[5:8], number[8:]))
    own = ", ".join(" ".join(group) for group in (shop.number[2:5], shop.number[5:8], shop.number[8:]))
    heard = " ".join(shop.home.carrier.said(call))
    sentences = [
        "Thank you for calling Support.",
        "The wait is about 1 to 2 minutes.",
        "press 1",
        f"Your number is {spelt}.",
        f"We will call you back at {spelt} in about 1 to 2 minutes.",
        f"Our call will come from {own}.",
        "A text message with a link follows.",
        "Goodbye.",
    ]
    places = [heard.find(sentence) for sentence in sentences]
    assert -1 not in places, heard
    assert places == sorted(places), heard
