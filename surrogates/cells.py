"""What a cell computes, whatever its id: live edges, paths, and what lies on them.

An id of a space of cells says more than matters: an edge that no path from input to output uses
does nothing, and identities only pass on. So features are made of the pruned cell (edges off all
paths count as absent) and of its paths with identities left out, which are the same for cells that
compute the same by another wiring of identities.

Source: path encodings of White et al. 2021, "BANANAS" (section 3), with identities contracted and
multiplicities kept.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.graph import simplified
from ..bench.spaces import Genomes


@lru_cache(maxsize=16)
def _structure(hashed: BySpace) -> tuple[int, int, tuple[tuple[int, ...], ...]]:
    """Index of the absent choice, of the identity, and every path as layers."""
    space = hashed.space
    last = max(target for _, target in space.edges)
    absent = identity = -1
    for choice in range(len(space.choices)):
        if space.build_layer(space.layers[0], choice):
            continue
        row = np.full(space.n_layers, choice, np.uint8)
        if simplified(space.graph(row, 2)):
            identity = choice
        else:
            absent = choice
    paths: list[tuple[int, ...]] = []

    def follow(node: int, layers: tuple[int, ...]) -> None:
        if node == last:
            paths.append(layers)
        for layer, (source, target) in enumerate(space.edges):
            if source == node:
                follow(target, (*layers, layer))

    follow(0, ())
    return absent, identity, tuple(paths)


class BySpace:
    """A space that may key a cache."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    def __hash__(self) -> int:
        return hash(self.space.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BySpace) and other.space.hash == self.space.hash


def pruned(space: SearchSpace, genomes: Genomes) -> Genomes:
    """The genomes with every edge that no path from input to output uses made absent."""
    absent, _, paths = _structure(BySpace(space))
    live = np.zeros(genomes.shape, bool)
    for layers in paths:
        here = list(layers)
        live[:, here] |= (genomes[:, here] != absent).all(axis=1)[:, None]
    return np.where(live, genomes, absent).astype(np.uint8)


def depends_on_input(space: SearchSpace, genomes: Genomes) -> NDArray[np.bool_]:
    """Whether any path leads from input to output, shape (n,)."""
    absent, _, paths = _structure(BySpace(space))
    alive = [(genomes[:, list(p)] != absent).all(axis=1) for p in paths]
    return np.asarray(np.any(alive, axis=0), bool)


def _sequences(space: SearchSpace) -> tuple[tuple[int, ...], ...]:
    """Every sequence of operators that a path may hold, identities left out."""
    absent, identity, paths = _structure(BySpace(space))
    operators = [c for c in range(len(space.choices)) if c not in (absent, identity)]
    most = max(len(p) for p in paths)
    return tuple(s for length in range(most + 1) for s in product(operators, repeat=length))


def cell_feature_names(space: SearchSpace) -> tuple[str, ...]:
    """Names of the columns of ``cell_features``, those with "=" being one-hot choices."""
    named = ["-".join(space.choices[c] for c in s) or "identity" for s in _sequences(space)]
    return (
        *(f"live{ly.index}={name}" for ly in space.layers for name in space.choices),
        *(f"live_{name}" for name in space.choices),
        *(f"paths:{name}" for name in named),
        "paths",
        "shortest_path",
        "longest_path",
        "path_macs",
        "longest_path_macs",
        "log_live_macs",
    )


def cell_features(space: SearchSpace, genomes: Genomes, n_classes: int) -> NDArray[np.float32]:
    """Features of cells, shape (n, k) float32, columns named by ``cell_feature_names``.

    Choices of the pruned cell, one-hot and counted; how many paths hold each sequence of
    operators; number of paths, operators on the shortest and the longest one, MACs summed over
    paths and of the most expensive one (as shares of the most expensive operator's), and MACs of
    the pruned cell.

    Args:
        space: search space whose layers are the edges of a cell.
        genomes: one genome a row, shape (n, n_layers).
        n_classes: number of classes of the classifier.
    """
    absent, identity, paths = _structure(BySpace(space))
    sequences = {s: i for i, s in enumerate(_sequences(space))}
    live = pruned(space, genomes)
    n, rows = len(live), np.arange(len(live))
    macs = np.array([sum(o.macs for o in space.build_layer(space.layers[0], c))
                     for c in range(len(space.choices))], np.float64)  # fmt: skip
    macs /= macs.max()
    counts = np.zeros((n, len(sequences)), np.float32)
    length, cost = np.full((n, len(paths)), np.nan), np.zeros((n, len(paths)))
    for p, layers in enumerate(paths):
        taken = live[:, list(layers)]
        kinds, where = np.unique(taken, axis=0, return_inverse=True)
        held = [tuple(int(c) for c in k if c != identity) for k in kinds]
        alive = np.array([absent not in k for k in kinds])[where.ravel()]
        index = np.array([sequences.get(h, 0) for h in held])[where.ravel()]
        np.add.at(counts, (rows[alive], index[alive]), 1)
        length[alive, p] = np.array([len(h) for h in held], np.float64)[where.ravel()][alive]
        cost[alive, p] = macs[taken].sum(axis=1)[alive]
    columns = [
        np.eye(len(space.choices))[live].reshape(n, live.shape[1] * len(space.choices)),
        (live[:, :, None] == np.arange(len(space.choices))).sum(axis=1),
        counts,
        np.isfinite(length).sum(axis=1)[:, None],
        np.nan_to_num(np.where(np.isfinite(length), length, np.inf).min(axis=1), posinf=-1)[
            :, None
        ],
        np.where(np.isfinite(length), length, -1).max(axis=1)[:, None],
        cost.sum(axis=1)[:, None],
        cost.max(axis=1)[:, None],
        np.log(space.macs(live, n_classes))[:, None],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)
