"""An XGBoost ensemble as one ONNX ``TreeEnsembleRegressor``, written by hand.

The booster's own JSON maps one to one onto the operator: a node asks ``x < threshold`` in float32
and goes left when it holds (``BRANCH_LT``), a leaf adds its value to one target. Several boosters,
one per target, become one ensemble with target ids. Missing values never occur.

Source: ONNX operator set ``ai.onnx.ml`` 3, TreeEnsembleRegressor.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError
from .extras import import_extra
from .onnx_graph import IR_VERSION, OPSET, OnnxModel

INPUT, OUTPUT = "features", "targets"
ML_OPSET = 3  # with OPSET, readable by every ONNX Runtime since 1.12


def _base_score(learner: dict[str, Any]) -> float:
    # A plain number up to XGBoost 3.0, a list of one since.
    value = json.loads(learner["learner_model_param"]["base_score"])
    return float(value[0] if isinstance(value, list) else value)


def to_onnx(boosters: Sequence[Any]) -> bytes:
    """One ONNX model with input "features" (n, k) and output "targets" (n, len(boosters)).

    Args:
        boosters: trained ``xgboost.Booster`` with squared error, one per target.

    Raises:
        MissingExtraError: onnx is not installed.
        SurrogateError: a booster is not a plain tree ensemble.
    """
    onnx = import_extra("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes: dict[str, list[Any]] = {
        name: []
        for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids",
                     "falsenodeids")
    }  # fmt: skip
    leaves: dict[str, list[Any]] = {n: [] for n in ("treeids", "nodeids", "ids", "weights")}
    base, tree_id, n_features = [], 0, 0
    for target, booster in enumerate(boosters):
        learner = json.loads(booster.save_raw("json"))["learner"]
        if learner["gradient_booster"]["name"] != "gbtree":
            raise SurrogateError(
                f"booster {learner['gradient_booster']['name']!r} is not a plain tree ensemble; "
                "expected 'gbtree'."
            )
        base.append(_base_score(learner))
        n_features = int(learner["learner_model_param"]["num_feature"])
        for tree in learner["gradient_booster"]["model"]["trees"]:
            for node, left in enumerate(tree["left_children"]):
                leaf = left < 0
                nodes["treeids"].append(tree_id)
                nodes["nodeids"].append(node)
                nodes["featureids"].append(0 if leaf else tree["split_indices"][node])
                nodes["modes"].append("LEAF" if leaf else "BRANCH_LT")
                nodes["values"].append(0.0 if leaf else tree["split_conditions"][node])
                nodes["truenodeids"].append(0 if leaf else left)
                nodes["falsenodeids"].append(0 if leaf else tree["right_children"][node])
                if leaf:
                    leaves["treeids"].append(tree_id)
                    leaves["nodeids"].append(node)
                    leaves["ids"].append(target)
                    leaves["weights"].append(tree["split_conditions"][node])
            tree_id += 1
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [OUTPUT],
        domain="ai.onnx.ml",
        n_targets=len(base),
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=base,
        **{f"nodes_{key}": value for key, value in nodes.items()},
        **{f"target_{key}": value for key, value in leaves.items()},
    )
    graph = helper.make_graph(
        [ensemble],
        "trees",
        [helper.make_tensor_value_info(INPUT, kinds.FLOAT, [None, n_features])],
        [helper.make_tensor_value_info(OUTPUT, kinds.FLOAT, [None, len(base)])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class TreeEnsemble:
    """Predicts with such a model on one thread; the session is created at the first prediction.

    Args:
        model: bytes that ``to_onnx`` gave.
    """

    def __init__(self, model: bytes) -> None:
        self._model = OnnxModel(model, threads=1)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Targets, shape (n, n_targets), of features of shape (n, k).

        Raises:
            MissingExtraError: onnxruntime is not installed.
            SurrogateError: the bytes are not a usable model, or the features do not fit it.
        """
        return np.asarray(self._model.run(OUTPUT, {INPUT: features}), np.float64)
