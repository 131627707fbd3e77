"""The wait of whoever joins next, as a distribution: the simple, honest one.

With n callers ahead, s agents who each finish at rate mu and callers who lose patience at rate theta, the caller moves
up one place at rate s mu + i theta while i are still ahead. Their wait is the sum of n + 1 exponential times with these
rates, so

    mean = sum over i = 0..n of 1 / (s mu + i theta),    variance = sum over i = 0..n of 1 / (s mu + i theta)^2

(QLm in the literature on delay announcements: Ibrahim and Whitt, 2009). Quantiles are those of the gamma distribution
with this mean and variance: exact for nobody ahead, and exact for endless patience (Erlang). Mean handle time and mean
patience are the queue's priors until measured times outweigh them. With nobody staffed, nothing is known.

A better estimator takes the place of `estimate` by fulfilling `Estimator`.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol

from callback.domain import basis
from callback.domain.lifecycle import STAFFED, AgentStatus
from callback.domain.policy import Policy

LEVELS = (0.1, 0.5, 0.8, 0.9)
"""The quantiles that are forecast one by one."""
PRIOR_TALKS = 10
"""The prior handle time counts as much as this many measured conversations."""
PRIOR_ABANDONMENTS = 10
"""The prior patience counts as much as this many callers who were seen to hang up."""

_SUMMED_DIRECTLY = 16
"""So many terms of the sums are added one by one; beyond them the closed form is accurate to 1e-10."""
_LARGE_SHAPE = 100
"""From this shape on the expansion of the gamma quantile is accurate to 1e-7 between its 1st and 99th percentile."""
_MIDDLE_SHAPE, _IN_THE_MIDDLE = 4, 2.33
_ACCURATE = 1e-12
_NEAR = 1e-4
"""A step of the refinement below this leaves an error of about its cube."""
_MOST_STEPS = 60
_TINY = 1e-300
_STANDARD = NormalDist()


@dataclass(frozen=True)
class Measured:
    """What was measured in a queue lately: the sufficient statistics of the simple wait.

    `handled` conversations lasted `handled_s` seconds in all (talk plus wrap-up); callers waited `waited_s` seconds in
    all, served or not, and `abandoned` of them hung up: `waited_s / abandoned` estimates patience with censoring.
    """

    handled: float = 0
    handled_s: float = 0
    abandoned: float = 0
    waited_s: float = 0


NOTHING_MEASURED = Measured()
"""A queue without a past: its priors alone speak."""


@dataclass(frozen=True)
class Wait:
    """How long somebody will wait for an agent if they do not hang up, in seconds. `mean` None: nobody can know.

    `basis` says in words what the figures rest on (`basis.read` gives the data of it). `model` is the version of the
    learnt model that spoke, "" for the simple rule of this module; `simple` is what that rule says beside a model.
    `points` are the quantiles at `LEVELS` where they were forecast one by one; else the law is a gamma with this mean
    and standard deviation.
    """

    mean: float | None
    sd: float | None
    basis: str
    model: str = ""
    simple: "Wait | None" = None
    points: tuple[float, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there are any figures."""
        return self.mean is not None

    @property
    def p10(self) -> float | None:
        """One of ten waits less."""
        return self.quantile(0.1)

    @property
    def p50(self) -> float | None:
        """As likely longer as shorter."""
        return self.quantile(0.5)

    @property
    def p80(self) -> float | None:
        """Four of five wait less."""
        return self.quantile(0.8)

    @property
    def p90(self) -> float | None:
        """Nine of ten wait less."""
        return self.quantile(0.9)

    def quantile(self, p: float) -> float | None:
        """The seconds within which an agent is there with probability `p`, None where that is unknown.

        By the `points` where there are any; else gamma with this mean and standard deviation, relative error below
        1e-7. Raises ValueError unless 0 < p < 1.
        """
        if not 0 < p < 1:
            raise ValueError(f"a quantile needs a probability between 0 and 1, not {p}")
        if self.mean is None or self.sd is None:
            return None
        if self.points:
            return _between(self.points, p)
        if self.mean <= 0 or self.sd <= 0:
            return max(self.mean, 0.0)
        shape = (self.mean / self.sd) ** 2
        return self.mean / shape * _gamma_quantile(shape, p)


