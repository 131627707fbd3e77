"""Answering-machine detection: who picked up, and how long it takes to tell."""

from __future__ import annotations

from dataclasses import dataclass

from callback.emulator.clock import SimClock
from callback.emulator.leg import Leg

HUMAN_S = 3.0
MACHINE_S = 4.0
GREETING_S = 8.0
MAILBOX_S = 90.0


@dataclass(frozen=True)
class Detection:
    """What was asked for when the call was created.

    Args:
        to_end: wait for the end of a machine's greeting (DetectMessageEnd) instead of answering at once (Enable).
        url: where an asynchronous verdict goes; empty for synchronous detection, which holds back the TwiML.
        method: HTTP method of that.
        timeout_s: simulated seconds after which it is ``unknown``.
    """

    to_end: bool = False
    url: str = ""
    method: str = "POST"
    timeout_s: float = 30.0


async def detect(leg: Leg, detection: Detection, clock: SimClock) -> str:
    """Listens to the answered ``leg`` and gives the AnsweredBy word."""
    word, seconds = _verdict(leg, detection)
    if seconds > detection.timeout_s:
        word, seconds = "unknown", detection.timeout_s
    await clock.sleep(seconds)
    leg.answered_by = word
    return word


def _verdict(leg: Leg, detection: Detection) -> tuple[str, float]:
    word = leg.amd_verdict or leg.machine or "human"
    if word == "machine_start" and detection.to_end:
        return "machine_end_beep", GREETING_S
    return word, MACHINE_S if word.startswith("machine") else HUMAN_S


async def mailbox(leg: Leg, clock: SimClock) -> None:
    """What a voicemail does once it has picked up: greet, beep, record, and hang up when full."""
    await clock.sleep(GREETING_S)
    if not leg.ended.is_set():
        leg.hear("beep")
    await clock.sleep(MAILBOX_S)
    leg.finish("completed")
