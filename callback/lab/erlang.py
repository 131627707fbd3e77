"""Erlang A, the queue with impatient callers, without approximation: waits, service level and abandonment.

Callers arrive at rate lambda (Poisson), s agents take mu^-1 seconds each, and patience is exponential with rate theta;
both times have no memory. Let V be the offered wait, the wait of somebody who does not hang up. Summing over the number
waiting at an arrival, each of whom leaves the line by service or by impatience, gives its density for t > 0 in closed
form:

    f(t) = p_s s mu exp(-s mu t + lambda (1 - exp(-theta t)) / theta),      p_s = P(exactly s are in the system)

which is the law of Palm as Mandelbaum and Zeltyn (2007, "Service Engineering in Action: The Palm/Erlang-A Queue") have
it, written without its incomplete gamma functions. The share of arrivals that find a free agent is p_s times
s integral of exp(-a x) (1 + x)^(s - 1) dx over x > 0, with a = lambda / mu, which is Erlang's B in its integral form
(Jagerman 1974). Both exponents are concave, so one quadrature around their highest points gives every measure to about
1e-10, in the same time for 3 agents and for 10,000, for any load, and for a staffing that is no whole number.
Everlasting patience is Erlang C.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FALL = 46.0
"""An integrand that is down by a factor e^-46 (1e-20) adds nothing."""
_NODES = 80
_TABLE = np.polynomial.legendre.leggauss(_NODES)
_BISECTIONS = 60
_MOST_AGENTS = 1_000_000


@dataclass(frozen=True)
class ErlangA:
    """A steady queue: arrivals a second, mean seconds of a talk with its wrap-up, agents, mean seconds of patience.

    Where nobody is impatient and the agents cannot keep up, waits grow without bound: means are infinite then.
    Raises ValueError for figures that make no queue.
    """

    arrivals_per_s: float
    handle_s: float
    agents: float
    patience_s: float = math.inf

    def __post_init__(self) -> None:
        if not (0 <= self.arrivals_per_s < math.inf and 0 < self.handle_s < math.inf):
            raise ValueError("arrivals a second must be 0 or more, and the handle time above 0")
        if not (0 <= self.agents < math.inf and self.patience_s > 0):
            raise ValueError("agents must be 0 or more, and patience above 0")

    @property
    def load(self) -> float:
        """The work that arrives, in agents who would be busy all the time (erlangs)."""
        return self.arrivals_per_s * self.handle_s

    @cached_property
    def must_wait(self) -> float:
        """P(V > 0): the share of callers who find no agent free."""
        if self.arrivals_per_s == 0:
            return 0.0
        if self._hopeless:
            return 1.0
        return _share(self._log_waiting, self._log_free)

    @cached_property
    def abandoning(self) -> float:
        """The share of all callers who hang up before an agent is there."""
        if self.arrivals_per_s == 0 or math.isinf(self.patience_s):
            return 0.0
        if self.agents == 0:
            return 1.0
        return self.must_wait * self._mean_over_waits(lambda t: -np.expm1(-t / self.patience_s))

    @property
    def mean_wait_s(self) -> float:
        """Seconds that a caller waits on average, whoever hangs up included."""
        if self.arrivals_per_s == 0:
            return 0.0
        if self._hopeless:
            return self.patience_s
        if math.isinf(self.patience_s):
            return self.must_wait / (self.agents / self.handle_s - self.arrivals_per_s)
        return self.abandoning * self.patience_s

    @property
    def mean_waiting(self) -> float:
        """How many wait at one time on average (Little's law)."""
        return self.arrivals_per_s * self.mean_wait_s if self.arrivals_per_s else 0.0

    @property
    def occupancy(self) -> float:
        """The share of the agents' time that is taken by callers."""
        return 0.0 if self.agents == 0 else min(self.load * (1 - self.abandoning) / self.agents, 1.0)

    def offered_beyond(self, seconds: float) -> float:
        """P(V > t): the share of callers for whom no agent would be there within so long, were they to stay."""
        if self.arrivals_per_s == 0 or self._hopeless:
            return self.must_wait
        tail = self._integral(self._exponent, self._highest(0.0), seconds, math.inf)
        return self.must_wait * math.exp(min(tail - self._log_whole, 0.0))

    def waiting_beyond(self, seconds: float) -> float:
        """P(W > t): the share of callers who are still on the line, unserved, after so long."""
        return self.offered_beyond(seconds) * math.exp(-seconds / self.patience_s)

    def service_level(self, within_s: float) -> float:
        """The share of all callers who reach an agent within so long; one who hung up was not reached."""
        if self.arrivals_per_s == 0:
            return 1.0
        if self._hopeless:
            return 0.0
        at_once = 1 - self.must_wait
        if within_s <= 0:
            return at_once
        rate = 1 / self.patience_s
        served = self._integral(lambda t: self._exponent(t) - rate * t, self._highest(rate), 0.0, within_s)
        return min(at_once + self.must_wait * math.exp(min(served - self._log_whole, 0.0)), 1.0)

    def offered_quantile(self, share: float) -> float:
        """The seconds within which an agent is there for this share of callers who stay. Raises ValueError unless
        0 < share < 1."""
        if not 0 < share < 1:
            raise ValueError(f"a quantile needs a share between 0 and 1, not {share}")
        if self.must_wait <= 1 - share:
            return 0.0
        if self._hopeless:
            return math.inf
        low, high = 0.0, self.handle_s
        while self.offered_beyond(high) > 1 - share:
            low, high = high, 2 * high
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.offered_beyond(middle) > 1 - share else (low, middle)
        return high

    # --- the two integrals ------------------------------------------------------------------------------------------

    @property
    def _hopeless(self) -> bool:
        """Whether nobody is ever served in the long run: no agents, or patient callers in excess."""
        return self.agents == 0 or (math.isinf(self.patience_s) and self.load >= self.agents)

    def _exponent(self, t: Array) -> Array:
        """The logarithm of f(t) / (p_s s mu)."""
        held = t if math.isinf(self.patience_s) else -self.patience_s * np.expm1(-t / self.patience_s)
        exponent: Array = self.arrivals_per_s * held - self.agents / self.handle_s * t
        return exponent

    def _highest(self, extra: float) -> float:
        """Where `_exponent(t) - extra t` is highest."""
        need = self.agents / self.handle_s + extra
        if math.isinf(self.patience_s) or self.arrivals_per_s <= need:
            return 0.0
        return self.patience_s * math.log(self.arrivals_per_s / need)

    @cached_property
    def _log_whole(self) -> float:
        return self._integral(self._exponent, self._highest(0.0), 0.0, math.inf)

    @cached_property
    def _log_waiting(self) -> float:
        """log of P(V > 0) / p_s."""
        return math.log(self.agents / self.handle_s) + self._log_whole

    @cached_property
    def _log_free(self) -> float:
        """log of P(V = 0) / p_s, by Erlang's B for one agent fewer."""
        load, power = self.load, self.agents - 1
        highest = max(power / load - 1, 0.0)
        beside = _log_integral(lambda x: power * np.log1p(x) - load * x, highest, 0.0, math.inf, 1 / load)
        return math.log(self.agents) + beside

    def _mean_over_waits(self, value: Callable[[Array], Array]) -> float:
        """The mean of a function of V over those who wait."""
        points, weights = _points(self._exponent, self._highest(0.0), 0.0, math.inf, self._scale)
        return float(np.sum(weights * value(points)) / np.sum(weights))

    def _integral(self, exponent: Callable[[Array], Array], highest: float, low: float, high: float) -> float:
        return _log_integral(exponent, highest, low, high, self._scale)

    @property
    def _scale(self) -> float:
        """A time in which something changes: where the search for the ends of the integrand begins."""
        return self.handle_s / max(self.agents, 1.0)


def agents_needed(met: Callable[[int], bool], load: float) -> int:
    """The fewest agents for whom `met` holds, which more agents must not undo. `load` is where to begin, in erlangs.

    Raises ValueError where even a million are too few.
    """
    low, high = -1, max(math.ceil(load), 1)
    while not met(high):
        low, high = high, 2 * high
        if high > _MOST_AGENTS:
            raise ValueError("no number of agents meets this target")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if met(middle) else (middle, high)
    return high


def _share(one: float, other: float) -> float:
    """e^one / (e^one + e^other), whatever their size."""
    difference = other - one
    if difference > 0:
        small = math.exp(-difference)
        return small / (1 + small)
    return 1 / (1 + math.exp(difference))


def _log_integral(exponent: Callable[[Array], Array], highest: float, low: float, high: float, scale: float) -> float:
    """log of the integral of e^exponent from `low` to `high`; the exponent is concave, with its top at `highest`."""
    top = min(max(highest, low), high)
    peak = float(exponent(np.array([top]))[0])
    _, weights = _points(exponent, highest, low, high, scale)
    whole = float(np.sum(weights))
    return peak + math.log(whole) if whole > 0 else -math.inf


def _points(
    exponent: Callable[[Array], Array], highest: float, low: float, high: float, scale: float
) -> tuple[Array, Array]:
    """Nodes of a Gauss-Legendre rule on either side of the top, and weights that contain e^(exponent - its top)."""
    top = min(max(highest, low), high)
    peak = float(exponent(np.array([top]))[0])
    left = top - _reach(exponent, top, peak, -1.0, top - low, scale)
    right = top + _reach(exponent, top, peak, 1.0, high - top, scale)
    nodes, weights = [], []
    for begin, end in ((left, top), (top, right)):
        if end > begin:
            half = (end - begin) / 2
            at = begin + half * (_TABLE[0] + 1)
            nodes.append(at)
            weights.append(half * _TABLE[1] * np.exp(exponent(at) - peak))
    if not nodes:
        return np.zeros(1), np.zeros(1)
    return np.concatenate(nodes), np.concatenate(weights)


def _reach(
    exponent: Callable[[Array], Array], top: float, peak: float, side: float, most: float, scale: float
) -> float:
    """How far from the top the integrand is worth anything, to within a factor of 1.5."""
    if most <= 0:
        return 0.0

    def dead(distance: float) -> bool:
        return float(exponent(np.array([top + side * distance]))[0]) < peak - _FALL

    step = scale if math.isinf(most) else min(scale, most)
    while not dead(step) and step < most:
        step *= 1.5
    while dead(step) and dead(step / 1.5):
        step /= 1.5
    return min(step, most)
