"""Latency of networks of one space, from a few hundred that were measured whole.

First the sum over operators of ``bench/operator_model.py``, fitted to relative errors; then boosted
trees on the logarithm of what was measured over that sum, from all features of a network. Their
loss is the pseudo-Huber one: what was measured on a board has outliers by a third, which squares
would chase.

Source: Huber 1964, "Robust Estimation of a Location Parameter"; sums over operators as in Cai et
al. 2019, "ProxylessNAS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError
from ..bench.operator_features import operator_features
from ..bench.operator_model import fit_sum
from .extras import import_extra
from .networks import Networks
from .tree_onnx import TreeEnsemble, to_onnx

Array = NDArray[np.float64]

UNIT = 10.0  # logarithms times this: the loss bends at a tenth
ROUNDS = 400
OPTIONS = {
    "objective": "reg:pseudohubererror",
    "base_score": 0.0,
    "tree_method": "hist",
    "max_bin": 64,
    "max_depth": 5,
    "eta": 0.04,
    "min_child_weight": 3.0,
    "subsample": 0.7,
    "colsample_bytree": 0.4,
    "nthread": 1,
    "verbosity": 0,
}
TREES = "trees.onnx"


def operator_sums(networks: Networks) -> Array:
    """Sums over the operators of each network, shape (n, k), as ``operator_features`` gives."""
    space = networks.space
    return operator_features([space.graph(g, networks.n_classes) for g in networks.genomes])


def _columns(networks: Networks, sums: Array, total: Array) -> NDArray[np.float32]:
    logs = np.log(np.maximum(total, 1e-12))[:, None]
    return np.concatenate([networks.features, sums, logs], axis=1).astype(np.float32)


@dataclass(frozen=True)
class MeasuredLatency:
    """A fitted model of latency.

    Attributes:
        document: space and coefficients of the sum, as plain JSON.
        files: boosted trees as ONNX, by name.
    """

    document: dict[str, Any]
    files: Mapping[str, bytes]

    @cached_property
    def _trees(self) -> TreeEnsemble:
        return TreeEnsemble(self.files[TREES])

    def predict(self, networks: Networks, sums: Array | None = None) -> Array:
        """Predicted latency in milliseconds, shape (n,).

        Args:
            networks: networks of the space it was fitted on.
            sums: ``operator_sums`` of the networks; None: computed here.

        Raises:
            SurrogateError: the networks are of another space.
        """
        if networks.space.hash != self.document["space_hash"]:
            raise SurrogateError(
                f"the latency model is of another space than {networks.space.name!r}; fit one on "
                "measurements of that space."
            )
        sums = operator_sums(networks) if sums is None else sums
        total = sums @ np.array(self.document["coefficients"])
        added = self._trees.predict(_columns(networks, sums, total))[:, 0] / UNIT
        return np.asarray(total * np.exp(added))


def fit_measured_latency(
    networks: Networks, latency_ms: Array, seed: int = 0, sums: Array | None = None
) -> MeasuredLatency:
    """A model of what was measured.

    Args:
        networks: networks that were measured.
        latency_ms: measured latency of each network in ms, above 0, shape (n,).
        seed: seeds the sample of rows and columns that each tree sees.
        sums: ``operator_sums`` of the networks; None: computed here.

    Raises:
        SurrogateError: too few networks, or a latency that is not above 0.
        MissingExtraError: scipy, xgboost or onnx is not installed.
    """
    sums = operator_sums(networks) if sums is None else sums
    coefficients = fit_sum(sums, latency_ms)
    total, xgboost = sums @ coefficients, import_extra("xgboost")
    columns = _columns(networks, sums, total)
    left = UNIT * np.log(latency_ms / np.maximum(total, 1e-12))
    data = xgboost.QuantileDMatrix(columns, left, max_bin=64, nthread=1)
    booster = xgboost.train(OPTIONS | {"seed": seed}, data, num_boost_round=ROUNDS)
    document = {
        "space_hash": networks.space.hash,
        "coefficients": [float(f"{c:.9g}") for c in coefficients],
    }
    return MeasuredLatency(document, {TREES: to_onnx([booster])})