UNKNOWN = Wait(mean=None, sd=None, basis=str(basis.Basis(basis.Ground.UNKNOWN)))
"""Nobody is staffed: no number would be honest."""
FREE = Wait(mean=0.0, sd=0.0, basis=str(basis.Basis(basis.Ground.FREE)))
"""An agent is free for this caller."""


class Estimator(Protocol):
    """Whatever turns the state of a queue into the wait at a place: `estimate`, or something that learned more."""

    def __call__(self, *, ahead: int, agents: Mapping[AgentStatus, int], measured: Measured, policy: Policy) -> Wait:
        """The wait of a caller with `ahead` others before them. `UNKNOWN` where nobody is staffed."""
        ...


def estimate(*, ahead: int, agents: Mapping[AgentStatus, int], measured: Measured, policy: Policy) -> Wait:
    """The wait of a caller with `ahead` others before them, by the formula of this module. Constant time in `ahead`.

    Agents who are free take the first of those ahead, so only the rest is still before this caller.
    """
    free = agents.get(AgentStatus.AVAILABLE, 0)
    staffed = sum(count for status, count in agents.items() if status in STAFFED)
    if staffed <= 0:
        return UNKNOWN
    if free > ahead:
        return FREE
    service = staffed / mean_handle(measured, policy)
    mean, variance = qlm(ahead - free, service, 1 / mean_patience(measured, policy))
    return Wait(mean=mean, sd=math.sqrt(variance), basis=_basis(measured, policy))


def mean_handle(measured: Measured, policy: Policy) -> float:
    """Mean seconds of a conversation and its wrap-up: the mean of `PRIOR_TALKS` prior ones and all measured ones."""
    return (PRIOR_TALKS * policy.prior_handle_s + measured.handled_s) / (PRIOR_TALKS + measured.handled)


def mean_patience(measured: Measured, policy: Policy) -> float:
    """Mean seconds until a caller would hang up: time waited by everybody over the number who hung up.

    That is the maximum likelihood estimate for exponential patience when service cuts the observation short; the prior
    enters as `PRIOR_ABANDONMENTS` callers who hung up after `prior_patience_s` each.
    """
    waited = PRIOR_ABANDONMENTS * policy.prior_patience_s + measured.waited_s
    return waited / (PRIOR_ABANDONMENTS + measured.abandoned)


def qlm(ahead: int, service: float, impatience: float) -> tuple[float, float]:
    """Mean and variance (seconds, seconds squared) of the wait with `ahead` others before, in constant time.

    `service` is s mu and `impatience` theta, both per second and above 0. The sums are differences of digamma and
    trigamma: with a = s mu / theta they are (psi(a + n + 1) - psi(a)) / theta and
    (psi'(a) - psi'(a + n + 1)) / theta^2. Their first terms are added one by one, the rest comes from the asymptotic
    series (Abramowitz and Stegun 6.3.18, 6.4.12), subtracted term by term so that little is cancelled.
    """
    direct = min(ahead + 1, _SUMMED_DIRECTLY)
    steps = [1 / (service + i * impatience) for i in range(direct)]
    mean, variance = math.fsum(steps), math.fsum(step * step for step in steps)
    rest = ahead + 1 - direct
    if rest > 0:
        start = service / impatience + direct
        mean += _digamma_rise(start, rest) / impatience
        variance += _trigamma_fall(start, rest) / impatience**2
    return mean, variance


def _digamma_rise(a: float, n: int) -> float:
    """psi(a + n) - psi(a) for a of at least 16."""
    b = a + n
    return math.log1p(n / a) + n / (2 * a * b) + _digamma_tail(a) - _digamma_tail(b)


def _digamma_tail(x: float) -> float:
    square = 1 / (x * x)
    return square * (1 / 12 - square * (1 / 120 - square / 252))


def _trigamma_fall(a: float, n: int) -> float:
    """psi'(a) - psi'(a + n) for a of at least 16."""
    b = a + n
    return n / (a * b) + _trigamma_tail(a) - _trigamma_tail(b)


