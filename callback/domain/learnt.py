"""The learnt wait: a small neural network that turns a row of signals into a mean and four quantiles.

Formulas for the wait know one thing well each; what recorded traffic shows is that the answer lies between them and
changes with the hour, the staff and who is ahead. A network of two small layers, fitted to waits that are over, finds
it as well as boosted trees do, gives all five numbers at once, costs seconds to fit and microseconds to
ask, and is a few arrays to store. Three of them, each from its own dice, are averaged.

The mean is fitted by squared error and each quantile by the pinball loss (Koenker and Bassett 1978), with Adam and
decoupled weight decay. More quantiles are fitted than are asked for: the others teach the shape of the law. The dice
are seeded: the same waits give the same model.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from callback.domain.errors import InvalidInput
from callback.domain.forecast import LEVELS

Floats = NDArray[np.float32]

VERSION = 3
"""Of the stored form and of the meaning of a row of signals: a model of another version is not read."""
NETS = 3
HIDDEN = (128, 32)
LEAK = np.float32(0.05)
BATCH = 256
EPOCHS, LEAST_STEPS, MOST_STEPS = 8, 60, 2400
RATE, TUNING_RATE, DECAY = 3e-3, 1e-3, 1.0
FARTHEST = 5.0
"""Signals count up to so many standard deviations from their mean: nothing outlandish carries a forecast away."""
_SMOOTH = np.float32(0.05)
"""Near its corner the pinball loss is rounded off, in units of the mean wait."""
_FITTED = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)
_LEVELS = np.array(_FITTED, np.float32)
_ASKED = [0, *(1 + _FITTED.index(level) for level in LEVELS)]
"""The outputs that are told: the mean and the quantiles of a forecast."""


@dataclass(frozen=True)
class Layer:
    """One linear step of a network."""

    weights: Floats
    bias: Floats


Net = tuple[Layer, ...]


@dataclass(frozen=True)
class Model:
    """A fitted estimator. `centre` and `spread` bring signals to one scale, `scale_s` is the mean wait it was fitted
    to, and `waits` says on how many it rests."""

    nets: tuple[Net, ...]
    centre: Floats
    spread: Floats
    scale_s: float
    waits: int

    def forecast(self, rows: NDArray[np.floating], simple: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean, p10, p50, p80 and p90 in seconds for each row of signals and what the simple rule says of it, the
        quantiles in order and none below 0."""
        inputs = _standard(rows, self.centre, self.spread)
        nets = np.mean([_layers(net, inputs)[-1] for net in self.nets], axis=0, dtype=np.float64)
        said = _spread(simple) + nets * self.scale_s
        said[:, 1:] = np.sort(said[:, 1:], axis=1)
        told: NDArray[np.float64] = np.maximum(said[:, _ASKED], 0.0)
        return told


@dataclass(frozen=True)
class Lesson:
    """Waits that are over: the signals at their beginning, what the simple rule said of each (five numbers), how long
    they were, and how much each counts."""

    rows: NDArray[np.floating]
    simple: NDArray[np.floating]
    waited: NDArray[np.floating]
    weight: NDArray[np.floating]

    def goal(self, scale_s: float) -> Floats:
        """What is to be added to what the simple rule says, in units of the mean wait, for each output."""
        return ((self.waited[:, None] - _spread(self.simple)) / scale_s).astype(np.float32)


