"""How far two columns of figures agree: error, share within 10 %, ranks, front, optimism."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WITHIN = 0.10  # the share that nn-Meter and HELP report too


@dataclass(frozen=True)
class Agreement:
    """Predicted against measured, over ``n`` figures.

    Attributes:
        n: figures compared.
        mape: mean absolute error over the measured figure.
        within_10: share whose error is at most 10 % of the measured figure.
        spearman: rank correlation; None under 3 figures or where all are equal.
        optimism: mean of measured / predicted, minus 1: above 0, reality is dearer than promised.
    """

    n: int
    mape: float
    within_10: float
    spearman: float | None
    optimism: float


def agreement(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> Agreement | None:
    """How well predictions fit; None where no two figures stand beside each other.

    Args:
        predicted: shape (n,), NaN where there is none.
        measured: shape (n,), NaN where there is none.

    >>> agreement(np.array([1.0, 2.0]), np.array([1.0, 4.0])).mape
    0.25
    """
    both = np.isfinite(predicted) & np.isfinite(measured) & (predicted > 0) & (measured > 0)
    p, m = predicted[both], measured[both]
    if not len(p):
        return None
    error = np.abs(p - m) / m
    return Agreement(
        n=len(p),
        mape=float(error.mean()),
        # A figure that is off by exactly 10 % counts, whatever its last bit says.
        within_10=float((error <= WITHIN * (1 + 1e-9)).mean()),
        spearman=spearman(p, m),
        optimism=float((m / p).mean() - 1),
    )


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Rank correlation of two columns of shape (n,), ties at their mean rank; None without one.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0]))
    0.5
    """
    if len(a) < 3:
        return None
    x, y = _ranks(a), _ranks(b)
    if x.std() == 0 or y.std() == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1].round(12))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def non_dominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row beats, shape (n,); of equal rows all stay.

    Args:
        costs: shape (n, m), all minimised.
    """
    keep = np.ones(len(costs), np.bool_)
    for i, row in enumerate(costs):
        keep[i] = not ((costs <= row).all(axis=1) & (costs < row).any(axis=1)).any()
    return keep