def _trigamma_tail(x: float) -> float:
    square = 1 / (x * x)
    return square * (1 / 2 + (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30))) / x)


def _basis(measured: Measured, policy: Policy) -> str:
    return str(basis.talks(round(measured.handled), policy.prior_handle_s, PRIOR_TALKS))


def _between(points: tuple[float, ...], p: float) -> float:
    """The quantile at `p` by those at `LEVELS`: along a straight line of the normal deviate between two of them, and on
    along the last one beyond; never below 0."""
    if p in LEVELS:
        return points[LEVELS.index(p)]
    last = len(LEVELS) - 2
    at = min(max(bisect_right(LEVELS, p) - 1, 0), last)
    low, high = _deviate(LEVELS[at]), _deviate(LEVELS[at + 1])
    share = (_deviate(p) - low) / (high - low)
    return max(points[at] + share * (points[at + 1] - points[at]), 0.0)


# --- quantiles of the gamma distribution ------------------------------------------------------------------------


def _gamma_quantile(shape: float, p: float) -> float:
    """The x at which the gamma distribution of this shape (scale 1) has come to `p`."""
    z = _deviate(p)
    return _cornish_fisher(shape, z) if shape >= _LARGE_SHAPE else _refined(shape, p, _first_guess(shape, p, z))


@lru_cache(maxsize=64)
def _deviate(p: float) -> float:
    """The standard normal quantile. The same few probabilities are asked for all the time."""
    return _STANDARD.inv_cdf(p)


def _cornish_fisher(shape: float, z: float) -> float:
    """The quantile by its expansion around the normal one (Abramowitz and Stegun 26.2.49, the gamma's cumulants)."""
    root = math.sqrt(shape)
    return (
        shape
        + z * root
        + (z**2 - 1) / 3
        + (z**3 - 7 * z) / (36 * root)
        - (3 * z**4 + 7 * z**2 - 16) / (810 * shape)
        + (9 * z**5 + 256 * z**3 - 433 * z) / (38880 * shape * root)
    )


def _first_guess(shape: float, p: float, z: float) -> float:
    """The expansion where it is within 0.4 % (from shape 4 up, between the 1st and 99th percentile), so that one step
    from there is enough; else Wilson and Hilferty's cube, within 2 % from shape 1 up; near 0 the law is
    x^shape / Gamma(shape + 1)."""
    if shape >= _MIDDLE_SHAPE and abs(z) < _IN_THE_MIDDLE:
        return _cornish_fisher(shape, z)
    root = 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))
    if root > 0.3:
        return shape * root**3
    return max(math.exp((math.log(p) + math.lgamma(shape + 1)) / shape), _TINY)


def _refined(shape: float, p: float, x: float) -> float:
    """`x` corrected by Halley's method in log x, which cannot leave the positive side and triples the digits a step."""
    log_gamma = math.lgamma(shape)
    for _ in range(_MOST_STEPS):
        slope = math.exp(shape * math.log(x) - x - log_gamma)
        if slope <= 0:
            break
        newton = (p - _gamma_cdf(shape, x, slope)) / slope
        step = newton / max(0.5, min(2.0, 1 + newton * (shape - x) / 2))
        x = max(x * math.exp(max(-2.0, min(2.0, step))), _TINY)
        if abs(step) < _NEAR:
            break
    return x


def _gamma_cdf(shape: float, x: float, slope: float) -> float:
    """The regularised lower incomplete gamma function; `slope` is x^shape e^-x / Gamma(shape).

    The power series up to two standard deviations above the mean, where it is the faster one, and Legendre's continued
    fraction by Lentz's method beyond (DLMF 8.7.1 and 8.9.2).
    """
    if x < shape + 1 + 2 * math.sqrt(shape):
        term = total = 1 / shape
        n = shape
        while term > total * _ACCURATE:
            n += 1
            term *= x / n
            total += term
        return slope * total
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    fraction, n = d, 0
    change = 0.0
    while abs(change - 1) > _ACCURATE:
        n += 1
        a, b = -n * (n - shape), b + 2
        d = 1 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        change = c * d
        fraction *= change
    return 1 - slope * fraction
