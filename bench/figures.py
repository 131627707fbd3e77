"""What a benchmark yields: one figure a row of the table, with its target and whether it was met."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Target:
    """A bound: `at_least` or at most `bound`."""

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether the bound holds. A value that is no number meets nothing."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """`ours` and `reference` in `unit`. The target is about the ratio where there is a reference, else about `ours`.

    `target` None: told for what it is worth, with nothing to hold it against.
    """

    row: str
    what: str
    unit: str
    ours: float
    reference: float | None = None
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        return self.target.met_by(self.ours if self.ratio is None else self.ratio)

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the target as it is read aloud."""
        target = str(self.target) if self.target else None
        return {**asdict(self), "target": target, "met": self.met}


def compared(
    row: str, what: str, unit: str, ours: Sequence[float], reference: Sequence[float], target: Target | None
) -> Figure:
    """Rounds that took turns, as one figure: the median of the rounds' ratios, beside the median of each side.

    Raises ValueError unless both sides have the same number of rounds, and at least one.
    """
    ratios = [a / b for a, b in zip(ours, reference, strict=True)]
    if not ratios:
        raise ValueError(f"{row}, {what}: no round was measured")
    return Figure(row, what, unit, median(ours), median(reference), median(ratios), target)


def percentile(values: Sequence[float], p: float) -> float:
    """The smallest value that at least the share `p` of them does not exceed (nearest rank).

    Raises ValueError without values, or unless 0 < p <= 1.
    """
    if not values or not 0 < p <= 1:
        raise ValueError(f"no percentile {p} of {len(values)} values")
    return sorted(values)[math.ceil(p * len(values)) - 1]