def fit(seen: Lesson, seed: int = 0) -> Model:
    """A model of these waits."""
    shaped = _shaped(seen.rows)
    centre, spread = shaped.mean(axis=0), shaped.std(axis=0) + np.float32(1e-3)
    scale = max(float(np.average(seen.waited, weights=seen.weight)), 1e-3)
    inputs, goal, weight = _clipped(shaped, centre, spread), seen.goal(scale), seen.weight.astype(np.float32)
    steps = min(max(EPOCHS * len(goal) // BATCH, LEAST_STEPS), MOST_STEPS)
    nets = []
    for number in range(NETS):
        dice = np.random.default_rng([seed, number])
        net = _fresh(inputs.shape[1], dice)
        nets.append(_descend(net, inputs, goal, weight, dice, steps, RATE))
    return Model(tuple(nets), centre, spread, scale, len(goal))


def tuned(model: Model, seen: Lesson, seed: int = 0) -> Model:
    """The model after one look at these waits: it follows what changes and forgets little."""
    inputs = _standard(seen.rows, model.centre, model.spread)
    goal, weight = seen.goal(model.scale_s), seen.weight.astype(np.float32)
    steps = max(len(goal) // BATCH, 1)
    nets = []
    for number, net in enumerate(model.nets):
        dice = np.random.default_rng([seed, number])
        nets.append(_descend(net, inputs, goal, weight, dice, steps, TUNING_RATE))
    return Model(tuple(nets), model.centre, model.spread, model.scale_s, model.waits + len(goal))


# --- stored -----------------------------------------------------------------------------------------------------


def dump(model: Model) -> bytes:
    """The model as bytes, to be kept and read by `load`."""
    arrays: dict[str, NDArray[np.generic]] = {
        "head": np.array([VERSION, len(model.nets), len(model.nets[0]), model.waits], np.int64),
        "scale_s": np.array(model.scale_s),
        "centre": model.centre,
        "spread": model.spread,
    }
    for i, net in enumerate(model.nets):
        for j, layer in enumerate(net):
            arrays[f"weights_{i}_{j}"], arrays[f"bias_{i}_{j}"] = layer.weights, layer.bias
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def load(stored: bytes, columns: int) -> Model:
    """A model from `dump` for rows of so many signals.

    Raises InvalidInput for bytes that are no model, or one of another version: the simple rule stands in for it.
    """
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            version, nets, depth, waits = (int(number) for number in arrays["head"])
            if version != VERSION or len(arrays["centre"]) != columns:
                raise InvalidInput("model", "is of another version: it has to be learnt anew")
            layers = [
                [Layer(arrays[f"weights_{i}_{j}"], arrays[f"bias_{i}_{j}"]) for j in range(depth)] for i in range(nets)
            ]
            return Model(
                tuple(tuple(net) for net in layers), arrays["centre"], arrays["spread"], float(arrays["scale_s"]), waits
            )
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise InvalidInput("model", "is damaged: it has to be learnt anew") from error


# --- inside -----------------------------------------------------------------------------------------------------


def _shaped(rows: NDArray[np.floating]) -> Floats:
    """Roots with their signs: seconds and counts have long tails."""
    values = np.asarray(rows, np.float32)
    shaped: Floats = np.sign(values) * np.sqrt(np.abs(values))
    return shaped


def _spread(simple: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the simple rule says for each output: its quantiles, and between them straight lines."""
    quantiles = [np.interp(_FITTED, LEVELS, weights) for weights in np.eye(len(LEVELS))]
    spread: NDArray[np.float64] = np.column_stack([simple[:, :1], simple[:, 1:] @ np.array(quantiles)])
    return spread


def _clipped(shaped: Floats, centre: Floats, spread: Floats) -> Floats:
    limit = np.float32(FARTHEST)
    clipped: Floats = np.clip((shaped - centre) / spread, -limit, limit)
    return clipped


def _standard(rows: NDArray[np.floating], centre: Floats, spread: Floats) -> Floats:
    return _clipped(_shaped(rows), centre, spread)


def _fresh(inputs: int, dice: np.random.Generator) -> Net:
    """Weights to begin with (He et al. 2015), the last ones small: the first forecast is nearly the simple rule's."""
    sizes = (inputs, *HIDDEN, 1 + len(_FITTED))
    layers = []
    for before, after in pairwise(sizes):
        weights = (dice.standard_normal((before, after)) * np.sqrt(2 / before)).astype(np.float32)
        layers.append(Layer(weights, np.zeros(after, np.float32)))
    return (*layers[:-1], Layer(layers[-1].weights * np.float32(0.1), layers[-1].bias))


def _layers(net: Net, inputs: Floats) -> list[Floats]:
    """The input and what each layer makes of it; all but the last are bent at 0."""
    values = [inputs]
    for layer in net[:-1]:
        straight = values[-1] @ layer.weights + layer.bias
        values.append(np.maximum(straight, LEAK * straight))
    values.append(values[-1] @ net[-1].weights + net[-1].bias)
    return values


def _slopes(said: Floats, goal: Floats, weight: Floats) -> Floats:
    """How the loss rises with each output: squared error for the mean, the rounded pinball loss for the quantiles."""
    slopes: Floats = np.empty_like(said)
    slopes[:, 0] = said[:, 0] - goal[:, 0]
    short = goal[:, 1:] - said[:, 1:]
    slopes[:, 1:] = np.where(short > 0, -_LEVELS, 1 - _LEVELS) * np.minimum(1, np.abs(short) / _SMOOTH)
    slopes *= (weight / len(goal))[:, None]
    return slopes


def _gradients(net: Net, inputs: Floats, goal: Floats, weight: Floats) -> list[Floats]:
    """The loss by every weight and bias, in the order of the layers."""
    values = _layers(net, inputs)
    back = _slopes(values[-1], goal, weight)
    found: list[Floats] = []
    for number in range(len(net) - 1, -1, -1):
        found = [values[number].T @ back, back.sum(axis=0), *found]
        if number:
            back = (back @ net[number].weights.T) * np.where(values[number] > 0, np.float32(1), LEAK)
    return found


def _descend(
    net: Net, inputs: Floats, goal: Floats, weight: Floats, dice: np.random.Generator, steps: int, rate: float
) -> Net:
    """The net after so many steps of Adam (Kingma and Ba 2015) at a rate that falls to 0 along a cosine."""
    values = [array.copy() for layer in net for array in (layer.weights, layer.bias)]
    first, second = [np.zeros_like(value) for value in values], [np.zeros_like(value) for value in values]
    for step, chosen in enumerate(_batches(len(goal), steps, dice), 1):
        pace = rate * 0.5 * (1 + np.cos(np.pi * step / (steps + 1)))
        for at, slope in enumerate(_gradients(_joined(values), inputs[chosen], goal[chosen], weight[chosen])):
            first[at] += 0.1 * (slope - first[at])
            second[at] += 0.01 * (slope * slope - second[at])
            move = (first[at] / (1 - 0.9**step)) / (np.sqrt(second[at] / (1 - 0.99**step)) + 1e-6)
            decay = DECAY if values[at].ndim == 2 else 0.0
            values[at] -= (pace * (move + decay * values[at])).astype(np.float32)
    return _joined(values)


def _joined(values: Sequence[Floats]) -> Net:
    return tuple(Layer(weights, bias) for weights, bias in zip(values[::2], values[1::2], strict=True))


def _batches(count: int, steps: int, dice: np.random.Generator) -> list[NDArray[np.int64]]:
    """So many batches of numbers below `count`, each number once before any is repeated."""
    rounds = -(-steps * BATCH // count)
    order = np.concatenate([dice.permutation(count) for _ in range(rounds)])
    return [order[step * BATCH : (step + 1) * BATCH] for step in range(steps)]
