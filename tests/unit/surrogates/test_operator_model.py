"""A sum over operators corrected by boosted trees."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.operator_features import NAMES, operator_features
from biglittle.surrogates.operator_model import fit_operator_model

FBNET = get_space("fbnet")


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rows = FBNET.sample(np.random.default_rng(0), 160)
    return operator_features([FBNET.graph(row, 10) for row in rows])


def column(name: str) -> int:
    return NAMES.index(name)


def test_the_interval_covers_further_networks(features: np.ndarray) -> None:
    rng, truth = np.random.default_rng(1), np.zeros(len(NAMES))
    truth[column("pointwise.macs")] = 1.0
    inside = []
    for seed in range(20):
        figure = features @ truth * np.exp(0.1 * rng.standard_normal(len(features)))
        model = fit_operator_model(
            features[:100], figure[:100], seed=seed, coverage=0.8, trees=False, calibration=0.4
        )
        low, high = model.interval(features[100:])
        inside.append(((low <= figure[100:]) & (figure[100:] <= high)).mean())
    assert 0.72 < np.mean(inside) < 0.93


def test_trees_learn_what_no_sum_can_say(features: np.ndarray) -> None:
    pytest.importorskip("xgboost")
    shuffled = features[:, column("shuffle.count")]
    figure = features[:, column("pointwise.macs")] * np.where(shuffled > 5, 3.0, 1.0)
    errors = {}
    for trees in (False, True):
        model = fit_operator_model(features[:130], figure[:130], trees=trees)
        errors[trees] = np.abs(model.predict(features[130:]) / figure[130:] - 1).mean()
    assert errors[True] < 0.6 * errors[False]
