"""Boosted trees on all columns, zero-cost proxies included where they are given.

The spread is how far a few boosters with different samples disagree, and what they leave over.

Source: Chen and Guestrin 2016, "XGBoost: A Scalable Tree Boosting System".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..extras import import_extra
from ..networks import Networks
from ..tree_onnx import TreeEnsemble, to_onnx
from ._member import Array, Files, Prediction, check_columns, checked, rounded

ROUNDS, DEPTH, RATE = 300, 5, 0.05
BOOSTERS = 2
MODEL = "trees{}.onnx"
OPTIONS = {
    "objective": "reg:squarederror",
    "base_score": 0.0,
    "tree_method": "hist",
    "max_bin": 64,
    "max_depth": DEPTH,
    "eta": RATE,
    "min_child_weight": 2.0,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "nthread": 1,
    "verbosity": 0,
}


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files

    @cached_property
    def _trees(self) -> list[TreeEnsemble]:
        return [TreeEnsemble(self.files[MODEL.format(i)]) for i in range(len(self.files))]

    def _each(self, networks: Networks) -> Array:
        check_columns(self.document, networks)
        standardised = np.stack([trees.predict(networks.features) for trees in self._trees])
        scaled = standardised * np.array(self.document["scale"]) + np.array(self.document["centre"])
        return np.asarray(scaled)

    def mean(self, networks: Networks) -> Array:
        return np.asarray(self._each(networks).mean(axis=0))

    def predict(self, networks: Networks) -> Prediction:
        each = self._each(networks)
        left = np.array(self.document["spread"])
        return Prediction(each.mean(axis=0), np.sqrt(each.var(axis=0) + left**2))


@dataclass(frozen=True)
class _XGBoost:
    name: str = "xgboost"
    summary: str = "boosted trees on choices, their sums and any further columns"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; the seed decides what each tree sees."""
        y, xgboost = checked(networks, targets), import_extra("xgboost")
        x = networks.features
        centre, scale = y.mean(axis=0), y.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        data = xgboost.QuantileDMatrix(x, y[:, 0], max_bin=64, nthread=1)
        files, left = {}, []
        for i in range(BOOSTERS):
            boosters = []
            for column in ((y - centre) / scale).T:
                data.set_label(column)
                options = OPTIONS | {"seed": BOOSTERS * seed + i}
                boosters.append(xgboost.train(options, data, num_boost_round=ROUNDS))
            files[MODEL.format(i)] = to_onnx(boosters)
            # Residuals of all trees on what they were fitted on are near 0: those of the first
            # eighth of them stand in.
            few = np.stack(
                [b.inplace_predict(x, iteration_range=(0, ROUNDS // 8)) for b in boosters], axis=1
            )
            left.append(((few * scale + centre - y) ** 2).mean(axis=0))
        document = {
            "columns": list(networks.column_names),
            "centre": rounded(centre),
            "scale": rounded(scale),
            "spread": rounded(np.sqrt(np.mean(left, axis=0))),
            "settings": {**OPTIONS, "rounds": ROUNDS},
        }
        return _Fitted(document, files)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        return _Fitted(dict(document), files)


MEMBER = _XGBoost()
