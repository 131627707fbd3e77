"""Faults 10 to 13 and 17: the carrier's reports come twice, in any order, never, hours late; agents say it twice."""

import itertools
import time

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import exactly, fill, free, free_all, held, let_go, misbehaving, rung_once, sent_again
from tests.support.chaos.stage import Round, Stage, together
from tests.support.people import STAYS, TALKS
from tests.support.waiting import eventually

ONCE = ["waiting", "reserved", "dialing", "answered", "completed"]
"""The life of a callback to somebody who is there; that they talk, a record that is slow just then may miss."""
ORDERS = list(itertools.permutations(range(4)))
LAST_REPORTS = ("status", "dialled|status", "status|inbound/status", "status|dialled|agent/status|inbound/status")


@pytest.mark.fault(10)
def test_every_webhook_twice_at_once_leads_to_the_same_end_as_once(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        with misbehaving(played, side="webhook", copies=1, concurrent=True):
            played.open(cut_off_s=10)
            played.each(lambda stage: a_promise_and_a_holder(stage, "twice, at once"))

    provoke(play)


def a_promise_and_a_holder(stage: Stage, point: str) -> None:
    """One is called back and one holds: each is served once, in the order in which they came."""
    carrier = stage.house.carrier
    filler = fill(stage)
    ada = stage.promise()
    holder = stage.shop.ring(*STAYS)
    carrier.until(holder, "enqueued", timeout=40)
    stage.strike(point)
    stage.random_pause(0, 0.5)
    free(stage, filler)
    stage.talking(ada)
    assert not carrier.leg(holder)["bridged_with"], "whoever came later is served later"
    stage.rings_off(ada)
    carrier.until(holder, "bridged", timeout=40)
    stage.well()
    carrier.hang_up(holder)
    assert lived(stage, ada) == ONCE
    rung_once(stage, ada)


def lived(stage: Stage, number: str) -> list[str]:
    """The states that their callback went through."""
    return [state for state in stage.shop.states(number) if state != "bridged"]


@pytest.mark.fault(11)
def test_the_reports_on_a_call_converge_in_every_order(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        played.each(lambda stage: in_this_order(stage, ORDERS[(stage.trial * 7) % len(ORDERS)]))

    provoke(play)


def in_this_order(stage: Stage, order: tuple[int, ...]) -> None:
    """A call is rung, answered, talked on and over; only then its four reports arrive, in that order."""
    filler = fill(stage)
    ada = stage.promise()
    stage.fault(side="webhook", purpose="status", hold=True, form={"To": exactly(ada)})
    free(stage, filler)
    stage.talking(ada)
    stage.house.carrier.hang_up(stage.bridged(ada))
    reports = eventually(
        lambda: found if len(found := held(stage, To=ada)) == 4 else [], within_s=20, every_s=0.1, what="four reports"
    )
    stage.strike(", ".join(reports[at]["form"]["CallStatus"] for at in order))
    for at in order:
        let_go(stage, reports[at])
        stage.random_pause(0, 0.2)
    stage.shop.in_state(ada, "completed", within_s=40)
    stage.shop.nobody_left(within_s=40)
    stage.well()
    assert lived(stage, ada) == ONCE
    rung_once(stage, ada)


@pytest.mark.chaos
@pytest.mark.fault(12)
def test_when_the_last_webhook_never_comes_the_carrier_is_asked_and_the_agent_freed(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        lost = played.turn(LAST_REPORTS)
        played.open()
        fillers = played.each(fill)
        numbers = played.each(lambda stage: stage.promise())
        free_all(played, fillers)
        played.each(lambda stage: [stage.talking(number) for number in stage.case.promised] and None)
        with misbehaving(played, side="webhook", url=f"/voice/({lost})", drop=True):
            for stage, number in zip(played.stages, numbers, strict=True):
                stage.random_pause(0, 0.3)
                stage.strike(f"nobody says {lost}")
                stage.house.carrier.hang_up(stage.bridged(number or ""))
            played.each(lambda stage: found_out(stage))

    provoke(play)


def found_out(stage: Stage) -> None:
    """Asking the carrier ends the callback and frees the agent."""
    for number in stage.case.promised:
        stage.shop.in_state(number, "completed", within_s=60)
        rung_once(stage, number)
    stage.shop.nobody_left(within_s=60)
    stage.well()


@pytest.mark.chaos
@pytest.mark.fault(13)
def test_a_webhook_hours_late_touches_neither_the_newer_attempt_nor_the_agent(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open(attempts=2, retry_delays_s=[], ring_timeout_s=15)
        played.each(hears_of_the_first_attempt_late)

    provoke(play)


def hears_of_the_first_attempt_late(stage: Stage) -> None:
    """The first attempt was busy, which nobody reports until the second one rings, talks or is over, or there will be
    none, since they have cancelled."""
    filler = fill(stage)
    ada = stage.house.new_number()
    stage.house.carrier.do(
        "POST", "endpoints", {"address": ada, "behaviours": [{"answer": "busy"}, {"answer": "manual", "script": TALKS}]}
    )
    stage.ask(ada)
    stage.case.promised[ada] = frozenset({"completed"})
    rule = stage.fault(side="webhook", purpose="status", hold=True, form={"To": exactly(ada)})
    free(stage, filler)
    first = stage.house.carrier.call_to(ada)
    late = stage.rng.choice(("cancelled", "ringing", "talking", "over"))
    if late == "cancelled":
        stage.house.carrier.until(first, "ended")
        assert stage.cancel(ada)
    else:
        second = stage.house.carrier.call_to(ada, 2, timeout=60)
        stage.house.carrier.until(second, "ringing")
        stage.mend(rule)
    if late in {"talking", "over"}:
        stage.house.carrier.do("POST", f"legs/{second}/answer")
        stage.talking(ada)
    if late == "over":
        stage.rings_off(ada)
    stage.strike(f"the second attempt: {late}")
    for webhook in held(stage, CallSid=first):
        let_go(stage, webhook)
    assert sent_again(stage, first) == 0
    if late == "ringing":
        stage.house.carrier.do("POST", f"legs/{second}/answer")
        stage.talking(ada)
    if late in {"ringing", "talking"}:
        time.sleep(0.5)
        assert stage.bridged(ada) == second, "they talk on"
        assert stage.shop.agent()["status"] == "busy"
        stage.rings_off(ada)
    stage.well()
    assert len(stage.house.carrier.creations(ada)) == (1 if late == "cancelled" else 2)


@pytest.mark.fault(17)
def test_an_agent_who_is_free_twice_or_was_free_long_ago_gets_one_caller(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        played.each(free_again_and_again)

    provoke(play)


def free_again_and_again(stage: Stage) -> None:
    """All that ever said "free" of this agent is said again: while the next caller is rung, and while they talk."""
    carrier = stage.house.carrier
    filler = fill(stage)
    agents_leg = carrier.calls_to(stage.shop.contact())[-1]["sid"]
    ada, bob = stage.promise(by="api"), stage.promise(by="api")
    stage.strike("while the next is rung and talks")
    free(stage, filler)

    def says_so(_: int) -> None:
        stage.shop.presence(0, "available")
        sent_again(stage, agents_leg, "/status")
        sent_again(stage, filler, "/status", "/dialled")

    together(range(3), says_so)
    stage.talking(ada)
    together(range(3), says_so)
    assert stage.shop.agent()["status"] == "busy"
    assert carrier.creations(bob) == [], "the agent is taken"
    stage.rings_off(ada)
    together(range(2), says_so)
    stage.served(bob)
    stage.well()
    for number in (ada, bob):
        rung_once(stage, number)
