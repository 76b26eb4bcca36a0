"""How far a network is from those that were learnt from, and whether that is too far.

The distance is Euclidean over what choices add up to (MACs, parameters, depth, by stage), each
column standardised over the networks that were learnt from, so that 1 is a typical deviation in
every column. A network is outside the support where the nearest one is further away than for all
but one in a hundred of those networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .networks import Networks

Array = NDArray[np.float64]

QUANTILE = 0.99
CHUNK = 4096


@dataclass(frozen=True)
class Support:
    """The networks that a surrogate learnt from.

    Attributes:
        training: networks that were learnt from.
        limit: distance above which a network is outside; None: worked out from them.
    """

    training: Networks
    limit: float | None = None

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        names = self.training.feature_names
        deviation = self.training.features.std(axis=0)
        columns = [i for i, n in enumerate(names) if "=" not in n and deviation[i] > 1e-6]
        return np.array(columns, np.intp)

    def _standardised(self, networks: Networks) -> NDArray[np.float32]:
        own = self.training.features[:, self._columns]
        x = networks.features[:, self._columns]
        scaled = (x - own.mean(axis=0)) / own.std(axis=0) / np.sqrt(len(self._columns))
        return np.asarray(scaled, np.float32)

    def _distances(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        own = self._standardised(self.training)
        squared = (rows**2).sum(1)[:, None] + (own**2).sum(1)[None] - 2 * rows @ own.T
        return np.asarray(np.sqrt(np.maximum(squared, 0)), np.float32)

    def distance(self, networks: Networks) -> Array:
        """Distance of each network to the nearest one that was learnt from, shape (n,)."""
        rows = self._standardised(networks)
        parts = [
            self._distances(rows[start : start + CHUNK]).min(axis=1)
            for start in range(0, len(rows), CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)

    @cached_property
    def threshold(self) -> float:
        """Distance above which a network is outside."""
        if self.limit is not None:
            return self.limit
        apart = self._distances(self._standardised(self.training))
        np.fill_diagonal(apart, np.inf)
        return float(np.quantile(apart.min(axis=1), QUANTILE))

    def outside(self, networks: Networks) -> NDArray[np.bool_]:
        """Whether each network is outside the support, shape (n,)."""
        return np.asarray(self.distance(networks) > self.threshold)
