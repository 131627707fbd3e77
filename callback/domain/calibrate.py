"""The announced range, kept honest as it runs: what falls outside too often is widened, what never does is narrowed.

Each quantile carries an offset in units of the width of its own range. After every wait whose end is known the offset
moves up by the level if the wait was longer than announced, and down by the rest if it was shorter, so that in the long
run the announced p90 is passed by one wait in ten whatever the estimator is worth (adaptive conformal inference, Gibbs
and Candès 2021, on quantiles as in conformalised quantile regression, Romano et al. 2019).
"""

from dataclasses import dataclass, replace
from typing import Self

from callback.domain.forecast import LEVELS, Forecast

PACE = 0.01
"""How much one wait moves the offsets: a few hundred waits are remembered."""
EVENING = 0.1
"""Wide ranges are drawn in and narrow ones let out by this power of their width: it costs no honesty as a whole (the
interval score is the same) and lets the widest ranges say more."""
USUAL_S = 100.0
"""The width that stays as it is."""


@dataclass(frozen=True)
class Calibration:
    """The offsets of p10, p50, p80 and p90. A new one is made after each wait."""

    offsets: tuple[float, ...] = (0.0,) * len(LEVELS)

    def of(self, raw: Forecast) -> Forecast:
        """The forecast as it is announced. The mean is left alone."""
        width = max(raw.p90 - raw.p10, 1.0)
        even = (width / USUAL_S) ** -EVENING
        said: list[float] = []
        for quantile, offset in zip((raw.p10, raw.p50, raw.p80, raw.p90), self.offsets, strict=True):
            drawn = raw.p50 + (quantile - raw.p50) * even
            said.append(max(drawn + offset * width, said[-1] if said else 0.0))
        return Forecast(raw.mean, *said)

    def after(self, announced: Forecast, waited: float) -> Self:
        """The calibration once this announcement has met its wait."""
        said = (announced.p10, announced.p50, announced.p80, announced.p90)
        moved = (
            offset + PACE * (level - (waited <= quantile))
            for offset, level, quantile in zip(self.offsets, LEVELS, said, strict=True)
        )
        return replace(self, offsets=tuple(moved))
