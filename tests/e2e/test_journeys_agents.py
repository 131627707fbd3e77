"""Agents miss a ring, have a voicemail, are rung first, go away, wrap up, are cut off: no caller pays for it."""

from typing import Any

import pytest

from tests.support.installation import OpenShop, Shop
from tests.support.people import HUMAN_CHECK, INSISTS, OFFER, STAYS, TALKS, WHISPER, answering, hang_up, hear
from tests.support.waiting import eventually

MISSES = {"answer": "no-answer", "after_s": 2}
VOICEMAIL = {"answer": "machine", "after_s": 1}
PRESSES = {"on_say": [{"match": "ress 1", "press": "1"}], "after_s": 1}


def promised(shop: Shop, **behaviour: Any) -> str:
    """Somebody takes the offer, and answers our call like this."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, **(behaviour or {"script": TALKS}))
    shop.home.carrier.until(shop.ring(*INSISTS, number=number), "ended")
    return number


@pytest.mark.parametrize("absence", [pytest.param(MISSES, id="no answer"), pytest.param(VOICEMAIL, id="voicemail")])
def test_an_agent_who_does_not_press_is_away_and_the_next_one_serves(
    open_shop: OpenShop, absence: dict[str, Any]
) -> None:
    shop = open_shop(agents=2)
    shop.home.carrier.person(shop.contact(0), **absence)
    call = shop.ring()
    shop.home.carrier.until(call, "bridged")
    assert shop.home.carrier.leg(shop.home.carrier.leg(call)["bridged_with"])["to"] == shop.contact(1)
    assert "our colleague could not answer" in " ".join(shop.home.carrier.said(call))
    shop.until(0, "away")
    missed = shop.until_told("agent", shop.agents[0], "away")
    assert (missed["from"], missed["reason"]) == ("reserved", "missed the ring")
    assert [leg["bridged_with"] for leg in shop.home.carrier.calls_to(shop.contact(0))] == [None]


def test_called_back_callers_do_not_pay_for_a_missed_ring(open_shop: OpenShop) -> None:
    shop = open_shop(agents=2)
    fillers = [shop.occupy(0), shop.occupy(1)]
    ada = promised(shop)
    shop.home.carrier.person(shop.contact(0), **VOICEMAIL)
    talkers = {shop.home.carrier.leg(shop.home.carrier.leg(one)["bridged_with"])["to"]: one for one in fillers}
    shop.home.carrier.hang_up(talkers[shop.contact(0)])
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.hears(leg, "our colleague could not answer")
    shop.until(0, "away")
    late = shop.ring(*STAYS)
    shop.home.carrier.until(late, "enqueued")
    shop.home.carrier.hang_up(talkers[shop.contact(1)])
    shop.home.carrier.until(leg, "bridged")
    assert shop.home.carrier.leg(late)["bridged_with"] is None, "the place is kept"
    assert shop.states(ada) == ["waiting", "reserved", "dialing", "answered", "bridged"]
    assert shop.home.carrier.creations(ada) == [ada]


def test_who_was_marked_away_is_rung_again_once_they_say_so(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.home.carrier.person(shop.contact(), **MISSES)
    call = shop.ring()
    shop.until(0, "away")
    shop.home.carrier.until(call, "enqueued")
    shop.home.carrier.person(shop.contact(), **PRESSES)
    shop.presence(0, "available")
    shop.home.carrier.until(call, "bridged")


# --- the agent first ------------------------------------------------------------------------------------------------


def test_agent_first_the_caller_is_rung_once_the_agent_has_pressed(open_shop: OpenShop) -> None:
    shop = open_shop(dial_mode="agent_first")
    carrier = shop.home.carrier
    filler = shop.occupy()
    ada = promised(shop)
    carrier.person(shop.contact(), after_s=1)  # picks up, and takes their time
    carrier.hang_up(filler)
    agents_leg = carrier.call_to(shop.contact(), 2)
    carrier.hears(agents_leg, WHISPER)
    carrier.person(shop.contact(), **PRESSES)  # from their next call on
    assert shop.callback(ada)["state"] == "reserved"
    assert carrier.creations(ada) == []
    carrier.press(agents_leg, "1")
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    carrier.until(agents_leg, "bridged")
    assert HUMAN_CHECK in " ".join(carrier.said(leg))
    shop.in_state(ada, "bridged")
    shop.until(0, "busy")
    carrier.hang_up(leg)
    carrier.until(agents_leg, "ended")
    shop.in_state(ada, "completed")
    assert shop.states(ada) == ["waiting", "reserved", "dialing", "answered", "bridged", "completed"]
    assert carrier.creations(ada, shop.contact()) == [shop.contact(), ada]
    assert [asked for asked in carrier.ledger("rest") if asked["path"].endswith(f"/{agents_leg}.json")] == []
    shop.nobody_left()


def test_agent_first_the_agent_who_hangs_up_ends_the_talk(open_shop: OpenShop) -> None:
    shop = open_shop(dial_mode="agent_first")
    filler = shop.occupy()
    ada = promised(shop)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "bridged")
    shop.home.carrier.hang_up(shop.home.carrier.call_to(shop.contact(), 2))
    shop.home.carrier.until(leg, "ended")
    shop.in_state(ada, "completed")
    shop.nobody_left()


def test_agent_first_an_agent_is_freed_when_the_caller_is_not_reached(open_shop: OpenShop) -> None:
    shop = open_shop(dial_mode="agent_first", attempts=1)
    filler = shop.occupy()
    ada = promised(shop, answer="no-answer", after_s=2)
    shop.home.carrier.hang_up(filler)
    agents_leg = shop.home.carrier.call_to(shop.contact(), 2)
    shop.home.carrier.until(agents_leg, "ended")
    assert "could not be reached" in shop.home.carrier.said(agents_leg)[-1]
    shop.in_state(ada, "unreached")
    shop.nobody_left()


def test_agent_first_a_missed_ring_spends_no_attempt(open_shop: OpenShop) -> None:
    shop = open_shop(agents=2, dial_mode="agent_first")
    fillers = [shop.occupy(0), shop.occupy(1)]
    ada = promised(shop)
    shop.home.carrier.person(shop.contact(0), **VOICEMAIL)
    talkers = {shop.home.carrier.leg(shop.home.carrier.leg(one)["bridged_with"])["to"]: one for one in fillers}
    shop.home.carrier.hang_up(talkers[shop.contact(0)])
    shop.until(0, "away")
    callback = shop.in_state(ada, "waiting")
    assert (callback["attempts_left"], callback["position"]) == (3, 1)
    assert shop.home.carrier.creations(ada) == []
    shop.home.carrier.hang_up(talkers[shop.contact(1)])
    shop.home.carrier.until(shop.home.carrier.call_to(ada), "bridged")


def test_agent_first_the_caller_hangs_up_while_the_agent_waits(open_shop: OpenShop) -> None:
    shop = open_shop(dial_mode="agent_first", attempts=1)
    filler = shop.occupy()
    ada = promised(shop, script=[hear(HUMAN_CHECK), hang_up()])
    shop.home.carrier.hang_up(filler)
    shop.in_state(ada, "unreached")
    shop.home.carrier.until(shop.home.carrier.call_to(shop.contact(), 2), "ended")
    shop.nobody_left()


def test_agent_first_an_agent_who_gives_up_does_not_cost_the_caller_their_place(open_shop: OpenShop) -> None:
    shop = open_shop(agents=2, dial_mode="agent_first")
    carrier = shop.home.carrier
    fillers = [shop.occupy(0), shop.occupy(1)]
    ada = promised(shop, script=[hear(HUMAN_CHECK), *TALKS_AGAIN])
    talkers = {carrier.leg(carrier.leg(one)["bridged_with"])["to"]: one for one in fillers}
    carrier.person(ada, answer="manual")
    carrier.hang_up(talkers[shop.contact(0)])
    leg = carrier.call_to(ada)
    carrier.until(leg, "ringing")
    carrier.hang_up(carrier.call_to(shop.contact(0), 2))
    shop.until(0, "away")
    carrier.do("POST", f"legs/{leg}/answer", {})
    carrier.hears(leg, HUMAN_CHECK)
    carrier.press(leg, "1")
    carrier.until(leg, "enqueued")
    carrier.hang_up(talkers[shop.contact(1)])
    carrier.until(leg, "bridged")
    assert carrier.leg(carrier.leg(leg)["bridged_with"])["to"] == shop.contact(1)
    carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    assert carrier.creations(ada) == [ada]


TALKS_AGAIN = answering(HUMAN_CHECK, "1")

# --- presence and wrap-up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["away", "offline"])
def test_leaving_in_the_middle_of_a_talk_applies_at_its_end(open_shop: OpenShop, wanted: str) -> None:
    shop = open_shop()
    call = shop.occupy()
    assert shop.presence(0, wanted)["status"] == "busy"
    shop.home.carrier.hang_up(call)
    shop.until(0, wanted)
    late = shop.ring()
    shop.home.carrier.hears(late, OFFER)
    assert shop.agent()["status"] == wanted


def test_available_changes_nothing_while_they_talk(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    assert [shop.presence(0, "available")["status"] for _ in range(2)] == ["busy", "busy"]


def test_wrap_up_holds_the_agent_back_and_ends_by_itself(open_shop: OpenShop) -> None:
    shop = open_shop(wrap_up_s=1)
    filler = shop.occupy()
    call = shop.ring(*STAYS)
    shop.home.carrier.until(call, "enqueued")
    shop.home.carrier.hang_up(filler)
    shop.home.carrier.until(call, "bridged")
    wanted = ["reserved", "busy", "wrap_up", "available", "reserved", "busy"]
    eventually(
        lambda: [entry["to"] for entry in shop.told("agent", shop.agents[0])][2:8] == wanted,
        every_s=0.2, what=f"the agent's story is {wanted}",
    )  # fmt: skip


def test_wrap_up_ends_when_the_agent_says_so(open_shop: OpenShop) -> None:
    shop = open_shop(wrap_up_s=600)
    filler = shop.occupy()
    call = shop.ring(*STAYS)
    shop.home.carrier.until(call, "enqueued")
    shop.home.carrier.hang_up(filler)
    shop.until(0, "wrap_up")
    assert shop.presence(0, "available")["status"] in {"reserved", "busy"}
    shop.home.carrier.until(call, "bridged")


# --- cut off --------------------------------------------------------------------------------------------------------


def agent_leg_of(shop: Shop, sid: str) -> str:
    """The agent's leg of a talk, "" while there is none."""
    return shop.home.carrier.leg(sid)["bridged_with"] or ""


