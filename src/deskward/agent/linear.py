"""A linear support-vector machine for sparse rows, trained in numpy.

One machine for each class against the rest, squared hinge, solved in the dual one example at a
time, all classes at once (Hsieh et al. 2008, "A dual coordinate descent method for large-scale
linear SVM", which LIBLINEAR uses).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

COST = 2.0
"""What a wrong example costs beside the length of the weights: LIBLINEAR's C."""
SLACK = np.float32(0.5 / COST)
EPOCHS = 6
"""Rounds before and after the examples that were put aside come in."""
ASIDE = 0.25
"""The share of the examples that is put aside at first."""
ENOUGH = 40
"""Fewer examples put aside say too little of the temperature."""
TEMPERATURE = 4.0
"""What the temperature is then; that of the skills that ship is near it."""
CARE = 2.0
"""So many times worse is it to take what belongs to no class for one than the other way round."""
SETTLED = 1e-3
"""An example that moved its scores by less than this rests for an epoch."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Sparse rows: row `i` has `values[starts[i]:starts[i+1]]` in the columns of `indices`."""

    starts: Array
    indices: Array
    values: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, number: int) -> tuple[Array, Array]:
        """The columns and the values of one row."""
        part = slice(self.starts[number], self.starts[number + 1])
        return self.indices[part], self.values[part]


@dataclass(frozen=True)
class Linear:
    """Weights by column and class, and the temperature that makes scores probabilities."""

    weights: Array
    bias: Array
    temperature: float
    aside: Array
    """The numbers of the examples that were put aside at first."""
    aside_scores: Array
    """The scores these had before they were learned from."""

    @property
    def arrays(self) -> dict[str, Array]:
        """All of it; see `of`."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Linear:
        """The one with these arrays."""
        return cls(
            arrays["weights"],
            arrays["bias"],
            float(arrays["temperature"]),
            arrays["aside"],
            arrays["aside_scores"],
        )

    def scores(self, indices: Array, values: Array) -> Array:
        """How far within each class one row lies; below zero is outside."""
        scores: Array = values @ self.weights[indices] + self.bias
        return scores

    def probabilities(self, scores: Array) -> Array:
        """The probabilities of all classes by their scores."""
        return softmax(self.temperature * scores)


def train(
    rows: Rows,
    labels: Array,
    columns: int,
    classes: int,
    rest: int | None = None,
    progress: Callable[[float], None] | None = None,
    epochs: int = EPOCHS,
) -> Linear:
    """Learn weights; the same rows give the same weights, bit by bit.

    A quarter of the examples is put aside until the others have been learned, and shows how far
    the scores can be trusted. Then it is learned too, from where the weights are.

    Args:
        rows: The examples.
        labels: The number of each example's class.
        columns: How many columns there are.
        classes: How many classes there are.
        rest: The number of the class of what belongs to no other. Its examples have little in
            common, so that it scores low; its scores are lifted to where it is told as often as
            it should be.
        progress: Is told after each round over the examples which share is done.
        epochs: Rounds before the examples that were put aside come in, and as many after.
    """
    machine = _Machine(rows, labels, columns, classes)
    later = np.random.default_rng(1).random(len(rows)) < ASIDE
    first, aside = np.flatnonzero(~later), np.flatnonzero(later)
    everything = np.arange(len(rows))
    for epoch in range(2 * epochs):
        if epoch == epochs:
            scores = np.array([machine.scores(number) for number in aside.tolist()])
        machine.round(first if epoch < epochs else everything)
        if progress:
            progress((epoch + 1) / (2 * epochs))
    enough = len(aside) >= ENOUGH
    temperature = _temperature(scores, labels[aside]) if enough else TEMPERATURE
    bias = machine.weights[-1]
    if enough and rest is not None:
        lift = (_lift(temperature * scores, labels[aside], rest) + math.log(CARE)) / temperature
        bias[rest] += lift
        scores[:, rest] += lift
    return Linear(machine.weights[:-1], bias, temperature, aside, scores)


class _Machine:
    """Weights on their way."""

    def __init__(self, rows: Rows, labels: Array, columns: int, classes: int) -> None:
        self.weights = np.zeros((columns + 1, classes), dtype=np.float32)
        self._duals = np.zeros((len(rows), classes), dtype=np.float32)
        self._signs = np.full((len(rows), classes), -1, dtype=np.float32)
        self._signs[np.arange(len(rows)), labels] = 1
        self._rows = []
        for number in range(len(rows)):
            indices, values = rows.row(number)
            # A last column of ones is the bias.
            whole = np.append(values, 1.0).astype(np.float32)
            self._rows.append((np.append(indices, columns), whole, 1 / (whole @ whole + SLACK)))
        self._rests = np.zeros(len(rows), dtype=bool)
        self._shuffled = np.random.default_rng(0)

    def scores(self, number: int) -> Array:
        """The scores of one example as the weights are."""
        indices, values, _ = self._rows[number]
        scores: Array = values @ self.weights[indices]
        return scores

    def round(self, numbers: Array) -> None:
        """Learn once from each example of these numbers, unless it rests."""
        weights, rests = self.weights, self._rests
        for row in self._shuffled.permutation(numbers).tolist():
            if rests[row]:
                rests[row] = False
                continue
            indices, values, step = self._rows[row]
            sign, dual = self._signs[row], self._duals[row]
            held = weights[indices]
            moved = dual - (sign * (values @ held) - 1 + SLACK * dual) * step
            np.maximum(moved, 0, out=moved)
            change = (moved - dual) * sign
            if max(change.max(), -change.min()) < SETTLED:
                rests[row] = True
                continue
            self._duals[row] = moved
            held += values[:, None] * change
            weights[indices] = held


def _temperature(scores: Array, labels: Array) -> float:
    """The factor that makes the right labels most probable (Guo et al. 2017), to within 3 %."""
    mine = np.arange(len(scores)), labels
    tried = [2.0 ** (step / 20) for step in range(-40, 120)]
    losses = [-np.log(np.maximum(softmax(t * scores)[mine], 1e-12)).mean() for t in tried]
    best: float = tried[int(np.argmin(losses))]
    return best


def _lift(scores: Array, labels: Array, rest: int) -> float:
    """What added to the scores of one class makes the right labels most probable."""
    mine = np.arange(len(scores)), labels
    losses = []
    tried = [step / 10 for step in range(60)]
    for lift in tried:
        lifted = scores.copy()
        lifted[:, rest] += lift
        losses.append(-np.log(np.maximum(softmax(lifted)[mine], 1e-12)).mean())
    best: float = tried[int(np.argmin(losses))]
    return best


def softmax(scores: Array) -> Array:
    """Shares of one that grow exponentially with the scores, along the last axis."""
    raised: Array = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares
