"""Work for later."""

from typing import Protocol

from callback.domain.ids import AttemptId, CallSid, Token


class Dispatch(Protocol):
    """Hands work to the workers, by task name and ids only, after the commit. A lost task is found by the sweep."""

    def connect(self, token: Token, delay_s: float = 0, *, paced: bool = False) -> None:
        """Act on a reservation: redirect a live leg, or dial a callback. `paced`: it holds its slot of the carrier's
        pace already, and `delay_s` is the time until it."""
        ...

    def dial_customer(self, attempt: AttemptId, delay_s: float = 0, *, paced: bool = False) -> None:
        """agent_first: the agent is on the line, now ring the caller."""
        ...

    def hang_up(self, call: CallSid, delay_s: float = 0, *, tries: int = 0) -> None:
        """End a leg; one that has ended is left as it is. `tries`: how often the carrier could not do it so far."""
        ...

    def redirect(self, call: CallSid, url: str, *, or_end: bool = False) -> None:
        """Send a leg to another document. `or_end`: a leg that cannot be sent there now is ended instead."""
        ...

    def text(self, id: str) -> None: ...
    def persist(self) -> None: ...
    def rebuild(self) -> None:
        """Fill the line again, if it was lost and nobody does so already."""
        ...
