"""Latency or energy of a whole network from its operators, with an interval.

A network is a graph of operators with shapes, of any space or from any ONNX file. What its
operators do is added up by class (counts, MACs, traffic, and rooflines), and a sum of these with
coefficients of at least 0 is fitted to relative errors. Such a model is a few numbers, is additive
over operators, and does not bend where nothing was measured. Where a handful of networks was
measured, the coefficients of other devices are columns too: few figures say which of them a device
is like. The interval is made by leaving out some networks at a time.

Source: sums over operators as in Cai et al. 2019, "ProxylessNAS"; the roofline of Williams et al.
2009; split conformal intervals of Lei et al. 2018, "Distribution-free predictive inference".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .documents import read_json
from .errors import MissingExtraError, SurrogateError
from .operator_features import NAMES, Array

RIDGE = 1e-4  # of coefficients of columns that are scaled to deviation 1
MIN_ROWS = 5
#: With priors: the penalty on departing from them, shared by all rows, so that it fades with their
#: number. With one of 0.1 a row, whatever their number, a device unlike all others stays wrong.
STIFFNESS = 0.5
PRIOR_RIDGE = 1e-4
#: Errors beyond so many deviations count less, and a deviation is never taken for less than a
#: tenth: with less than that, ten networks unlike one another are taken for one another's outliers
#: (5.5 % became 10 % on the build machine). Chosen on the devices of few_anchors.py.
HUBER, LEAST_SPREAD = 1.5, 0.1
REWEIGHTED = 4  # times; more change nothing
#: So many networks are left out one at a time for the interval; of more, a share at a time.
MOST_LEFT_OUT = 50
#: What operators cost on twenty other devices, written by data_tables/evidence/few_anchors.py.
PRIORS = Path(__file__).with_name("operator_priors.json")


@dataclass(frozen=True)
class OperatorModel:
    """A fitted sum over operators, perhaps with a correction.

    Attributes:
        coefficients: coefficients of the columns ``NAMES``, at least 0, shape (len(NAMES),).
        trees: corrects the logarithm of the sum, or None.
        low: factor of a prediction for the lower end of its interval.
        high: the same for the upper end.
        coverage: nominal share of networks inside.
    """

    coefficients: Array
    trees: Any
    low: float = 1.0
    high: float = 1.0
    coverage: float = 0.0

    def predict(self, features: Array) -> Array:
        """Predicted figure of networks, shape (n,), from their ``operator_features``."""
        total = np.asarray(features @ self.coefficients)
        if self.trees is None:
            return total
        return np.asarray(total * np.exp(self.trees.predict(with_log(features, total))))

    def interval(self, features: Array) -> tuple[Array, Array]:
        """Lower and upper end around ``predict``, each of shape (n,)."""
        predicted = self.predict(features)
        return predicted * self.low, predicted * self.high


def with_log(features: Array, total: Array) -> Array:
    """The columns that a correction of the sum ``total`` sees, shape (n, k + 1)."""
    return np.column_stack([features, np.log(np.maximum(total, 1e-12))])


def fit_sum(
    features: Array,
    figure: Array,
    ridge: float = RIDGE,
    priors: Array | None = None,
    weights: Array | None = None,
) -> Array:
    """Coefficients of at least 0 with the least squares of relative errors, shape (k,).

    With priors the result is a mixture of them, in shares of at least 0, plus what departs from it,
    which is held down the more the fewer figures there are.

    Args:
        features: sums over the operators of each network, shape (n, k).
        figure: latency or energy that was measured, above 0, shape (n,).
        ridge: penalty on columns that are scaled to a root mean square of 1 relative to ``figure``;
            with priors it is at least ``STIFFNESS / n``.
        priors: coefficients of other devices, in any unit, shape (n_devices, k), or None.
        weights: weights of the squares of errors, shape (n,); None: all are 1.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy is not installed.
    """
    if len(figure) < MIN_ROWS or not (np.isfinite(figure).all() and (figure > 0).all()):
        raise SurrogateError(
            f"a model of operators was given {len(figure)} figures, the smallest "
            f"{min(figure, default=0.0):g}; expected at least {MIN_ROWS}, all above 0."
        )
    columns, n, n_own = features, len(figure), features.shape[1]
    penalty = np.full(n_own, ridge)
    if priors is not None:
        columns = np.hstack([features, features @ priors.T])
        own = np.full(n_own, max(ridge, STIFFNESS / n))
        penalty = np.concatenate([own, np.full(len(priors), PRIOR_RIDGE)])
    relative = columns / figure[:, None]
    scale = np.sqrt(np.mean(relative**2, axis=0))
    # What is the same in all networks is the constant's business: alone it would be guessed.
    constant = np.ptp(columns, axis=0) <= 1e-9 * np.abs(columns).max(axis=0)
    constant[0] = False
    used = np.flatnonzero((scale > 0) & ~constant)
    root = np.ones(n) if weights is None else np.sqrt(weights)
    rows = root[:, None] * relative[:, used] / scale[used]
    left = np.vstack([rows, np.diag(np.sqrt(penalty[used] * n))])
    right = np.concatenate([root, np.zeros(len(used))])
    try:
        solution, _ = _nnls()(left, right, maxiter=50 * len(used))
    except RuntimeError as error:
        raise SurrogateError(
            f"no sum over operators could be fitted to {n} figures ({error}); expected latencies "
            "of networks that differ. Measure more of them: biglittle profile --networks anchors."
        ) from error
    out = np.zeros(columns.shape[1])
    out[used] = solution / scale[used]
    return out[:n_own] if priors is None else out[:n_own] + out[n_own:] @ priors


def fit_robust(features: Array, figure: Array, priors: Array | None = None) -> Array:
    """As `fit_sum`, but a few figures that are far off hardly count, shape (k,).

    On a board that does something else too, a network may take several times what it takes alone,
    in every repeat. Its error then enters by its size and not by its square.

    Args:
        features: sums over the operators of each network, shape (n, k).
        figure: latency or energy that was measured, above 0, shape (n,).
        priors: coefficients of other devices, shape (n_devices, k), or None.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy is not installed.

    Source: Huber 1964, "Robust Estimation of a Location Parameter", by reweighting.
    """
    coefficients = fit_sum(features, figure, priors=priors)
    for _ in range(REWEIGHTED):
        predicted = features @ coefficients
        if not (predicted > 0).all():
            break
        error = np.abs(np.log(predicted / figure))
        spread = max(1.4826 * float(np.median(error)), LEAST_SPREAD)  # a deviation, if normal
        weights = np.minimum(1.0, HUBER * spread / np.maximum(error, 1e-12))
        if weights.min() == 1.0:
            break
        coefficients = fit_sum(features, figure, priors=priors, weights=weights)
    return coefficients


def _nnls() -> Any:
    try:
        from scipy.optimize import nnls  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("scipy", "train", "a latency model of a device") from error
    return nnls


def conformal_factors(predicted: Array, measured: Array, coverage: float) -> tuple[float, float]:
    """Factors around a prediction that hold ``coverage`` of further networks like these.

    Each end leaves out half of the rest, counted with one more network than there are.

    Args:
        predicted: predictions for networks that the model was not fitted on, shape (n,).
        measured: measured figures of the same networks, shape (n,).
        coverage: share inside, below 1.

    Raises:
        SurrogateError: too few networks for that coverage.
    """
    ratios = np.sort(measured / predicted)
    n, miss = len(ratios), (1 - coverage) / 2
    rank = int(np.floor(miss * (n + 1) + 1e-9)) - 1  # 0.05 times 100 is 5
    if rank < 0:
        raise SurrogateError(
            f"{n} held-out networks cannot calibrate an interval of {coverage:.0%}; expected at "
            f"least {int(np.ceil(1 / miss)) - 1}, or a lower coverage."
        )
    return float(min(ratios[rank], 1.0)), float(max(ratios[n - 1 - rank], 1.0))


def fit_few(
    features: Array, figure: Array, priors: Array | None = None, coverage: float = 0.9
) -> OperatorModel:
    """A model of all the networks that were measured, for when there are few.

    None is kept back: every network is predicted once from the others, and the interval is made of
    these errors. It is as wide as ``n`` errors can make it: with fewer than 19 networks an interval
    of 90 % cannot be had, and ``coverage`` of the result is what can. Beyond ``MOST_LEFT_OUT``
    networks one in so many is left out at a time.

    Args:
        features: ``operator_features`` of the networks, shape (n, len(NAMES)).
        figure: latency or energy, in any unit, above 0, shape (n,).
        priors: coefficients of other devices, shape (n_devices, len(NAMES)), or None.
        coverage: nominal share of networks inside the interval.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy is not installed.

    Source: Barber et al. 2021, "Predictive inference with the jackknife+"; theirs guarantees
    1 - 2 alpha, this simpler one nothing: its coverage is measured, see the README of the devices.
    """
    n = len(figure)
    coefficients = fit_robust(features, figure, priors)
    predicted, part = np.zeros(n), np.arange(n) % MOST_LEFT_OUT
    for k in range(min(n, MOST_LEFT_OUT)) if n > MIN_ROWS else ():
        out, others = part == k, part != k
        predicted[out] = features[out] @ fit_robust(features[others], figure[others], priors)
    if n <= MIN_ROWS or not (predicted > 0).all():
        return OperatorModel(coefficients, None)
    coverage = min(coverage, (n - 1) / (n + 1))
    low, high = conformal_factors(predicted, figure, coverage)
    return OperatorModel(coefficients, None, low, high, coverage)


@cache
def load_priors(path: Path = PRIORS) -> Array:
    """Coefficients of other devices, shape (n_devices, len(NAMES)).

    Raises:
        SurrogateError: the file is of other features than these.
    """
    document = read_json(path, dict[str, Any])
    if tuple(document["names"]) != NAMES:
        raise SurrogateError(
            f"{path.name} holds coefficients of other features than these; write it anew with "
            "'python -m biglittle.data_tables.evidence few_anchors'."
        )
    priors = np.array([d["coefficients"] for d in document["devices"].values()], np.float64)
    priors.flags.writeable = False
    return priors
