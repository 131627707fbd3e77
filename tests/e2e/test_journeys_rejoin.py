"""Somebody with a promise rings us: they are known, keep their place, and are never served on two legs."""

from typing import Any

from tests.support.installation import OpenShop, Shop
from tests.support.people import INSISTS, STAYS, TAKES_THE_OFFER, TALKS, answering, hang_up, hear, pause
from tests.support.waiting import eventually

KNOWN = "Your callback is booked already"
KEEPS = answering(KNOWN, "1")
HOLDS = answering(KNOWN, "2")


def promised(shop: Shop, **behaviour: Any) -> str:
    """Somebody takes the offer, and answers our call like this."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, **(behaviour or {"script": TALKS}))
    shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    return number


def test_who_keeps_the_callback_keeps_the_place(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    bob = promised(shop)
    call = shop.ring(*KEEPS, number=bob)
    shop.home.carrier.until(call, "ended")
    heard = " ".join(shop.home.carrier.said(call))
    assert "You are number 2 in line." in heard
    assert "Your callback stands." in heard
    assert [shop.callback(number)["position"] for number in (ada, bob)] == [1, 2]
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 2}
    shop.home.carrier.hang_up(filler)
    for number in (ada, bob):
        leg = shop.home.carrier.call_to(number)
        shop.home.carrier.until(leg, "bridged")
        shop.home.carrier.hang_up(leg)
    shop.nobody_left()


def test_who_holds_instead_is_served_on_the_line_in_the_same_place(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    late = shop.ring(*STAYS)
    shop.home.carrier.until(late, "enqueued")
    call = shop.ring(*HOLDS, number=ada)
    shop.home.carrier.until(call, "enqueued")
    shop.in_state(ada, "answered")
    assert shop.now()["waiting"] == {"live": 2, "callbacks": 0}
    shop.home.carrier.hang_up(filler)
    shop.home.carrier.until(call, "bridged")
    assert shop.home.carrier.leg(late)["bridged_with"] is None
    shop.in_state(ada, "bridged")
    shop.home.carrier.hang_up(call)
    shop.in_state(ada, "completed")
    assert shop.home.carrier.creations(ada) == []
    assert shop.states(ada) == ["waiting", "answered", "bridged", "completed"]
    shop.home.carrier.until(late, "bridged")
    shop.home.carrier.hang_up(late)
    shop.nobody_left()


def test_who_hangs_up_again_on_hold_still_has_the_promise(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    ada = promised(shop)
    call = shop.ring(*HOLDS, number=ada)
    shop.home.carrier.until(call, "enqueued")
    shop.in_state(ada, "answered")
    shop.home.carrier.hang_up(call)
    callback = shop.in_state(ada, "waiting")
    assert (callback["position"], callback["attempts_left"]) == (1, 3)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "bridged")
    shop.home.carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    shop.nobody_left()


def test_who_hangs_up_at_the_question_still_has_the_promise(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    ada = promised(shop)
    call = shop.ring(hear(KNOWN), hang_up(), number=ada)
    shop.home.carrier.until(call, "ended")
    assert (shop.callback(ada)["state"], shop.callback(ada)["position"]) == ("waiting", 1)
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 1}


def test_who_rings_in_while_being_dialled_talks_on_one_leg(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop, answer="manual")
    carrier.hang_up(filler)
    ringing = carrier.call_to(ada)
    carrier.until(ringing, "ringing")
    call = shop.ring(*HOLDS, number=ada)
    carrier.until(call, "bridged")
    assert carrier.until(ringing, "ended")["status"] == "canceled"
    shop.in_state(ada, "bridged")
    carrier.hang_up(call)
    done = shop.in_state(ada, "completed")
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["superseded"]
    assert carrier.creations(ada) == [ada]
    shop.nobody_left()


def test_who_keeps_the_callback_while_being_dialled_can_answer_it(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop, answer="manual", script=TALKS)
    carrier.hang_up(filler)
    ringing = carrier.call_to(ada)
    carrier.until(ringing, "ringing")
    carrier.until(shop.ring(*KEEPS, number=ada), "ended")
    carrier.do("POST", f"legs/{ringing}/answer", {})
    carrier.until(ringing, "bridged")
    carrier.hang_up(ringing)
    shop.in_state(ada, "completed")
    assert carrier.creations(ada) == [ada]
    shop.nobody_left()


def test_who_rings_in_twice_is_served_once(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop)
    first = shop.ring(*HOLDS, number=ada)
    carrier.until(first, "enqueued")
    shop.in_state(ada, "answered")
    second = shop.ring(*HOLDS, number=ada)
    carrier.until(second, "enqueued")
    carrier.until(first, "ended")
    eventually(lambda: shop.now()["waiting"]["live"] == 1, every_s=0.1, what="one of them in line")
    carrier.hang_up(filler)
    carrier.until(second, "bridged")
    carrier.hang_up(second)
    shop.in_state(ada, "completed")
    assert carrier.creations(ada) == []
    shop.nobody_left()


def test_a_second_call_during_the_talk_waits_like_anybodys(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop)
    carrier.hang_up(filler)
    talk = carrier.call_to(ada)
    carrier.until(talk, "bridged")
    shop.in_state(ada, "bridged")
    second = shop.ring(*HOLDS, number=ada)
    carrier.until(second, "enqueued")
    assert "technical problem" not in " ".join(carrier.said(second))
    assert carrier.leg(talk)["bridged_with"], "the talk goes on"
    carrier.hang_up(talk)
    shop.in_state(ada, "completed")
    carrier.until(second, "bridged")
    carrier.hang_up(second)
    shop.nobody_left()


def test_a_booked_caller_who_rings_in_is_known_too(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada = shop.home.new_number()
    shop.occupy()
    script = [*answering("press 3", "3"), *answering("For .* press 3", "1"), *answering("that is correct", "1")]
    shop.home.carrier.until(shop.ring(*script, number=ada), "ended")
    shop.in_state(ada, "scheduled")
    call = shop.ring(pause(60), number=ada)
    shop.home.carrier.hears(call, "press 1")
    again = shop.ring(*TAKES_THE_OFFER, number=ada)
    shop.home.carrier.until(again, "ended")
    assert len(shop.home.callbacks(queue=shop.key, number=ada)) == 1
