"""A forecast wait as five numbers: what is announced, shown, stored beside the outcome, and scored."""

from dataclasses import dataclass
from typing import Self

from callback.domain import wait

LEVELS = wait.LEVELS
"""The quantiles that are forecast, in the order of the fields."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The offered wait in seconds: until service would start for somebody who does not hang up."""

    mean: float
    p10: float
    p50: float
    p80: float
    p90: float

    @property
    def numbers(self) -> tuple[float, float, float, float, float]:
        """All five, in the order of the fields."""
        return (self.mean, self.p10, self.p50, self.p80, self.p90)

    @classmethod
    def of(cls, known: wait.Wait) -> Self:
        """The numbers of a wait that is known. Raises ValueError for one that is not."""
        if known.mean is None:
            raise ValueError("nobody can know this wait: there is no forecast of it")
        return cls(known.mean, *(known.quantile(level) or 0.0 for level in LEVELS))
