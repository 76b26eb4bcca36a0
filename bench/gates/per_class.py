"""``per_class``: one confidence threshold for each class that the little network may answer.

For each network and predicted class the probability that the answer is right is estimated as a
function of ``max_prob``, on ``val``. The estimate is the score, so one threshold on the score is
one threshold on ``max_prob`` per class: the same chance of being right, whatever the class.

Method: isotonic regression (Zadrozny and Elkan 2002) by pooling adjacent violators (Ayer et al.
1955) over the 256 codes of ``max_prob``, and straight lines between the centres of the pooled
blocks, so that few scores tie. A class has only a tenth of the images, so each class is given
``PRIOR`` further answers that behave as all classes together do (fitted in the same way first).
``PRIOR`` was chosen by log loss in two-fold cross-validation on ``val``.

The fit sees the images that a threshold is later chosen on, so figures on ``val`` are a little
kinder to this gate than to a stored one; those on ``test`` are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._metric import N_CODES
from ._score import Answers, DerivedGate, score_codes
from .max_prob import METRIC as MAX_PROB

PRIOR = 200.0
_TRACE = 1.0 / N_CODES  # weight of a code that nobody gave


@dataclass(frozen=True)
class PerClass:
    """The gate fitted to one network.

    Attributes:
        curves: estimated probability that an answer is right by code of ``max_prob``, never falling
            with it, of each class that was answered and last of all others; shape (k + 1, 256).
        place: which of the curves is that of each class, shape (n_classes,).
    """

    curves: NDArray[np.float64]
    place: NDArray[np.intp]

    @property
    def right(self) -> NDArray[np.float64]:
        """The curve of every class, shape (n_classes, 256)."""
        return np.asarray(self.curves[self.place])

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """Estimated probabilities that the answers are right, shape (n,)."""
        return np.asarray(self.curves[self.place[answers.top1], answers.codes["max_prob"]])

    def class_thresholds(self, threshold: float) -> NDArray[np.float64]:
        """What a device needs: the ``max_prob`` from which each class is kept.

        Args:
            threshold: threshold of the gate, a score from 0 to 1.

        Returns:
            Probabilities, shape (n_classes,); 1 for a class that is always escalated.

        Raises:
            GateError: a threshold outside of [0, 1].
        """
        n_classes = len(self.place)
        cut = int(METRIC.cut(threshold, n_classes))
        first = (score_codes(self.curves) < cut).sum(axis=1)[self.place]
        return np.asarray(MAX_PROB.thresholds(n_classes)[first])


def fit(answers: Answers, right: NDArray[np.bool_]) -> PerClass:
    """The gate of one network, from its answers on val and whether they are right, shape (n,)."""
    classes, row = np.unique(answers.top1, return_inverse=True)
    place = np.full(answers.n_classes, len(classes), np.intp)  # of those that nobody answered
    place[classes] = np.arange(len(classes))
    cell = row * N_CODES + answers.codes["max_prob"]
    shape, size = (len(classes) + 1, N_CODES), (len(classes) + 1) * N_CODES
    given = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
    hits = np.bincount(cell, weights=right, minlength=size).reshape(shape)
    weight = given.sum(axis=0) + _TRACE
    pooled = _fitted(hits.sum(axis=0)[None] + 0.5 * _TRACE, weight[None])[0]
    prior = PRIOR * weight / weight.sum()
    return PerClass(_fitted(hits + prior * pooled, given + prior), place)


def _fitted(hits: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return between_centres(rising_fit(hits / weights, weights), weights)


def rising_fit(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The never-falling step function nearest to each row in weighted squares, shape (n_rows, n).

    Args:
        values: numbers to fit, one function a row, shape (n_rows, n).
        weights: weight of each number, positive, of the same shape.

    >>> rising_fit(np.array([[1.0, 3.0, 2.0, 4.0]]), np.ones((1, 4))).tolist()
    [[1.0, 2.5, 2.5, 4.0]]
    """
    n_rows, n = values.shape
    flat, weight = values.ravel(), weights.ravel()
    starts = np.ones(n_rows * n, bool)
    while True:  # pool every falling neighbour at once until none is left
        block, first = np.cumsum(starts) - 1, np.flatnonzero(starts)
        mean = np.bincount(block, weights=weight * flat) / np.bincount(block, weights=weight)
        falls = np.r_[False, mean[1:] <= mean[:-1]] & (first % n > 0)
        if not falls.any():
            return np.asarray(mean[block].reshape(n_rows, n))
        starts[first[falls]] = False


def between_centres(
    steps: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Step functions with straight lines between the weighted centres of their steps.

    Args:
        steps: values of step functions, never falling along a row, shape (n_rows, n).
        weights: weight of each number, positive, of the same shape.

    >>> between_centres(np.array([[1.0, 2.5, 2.5, 4.0]]), np.ones((1, 4))).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    place = np.arange(steps.shape[1])
    out = np.empty_like(steps)
    for i, (step, weight) in enumerate(zip(steps, weights, strict=True)):
        starts = np.r_[True, step[1:] > step[:-1]]
        block = np.cumsum(starts) - 1
        centre = np.bincount(block, weights=weight * place) / np.bincount(block, weights=weight)
        out[i] = np.interp(place, centre, step[starts])
    return out


METRIC = DerivedGate(
    name="per_class",
    fit=fit,
    source="Zadrozny and Elkan 2002 (isotonic calibration), here of each predicted class",
    probability=True,
)
