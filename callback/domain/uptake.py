"""How many of those who are offered a callback take it, as far as a queue has shown."""

from dataclasses import dataclass
from datetime import timedelta

PRIOR, PRIOR_OFFERS = 0.5, 20
"""Before anything was seen half of them do, which counts as much as this many offers."""
LATELY = timedelta(weeks=8)
"""So far back offers are counted: callers and the words of an offer change."""


@dataclass(frozen=True)
class Uptake:
    """So many callers were offered a callback, of whom so many took it."""

    offers: int = 0
    taken: int = 0

    @property
    def share(self) -> float:
        """What to expect of the next, from 0 to 1: the mean of the beta law with the prior and what was seen."""
        return (PRIOR * PRIOR_OFFERS + self.taken) / (PRIOR_OFFERS + self.offers)

    @property
    def percent(self) -> int:
        """The same in whole per cent."""
        return round(100 * self.share)