def another_agent_leg(shop: Shop, sid: str, first: str) -> str:
    """The agent's leg once it is another than the first."""

    def other() -> str:
        found = agent_leg_of(shop, sid)
        return "" if found == first else found

    return eventually(other, within_s=30, every_s=0.1, what="another talk")


def test_a_caller_who_is_cut_off_is_back_at_the_front_and_connected_again(open_shop: OpenShop) -> None:
    shop = open_shop(cut_off_s=60)
    call = shop.occupy()
    first = agent_leg_of(shop, call)
    other = shop.ring(*STAYS)
    shop.home.carrier.until(other, "enqueued")
    shop.home.carrier.hang_up(first)
    shop.home.carrier.hears(call, "the connection was lost")
    again = another_agent_leg(shop, call, first)
    assert shop.home.carrier.leg(again)["to"] == shop.contact()
    assert shop.home.carrier.leg(other)["bridged_with"] is None
    shop.home.carrier.hang_up(call)
    shop.until_told("call", call, "completed")
    states = [entry["to"] for entry in shop.told("call", call)]
    assert states == ["arrived", "reserved", "bridged", "waiting", "reserved", "bridged", "completed"]


def test_a_callback_that_is_cut_off_goes_on_without_being_dialled_again(open_shop: OpenShop) -> None:
    shop = open_shop(cut_off_s=60)
    filler = shop.occupy()
    ada = promised(shop)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    first = agent_leg_of(shop, leg)
    shop.home.carrier.hang_up(first)
    another_agent_leg(shop, leg, first)
    shop.in_state(ada, "bridged")
    shop.home.carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    assert shop.states(ada)[-5:] == ["answered", "bridged", "answered", "bridged", "completed"]
    assert shop.home.carrier.creations(ada) == [ada]
    shop.nobody_left()


def test_a_caller_who_hangs_up_within_the_cut_off_was_served(open_shop: OpenShop) -> None:
    shop = open_shop(cut_off_s=60)
    call = shop.occupy()
    delay_the_callers_own_reports(shop)
    shop.home.carrier.hang_up(call)
    assert shop.until_told("call", call, "completed")
    shop.nobody_left()


@pytest.mark.parametrize("dial_mode", ["customer_first", "agent_first"])
def test_a_called_back_caller_who_hangs_up_within_the_cut_off_is_not_rung_again(
    open_shop: OpenShop, dial_mode: str
) -> None:
    shop = open_shop(cut_off_s=60, dial_mode=dial_mode)
    filler = shop.occupy()
    ada = promised(shop)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    delay_the_callers_own_reports(shop)
    shop.home.carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    shop.nobody_left()
    assert shop.home.carrier.creations(ada) == [ada]


def delay_the_callers_own_reports(shop: Shop) -> None:
    """The carrier tells of the agent's leg first."""
    for url in ("/voice/dialled", "/voice/status", "/voice/inbound/status"):
        shop.home.carrier.do("POST", "faults", {"side": "webhook", "url": url, "delay_s": 1})
