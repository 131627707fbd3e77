"""The estimator as it learns: the simple rule, a learnt model, and as much of the model as was good lately.

Both forecast every wait. What is announced is a mixture of the two: of five mixtures, from the simple rule alone to the
model alone, the one that would have been nearest over the last few hundred waits. So a queue without a past, a model
that the world has left behind and a stored model that is missing all end at the simple rule, and nothing has to be
switched by hand. The announced range is recalibrated by every wait whose end is known. The model is fitted when enough
is known, fitted anew each time that has doubled, and tuned in between, so that it follows drift and new staff.

Whoever asks sees only what was told before. Nothing here knows the time: it goes by the order in which it is told.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from callback.domain import learnt
from callback.domain.calibrate import Calibration
from callback.domain.drift import Drift
from callback.domain.forecast import Forecast

FIRST_FIT = 300
"""With fewer waits than that there is nothing to fit so many signals to."""
TUNE_EVERY = 1500
REFIT_BELOW = 20000
"""Up to so many waits the model is fitted anew when they have doubled; beyond it is tuned."""
REMEMBERED = 60000
LOOKS_BACK = 500.0
"""The mixture is decided by the last so many waits, older ones fading."""
LEFT_WEIGHT = 0.3
"""A wait that was cut short and had to be inferred counts as so much of one that was seen whole."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of the model each mixture has."""
BETTER = 0.99
"""Another mixture has to be better by 1 % before it speaks."""

Five = tuple[float, float, float, float, float]
"""Mean, p10, p50, p80 and p90."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the simple rule and the model say of one wait (None where there is no model), and what is announced.

    `share` is how much of the model is in it, and `lately` by which share waits of this `kind` were longer than
    forecast just then.
    """

    simple: Five
    model: Five | None
    announced: Forecast
    share: float
    lately: float = 0.0
    kind: Hashable = None

    @property
    def mixed(self) -> Five:
        """The mixture of both, before it was moved and calibrated."""
        if self.model is None:
            return self.simple
        a, b, c, d, e = (one + self.share * (two - one) for one, two in zip(self.simple, self.model, strict=True))
        return (a, b, c, d, e)


@dataclass(frozen=True, slots=True)
class _Wait:
    """A wait to learn from."""

    row: Sequence[float]
    simple: Five
    waited: float
    weight: float


class Mixture:
    """Which share of the model would have been best lately, by squared error of the mean and absolute of the median."""

    def __init__(self, chosen: int = len(SHARES) - 1) -> None:
        self._squared, self._absolute = [0.0] * len(SHARES), [0.0] * len(SHARES)
        self._chosen = chosen

    @property
    def share(self) -> float:
        """How much of the model is announced."""
        return SHARES[self._chosen]

    def met(self, simple: Five, model: Five, waited: float) -> None:
        """A wait of which both spoke is over."""
        keep = 1 - 1 / LOOKS_BACK
        for at, share in enumerate(SHARES):
            mean = simple[0] + share * (model[0] - simple[0])
            median = simple[2] + share * (model[2] - simple[2])
            self._squared[at] = self._squared[at] * keep + (mean - waited) ** 2
            self._absolute[at] = self._absolute[at] * keep + abs(median - waited)
        losses = [squared**0.5 * absolute for squared, absolute in zip(self._squared, self._absolute, strict=True)]
        best = min(range(len(SHARES)), key=losses.__getitem__)
        if losses[best] < losses[self._chosen] * BETTER:
            self._chosen = best


class Learner:
    """Forecasts waits and learns from them."""

    def __init__(self, seed: int = 0, model: learnt.Model | None = None) -> None:
        self.model = model
        self.mixture, self.drift, self.calibration = Mixture(), Drift(), Calibration()
        self._seed, self._fits, self._new, self._known, self._fitted_to = seed, 0, 0, 0, 0
        self._waits: deque[_Wait] = deque(maxlen=REMEMBERED)

    def raw(self, rows: NDArray[np.floating], simple: NDArray[np.floating]) -> NDArray[np.float64] | None:
        """What the model says of these rows of signals, neither mixed nor calibrated; None without a model."""
        return None if self.model is None else self.model.forecast(rows, simple)

    def say(self, simple: Five, model: Five | None, kind: Hashable = None) -> Said:
        """The announcement for one wait of this kind from what both say."""
        share = self.mixture.share if model is not None else 0.0
        lately = self.drift.lately(kind)
        factor = self.drift.factor(lately)
        said = Said(simple, model, Forecast(*simple), share, lately, kind)
        moved = Forecast(*(number * factor for number in said.mixed))
        return replace(said, announced=self.calibration.of(moved))

    def met(self, said: Said, row: Sequence[float], waited: float) -> None:
        """A wait that was forecast is over: the forecast is measured, and the wait is kept to learn from."""
        self.calibration = self.calibration.after(said.announced, waited)
        self.drift.met(said.mixed[0], said.lately, waited, said.kind)
        if said.model is not None:
            self.mixture.met(said.simple, said.model, waited)
        self.remember(row, said.simple, waited)

    def remember(self, row: Sequence[float], simple: Five, waited: float, *, whole: bool = True) -> None:
        """Keeps a wait to learn from. `whole` is False for one that was cut short and inferred."""
        self._waits.append(_Wait(row, simple, waited, 1.0 if whole else LEFT_WEIGHT))
        self._new += 1
        self._known += 1

    def resume(self, model: learnt.Model | None, calibration: Calibration) -> None:
        """Goes on where a stored model stopped; the waits it knows may be told by `recall`."""
        self._known = self._fitted_to = model.waits if model is not None else 0
        self.model, self.calibration = model, replace(calibration, met=self._known)

    def recall(self, row: Sequence[float], simple: Five, waited: float, *, whole: bool = True) -> None:
        """Keeps a wait that the model has learnt from already."""
        self._waits.append(_Wait(row, simple, waited, 1.0 if whole else LEFT_WEIGHT))

    @property
    def due(self) -> bool:
        """Whether enough is new to learn from it."""
        if self.model is None:
            return self._known >= FIRST_FIT
        return self._new >= TUNE_EVERY or self._refits

    @property
    def _refits(self) -> bool:
        return self.model is None or 2 * self._fitted_to <= self._known <= REFIT_BELOW

    def learn(self) -> None:
        """Fits the model anew or tunes it with what is new and as much of what is old. Takes seconds."""
        anew = self._refits
        self._fits += 1
        lesson, seed = _lesson(list(self._waits) if anew else self._mixed()), self._seed * 10_000 + self._fits
        self.model = learnt.fit(lesson, seed) if anew or self.model is None else learnt.tuned(self.model, lesson, seed)
        self._fitted_to = self._known if anew else self._fitted_to
        self._new = 0

    def _mixed(self) -> list[_Wait]:
        """The new waits and as many old ones, drawn by dice."""
        kept = list(self._waits)
        old = max(len(kept) - self._new, 0)
        drawn = np.random.default_rng([self._seed, self._fits]).integers(0, max(old, 1), min(self._new, old))
        return [*kept[old:], *(kept[number] for number in drawn)]


def _lesson(waits: Sequence[_Wait]) -> learnt.Lesson:
    return learnt.Lesson(
        np.array([one.row for one in waits], np.float32),
        np.array([one.simple for one in waits], np.float32),
        np.array([one.waited for one in waits], np.float32),
        np.array([one.weight for one in waits], np.float32),
    )
