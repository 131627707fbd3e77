"""At the offer and on hold: stay, silence, wrong keys, a change of mind, later, another language, another number."""

import pytest

from tests.support.installation import OpenShop, Shop
from tests.support.people import (
    HOLDING,
    HUMAN_CHECK,
    INSISTS,
    NUMBER,
    OFFER,
    READBACK,
    STAYS,
    TALKS,
    Step,
    answering,
    hang_up,
    hear,
    press,
)
from tests.support.waiting import eventually

AGAIN = "Sorry, we did not understand that"
STAY = "Please stay on the line"


def served_on_the_line(shop: Shop, filler: str, call: str) -> None:
    """The agent is free at last: this caller is connected, talks, and was never called back."""
    shop.home.carrier.hang_up(filler)
    shop.home.carrier.until(call, "bridged")
    shop.home.carrier.hang_up(call)
    shop.until_told("call", call, "completed")
    states = [entry["to"] for entry in shop.told("call", call)]
    assert states == ["arrived", "waiting", "reserved", "bridged", "completed"]
    assert shop.home.callbacks(queue=shop.key) == []
    shop.nobody_left()


def test_who_declines_the_offer_is_served_on_the_line(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    call = shop.ring(*STAYS)
    shop.home.carrier.until(call, "enqueued")
    assert STAY in " ".join(shop.home.carrier.said(call))
    served_on_the_line(shop, filler, call)


@pytest.mark.parametrize(
    "script", [pytest.param([], id="silence"), pytest.param(answering(OFFER, "7") * 2, id="wrong keys")]
)
def test_silence_and_wrong_keys_get_one_repeat_and_then_stay_in_line(open_shop: OpenShop, script: list[Step]) -> None:
    shop = open_shop()
    filler = shop.occupy()
    call = shop.ring(*script)
    shop.home.carrier.until(call, "enqueued")
    heard = " ".join(shop.home.carrier.said(call))
    assert [heard.count(sentence) for sentence in (OFFER, AGAIN, STAY)] == [2, 1, 1]
    served_on_the_line(shop, filler, call)


def test_who_stays_can_still_choose_the_callback_on_hold(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada = shop.home.new_number()
    shop.occupy()
    call = shop.ring(*STAYS, *answering("Press 1 at any time", "1"), *answering(READBACK, "1"), number=ada)
    shop.home.carrier.until(call, "ended")
    assert "Leave" in [entry["verb"] for entry in shop.home.carrier.ledger("verb", sid=call)]
    callback = shop.callback(ada)
    assert (callback["state"], callback["position"]) == ("waiting", 1)
    joined = shop.told("call", call)[0]["at"]
    assert callback["joined_at"] == joined, "the place is that of the call"
    assert [entry["to"] for entry in shop.told("call", call)] == ["arrived", "waiting", "callback"]


def test_on_hold_the_place_and_the_wait_are_told(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    first, second = shop.ring(*STAYS), shop.ring(*STAYS)
    carrier = shop.home.carrier
    carrier.hears(first, "You are (next|now number [12] in line)")
    carrier.hears(second, "You are (next|now number [12] in line)")
    places = {carrier.leg(call)["sid"]: " ".join(carrier.said(call)) for call in (first, second)}
    arrived = sorted(shop.journal(kind="call", to="arrived"), key=lambda entry: entry["at"])
    order = [entry["subject"] for entry in arrived][1:]
    assert "You are next." in places[order[0]]
    assert "You are now number 2 in line." in places[order[1]]
    assert "more" in places[order[1]]


def test_later_offers_times_and_books_the_chosen_one(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada = shop.home.new_number()
    shop.occupy()
    script = [*answering(OFFER, "3"), *answering("For .* press 3", "2"), *answering(READBACK, "1")]
    call = shop.ring(*script, number=ada)
    shop.home.carrier.until(call, "ended")
    callback = shop.callback(ada)
    assert (callback["state"], callback["position"]) == ("scheduled", None)
    assert callback["requested_for"] > callback["created_at"]
    assert shop.states(ada) == ["scheduled"]
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 0}


def test_after_key_nine_everything_is_chinese(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    filler = shop.occupy()
    carrier.person(ada, script=answering("现在通话", "1"))
    script = [*answering(OFFER, "9"), *answering("保留您的位置", "1"), *answering("号码正确", "1")]
    call = shop.ring(*script, number=ada)
    carrier.until(call, "ended")
    said = list(zip(carrier.said(call), carrier.languages(call), strict=True))
    changed = next(at for at, (text, _) in enumerate(said) if OFFER in text) + 1
    assert {text for text, language in said[changed:] if language != "cmn-CN"} <= {"For English, press 9."}, said
    assert shop.callback(ada)["language"] == "zh"
    eventually(lambda: carrier.texts(ada), every_s=0.1, what="the text")
    assert "回电" in carrier.texts(ada)[0]
    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    assert set(carrier.languages(leg)) == {"cmn-CN"}


def test_who_chose_a_language_is_greeted_in_it_the_next_time(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    shop.occupy()
    first = shop.ring(*answering(OFFER, "9"), hear("保留您的位置"), hang_up(), number=ada)
    carrier.until(first, "ended")
    second = shop.ring(number=ada)
    carrier.hears(second, "Support")
    assert carrier.languages(second)[0] == "cmn-CN"


# --- offered, or not ------------------------------------------------------------------------------------------------


def test_below_the_threshold_nobody_is_offered_anything(open_shop: OpenShop) -> None:
    shop = open_shop(offer_at_wait_s=1000, stop_offering_at_wait_s=1000)
    filler = shop.occupy()
    call = shop.ring()
    shop.home.carrier.until(call, "enqueued")
    shop.home.carrier.hears(call, HOLDING)
    heard = " ".join(shop.home.carrier.said(call))
    assert "The wait is about" in heard
    assert "press 1" not in heard.lower()
    served_on_the_line(shop, filler, call)


def test_whom_a_free_agent_can_take_is_connected_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(offer_at_wait_s=0, stop_offering_at_wait_s=0, offer_at_waiting=0)
    call = shop.ring()
    shop.home.carrier.until(call, "bridged")
    heard = " ".join(shop.home.carrier.said(call))
    assert "press" not in heard.lower()
    shop.home.carrier.hang_up(call)
    shop.until_told("call", call, "completed")
    assert [entry["to"] for entry in shop.told("call", call)] == ["arrived", "reserved", "bridged", "completed"]


# --- another number -------------------------------------------------------------------------------------------------


def with_another_number(keys: str) -> list[Step]:
    """Takes the offer, and keys in another number than the one they ring from."""
    return [*answering(OFFER, "1"), *answering(READBACK, "2"), *answering(NUMBER, f"{keys}#")]


def test_a_number_keyed_in_is_rung_instead_and_must_press_one(open_shop: OpenShop) -> None:
    shop = open_shop(confirm_human="off")
    carrier, ada, other = shop.home.carrier, shop.home.new_number(), shop.home.new_number()
    filler = shop.occupy()
    carrier.person(other, script=TALKS)
    call = shop.ring(*with_another_number(other[2:]), *answering(READBACK, "1"), number=ada)
    carrier.until(call, "ended")
    assert shop.callback(other)["attempts_left"] == 1
    carrier.hang_up(filler)
    leg = carrier.call_to(other)
    carrier.until(leg, "bridged")
    assert HUMAN_CHECK in " ".join(carrier.said(leg)), "nobody has shown that this number is theirs"
    assert carrier.creations(ada) == []


def test_a_number_keyed_in_is_tried_only_once(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=3, retry_delays_s=[])
    carrier, other = shop.home.carrier, shop.home.new_number()
    filler = shop.occupy()
    carrier.person(other, answer="no-answer", after_s=1)
    call = shop.ring(*with_another_number(other[2:]), *answering(READBACK, "1"))
    carrier.until(call, "ended")
    carrier.hang_up(filler)
    shop.in_state(other, "unreached")
    shop.nobody_left()
    assert carrier.creations(other) == [other]


def test_a_number_that_is_none_is_asked_for_once_more(open_shop: OpenShop) -> None:
    shop = open_shop()
    other = shop.home.new_number()
    shop.occupy()
    again = [hear("not a complete phone number"), press(f"{other[2:]}#")]
    call = shop.ring(*with_another_number("123"), *again, *answering(READBACK, "1"))
    shop.home.carrier.until(call, "ended")
    assert shop.callback(other)["state"] == "waiting"


@pytest.mark.parametrize(
    "keys", [pytest.param("9005551234", id="premium"), pytest.param("011447911123456", id="abroad")]
)
def test_a_number_we_may_not_ring_is_refused_and_the_caller_keeps_their_place(open_shop: OpenShop, keys: str) -> None:
    shop = open_shop()
    filler = shop.occupy()
    again = [hear("Sorry, we cannot call that number"), press(f"{keys}#")]
    call = shop.ring(*with_another_number(keys), *again)
    shop.home.carrier.until(call, "enqueued")
    served_on_the_line(shop, filler, call)


def test_who_withholds_their_number_is_asked_for_one(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada = shop.home.new_number()
    shop.occupy()
    script = [
        *answering("press 1, and we will ask for your number", "1"),
        *answering(NUMBER, f"{ada[2:]}#"),
        *answering(READBACK, "1"),
    ]
    call = shop.ring(*script, number="anonymous")
    shop.home.carrier.until(call, "ended")
    assert shop.callback(ada)["position"] == 1


def test_two_in_a_row_keep_their_order(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada, bob = shop.home.new_number(), shop.home.new_number()
    shop.occupy()
    for number in (ada, bob):
        shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    assert [shop.callback(number)["position"] for number in (ada, bob)] == [1, 2]
