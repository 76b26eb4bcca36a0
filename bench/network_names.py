"""Names of many networks as an array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from . import spaces
from .spaces import Exits, Genomes, SearchSpace


def are_ids(names: Iterable[str]) -> bool:
    """Whether all names are ids of architectures, digits, and not free texts.

    >>> are_ids(["0800000000000000000008@12"]), are_ids(["resnet-50"])
    (True, False)
    """
    return all(str(name).partition("@")[0].isdigit() for name in names)


def network_names(
    space: SearchSpace, genomes: Genomes, exits: Exits | None = None
) -> NDArray[np.str_]:
    """Names of networks, shape (n,); see `spaces.network_names`.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.
    """
    if not len(genomes):
        return np.array([], np.str_)
    cuts = np.zeros(len(genomes), np.uint8) if exits is None else exits
    return np.array(spaces.network_names(space, genomes, cuts), np.str_)
