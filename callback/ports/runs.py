"""Long computations that pages ask for."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Run:
    """What is worked out for somebody at this moment, and how much of it is done, in per cent."""

    what: str
    percent: int


class Runs(Protocol):
    """Long computations that pages ask for, as all web processes see them: one at a time for each who asks. `who` and
    `what` are names without a meaning. A run whose process died ends `for_s` after it was last heard of. Where nobody
    else can be asked, everybody is alone. Never raises."""

    def begin(self, who: str, what: str, *, for_s: float) -> bool:
        """False: something is worked out for them already."""
        ...

    def running(self, who: str) -> Run | None: ...
    def tell(self, who: str, what: str, percent: int, *, for_s: float) -> bool:
        """So much is done. False: it was stopped."""
        ...

    def end(self, who: str, what: str) -> None:
        """The next may begin."""
        ...

    def stop(self, who: str) -> None:
        """Whatever is worked out for them is to end."""
        ...

    def keep(self, what: str, answer: str, *, for_s: float) -> None:
        """For whoever asks the same, at whichever process."""
        ...

    def answer(self, what: str) -> str | None: ...


class NoRuns:
    """A process that is alone."""

    def begin(self, who: str, what: str, *, for_s: float) -> bool:  # noqa: ARG002
        """Nobody else works anything out."""
        return True

    def running(self, who: str) -> Run | None:  # noqa: ARG002
        """Nothing."""
        return None

    def tell(self, who: str, what: str, percent: int, *, for_s: float) -> bool:  # noqa: ARG002
        """Nobody can have stopped it."""
        return True

    def end(self, who: str, what: str) -> None:
        """Nobody waits for it."""

    def stop(self, who: str) -> None:
        """Nobody hears it."""

    def keep(self, what: str, answer: str, *, for_s: float) -> None:
        """Nobody asks for it."""

    def answer(self, what: str) -> str | None:  # noqa: ARG002
        """Nothing was kept."""
        return None
