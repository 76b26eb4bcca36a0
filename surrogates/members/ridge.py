"""Ridge regression on all columns; the penalty is the one with the least leave-one-out error.

Source: Golub et al. 1979, "Generalized Cross-Validation" (leave-one-out in closed form, section 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..networks import Networks
from ._member import Array, Files, Prediction, check_columns, checked, rounded, with_spread

PENALTIES = tuple(float(p) for p in 10.0 ** np.arange(-2, 4.5, 0.5))


def fit_ridge(x: Array, y: Array) -> tuple[Array, Array, float, Array]:
    """Coefficients (k, t), intercept (t,), penalty, and leave-one-out residuals (n, t).

    Columns are standardised before the penalty applies. One penalty serves all targets, whose
    errors count relative to their variance.
    """
    n = len(x)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, np.inf)  # a constant column gets coefficient 0
    z, mean = (x - centre) / scale, y.mean(axis=0)
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    projected, spread = u.T @ (y - mean), np.maximum(y.var(axis=0), 1e-300)
    best: tuple[float, float, Array] | None = None
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty)
        leverage = (u**2 * shrink).sum(axis=1) + 1 / n
        residual = (y - mean - u @ (shrink[:, None] * projected)) / (1 - leverage)[:, None]
        error = float(((residual**2).mean(axis=0) / spread).sum())
        if best is None or error < best[0]:
            best = error, penalty, residual
    assert best is not None
    _, penalty, residual = best
    coefficients = (vt.T @ ((s / (s**2 + penalty))[:, None] * projected)) / scale[:, None]
    return coefficients, mean - centre @ coefficients, penalty, residual


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files = field(default_factory=dict)

    def mean(self, networks: Networks) -> Array:
        check_columns(self.document, networks)
        coefficients = np.array(self.document["coefficients"], np.float64)
        out = networks.features.astype(np.float64) @ coefficients + self.document["intercept"]
        return np.asarray(out)

    def predict(self, networks: Networks) -> Prediction:
        return with_spread(self.mean(networks), self.document)


@dataclass(frozen=True)
class _Ridge:
    name: str = "ridge"
    summary: str = "linear in choices and their sums"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; nothing is random."""
        y = checked(networks, targets)
        coefficients, intercept, penalty, residual = fit_ridge(
            networks.features.astype(np.float64), y
        )
        return _Fitted(
            {
                "columns": list(networks.column_names),
                "coefficients": rounded(coefficients),
                "intercept": rounded(intercept),
                "penalty": penalty,
                "spread": rounded(np.sqrt((residual**2).mean(axis=0))),
            }
        )

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document``."""
        return _Fitted(dict(document))


MEMBER = _Ridge()
