"""Ridge regression plus boosted trees on what it leaves over: right for a few hundred rows.

With so few networks, trees alone cut a nearly linear dependence into steps. So the ridge goes
first, and trees are added only as far as cross-validation says that they help, which may be not
at all. The ridge's coefficients are plain numbers, the trees one ONNX model.

Source: Chen and Guestrin 2016, "XGBoost: A Scalable Tree Boosting System".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .extras import import_extra
from .tree_onnx import TreeEnsemble, to_onnx

Array = NDArray[np.float64]
Features = NDArray[np.float32]
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class BoostSettings:
    """How a regressor is fitted.

    Attributes:
        rounds: numbers of trees per target to choose from; 0 leaves the ridge alone.
        max_depth: largest depth of a tree.
        learning_rate: factor on what each tree adds.
        min_child_weight: smallest number of rows in a leaf.
        subsample: share of rows and of columns that a tree sees.
        leaf_penalty: L2 penalty on leaf values.
        ridge: ridge penalties to choose from, on standardised columns.
    """

    rounds: tuple[int, ...] = (0, 25, 50, 100, 200)
    max_depth: int = 3
    learning_rate: float = 0.05
    min_child_weight: float = 4.0
    subsample: float = 0.7
    leaf_penalty: float = 2.0
    ridge: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


@dataclass(frozen=True)
class Regressor:
    """Targets of shape (n, t) from features of shape (n, k).

    Attributes:
        coefficients: coefficients of the ridge, shape (k, t).
        intercept: intercept of the ridge, shape (t,).
        trees: boosted trees whose output is added, or None.
    """

    coefficients: Array
    intercept: Array
    trees: TreeEnsemble | None

    def predict(self, features: Features) -> Array:
        """Targets, shape (n, t)."""
        out = features.astype(np.float64) @ self.coefficients + self.intercept
        return out if self.trees is None else out + self.trees.predict(features)


@dataclass(frozen=True)
class FittedRegressor:
    """A regressor with what has to be stored of it.

    Attributes:
        document: coefficients and what was chosen, as plain JSON.
        model: boosted trees as ONNX, or None.
        out_of_fold: predictions for the rows of some fold's test part, NaN elsewhere, (n, t).
    """

    document: dict[str, Any]
    model: bytes | None
    out_of_fold: Array

    @property
    def regressor(self) -> Regressor:
        """Ready to predict."""
        return load_regressor(self.document, self.model)


def load_regressor(document: dict[str, Any], model: bytes | None) -> Regressor:
    """A regressor from what was stored of it."""
    return Regressor(
        np.array(document["coefficients"], np.float64),
        np.array(document["intercept"], np.float64),
        None if model is None else TreeEnsemble(model),
    )


def _ridge(
    features: Array, targets: Array, penalties: Sequence[float]
) -> list[tuple[Array, Array]]:
    """Coefficients and intercept for each penalty; columns are standardised, then scaled back."""
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-9, scale, np.inf)  # a constant column gets coefficient 0
    x, mean = (features - centre) / scale, targets.mean(axis=0)
    values, vectors = np.linalg.eigh(x.T @ x)
    projected = vectors.T @ (x.T @ (targets - mean))
    out = []
    # The penalty is per 100 rows, so that one grid serves 100 networks and 20,000 pairs.
    for penalty in np.asarray(penalties) * len(x) / 100:
        solved = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, None])
        coefficients = solved / scale[:, None]
        out.append((coefficients, mean - centre @ coefficients))
    return out


def _boost(
    features: Features, targets: Array, rounds: int, settings: BoostSettings, seed: int
) -> list[Any]:
    xgboost = import_extra("xgboost")
    options = {
        "objective": "reg:squarederror",
        "base_score": 0.0,
        "tree_method": "hist",
        "max_bin": 64,
        "max_depth": settings.max_depth,
        "eta": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.subsample,
        "colsample_bytree": settings.subsample,
        "lambda": settings.leaf_penalty,
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    data = xgboost.QuantileDMatrix(features, targets[:, 0], max_bin=64, nthread=1)
    boosters = []
    for column in targets.T:
        data.set_label(column)
        boosters.append(xgboost.train(options, data, num_boost_round=rounds))
    return boosters


def _added(boosters: list[Any], features: Features, rounds: int) -> Array:
    if rounds == 0:
        return np.zeros((len(features), len(boosters)))
    columns = [b.inplace_predict(features, iteration_range=(0, rounds)) for b in boosters]
    return np.stack(columns, axis=1).astype(np.float64)


def fit_regressor(
    features: Features,
    targets: Array,
    folds: Sequence[Fold],
    settings: BoostSettings,
    seed: int,
) -> FittedRegressor:
    """A regressor fitted on all rows; penalty and number of trees are chosen on the folds.

    Args:
        features: one row for each case, shape (n, k).
        targets: values to predict, shape (n, t); errors of all targets count alike.
        folds: (rows to fit, rows to test) of the cross-validation.
        settings: penalties and numbers of trees to choose from.
        seed: seeds the sample of rows and columns that each tree sees.

    Raises:
        MissingExtraError: xgboost or onnx is not installed.
    """
    x = features.astype(np.float64)
    most = max(settings.rounds)
    ridges = [_ridge(x[fit], targets[fit], settings.ridge) for fit, _ in folds]
    errors = np.array(
        [
            [((x[test] @ c + i - targets[test]) ** 2).sum() for c, i in fits]
            for fits, (_, test) in zip(ridges, folds, strict=True)
        ]
    )
    best = int(errors.sum(axis=0).argmin())
    penalty = settings.ridge[best]
    by_rounds = np.zeros(len(settings.rounds))
    predictions = np.full((len(settings.rounds), *targets.shape), np.nan)
    for fits, (fit, test) in zip(ridges, folds, strict=True):
        coefficients, intercept = fits[best]
        rest = targets[fit] - x[fit] @ coefficients - intercept
        boosters = _boost(features[fit], rest, most, settings, seed) if most else []
        for k, rounds in enumerate(settings.rounds):
            added = _added(boosters, features[test], rounds) if rounds else 0.0
            predictions[k, test] = x[test] @ coefficients + intercept + added
            by_rounds[k] += ((predictions[k, test] - targets[test]) ** 2).sum()
    chosen = int(by_rounds.argmin())
    rounds = settings.rounds[chosen]
    coefficients, intercept = _ridge(x, targets, [penalty])[0]
    rest = targets - x @ coefficients - intercept
    model = to_onnx(_boost(features, rest, rounds, settings, seed)) if rounds else None
    tested = np.isfinite(predictions[chosen]).all(axis=1)
    spread = ((targets[tested] - targets[tested].mean(axis=0)) ** 2).sum()
    document = {
        "coefficients": coefficients.tolist(),
        "intercept": intercept.tolist(),
        "penalty": float(penalty),
        "rounds": int(rounds),
        "cross_validated_r2": float(1 - by_rounds[chosen] / max(spread, 1e-300)),
        "cross_validated_r2_ridge_alone": float(1 - errors[:, best].sum() / max(spread, 1e-300)),
        "settings": asdict(settings),
    }
    return FittedRegressor(document, model, predictions[chosen])


def network_folds(n_networks: int, n_folds: int, seed: int) -> list[Fold]:
    """Folds over networks, each as (rows to fit, rows to test)."""
    order = np.random.default_rng(seed).permutation(n_networks)
    parts = [np.sort(part) for part in np.array_split(order, n_folds)]
    every = np.arange(n_networks)
    return [(np.setdiff1d(every, part), part) for part in parts]


def pair_folds(
    little: NDArray[np.intp], big: NDArray[np.intp], folds: Sequence[Fold]
) -> list[Fold]:
    """Folds over pairs: both networks in the test part, or neither of them."""
    out = []
    for _, test in folds:
        inside = np.isin(little, test).astype(int) + np.isin(big, test).astype(int)
        out.append((np.flatnonzero(inside == 0), np.flatnonzero(inside == 2)))
    return out
