"""Callers hang up wherever they are: the line forgets them, agents are free again, and promises stand."""

import pytest

from tests.support.installation import OpenShop, Shop
from tests.support.people import (
    HUMAN_CHECK,
    INSISTS,
    NUMBER,
    OFFER,
    READBACK,
    STAYS,
    TAKES_THE_OFFER,
    TALKS,
    Step,
    answering,
    hang_up,
    hear,
    pause,
    wait_for,
)
from tests.support.waiting import eventually

RINGS_FOR_EVER = {"answer": "manual"}


def empty(shop: Shop) -> None:
    """Wait until nobody is in line."""
    eventually(
        lambda: shop.now()["waiting"] == {"live": 0, "callbacks": 0},
        every_s=0.1, what=f"the line is empty: {shop.now()['waiting']}",
    )  # fmt: skip


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([hear("Thank you for calling"), hang_up()], id="at the greeting"),
        pytest.param([hear(OFFER), pause(8), hang_up()], id="at the offer"),
        pytest.param([*answering(OFFER, "1"), hear(READBACK), hang_up()], id="at the readback"),
        pytest.param(
            [*answering(OFFER, "1"), *answering(READBACK, "2"), hear(NUMBER), hang_up()], id="at the number entry"
        ),
        pytest.param([*answering(OFFER, "3"), hear("For .* press 3"), hang_up()], id="at the choice of times"),
        pytest.param([*STAYS, wait_for("enqueued"), hear("You are next"), hang_up()], id="on hold"),
    ],
)
def test_who_hangs_up_is_out_of_the_line(open_shop: OpenShop, script: list[Step]) -> None:
    shop = open_shop()
    filler = shop.occupy()
    call = shop.ring(*script)
    shop.home.carrier.until(call, "ended")
    empty(shop)
    assert shop.until_told("call", call, "abandoned")
    assert shop.home.callbacks(queue=shop.key) == []
    shop.home.carrier.hang_up(filler)
    shop.nobody_left()


def test_after_the_promise_hanging_up_changes_nothing(open_shop: OpenShop) -> None:
    shop = open_shop()
    ada = shop.home.new_number()
    shop.occupy()
    script = [*TAKES_THE_OFFER, hear("We will call you back"), hang_up()]
    shop.home.carrier.until(shop.ring(*script, number=ada), "ended")
    assert shop.callback(ada)["position"] == 1


