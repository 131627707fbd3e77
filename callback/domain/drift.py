"""Whether waits have lately been longer or shorter than forecast, and how much of that the next one will be too.

Some days are slower than everything that is known of them: a system is down, a letter has gone out, somebody is new.
The errors of a forecaster then lie on one side for an hour, and the last few dozen of them tell of the next. Often it
is one kind of call alone that is slow, because one of the three who take it is away: each kind has a memory of its own,
which begins with what is known of all. How far errors tell of the next is learnt as well, by least squares of each
error on what the errors before it said: on traffic whose errors have no memory the answer is nearly nothing, and
nothing is moved.
"""

from collections.abc import Hashable

FADE, KIND_FADE = 1 - 1 / 50, 1 - 1 / 40
"""The last 50 waits, and the last 40 of one kind, say how it has been lately, earlier ones fading."""
SURE_S = 1000.0
"""Before so many seconds of waiting have been forecast, being lately off is believed in part only; and of one kind, it
is for the rest believed to be as of all."""
FORGET = 1 - 1 / 2000
"""How much of the lately is to be expected is learnt from about so many waits."""
PRIOR, PRIOR_WEIGHT = 0.3, 200 * (0.2 * 100.0) ** 2
"""Believed at first: 0.3 of it, as if learnt from 200 waits of 100 s when waits were 20 % off."""


class _Lately:
    """Fading sums of errors and of what was forecast."""

    __slots__ = ("_error", "_fade", "_forecast")

    def __init__(self, fade: float) -> None:
        self._error = self._forecast = 0.0
        self._fade = fade

    def off(self, otherwise: float) -> float:
        """By which share of the forecast waits were longer, where `otherwise` is believed of what is not known."""
        return (self._error + SURE_S * otherwise) / (self._forecast + SURE_S)

    def met(self, forecast: float, error: float) -> None:
        """One more."""
        self._error = self._error * self._fade + error
        self._forecast = self._forecast * self._fade + forecast


class Drift:
    """Told of each forecast that has met its wait, with its kind."""

    def __init__(self) -> None:
        self._all = _Lately(FADE)
        self._kinds: dict[Hashable, _Lately] = {}
        self._squares, self._products = PRIOR_WEIGHT, PRIOR * PRIOR_WEIGHT

    def lately(self, kind: Hashable = None) -> float:
        """By which share of the forecast the last waits of this kind were longer (below 0: shorter)."""
        known, general = self._kinds.get(kind), self._all.off(0.0)
        return general if known is None else known.off(general)

    def factor(self, lately: float) -> float:
        """What a forecast is to be multiplied with."""
        memory = min(max(self._products / self._squares, 0.0), 1.0)
        return max(1 + memory * lately, 0.0)

    def met(self, forecast: float, lately: float, waited: float, kind: Hashable = None) -> None:
        """A forecast (seconds, before it was multiplied) has met its wait; `lately` is what held when it was made."""
        error = waited - forecast
        self._all.met(forecast, error)
        self._kinds.setdefault(kind, _Lately(KIND_FADE)).met(forecast, error)
        told = lately * forecast
        self._squares = self._squares * FORGET + told * told
        self._products = self._products * FORGET + told * error
