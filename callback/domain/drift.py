"""Whether waits have lately been longer or shorter than forecast, and how much of that the next one will be too.

Some days are slower than everything that is known of them: a system is down, a letter has gone out, somebody is new.
The errors of a forecaster then lie on one side for an hour, and the last few dozen of them tell of the next. How far
they do is learnt as well, by least squares of each error on what the errors before it said: on traffic whose errors
have no memory the answer is nearly nothing, and nothing is moved.
"""

FADE = 1 - 1 / 50
"""The last 50 waits say how it has been lately, earlier ones fading."""
SURE_S = 1000.0
"""Before so many seconds of waiting have been forecast, being lately off is believed in part only."""
FORGET = 1 - 1 / 2000
"""How much of the lately is to be expected is learnt from about so many waits."""
PRIOR, PRIOR_WEIGHT = 0.3, 200 * (0.2 * 100.0) ** 2
"""Believed at first: 0.3 of it, as if learnt from 200 waits of 100 s when waits were 20 % off."""


class Drift:
    """Told of each forecast that has met its wait."""

    def __init__(self) -> None:
        self._error = self._forecast = 0.0
        self._squares, self._products = PRIOR_WEIGHT, PRIOR * PRIOR_WEIGHT

    @property
    def lately(self) -> float:
        """By which share of the forecast the last waits were longer (below 0: shorter)."""
        return self._error / (self._forecast + SURE_S)

    @property
    def factor(self) -> float:
        """What the next forecast is to be multiplied with."""
        memory = min(max(self._products / self._squares, 0.0), 1.0)
        return max(1 + memory * self.lately, 0.0)

    def met(self, forecast: float, lately: float, waited: float) -> None:
        """A forecast (seconds, before it was multiplied) has met its wait; `lately` is what held when it was made."""
        error = waited - forecast
        self._error = self._error * FADE + error
        self._forecast = self._forecast * FADE + forecast
        told = lately * forecast
        self._squares = self._squares * FORGET + told * told
        self._products = self._products * FORGET + told * error
