"""The announced range, kept honest as it runs: what falls outside too often is widened, what never does is narrowed.

Each quantile carries an offset in units of the width of its own range. After every wait whose end is known the offset
moves up by the level if the wait was longer than announced, and down by the rest if it was shorter, so that in the long
run the announced p90 is passed by one wait in ten whatever the estimator is worth (adaptive conformal inference, Gibbs
and Candès 2021, on quantiles as in conformalised quantile regression, Romano et al. 2019).
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from callback.domain.forecast import LEVELS, Forecast

PACE, HASTE = 0.003, 100
"""How much one wait moves the offsets, in widths: some 300 waits are remembered. The first ones move them faster, the
n-th by 2 / (n + HASTE)."""
LOOKS_BACK, TOLERATED, URGENCY = 300.0, 0.2, 0.1
"""Where the last 300 waits or so passed a quantile too often or too seldom by more than 0.2 standard
deviations of one of them, its offset moves faster by that excess times the urgency."""
EVENED_BELOW, EVENED_ABOVE = 0.1, 0.2
"""What lies below and above p50 is drawn in where ranges are wide and let out where they are narrow, by this power of
the width. It costs no honesty as a whole (the interval score is the same to a thousandth), and the widest ranges say
more."""
USUAL_S = 100.0
"""The width that stays as it is."""


@dataclass(frozen=True)
class Calibration:
    """The offsets of p10, p50, p80 and p90 after so many waits, and how far off each was lately (in standard
    deviations of one wait). A new one is made after each wait."""

    offsets: tuple[float, ...] = (0.0,) * len(LEVELS)
    met: int = 0
    lately: tuple[float, ...] = (0.0,) * len(LEVELS)

    def of(self, raw: Forecast) -> Forecast:
        """The forecast as it is announced. The mean is left alone."""
        width = max(raw.p90 - raw.p10, 1.0)
        below, above = (width / USUAL_S) ** -EVENED_BELOW, (width / USUAL_S) ** -EVENED_ABOVE
        said: list[float] = []
        for quantile, offset in zip((raw.p10, raw.p50, raw.p80, raw.p90), self.offsets, strict=True):
            drawn = raw.p50 + (quantile - raw.p50) * (below if quantile < raw.p50 else above)
            said.append(max(drawn + offset * width, said[-1] if said else 0.0))
        return Forecast(raw.mean, *said)

    def after(self, announced: Forecast, waited: float) -> Self:
        """The calibration once this announcement has met its wait."""
        said = (announced.p10, announced.p50, announced.p80, announced.p90)
        pace = max(PACE, 2 / (self.met + HASTE))
        offsets, lately = list(self.offsets), list(self.lately)
        for at, (level, quantile) in enumerate(zip(LEVELS, said, strict=True)):
            missed = level - (waited <= quantile)
            lately[at] += (missed / math.sqrt(level * (1 - level)) - lately[at]) / LOOKS_BACK
            offsets[at] += missed * (pace + URGENCY * max(abs(lately[at]) - TOLERATED, 0.0))
        return replace(self, offsets=tuple(offsets), met=self.met + 1, lately=tuple(lately))
