"""How good a prediction of waits was: error of the mean, error of the median, bias, and honesty of the range.

RASE is the root of the averaged squared error, of `mean`, which a mean minimises. MAE is the mean absolute error, of
`p50`, which a median minimises. A range from p10 to p90 is honest when four of five waits fall into it, and useful when
it is narrow. Scored are callers who were answered and had to wait: the others' waits were never seen whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Errors in seconds. `coverage` and `width_s` are those of [p10, p90], None where no range was given."""

    calls: int
    rase: float
    mae: float
    bias: float
    coverage: float | None = None
    width_s: float | None = None


def score(
    waited: Sequence[float],
    mean: Sequence[float],
    median: Sequence[float],
    ranges: Sequence[tuple[float, float]] | None = None,
) -> Score | None:
    """The scores of predictions of these waits; the bias is that of `mean`, above 0 where too much was announced.

    None where there is nothing to score.
    """
    if not waited:
        return None
    calls = len(waited)
    errors = [guess - truth for guess, truth in zip(mean, waited, strict=True)]
    covered = width = None
    if ranges is not None:
        covered = sum(low <= truth <= high for (low, high), truth in zip(ranges, waited, strict=True)) / calls
        width = math.fsum(high - low for low, high in ranges) / calls
    return Score(
        calls=calls,
        rase=math.sqrt(math.fsum(error * error for error in errors) / calls),
        mae=math.fsum(abs(guess - truth) for guess, truth in zip(median, waited, strict=True)) / calls,
        bias=math.fsum(errors) / calls,
        coverage=covered,
        width_s=width,
    )
