"""Every network is like the most similar ones that were seen.

Similar is a Hamming distance in which a layer weighs as much as its choices differ in MACs. The
mean is over the nearest three, weighted by one over distance; a network that was seen is itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...bench import SearchSpace
from ...bench.spaces import Genomes
from ..networks import Networks
from ._member import Array, Files, Prediction, checked, rounded

K = 3
CHUNK = 2048  # networks at a time: bounds the memory of the comparison


def layer_weights(space: SearchSpace, choices: tuple[str, ...]) -> Array:
    """How much it matters that two networks differ in a layer, shape (n_layers,), mean 1."""
    allowed = space.allowed(choices)
    macs = [
        [sum(op.macs for op in space.build_layer(layer, int(c))) for c in allowed]
        for layer in space.layers
    ]
    weights = np.std(np.array(macs, np.float64), axis=1) + 1.0
    return np.asarray(weights / weights.mean())


def distances(a: Genomes, b: Genomes, weights: Array) -> Array:
    """Weighted Hamming distances, shape (len(a), len(b))."""
    out = np.empty((len(a), len(b)))
    for start in range(0, len(a), CHUNK):
        part = slice(start, start + CHUNK)
        total = np.zeros((len(a[part]), len(b)))
        for layer, weight in enumerate(weights):
            total += weight * (a[part, layer, None] != b[None, :, layer])
        out[part] = total
    return out


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files = field(default_factory=dict)

    def predict(self, networks: Networks) -> Prediction:
        genomes = networks.space.parse(self.document["architectures"])
        values = np.array(self.document["targets"], np.float64)
        apart = distances(
            networks.genomes, genomes, layer_weights(networks.space, networks.choices)
        )
        k = min(K, len(genomes))
        near = np.argpartition(apart, k - 1, axis=1)[:, :k]
        weight = 1.0 / (np.take_along_axis(apart, near, axis=1) + 1e-9)
        weight /= weight.sum(axis=1, keepdims=True)
        mean = np.einsum("nk,nkt->nt", weight, values[near])
        spread = np.einsum("nk,nkt->nt", weight, (values[near] - mean[:, None]) ** 2)
        return Prediction(mean, np.sqrt(spread + np.array(self.document["spread"]) ** 2))

    def mean(self, networks: Networks) -> Array:
        return self.predict(networks).mean


@dataclass(frozen=True)
class _Nearest:
    name: str = "nearest"
    summary: str = "the mean of the three most similar networks"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Remembers; nothing is random."""
        y = checked(networks, targets)
        apart = distances(
            networks.genomes, networks.genomes, layer_weights(networks.space, networks.choices)
        )
        np.fill_diagonal(apart, np.inf)
        spread = (y[apart.argmin(axis=1)] - y).std(axis=0) / np.sqrt(2)
        return _Fitted(
            {
                "architectures": networks.space.format(networks.genomes),
                "targets": rounded(y),
                "spread": rounded(spread),
            }
        )

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document``."""
        return _Fitted(dict(document))


MEMBER = _Nearest()
