"""``temperature``: the top probability after temperature scaling, one number fitted on ``val``.

Dividing all logits by a temperature T makes a network less sure (T > 1) or more (T < 1) and leaves
its answers as they are. Tables keep no logits, but the largest probability p and, by the margin,
the second largest q; what is left of 1 is spread evenly over the other classes here. Then the
scaled top probability is ``p^b / (p^b + q^b + (k - 2) rest^b)`` with b = 1 / T: exact for three
classes and fewer. T minimises the log loss of "the answer is right", since tables keep no
probability of the true class; Guo et al. minimise that of the true class.

What it can change: what a threshold means, so that one threshold serves many networks, and the
calibration error. What it cannot: with two classes, or on ``max_prob`` alone, it is a rising
function of that, and a curve under it is the curve under ``max_prob``. With more classes it moves
between p / q (T near 0, as the margin of logits) and p alone, which orders answers hardly anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._score import Answers, DerivedGate
from .margin import METRIC as MARGIN
from .max_prob import METRIC as MAX_PROB

HOTTEST = 20.0  # temperatures are sought between this and its inverse
STEPS = 40  # golden sections: the logarithm of T is then known to 1e-8
GOLDEN = (5.0**0.5 - 1.0) / 2.0
FINITE = 1e-12  # probabilities are kept that far from 0 and 1 in the log loss


@dataclass(frozen=True)
class Temperature:
    """The gate fitted to one network.

    Attributes:
        temperature: what logits are divided by; above 1 where the network was too sure.
    """

    temperature: float

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """Top probabilities after scaling, shape (n,)."""
        return scaled(_logarithms(answers), answers.n_classes, self.temperature)


def _logarithms(answers: Answers) -> NDArray[np.float64]:
    """Logarithms of the largest, the second and each other probability, shape (3, n)."""
    k = answers.n_classes
    top = np.maximum(MAX_PROB.decode(answers.codes["max_prob"], k), 1.0 / k)
    gap = MARGIN.decode(answers.codes["margin"], k)
    # Both are rounded: the second is no less than what is left spread evenly, nor more than that.
    second = np.clip(top - gap, (1.0 - top) / (k - 1), np.minimum(top, 1.0 - top))
    rest = (1.0 - top - second) / max(k - 2, 1)
    return np.asarray(np.log(np.maximum([top, second, rest], np.finfo(np.float64).tiny)))


def scaled(logs: NDArray[np.float64], n_classes: int, temperature: float) -> NDArray[np.float64]:
    """Top probabilities at a temperature, shape (n,).

    Args:
        logs: logarithms of the largest, the second and each other probability, shape (3, n).
        n_classes: number of classes of the classifier.
        temperature: what logits are divided by.

    >>> scaled(np.log([[0.8], [0.2], [1e-300]]), 2, 1.0).round(3).tolist()
    [0.8]
    >>> scaled(np.log([[0.8], [0.2], [1e-300]]), 2, 2.0).round(3).tolist()
    [0.667]
    """
    second, rest = np.exp((logs[1:] - logs[0]) / temperature)
    return np.asarray(1.0 / (1.0 + second + (n_classes - 2) * rest))


def fit(answers: Answers, right: NDArray[np.bool_]) -> Temperature:
    """The gate of one network, from its answers on val and whether they are right, shape (n,)."""
    logs = _logarithms(answers)

    def loss(log_temperature: float) -> float:
        p = scaled(logs, answers.n_classes, float(np.exp(log_temperature)))
        p = np.clip(p, FINITE, 1.0 - FINITE)
        return float(-np.log(np.where(right, p, 1.0 - p)).sum())

    high = float(np.log(HOTTEST))
    low = -high
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    losses = [loss(x) for x in inner]
    for _ in range(STEPS):
        if losses[0] <= losses[1]:
            high = inner[1]
            inner = [high - GOLDEN * (high - low), inner[0]]
            losses = [loss(inner[0]), losses[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + GOLDEN * (high - low)]
            losses = [losses[1], loss(inner[1])]
    return Temperature(float(np.exp((low + high) / 2.0)))


METRIC = DerivedGate(
    name="temperature",
    fit=fit,
    source="Guo et al. 2017, On Calibration of Modern Neural Networks (temperature scaling)",
    probability=True,
)
