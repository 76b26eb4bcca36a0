import json

import numpy as np
import pytest

from biglittle.bench.errors import SurrogateError
from biglittle.surrogates.tree_onnx import TreeEnsemble, to_onnx

xgboost = pytest.importorskip("xgboost")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def boosters():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    targets = [x[:, 0] * x[:, 1] + x[:, 2], np.sin(3 * x[:, 3]) + 5]
    options = {"max_depth": 4, "nthread": 1, "eta": 0.3, "seed": 0}
    trained = []
    for i, y in enumerate(targets):
        # the second finds its own base score, near 5
        extra = {"base_score": 0.25} if i == 0 else {}
        trained.append(xgboost.train(options | extra, xgboost.DMatrix(x, y), 15 + i))
    return trained


def thresholds(booster):
    learner = json.loads(booster.save_raw("json"))["learner"]
    for tree in learner["gradient_booster"]["model"]["trees"]:
        for left, feature, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left >= 0:
                yield feature, np.float32(value)


def test_onnx_equals_the_boosters_also_on_their_thresholds(boosters):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3000, 6)).astype(np.float32)
    splits = [s for b in boosters for s in thresholds(b)]
    for row, (feature, value) in enumerate(splits):
        x[row, feature] = value
    assert 100 < len(splits) < len(x)
    truth = np.stack([b.predict(xgboost.DMatrix(x)) for b in boosters], axis=1)
    np.testing.assert_allclose(TreeEnsemble(to_onnx(boosters)).predict(x), truth, atol=1e-5)


def test_a_linear_booster_is_refused():
    x = np.ones((5, 2), np.float32)
    linear = xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(x, x[:, 0]), 1)
    with pytest.raises(SurrogateError, match="gblinear"):
        to_onnx([linear])


def test_bytes_that_are_no_model_are_refused():
    with pytest.raises(SurrogateError, match="cannot be loaded"):
        TreeEnsemble(b"no model").predict(np.zeros((1, 2), np.float32))
