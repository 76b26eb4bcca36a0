"""A sum over operators with a correction by boosted trees, for networks like the measured ones.

Trees correct the sum by a factor where such networks were measured; unlike the bare sum of
``bench/operator_model.py`` they bend where nothing was. The interval is split conformal on relative
residuals.

Source: sums over operators as in Cai et al. 2019, "ProxylessNAS"; split conformal intervals of Lei
et al. 2018, "Distribution-free predictive inference".
"""

from __future__ import annotations

import numpy as np

from ..bench.operator_features import Array
from ..bench.operator_model import OperatorModel, conformal_factors, fit_sum, with_log
from .extras import import_extra


def fit_operator_model(
    features: Array,
    figure: Array,
    seed: int = 0,
    coverage: float = 0.9,
    trees: bool = True,
    calibration: float = 0.25,
) -> OperatorModel:
    """A model of measured networks; a share of them is kept back for the interval.

    Args:
        features: ``operator_features`` of the networks, shape (n, len(NAMES)).
        figure: measured latency or energy, in any unit, above 0, shape (n,).
        seed: seeds the split and the trees.
        coverage: nominal share of networks inside the interval.
        trees: whether boosted trees correct the sum; not for networks unlike the measured ones.
        calibration: share of the networks that only serve the interval.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy or xgboost is not installed.
    """
    order = np.random.default_rng(seed).permutation(len(figure))
    kept_back = order[: round(calibration * len(figure))]
    train = order[len(kept_back) :]
    coefficients = fit_sum(features[train], figure[train])
    booster = None
    if trees:
        total = features[train] @ coefficients
        booster = import_extra("xgboost").XGBRegressor(
            n_estimators=500,
            learning_rate=0.04,
            max_depth=5,
            subsample=0.7,
            colsample_bytree=0.6,
            reg_lambda=1.0,
            n_jobs=1,
            random_state=seed,
        )
        booster.fit(with_log(features[train], total), np.log(figure[train] / total))
    bare = OperatorModel(coefficients, booster)
    low, high = conformal_factors(bare.predict(features[kept_back]), figure[kept_back], coverage)
    return OperatorModel(coefficients, booster, low, high, coverage)
