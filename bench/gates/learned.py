"""``learned``: a logistic regression that predicts whether the little network is right.

Inputs: the log-odds of the certainty that each stored metric reports, ``log((1 - u) / u)`` with the
uncertainty u = 1 - max_prob, 1 - margin and entropy / log(n_classes), and which class was answered.
Its probability is the score.

Method: maximum likelihood with an L2 penalty, by Newton's method (iteratively reweighted least
squares; Bishop 2006, section 4.3.3) with halved steps, on ``val``. A learned gate in the sense of
Bolukbasi et al. 2017 (adaptive network selection), on outputs instead of features. The fit sees the
images that a threshold is later chosen on; with 3 numbers and one per class that matters little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._metric import N_CODES, uncertainty
from ._score import Answers, DerivedGate

METRICS = ("max_prob", "margin", "entropy")
PENALTY = 1.0  # on half the squared weights of standardised inputs; log loss on val is flat here
LIGHT = 1e-3  # on the intercept: free in effect, yet finite where every answer is right
MOST_STEPS = 50
CLOSE = 1e-8  # of the loss per image: far below what a code can show


def _log_odds() -> NDArray[np.float64]:
    u = uncertainty(np.arange(N_CODES))
    return np.asarray(np.log((1.0 - u) / u))


#: Input of the regression for each code, shape (256,); the same for all three metrics.
LOG_ODDS = _log_odds()


@dataclass(frozen=True)
class Learned:
    """The gate fitted to one network.

    The logit of an answer is
    ``intercept + offsets[class] + sum(weights * (log_odds - centre) / scale)``.

    Attributes:
        metrics: names of the stored metrics, in the order of the arrays.
        centre: mean of each input on val, shape (3,).
        scale: standard deviation of each input on val, shape (3,).
        weights: weights of the standardised inputs, shape (3,).
        offsets: offset of each predicted class, shape (n_classes,).
        intercept: log-odds that every answer begins with.
    """

    metrics: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]
    intercept: float

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """Probabilities that the answers are right, shape (n,)."""
        logit = self.intercept + self.offsets[answers.top1]
        steps = self.weights / self.scale
        for name, centre, step in zip(self.metrics, self.centre, steps, strict=True):
            logit = logit + (step * (LOG_ODDS - centre))[answers.codes[name]]
        return _sigmoid(logit)


def fit(answers: Answers, right: NDArray[np.bool_]) -> Learned:
    """The gate of one network, from its answers on val and whether they are right, shape (n,)."""
    odds = np.stack([LOG_ODDS[answers.codes[name]] for name in METRICS], axis=1)
    centre, spread = odds.mean(axis=0), odds.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    inputs = np.zeros((len(odds), len(METRICS) + answers.n_classes + 1))
    inputs[:, : len(METRICS)] = (odds - centre) / scale
    inputs[np.arange(len(odds)), len(METRICS) + answers.top1.astype(np.intp)] = 1.0
    inputs[:, -1] = 1.0
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[-1] = LIGHT
    fitted = logistic_weights(inputs, right.astype(np.float64), penalty)
    weights, offsets = fitted[: len(METRICS)], fitted[len(METRICS) : -1]
    return Learned(METRICS, centre, scale, weights, offsets, float(fitted[-1]))


def _sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def logistic_weights(
    inputs: NDArray[np.float64], target: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of the penalised logistic regression, shape (n_inputs,).

    Args:
        inputs: one row an answer, shape (n, n_inputs).
        target: 1 for a right answer, else 0, shape (n,).
        penalty: factor of half of each squared weight, positive, shape (n_inputs,).
    """

    def loss(w: NDArray[np.float64]) -> float:
        logit = inputs @ w
        each = np.logaddexp(0.0, logit) - target * logit
        return float(each.sum() + 0.5 * penalty @ (w * w))

    weights = np.zeros(inputs.shape[1])
    now = loss(weights)
    for _ in range(MOST_STEPS):
        p = _sigmoid(inputs @ weights)
        slope = inputs.T @ (p - target) + penalty * weights
        bend = (inputs * (p * (1.0 - p))[:, None]).T @ inputs
        bend[np.diag_indices_from(bend)] += penalty
        step = np.linalg.solve(bend, slope)
        size, before = 1.0, now
        while (now := loss(weights - size * step)) > before and size > 1e-6:
            size /= 2.0
        if now > before:
            break
        weights = weights - size * step
        if before - now < CLOSE * len(inputs):
            break
    return weights


METRIC = DerivedGate(
    name="learned",
    fit=fit,
    source="logistic regression on outputs, after Bolukbasi et al. 2017",
    probability=True,
)
