"""What is kept of an estimator in the record, so that whoever starts anew goes on where the last one stopped.

Apart from the estimator itself, since whoever stores or shows it needs no arrays.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Errors:
    """How far off forecasts were lately: root of the mean squared error of the mean, and mean absolute error of the
    median, in seconds; of what was announced and of the simple rule."""

    rase_s: float = 0.0
    mae_s: float = 0.0
    simple_rase_s: float = 0.0
    simple_mae_s: float = 0.0


@dataclass(frozen=True)
class Stored:
    """One version of an estimator: its models as bytes (empty: none), how its ranges were calibrated (of those who join
    and of those who stand), how much of the model was announced, how many waits it rests on and how good it was.

    `seq` is the last row of the journal that it has learnt from.
    """

    version: int
    at: datetime
    seq: int
    waits: int
    joining: bytes
    standing: bytes
    calibration: tuple[tuple[float, ...], tuple[float, ...]]
    share: float
    errors: Errors = Errors()