def test_while_the_agents_phone_rings_the_agent_is_free_again(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.home.carrier.person(shop.contact(), **RINGS_FOR_EVER)
    call = shop.ring()
    leg = shop.home.carrier.call_to(shop.contact())
    shop.home.carrier.until(leg, "ringing")
    shop.home.carrier.hang_up(call)
    shop.home.carrier.until(leg, "ended")
    assert shop.until_told("call", call, "abandoned")
    shop.nobody_left()


def test_while_the_agent_hears_who_it_is_the_agent_is_free_again(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.home.carrier.person(shop.contact(), after_s=1)
    call = shop.ring()
    leg = shop.home.carrier.call_to(shop.contact())
    shop.home.carrier.until(leg, "whisper")
    shop.home.carrier.hang_up(call)
    assert shop.until_told("call", call, "abandoned")
    shop.nobody_left()


def test_called_back_and_gone_at_the_question_another_attempt_follows(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=2, retry_delays_s=[])
    ada = shop.home.new_number()
    filler = shop.occupy()
    shop.home.carrier.person(ada, script=[hear(HUMAN_CHECK), hang_up()])
    shop.home.carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    shop.home.carrier.hang_up(filler)
    shop.in_state(ada, "unreached")
    assert shop.home.carrier.creations(ada) == [ada, ada]
    shop.nobody_left()


def test_called_back_and_gone_while_the_agent_rings_another_attempt_follows(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=2, retry_delays_s=[600])
    ada = shop.home.new_number()
    filler = shop.occupy()
    shop.home.carrier.person(ada, script=TALKS)
    shop.home.carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    shop.home.carrier.person(shop.contact(), **RINGS_FOR_EVER)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "dialing")
    agents_leg = shop.home.carrier.call_to(shop.contact(), 2)
    shop.home.carrier.until(agents_leg, "ringing")
    shop.home.carrier.hang_up(leg)
    shop.home.carrier.until(agents_leg, "ended")
    shop.until(0, "available")
    callback = shop.in_state(ada, "waiting")
    assert [attempt["outcome"] for attempt in callback["attempts"]] == ["hung_up"]
    assert (callback["attempts_left"], callback["position"]) == (1, 1)


def test_called_back_and_gone_on_hold_another_attempt_follows(open_shop: OpenShop) -> None:
    shop = open_shop(attempts=2, retry_delays_s=[600])
    ada = shop.home.new_number()
    filler = shop.occupy()
    shop.home.carrier.person(ada, script=TALKS)
    shop.home.carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    shop.home.carrier.person(shop.contact(), answer="no-answer", after_s=1)
    shop.home.carrier.hang_up(filler)
    leg = shop.home.carrier.call_to(ada)
    shop.home.carrier.until(leg, "enqueued")
    shop.until(0, "away")
    assert shop.callback(ada)["state"] == "answered"
    shop.home.carrier.hang_up(leg)
    callback = shop.in_state(ada, "waiting")
    assert [attempt["outcome"] for attempt in callback["attempts"]] == ["hung_up"]
    assert callback["attempts_left"] == 1
    assert shop.now()["waiting"] == {"live": 0, "callbacks": 1}


def test_called_back_and_gone_while_a_second_agent_rings_both_are_free_of_each_other(open_shop: OpenShop) -> None:
    shop = open_shop(agents=2, attempts=2, retry_delays_s=[600])
    carrier, ada = shop.home.carrier, shop.home.new_number()
    fillers = [shop.occupy(0), shop.occupy(1)]
    carrier.person(ada, script=TALKS)
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    talkers = {carrier.leg(carrier.leg(one)["bridged_with"])["to"]: one for one in fillers}
    carrier.person(shop.contact(0), answer="no-answer", after_s=1)
    carrier.person(shop.contact(1), **RINGS_FOR_EVER)
    carrier.hang_up(talkers[shop.contact(0)])
    leg = carrier.call_to(ada)
    carrier.until(leg, "enqueued")
    shop.until(0, "away")
    carrier.hang_up(talkers[shop.contact(1)])
    carrier.until(carrier.call_to(shop.contact(1), 2), "ringing")
    carrier.hang_up(leg)
    shop.until(1, "available")
    callback = shop.in_state(ada, "waiting")
    assert (callback["attempts_left"], callback["position"]) == (1, 1)


def test_a_late_wait_document_of_a_leg_that_is_gone_leads_nobody_astray(open_shop: OpenShop) -> None:
    shop = open_shop()
    carrier, ada = shop.home.carrier, shop.home.new_number()
    filler = shop.occupy()
    carrier.person(ada, script=TALKS)
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    call = shop.ring(*answering("booked already", "2"), number=ada)
    carrier.until(call, "enqueued")
    carrier.hears(call, "You are next")
    late = next(one for one in carrier.ledger("webhook", sid=call) if "/voice/wait?" in one["url"])
    carrier.hang_up(call)
    shop.in_state(ada, "waiting")
    status, _ = shop.home.webhook(late["url"], late["form"])
    assert status == 200
    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    status, _ = shop.home.webhook(late["url"], late["form"])
    assert status == 200
    shop.nobody_left()


def test_positions_close_up_behind_whoever_leaves(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()
    first = shop.ring(*STAYS)
    shop.home.carrier.until(first, "enqueued")
    ada = shop.home.new_number()
    shop.home.carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    assert shop.callback(ada)["position"] == 2
    shop.home.carrier.hang_up(first)
    eventually(lambda: shop.callback(ada)["position"] == 1, every_s=0.1, what="the first place")
