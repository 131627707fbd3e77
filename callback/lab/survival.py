"""How long people would have waited, learnt from waits that mostly were cut short by service.

The product-limit estimate (Kaplan and Meier 1958): at each moment at which somebody gave up, the share that goes on
waiting falls by the givers-up over those still in line. Beyond the last of them nothing was seen, so patience goes on
without a memory there, at the rate of the whole: givers-up over seconds waited. A service cuts a wait short and says
only that its caller's patience was longer; what is drawn for them is drawn from the law beyond that moment.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

PRIOR_LEAVERS = 10
"""The first guess at patience counts as so many callers who hung up after it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The share `left[i]` still waits after `times[i]`; beyond the last time it dies away at `rate` a second."""

    times: tuple[float, ...]
    left: tuple[float, ...]
    rate: float

    @classmethod
    def learn(cls, waits: Iterable[tuple[float, bool]], prior_s: float) -> "Patience":
        """From seconds waited, each with whether it ended by giving up; `prior_s` is the mean where nobody did."""
        ordered = sorted(waits)
        total = PRIOR_LEAVERS * prior_s + math.fsum(seconds for seconds, _ in ordered)
        gone = PRIOR_LEAVERS + sum(gave_up for _, gave_up in ordered)
        there, share = len(ordered), 1.0
        times, left = [], []
        for seconds, group in groupby(ordered, key=lambda wait: wait[0]):
            ended = [gave_up for _, gave_up in group]
            leavers = sum(ended)
            if leavers and there > leavers:  # a step to nothing would say that nobody ever waits longer
                share *= 1 - leavers / there
                times.append(seconds)
                left.append(share)
            there -= len(ended)
        return cls(tuple(times), tuple(left), gone / total)

    def still_there(self, seconds: float) -> float:
        """The share that waits longer than `seconds`."""
        at = bisect_right(self.times, seconds) - 1
        share = self.left[at] if at >= 0 else 1.0
        beyond = seconds - (self.times[-1] if self.times else 0.0)
        return share * math.exp(-self.rate * beyond) if beyond > 0 and at == len(self.times) - 1 else share

    def draw(self, u: float, beyond: float = 0.0) -> float:
        """The patience (seconds) of somebody who has waited `beyond` already; `u` is uniform between 0 and 1."""
        share = self.still_there(beyond) * (1 - u)
        last = self.left[-1] if self.left else 1.0
        if share >= last and self.times:
            # `left` falls: the first time at which no more than this share is left.
            found = self.times[bisect_left(self.left, -share, key=lambda value: -value)]
            return max(found, beyond)
        start = max(self.times[-1] if self.times else 0.0, beyond)
        reference = min(last, self.still_there(start))
        return start + math.log(reference / max(share, 1e-300)) / self.rate
