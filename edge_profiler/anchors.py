"""The networks to measure first on a new device: few, and such that a model of it can be fitted.

The first ones are D-optimal for a sum over operators: each is the candidate about which the ones
before it say least, so that every class of operators is told from the others as soon as can be.
The later ones are spread over size and choices, since figures within the range count too. How much
that gains is measured on other devices in data_tables/evidence/few_anchors.py.

Source: Fedorov 1972, "Theory of Optimal Experiments" (sequential D-optimal design).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench.graph import simplified
from ..bench.operator_features import network_features
from ..bench.spaces import Genomes, SearchSpace

N_ANCHORS = 40
#: So many are D-optimal; beyond, the extremes of the space crowd out what is ordinary. Of 5, 10,
#: 15, 20 and 40 the best on those other devices.
N_INFORMATIVE = 20
_CANDIDATES, _CANDIDATES_OF_CELLS = 3000, 600  # graphs of cells are not looked up but built


def anchor_networks(space: SearchSpace, n: int = N_ANCHORS, n_classes: int = 10) -> list[str]:
    """Ids of ``n`` networks, the most telling first; the same on every machine.

    The first 10 of 40 are the 10 that are chosen alone. Candidates favour each choice in turn,
    since networks drawn evenly are all of middling size; cells whose output is constant are none.

    Args:
        space: the search space that the anchors are drawn from.
        n: number of networks; fewer if the space has fewer candidates.
        n_classes: number of classes of the classifier, which its size depends on.

    >>> from biglittle.bench.spaces import get_space
    >>> len(set(anchor_networks(get_space("fbnet"), 5)))
    5
    """
    rng = np.random.default_rng(0)
    k = len(space.choices)
    count = _CANDIDATES if space.build_body is None else _CANDIDATES_OF_CELLS
    shares = rng.dirichlet(np.full(k, 0.3), count)
    drawn = rng.random((count, space.n_layers, 1))
    picked = (drawn > shares.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(0, k - 1)
    genomes = np.unique(picked.astype(np.uint8), axis=0)
    if space.build_body is not None:
        alive = [bool(simplified(space.graph(row, n_classes))) for row in genomes]
        genomes = genomes[np.array(alive)]
    return space.format(genomes[anchor_order(space, genomes, n, n_classes)])


def anchor_order(
    space: SearchSpace, genomes: Genomes, n: int, n_classes: int = 10
) -> NDArray[np.int64]:
    """Rows of ``genomes`` to measure, in order, shape (min(n, rows),).

    Args:
        space: the search space of the candidates.
        genomes: the candidates, shape (rows, n_layers), all different.
        n: number of networks; fewer if the space has fewer candidates.
        n_classes: number of classes of the classifier, which its size depends on.
    """
    n = min(n, len(genomes))
    informative, spread = _operators(space, genomes, n_classes), _size(space, genomes, n_classes)
    covariance = np.eye(informative.shape[1])
    distance = np.full(len(genomes), np.inf)
    chosen: list[int] = []
    for _ in range(n):
        if len(chosen) < N_INFORMATIVE:
            told = ((informative @ covariance) * informative).sum(axis=1)
            told[chosen] = -1.0
            # Rounded, so that another machine's last bit chooses no other network.
            i = int(told.round(6).argmax())
            moved = covariance @ informative[i]
            covariance -= np.outer(moved, moved) / (1 + informative[i] @ moved)
        else:
            i = int(distance.round(9).argmax())
        chosen.append(i)
        distance = np.minimum(distance, ((spread - spread[i]) ** 2).sum(axis=1))
        distance[chosen] = -1.0
    return np.array(chosen, np.int64)


def _operators(space: SearchSpace, genomes: Genomes, n_classes: int) -> NDArray[np.float64]:
    """Features of a sum over operators, standardised, with a constant column."""
    features = network_features(space, genomes, n_classes)
    deviation = features.std(axis=0)
    varies = deviation > 1e-9 * np.abs(features).max(axis=0).clip(1e-300)
    scaled = (features[:, varies] - features[:, varies].mean(axis=0)) / deviation[varies]
    return np.hstack([np.ones((len(genomes), 1)), scaled])


def _size(space: SearchSpace, genomes: Genomes, n_classes: int) -> NDArray[np.float64]:
    """Size and choices; size weighs as much as all choices together: latency follows it most."""
    macs = np.log(space.macs(genomes, n_classes).astype(np.float64))
    params = np.log(space.params(genomes, n_classes).astype(np.float64))
    counts = [(genomes == c).mean(axis=1) for c in range(len(space.choices))]
    return np.column_stack([3 * _unit(macs), _unit(params), *counts])


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-12))
