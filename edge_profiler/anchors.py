"""The networks to measure first on a new device: few, small to large, and unlike one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench.spaces import SearchSpace

N_ANCHORS = 40
_CANDIDATES = 3000


def anchor_networks(space: SearchSpace, n: int = N_ANCHORS, n_classes: int = 10) -> list[str]:
    """Ids of ``n`` networks spread over size and over choices, the same on every machine.

    Candidates favour each choice in turn, since networks drawn evenly are all of middling size.
    From the smallest and the largest on, the one farthest from all chosen ones is added, by the
    logarithms of MACs and parameters and by how often each choice occurs.

    Args:
        space: the search space.
        n: how many.
        n_classes: of the classifier.

    >>> from biglittle.bench.spaces import get_space
    >>> len(set(anchor_networks(get_space("fbnet"), 5)))
    5
    """
    rng = np.random.default_rng(0)
    k = len(space.choices)
    shares = rng.dirichlet(np.full(k, 0.3), _CANDIDATES)
    drawn = rng.random((_CANDIDATES, space.n_layers, 1))
    picked = (drawn > shares.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(0, k - 1)
    genomes = np.unique(picked.astype(np.uint8), axis=0)
    macs = np.log(space.macs(genomes, n_classes).astype(np.float64))
    params = np.log(space.params(genomes, n_classes).astype(np.float64))
    counts = np.stack([(genomes == c).mean(axis=1) for c in range(k)], axis=1)
    # Size weighs as much as all choices together: latency follows it most.
    features = np.hstack([3 * _unit(macs)[:, None], _unit(params)[:, None], counts])
    chosen = [int(macs.argmin()), int(macs.argmax())][:n]
    distance = np.full(len(genomes), np.inf)
    for i in range(n):
        if i >= len(chosen):
            chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((features - features[chosen[i]]) ** 2).sum(axis=1))
        distance[chosen[i]] = -1.0
    return space.format(genomes[sorted(chosen)])


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-12))
