"""What callers do while something is amiss, and how all of them are served in the end, as they were told."""

import time
from typing import Any

from tests.support.chaos.acts import rung_once
from tests.support.chaos.stage import Stage
from tests.support.people import OFFER, PROMISE, READBACK, STAYS, TALKS, answering, hear
from tests.support.waiting import eventually


def reaches_the_readback(stage: Stage) -> str:
    """Somebody has taken the offer and is asked whether the number is right."""
    number = stage.house.new_number()
    stage.house.carrier.person(number, script=TALKS)
    leg = stage.shop.ring(*answering(OFFER, "1"), hear(READBACK), number=number)
    stage.house.carrier.hears(leg, READBACK, timeout=40)
    stage.house.carrier.until(leg, "gather")
    return leg


def rings_or_signs_up(stage: Stage, leg: str | None, point: str) -> list[str]:
    """One confirms the number, one arrives; each hears something soon. Gives their legs."""
    stage.random_pause(0, 2)
    stage.strike(point)
    arrives = stage.shop.ring(*STAYS)
    if leg:
        stage.house.carrier.press(leg, "1")
        eventually(lambda: told_or_holding(stage, leg), within_s=20, every_s=0.1, what="told or on hold")
    eventually(lambda: told_or_holding(stage, arrives), within_s=20, every_s=0.1, what="on hold")
    return [one for one in (leg, arrives) if one]


def told_or_holding(stage: Stage, leg: str) -> bool:
    """Whether they were promised a callback, or stand in the carrier's queue, or talk."""
    now = stage.house.carrier.leg(leg)
    return heard_the_promise(now) or "enqueued" in now["doing"] or bool(now["bridged_with"])


def heard_the_promise(leg: dict[str, Any]) -> bool:
    """Whether somebody told them that they will be called back."""
    return any(PROMISE in heard["text"] for heard in leg["heard"])


def all_are_served(stage: Stage, legs: list[str], *, once: bool = True) -> None:
    """In whatever order: who was promised a callback is rung, `once` or until they have talked; who holds talks."""
    carrier = stage.house.carrier
    left = {leg for leg in legs if not promised_by(stage, leg)}
    deadline = time.monotonic() + 90
    while left or any(stage.shop.callback(number)["state"] != "completed" for number in stage.case.promised):
        assert time.monotonic() < deadline, f"not served: {left}, {stage.house.callbacks(queue=stage.shop.key)}"
        for number in stage.case.promised:
            if leg := stage.bridged(number):
                stage.well()
                carrier.hang_up(leg)
        for leg in sorted(left):
            if carrier.leg(leg)["bridged_with"]:
                carrier.hang_up(leg)
                left.discard(leg)
        time.sleep(0.2)
    stage.well()
    for number in stage.case.promised:
        if once:
            rung_once(stage, number)


def promised_by(stage: Stage, sid: str) -> bool:
    """Whether that call ended in a promise, which is then owed."""
    leg = stage.house.carrier.leg(sid)
    if heard_the_promise(leg):
        stage.case.promised[leg["from"]] = frozenset({"completed"})
        return True
    return False
