"""``energy``: the free energy of the logits; a low one means confident.

The energy of an input is ``-log sum_k exp(logit_k)``, which unlike a probability depends on how
large the logits are and not on their differences alone. Its values have no scale of their own, so a
score is the rank among the answers to ``val``: a threshold t escalates a share t of them.

It needs the logits' ``log_sum_exp``, which cannot be worked out from probabilities. The shipped
table does not store it; a table of anybody's answers does where all of them came as logits, and
answers in memory may have it in ``Predictions.values``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._score import Answers, DerivedGate, Ranked


def log_sum_exp(logits: ArrayLike) -> NDArray[np.float32]:
    """Minus the energy of each row, float32, shape (n,): what ``Predictions.values`` keep.

    Args:
        logits: outputs of a network before the softmax, shape (n, n_classes).

    >>> log_sum_exp([[0.0, 0.0], [1000.0, 0.0]]).round(3).tolist()
    [0.6930000185966492, 1000.0]
    """
    values = np.asarray(logits, np.float64)
    top = values.max(axis=1)
    return np.asarray(top + np.log(np.exp(values - top[:, None]).sum(axis=1)), np.float32)


def confidence(answers: Answers) -> NDArray[np.float64]:
    """Minus the energy of answers, shape (n,)."""
    return np.asarray(answers.values["log_sum_exp"], np.float64)


def fit(answers: Answers, right: NDArray[np.bool_]) -> Ranked:
    """The ranks of one network's answers to val; whether they are right is not looked at."""
    return Ranked.of(confidence, answers)


METRIC = DerivedGate(
    name="energy",
    fit=fit,
    source="Liu et al. 2020, Energy-based Out-of-distribution Detection, equation 4 with T = 1",
    needs=("log_sum_exp",),
)
