"""The words in which a journey says what people do on the telephone; the carrier plays them in its own time.

A script runs inside the carrier, so that a slow machine makes nobody miss a question. Times are simulated seconds.
"""

from typing import Any

Step = dict[str, Any]

OFFER = "called back without losing your place"
"""Spoken with every offer of a callback."""
READBACK = "If that is correct, press 1"
NUMBER = "enter the number we should call"
PROMISE = "We will call you back"
HOLDING = "in line|You are next|nearly your turn"
HUMAN_CHECK = "To talk to us now, press 1"
WHISPER = "Press 1 to take the call"


def hear(pattern: str) -> Step:
    """Wait until something said from here on matches."""
    return {"hear": pattern}


def press(keys: str) -> Step:
    """Press keys, one after the other."""
    return {"press": keys}


def wait_for(state: str) -> Step:
    """Wait until the leg is in that state: gather, enqueued, dialing, bridged, …"""
    return {"wait": state}


def pause(seconds: float) -> Step:
    """Do nothing."""
    return {"sleep_s": seconds}


def hang_up() -> Step:
    """Put the phone down."""
    return {"hang_up": True}


def answering(pattern: str, keys: str) -> list[Step]:
    """Hear a question, and press keys."""
    return [hear(pattern), press(keys)]


TAKES_THE_OFFER = [*answering(OFFER, "1"), *answering(READBACK, "1")]
"""Wants to be called back at the number they ring from."""
INSISTS = [*TAKES_THE_OFFER, *(2 * [*answering("to be called back instead", "1"), *answering(READBACK, "1")])]
"""The same where the record may take longer than a caller is kept waiting, as on a machine that stands still for a
second: they hold, hear the offer again and take it then."""
STAYS = answering(OFFER, "2")
TALKS = 3 * answering(HUMAN_CHECK, "1")
"""Called back: there, and wants to talk. Says so again where something of ours died and they are asked again."""
