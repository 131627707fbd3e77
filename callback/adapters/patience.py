"""How long somebody on the phone can still wait: one budget for all that a webhook asks of any backend.

Each client has a limit of its own for each question. A webhook asks several, so that the sum of the limits is what
counts in the end. Here the door says once how much time there is, and every client takes the lesser of its limit and of
what is left. Where nobody waits (workers, commands), there is no budget and the limits stand alone.
"""

import math
from contextvars import ContextVar, Token
from time import monotonic
from types import TracebackType
from typing import Self

_deadline: ContextVar[float] = ContextVar("patience", default=math.inf)
"""A thread's and a green thread's own: neither sees the other's."""


def left(most: float = math.inf) -> float:
    """`most` seconds, or what is left of the budget where that is less; never below 0."""
    deadline = _deadline.get()
    return most if deadline == math.inf else max(min(most, deadline - monotonic()), 0.0)


class Within:
    """A block that may wait `seconds` in all from now on, whatever budget stood before."""

    __slots__ = ("_before", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._before: Token[float] = _deadline.set(monotonic() + self._seconds)
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        _deadline.reset(self._before)


def at_least(seconds: float) -> Within:
    """A block for which `seconds` are left in any case, such as a commit whose outcome nobody would know otherwise."""
    return Within(max(left(), seconds))
