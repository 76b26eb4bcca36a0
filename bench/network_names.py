"""Names of many networks as an array."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from . import spaces
from .precision import FP32, with_precision
from .spaces import Exits, Genomes, SearchSpace

_ID = re.compile(r"[0-9]+(@|:|$)")


def are_ids(names: Iterable[str]) -> bool:
    """Whether all names are ids of architectures, digits, and not free texts.

    >>> are_ids(["0800000000000000000008@12:int8"]), are_ids(["resnet-50"])
    (True, False)
    """
    return all(_ID.match(str(name)) for name in names)


def network_names(
    space: SearchSpace, genomes: Genomes, exits: Exits | None = None, precision: str = FP32
) -> NDArray[np.str_]:
    """Names of networks, shape (n,); see `spaces.network_names`.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.
        precision: precision of all of them.
    """
    if not len(genomes):
        return np.array([], np.str_)
    cuts = np.zeros(len(genomes), np.uint8) if exits is None else exits
    names = spaces.network_names(space, genomes, cuts)
    return np.array([with_precision(name, precision) for name in names], np.str_)
