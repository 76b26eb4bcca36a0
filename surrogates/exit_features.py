"""What a surrogate sees of where a network is cut: columns beside those of its layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.spaces import Exits, Genomes

#: Whether it is cut, the share of layers that are run, and MACs before the head and of the head.
EXIT_COLUMNS = ("cut", "exit_depth", "trunk_log_macs", "head_log_macs")


def exit_features(
    space: SearchSpace, genomes: Genomes, exits: Exits, n_classes: int
) -> NDArray[np.float32]:
    """Columns of networks named ``EXIT_COLUMNS``, shape (n, 4) float32.

    Args:
        space: search space of the networks.
        genomes: one genome a row, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); 0 for whole networks.
        n_classes: number of classes of the classifier.
    """
    trunk = space.trunk_macs(genomes, exits).astype(np.float64)
    head = space.macs(genomes, n_classes, exits) - trunk
    depth = np.minimum(space.exit_after[exits] + 1, space.n_layers) / space.n_layers
    return np.column_stack([exits > 0, depth, np.log(trunk), np.log(head)]).astype(np.float32)


def layers_run(space: SearchSpace, exits: Exits) -> NDArray[np.bool_]:
    """Whether each layer is run before the exit of each network, shape (n, n_layers)."""
    return np.asarray(np.arange(space.n_layers) <= space.exit_after[exits][:, None])
