"""Faults 14, 15 and 19 to 21: the carrier refuses or says nothing, callers ring in or change their mind, agents go."""

import time
from datetime import datetime
from typing import Any

import pytest

from tests.chaos.conftest import Provoke
from tests.support.chaos.acts import CALLS, PRESSES, exactly, fill, free, free_all, promises, rung_once
from tests.support.chaos.stage import Round, Stage
from tests.support.people import STAYS, TALKS, answering
from tests.support.waiting import eventually

KNOWN = "Your callback is booked already"
KEEPS = answering(KNOWN, "1")
HOLDS = answering(KNOWN, "2")
SILENCES: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "a hang": {"hang_s": 6.0, "disconnect": True},
    "a garbage 201": {"status": 201, "body": "<html>created, somehow</html>"},
    "a 201 without a sid": {"status": 201, "body": "{}"},
}
GONE: dict[str, dict[str, Any]] = {
    "the agent's leg failed": {"answer": "failed"},
    "the agent is on another call": {"answer": "busy"},
    "the agent's voicemail answers": {"answer": "machine", "after_s": 1},
    "the agent hears it too late": {"answer": "no-answer", "after_s": 3},
    "the agent is cut off at once": {**PRESSES, "talk_s": 2},
    "the agent is cut off within seconds": {**PRESSES, "talk_s": 60},
}


