"""A ridge with boosted trees on what it leaves over."""

import json

import numpy as np
import pytest

from biglittle.surrogates.regressor import (
    BoostSettings,
    fit_regressor,
    load_regressor,
    network_folds,
    pair_folds,
)


def test_folds_test_every_network_once():
    folds = network_folds(23, 5, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), range(23))
    for fit, test in folds:
        assert not set(fit.tolist()) & set(test.tolist())
        assert len(fit) + len(test) == 23


def test_folds_of_pairs_have_no_network_on_both_sides():
    little, big = np.nonzero(~np.eye(9, dtype=bool))
    for fit, test in pair_folds(little, big, network_folds(9, 3, 0)):
        sides = [{*little[rows].tolist(), *big[rows].tolist()} for rows in (fit, test)]
        assert not sides[0] & sides[1]
        assert [len(side) for side in sides] == [6, 3]


def test_trees_are_added_as_far_as_they_help_and_all_of_it_is_json_and_onnx():
    pytest.importorskip("xgboost")
    pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)).astype(np.float32)
    linear = x.astype(float) @ np.array([[1.0], [2.0], [0.0], [-1.0]]) + 3
    bent = 5.0 * (x[:, :1] * x[:, 1:2] > 0)
    folds = network_folds(200, 4, 0)
    for targets, rounds in ((linear, (0,)), (bent, (0, 40)), (rng.normal(size=(200, 1)), (0, 40))):
        fitted = fit_regressor(x, targets, folds, BoostSettings(rounds=rounds), 0)
        document = json.loads(json.dumps(fitted.document))
        gained = document["cross_validated_r2"] - document["cross_validated_r2_ridge_alone"]
        assert gained >= -1e-9
        assert (fitted.model is None) is (document["rounds"] == 0)
        if targets is bent:  # no line follows the sign of a product
            assert gained > 0.03
        again = load_regressor(document, fitted.model).predict(x)
        np.testing.assert_array_equal(again, fitted.regressor.predict(x))
        assert np.isfinite(fitted.out_of_fold).all()
