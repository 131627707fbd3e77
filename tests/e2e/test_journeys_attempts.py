"""Called back, and then: nobody there, engaged, a voicemail, not now, no longer needed, or given up at last."""

from typing import Any

import pytest

from tests.support.installation import OpenShop, Shop
from tests.support.people import HUMAN_CHECK, INSISTS, TALKS, answering, hang_up, hear
from tests.support.waiting import eventually

NOBODY = {"answer": "no-answer", "after_s": 1}
ENGAGED = {"answer": "busy", "after_s": 1}
VOICEMAIL = {"answer": "machine", "after_s": 1}
THERE = {"script": TALKS}
SORRY = "Sorry that we missed you"


def promised(shop: Shop, *behaviours: dict[str, Any]) -> str:
    """Somebody takes the offer and answers the first ring like this, the second like that, and so on."""
    number = shop.home.new_number()
    shop.home.carrier.do("POST", "endpoints", {"address": number, "behaviours": list(behaviours)})
    shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    return number


def outcomes(shop: Shop, number: str) -> list[str]:
    """How the attempts at that number ended."""
    return [attempt["outcome"] for attempt in shop.callback(number)["attempts"]]


def served(shop: Shop, number: str, attempt: int) -> None:
    """The caller talks at that attempt, and hangs up."""
    leg = shop.home.carrier.call_to(number, attempt)
    shop.home.carrier.until(leg, "bridged")
    shop.in_state(number, "bridged")
    shop.home.carrier.hang_up(leg)
    shop.in_state(number, "completed")
    shop.nobody_left()


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        pytest.param(NOBODY, "no_answer", id="no answer"),
        pytest.param(ENGAGED, "busy", id="busy"),
        pytest.param(VOICEMAIL, "no_key", id="voicemail"),
        pytest.param({"script": [hear(HUMAN_CHECK), hang_up()]}, "hung_up", id="hangs up"),
        pytest.param({"answer": "failed", "after_s": 1}, "failed", id="failed"),
    ],
)
def test_whoever_is_not_reached_is_rung_again_after_the_delay(
    open_shop: OpenShop, first: dict[str, Any], outcome: str
) -> None:
    shop = open_shop(retry_delays_s=[1])
    filler = shop.occupy()
    ada = promised(shop, first, THERE)
    shop.home.carrier.hang_up(filler)
    served(shop, ada, 2)
    assert outcomes(shop, ada) == [outcome, "talked"]
    assert shop.callback(ada)["attempts_left"] == 2
    story = shop.states(ada)
    assert story[-6:] == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    assert story.count("waiting") == 2


def test_between_two_attempts_the_callback_waits_with_its_next_time_and_place(open_shop: OpenShop) -> None:
    shop = open_shop(retry_delays_s=[600])
    filler = shop.occupy()
    ada = promised(shop, NOBODY)
    shop.home.carrier.hang_up(filler)
    shop.home.carrier.call_to(ada)
    eventually(lambda: shop.callback(ada)["attempts_left"] == 2, every_s=0.1, what="a spent attempt")
    callback = shop.callback(ada)
    assert (callback["state"], callback["position"]) == ("waiting", 1)
    assert callback["next_attempt_at"] > callback["attempts"][0]["ended_at"]
    assert callback["wait"]["p50"] >= 500, "nobody is served before they are rung again"
    shop.until(0, "available")


@pytest.mark.parametrize(("missed_place", "order"), [("keep", ["ada", "ada", "bob"]), ("back", ["ada", "bob", "ada"])])
def test_a_missed_callback_keeps_its_place_or_goes_to_the_back(
    open_shop: OpenShop, missed_place: str, order: list[str]
) -> None:
    shop = open_shop(retry_delays_s=[], missed_place=missed_place)
    filler = shop.occupy()
    ada = promised(shop, NOBODY, THERE)
    bob = promised(shop, THERE)
    shop.home.carrier.hang_up(filler)
    for number, attempt in ((ada, 2), (bob, 1)) if missed_place == "keep" else ((bob, 1), (ada, 2)):
        leg = shop.home.carrier.call_to(number, attempt)
        shop.home.carrier.until(leg, "bridged")
        shop.home.carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    shop.in_state(bob, "completed")
    names = {ada: "ada", bob: "bob"}
    assert [names[number] for number in shop.home.carrier.creations(ada, bob)] == order


def test_a_voicemail_hears_a_short_message(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=1)
    filler = shop.occupy()
    ada = promised(shop, VOICEMAIL)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "ended")
    assert SORRY in shop.home.carrier.said(leg)[-1]
    shop.in_state(ada, "unreached")
    assert shop.home.carrier.leg(leg)["bridged_with"] is None
    shop.nobody_left()


def test_a_detected_machine_hears_the_message_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=1, confirm_human="amd")
    filler = shop.occupy()
    ada = promised(shop, VOICEMAIL)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "ended")
    heard = " ".join(shop.home.carrier.said(leg))
    assert SORRY in heard
    assert HUMAN_CHECK not in heard
    shop.in_state(ada, "unreached")
    assert outcomes(shop, ada) == ["voicemail"]
    shop.nobody_left()


def test_a_person_behind_the_detection_is_asked_and_served(open_shop: OpenShop) -> None:
    shop = open_shop(confirm_human="amd")
    filler = shop.occupy()
    ada = promised(shop, {"script": TALKS, "amd": "unknown"})
    shop.home.carrier.hang_up(filler)
    served(shop, ada, 1)


def test_without_a_check_whoever_answers_is_connected(open_shop: OpenShop) -> None:
    shop = open_shop(confirm_human="off")
    filler = shop.occupy()
    ada = promised(shop, {"answer": True})
    shop.home.carrier.hang_up(filler)
    served(shop, ada, 1)


def test_no_longer_needed_cancels_it(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, {"script": answering(HUMAN_CHECK, "3")})
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "ended")
    assert "We will not call you again about this" in shop.home.carrier.said(leg)[-1]
    shop.in_state(ada, "cancelled")
    assert outcomes(shop, ada) == ["not_needed"]
    shop.nobody_left()


def test_later_at_the_answer_books_another_time_and_spends_nothing(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, {"script": answering(HUMAN_CHECK, "2")})
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "ended")
    assert "We will call you again on" in shop.home.carrier.said(leg)[-1]
    callback = shop.in_state(ada, "scheduled")
    assert outcomes(shop, ada) == ["later"]
    assert callback["attempts_left"] == 3
    assert callback["requested_for"] > callback["attempts"][0]["ended_at"]
    shop.nobody_left()


def test_when_the_attempts_are_used_up_the_caller_is_told_by_text(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=2, retry_delays_s=[])
    filler = shop.occupy()
    ada = promised(shop, NOBODY, ENGAGED)
    shop.home.carrier.hang_up(filler)
    shop.in_state(ada, "unreached")
    assert outcomes(shop, ada) == ["no_answer", "busy"]
    assert shop.home.carrier.creations(ada) == [ada, ada]
    eventually(lambda: len(shop.home.carrier.texts(ada)) == 2, every_s=0.1, what="two texts")
    assert "could not reach you" in shop.home.carrier.texts(ada)[-1]
    shop.nobody_left()


def test_a_number_that_can_never_be_dialled_fails_for_good(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop, THERE)
    shop.home.carrier.do("POST", "verdicts", {"address": ada, "call_error": 21214})
    shop.home.carrier.hang_up(filler)
    shop.in_state(ada, "failed")
    shop.nobody_left()