@pytest.mark.chaos
@pytest.mark.fault(14)
def test_a_burst_of_refusals_is_outlasted_and_no_attempt_is_spent(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        numbers = promises(played)
        for stage, number in zip(played.stages, numbers, strict=True):
            times = stage.rng.randint(1, 4)
            stage.fault(side="rest", method="POST", url=CALLS, status=429, code=20429, times=times,
                        form={"To": exactly(number)})  # fmt: skip
            stage.strike(f"{times} refusals")
        free_all(played, fillers)
        played.each(outlasts)

    provoke(play)


def outlasts(stage: Stage) -> None:
    """Served in the end, by one call, with every attempt left."""
    for number in stage.case.promised:
        stage.served(number)
        stage.well()
        assert len(stage.house.carrier.calls_to(number)) == 1
        assert stage.shop.callback(number)["attempts_left"] == 3, "nothing is spent"


@pytest.mark.chaos
@pytest.mark.fault(15)
def test_whether_the_carrier_accepted_is_found_out_and_nobody_is_rung_twice_or_forgotten(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open()
        fillers = played.each(fill)
        numbers = promises(played)
        for stage, number in zip(played.stages, numbers, strict=True):
            what, when = list(SILENCES)[stage.trial % len(SILENCES)], stage.rng.choice(("before", "after"))
            stage.fault(side="rest", method="POST", url=CALLS, when=when, times=1,
                        form={"To": exactly(number)}, **SILENCES[what])  # fmt: skip
            stage.strike(f"{what}, {'accepted' if when == 'after' else 'not accepted'}")
        free_all(played, fillers)
        played.each(outlasts)

    provoke(play)


@pytest.mark.fault(19)
def test_who_rings_in_while_being_dialled_is_served_on_one_leg(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open(ring_timeout_s=8)
        played.each(rings_in)

    provoke(play)


def rings_in(stage: Stage) -> None:
    """Somewhere between the reservation and the answer; they hold with their place, or keep the callback."""
    carrier = stage.house.carrier
    filler = fill(stage)
    ada = stage.house.new_number()
    carrier.do(
        "POST", "endpoints", {"address": ada, "behaviours": [{"answer": "manual", "script": TALKS}, {"script": TALKS}]}
    )
    stage.ask(ada)
    stage.case.promised[ada] = frozenset({"completed"})
    keeps = stage.rng.random() < 0.4
    free(stage, filler)
    span = stage.random_pause(0, 1.2)
    stage.strike(f"{span:.2f} s after the agent was free, {'keeps the callback' if keeps else 'holds'}")
    call = stage.shop.ring(*(KEEPS if keeps else HOLDS), number=ada)
    if keeps:
        carrier.until(call, "ended", timeout=40)
        picks_up(stage, ada)
        stage.talking(ada)
        stage.rings_off(ada)
    else:
        carrier.until(call, "bridged", timeout=40)
        stage.shop.in_state(ada, "bridged")
        assert not stage.bridged(ada), "they talk on one leg"
        eventually(lambda: legs_over(stage, ada), within_s=20, every_s=0.1, what="the leg that rang has ended")
        carrier.hang_up(call)
        stage.shop.in_state(ada, "completed")
    stage.well()
    assert len(carrier.creations(ada)) <= (2 if keeps else 1)


def picks_up(stage: Stage, number: str) -> None:
    """The phone that rings by hand is answered, if it still rings."""
    for leg in stage.house.carrier.calls_to(number, 1, 20):
        if leg["status"] == "ringing":
            stage.house.carrier.do("POST", f"legs/{leg['sid']}/answer")


def legs_over(stage: Stage, number: str) -> bool:
    """Whether no call of ours to them goes on."""
    legs = stage.house.carrier.calls_to(number)
    return all(leg["status"] in {"canceled", "completed", "busy", "failed", "no-answer"} for leg in legs)


@pytest.mark.fault(20)
def test_after_an_acknowledged_cancel_nobody_is_dialled_and_nobody_is_bridged(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        queued = played.turn((False, True))
        played.open()
        fillers = played.each(fill)
        numbers = played.each(lambda stage: stage.promise(script=TALKS, after_s=stage.rng.uniform(1, 30)))
        if queued:
            played.house.carrier.do("POST", "account", {"calls_per_second": 2})
        try:
            free_all(played, fillers)
            callers = dict(zip((stage.trial for stage in played.stages), numbers, strict=True))
            played.each(lambda stage: changes_their_mind(stage, callers[stage.trial] or "", queued=queued))
        finally:
            played.house.carrier.do("POST", "account", {"calls_per_second": None})

    provoke(play)


def changes_their_mind(stage: Stage, ada: str, *, queued: bool) -> None:
    """At any moment from the reservation to the talk; the agent serves the next all the same."""
    span = stage.random_pause(0, 2.0)
    stage.strike(f"{span:.2f} s after the agent was free{', queued at the carrier' if queued else ''}")
    if stage.cancel(ada):
        eventually(lambda: legs_over(stage, ada), within_s=30, every_s=0.1, what="nothing rings any more")
        assert not bridged_after(stage, ada, stage.case.cancelled[ada]), "bridged after the cancel"
    else:
        stage.point += ", too late"
        stage.served(ada)
    bob = stage.promise(by="api")
    stage.served(bob)
    stage.well()


def bridged_after(stage: Stage, number: str, at: float) -> bool:
    """Whether they talked to anybody after that moment."""
    heard = [sound for leg in stage.house.carrier.calls_to(number) for sound in leg["heard"]]
    return any(one["kind"] == "bridged" and datetime.fromisoformat(one["at"]).timestamp() > at for one in heard)


@pytest.mark.fault(21)
def test_when_the_agent_is_gone_the_caller_is_at_the_front_again_and_another_agent_found(provoke: Provoke) -> None:
    def play(played: Round) -> None:
        played.open(agents=2, cut_off_s=10, ring_timeout_s=8)
        played.each(loses_the_agent)

    provoke(play)


def loses_the_agent(stage: Stage) -> None:
    """The first agent falls away before or soon after the talk began; whoever came later is served later."""
    carrier = stage.house.carrier
    fillers = [stage.shop.occupy(0), stage.shop.occupy(1)]
    ada = stage.promise()
    late = stage.shop.ring(*STAYS)
    carrier.until(late, "enqueued", timeout=40)
    how = list(GONE)[stage.trial % len(GONE)]
    contact = carrier.leg(carrier.leg(fillers[0])["bridged_with"])["to"]
    carrier.do("POST", "endpoints", {"address": contact, "behaviours": [GONE[how], PRESSES]})
    rung = len(carrier.calls_to(contact))
    carrier.hang_up(fillers[0])
    carrier.calls_to(contact, rung + 1, 30)
    stage.strike(how)
    gone = carrier.calls_to(contact)[rung]["sid"]
    carrier.until(gone, "ended", timeout=40)
    eventually(lambda: back_in_line(stage, ada), within_s=20, every_s=0.05, what="back in line, or with an agent")
    assert not carrier.leg(late)["bridged_with"], "the place is kept"
    carrier.hang_up(fillers[1])
    stage.talking(ada)
    time.sleep(stage.rng.uniform(0, 0.3))
    stage.well()
    stage.rings_off(ada)
    for agent in stage.shop.agents:
        stage.house.presence(agent, "available")
    carrier.until(late, "bridged", timeout=40)
    carrier.hang_up(late)
    rung_once(stage, ada)


def back_in_line(stage: Stage, number: str) -> bool:
    """Whether they hold again, having heard the apology, or talk to somebody already."""
    leg = stage.house.carrier.calls_to(number)[-1]
    return bool(leg["bridged_with"]) or ("enqueued" in leg["doing"] and leg["gathering"])
