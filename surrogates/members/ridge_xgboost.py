"""A ridge with boosted trees on what it leaves over, as far as cross-validation lets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..networks import Networks
from ..regressor import BoostSettings, Regressor, fit_regressor, load_regressor, network_folds
from ._member import Array, Files, Prediction, check_columns, checked, rounded, with_spread

FOLDS = 5
TREES = "trees.onnx"


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files

    @cached_property
    def _regressor(self) -> Regressor:
        return load_regressor(self.document, self.files.get(TREES))

    def mean(self, networks: Networks) -> Array:
        check_columns(self.document, networks)
        return self._regressor.predict(networks.features)

    def predict(self, networks: Networks) -> Prediction:
        return with_spread(self.mean(networks), self.document)


@dataclass(frozen=True)
class _RidgeXGBoost:
    name: str = "ridge_xgboost"
    summary: str = "linear, with boosted trees on what that leaves over"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; the seed decides folds and what each tree sees."""
        y = checked(networks, targets)
        folds = network_folds(len(y), FOLDS, seed)
        fitted = fit_regressor(networks.features, y, folds, BoostSettings(), seed)
        spread = np.sqrt(np.nanmean((fitted.out_of_fold - y) ** 2, axis=0))
        document = {
            **fitted.document,
            "columns": list(networks.column_names),
            "spread": rounded(spread),
        }
        return _Fitted(document, {} if fitted.model is None else {TREES: fitted.model})

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        return _Fitted(dict(document), files)


MEMBER = _RidgeXGBoost()
