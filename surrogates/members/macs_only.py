"""A rule on MACs alone: what every other member has to beat.

The first target never falls with MACs, or never rises where that is its trend (isotonic
regression); the others are linear in log MACs.

Source: Barlow et al. 1972, pool adjacent violators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..networks import Networks
from ._member import Array, Files, Prediction, checked, rounded, with_spread


def isotonic(x: Array, y: Array) -> tuple[Array, Array]:
    """Knots (x, y) of the non-decreasing step fit of least squares."""
    order = np.argsort(x, kind="stable")
    pools: list[tuple[float, int]] = []
    for value in y[order]:
        pool = (float(value), 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, count = pools.pop()
            total = count + pool[1]
            pool = ((mean * count + pool[0] * pool[1]) / total, total)
        pools.append(pool)
    return x[order], np.repeat([p[0] for p in pools], [p[1] for p in pools])


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files = field(default_factory=dict)

    def mean(self, networks: Networks) -> Array:
        x = networks.log_macs
        first = np.interp(x, self.document["log_macs"], self.document["first"])
        rest = np.column_stack([np.ones_like(x), x]) @ np.array(self.document["line"]).reshape(
            2, -1
        )
        return np.column_stack([first, rest])

    def predict(self, networks: Networks) -> Prediction:
        return with_spread(self.mean(networks), self.document)


@dataclass(frozen=True)
class _MacsOnly:
    name: str = "macs_only"
    summary: str = "the first target is monotone in MACs; everything else is linear in log MACs"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; nothing is random."""
        y, x = checked(networks, targets), networks.log_macs
        sign = -1.0 if np.cov(x, y[:, 0])[0, 1] < 0 else 1.0
        knots = isotonic(x, sign * y[:, 0])
        design = np.column_stack([np.ones_like(x), x])
        line = np.asarray(np.linalg.lstsq(design, y[:, 1:], rcond=None)[0], np.float64)
        bare = {
            "log_macs": rounded(knots[0]),
            "first": rounded(sign * knots[1]),
            "line": rounded(line),
            "spread": [0.0] * y.shape[1],
        }
        spread = (y - _Fitted(bare).mean(networks)).std(axis=0)
        return _Fitted({**bare, "spread": rounded(spread)})

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document``."""
        return _Fitted(dict(document))


MEMBER = _MacsOnly()
