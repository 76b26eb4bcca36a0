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
        metrics: names of the metrics that the answers have, in the order of the arrays.
        centre: mean of each input on val, shape (n_metrics,).
        scale: standard deviation of each input on val, shape (n_metrics,).
        weights: weights of the standardised inputs, shape (n_metrics,).
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
    metrics = tuple(name for name in METRICS if name in answers.codes)
    odds = np.stack([LOG_ODDS[answers.codes[name]] for name in metrics], axis=1)
    centre, spread = odds.mean(axis=0), odds.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    inputs = np.ones((len(odds), len(metrics) + 1))
    inputs[:, :-1] = (odds - centre) / scale
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[-1] = LIGHT
    classes, group = np.unique(answers.top1, return_inverse=True)
    fitted = logistic_weights(inputs, right.astype(np.float64), penalty, group)
    offsets = np.zeros(answers.n_classes)  # of a class that nobody answered
    offsets[classes] = fitted[inputs.shape[1] :]
    weights, intercept = fitted[: len(metrics)], float(fitted[len(metrics)])
    return Learned(metrics, centre, scale, weights, offsets, intercept)


def _sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def logistic_weights(
    inputs: NDArray[np.float64],
    target: NDArray[np.float64],
    penalty: NDArray[np.float64],
    group: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """Weights of the penalised logistic regression, of the inputs and then of the groups.

    An answer is of one group, whose weight is an offset with the penalty ``PENALTY``. Groups meet
    one another in no second derivative, so that a step takes time in proportion to their number
    (block elimination; Boyd and Vandenberghe 2004, appendix C.4).

    Args:
        inputs: one row an answer, shape (n, n_inputs).
        target: 1 for a right answer, else 0, shape (n,).
        penalty: factor of half of each squared weight, positive, shape (n_inputs,).
        group: group of each answer, numbers from 0 without a gap, shape (n,); None: no groups.
    """
    n_groups, d = 0 if group is None else int(group.max(initial=-1)) + 1, inputs.shape[1]
    of = np.zeros(0, np.intp) if group is None else group
    every = np.append(penalty, np.full(n_groups, PENALTY))

    def logits(w: NDArray[np.float64]) -> NDArray[np.float64]:
        own = inputs @ w[:d]
        return np.asarray(own + w[d:][of] if n_groups else own)

    def by_group(values: NDArray[np.float64]) -> NDArray[np.float64]:
        some = values if n_groups else values[:0]
        return np.asarray(np.bincount(of, some, n_groups), np.float64)

    def loss(w: NDArray[np.float64]) -> float:
        logit = logits(w)
        each = np.logaddexp(0.0, logit) - target * logit
        return float(each.sum() + 0.5 * every @ (w * w))

    weights = np.zeros(d + n_groups)
    now = loss(weights)
    for _ in range(MOST_STEPS):
        p = _sigmoid(logits(weights))
        off, spread = p - target, p * (1.0 - p)
        slope = np.append(inputs.T @ off, by_group(off)) + every * weights
        scaled = inputs * spread[:, None]
        bend = scaled.T @ inputs
        bend[np.diag_indices_from(bend)] += penalty
        own = by_group(spread) + PENALTY
        mixed = np.stack([by_group(column) for column in scaled.T])
        rest = np.linalg.solve(
            bend - (mixed / own) @ mixed.T, slope[:d] - mixed @ (slope[d:] / own)
        )
        step = np.append(rest, (slope[d:] - rest @ mixed) / own)
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
