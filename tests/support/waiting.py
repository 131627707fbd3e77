"""Waiting for something another process does: a condition and a deadline, never a guessed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TRIES = 5


def quickest(act: Callable[[], float]) -> float:
    """Of a few tries the shortest, as `act` tells their seconds: a busy machine makes some slow, a defect makes all."""
    return min(act() for _ in range(TRIES))


def eventually(condition: Callable[[], T], *, within_s: float = 45.0, every_s: float = 0.02, what: str = "") -> T:
    """What `condition` gives as soon as it is truthy.

    Raises AssertionError naming `what` when `within_s` seconds have passed without that.
    """
    deadline = time.monotonic() + within_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or condition}")
        time.sleep(every_s)
