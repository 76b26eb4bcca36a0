"""How far two columns of figures agree: error, share within 10 %, optimism, rank correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MissingExtraError

WITHIN = 0.10  # the share that nn-Meter and HELP report too


@dataclass(frozen=True)
class Agreement:
    """Predicted against measured, over ``n`` figures.

    Attributes:
        n: number of figures that were compared.
        mape: mean absolute error over the measured figure.
        within_10: share whose error is at most 10 % of the measured figure.
        spearman: rank correlation; None under 3 figures or where all are equal.
        optimism: mean of measured / predicted, minus 1; above 0, reality costs more than promised.
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
        spearman=None if len(p) < 3 or math.isnan(rank := spearman(p, m)) else rank,
        optimism=float((m / p).mean() - 1),
    )


def spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Spearman's rank correlation of two columns of shape (n,); NaN where one is constant.

    Ties get their mean rank. Written with numpy alone, because a board that measures itself has no
    scipy; a test holds it against scipy's.

    Source: Spearman 1904; ranks of ties as in Kendall 1945.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0]))
    0.5
    """
    x, y = _ranks(np.asarray(a)), _ranks(np.asarray(b))
    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1].round(12))


def kendall(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Kendall's tau-b of two columns of shape (n,); NaN where one is constant.

    Raises:
        MissingExtraError: scipy is not installed.

    Source: Kendall 1945, by scipy.
    """
    try:
        from scipy.stats import kendalltau  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("scipy", "report", "Kendall's tau") from error
    return float(kendalltau(a, b).statistic)


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)
