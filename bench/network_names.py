"""Names of networks: ``ARCHITECTURE``, or ``ARCHITECTURE@EXIT`` for one that is cut at an exit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .spaces import Exits, Genomes, SearchSpace


def network_names(
    space: SearchSpace, genomes: Genomes, exits: Exits | None = None
) -> NDArray[np.str_]:
    """Names of networks, shape (n,).

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.
    """
    ids = space.format(genomes) if len(genomes) else []
    if exits is None or not exits.any():
        return np.array(ids, np.str_)
    cuts = [f"@{name}" if name else "" for name in space.exit_names(exits)]
    return np.array([a + cut for a, cut in zip(ids, cuts, strict=True)], np.str_)


def parsed_names(
    space: SearchSpace, names: Sequence[str] | NDArray[np.str_]
) -> tuple[Genomes, Exits]:
    """Choices of networks, shape (n, n_layers), and the numbers of their exits, shape (n,).

    Raises:
        ArchitectureError: an architecture or an exit that the space does not have.
    """
    parts = [str(name).partition("@") for name in names]
    genomes = space.parse([architecture for architecture, _, _ in parts])
    return genomes, space.exit_numbers([cut for _, _, cut in parts])
