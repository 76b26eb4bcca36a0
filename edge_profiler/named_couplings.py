"""What networks of one origin share, by their names alone: how a cascade of them is to be built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bench.coupling import INT8_ORIGIN, PREFIX, Couplings
from ..bench.precision import FP32, PRECISIONS
from ..bench.rows import COUPLINGS, NetworkKey
from ..bench.spaces import SearchSpace, parse_networks


def named_couplings(space: SearchSpace, names: Sequence[str]) -> tuple[str, ...]:
    """What each network but the first shares with those before it, if all are of one origin.

    It is ``prefix`` where any earlier network is an exit of its architecture, else what it shares
    with the one right before it.

    Args:
        space: search space of the networks.
        names: names in the order in which they are asked, ``ARCHITECTURE[@EXIT][:PRECISION]``.

    Raises:
        ArchitectureError: a network that is not of the space.

    >>> from biglittle.bench.spaces import get_space
    >>> named_couplings(get_space("nb201"), ["333333@4", "333333@9", "123432", "333333"])
    ('prefix', 'sibling', 'prefix')
    """
    genomes, exits = parse_networks(space, names, PRECISIONS)
    in_int8 = [NetworkKey.parse(name).precision != FP32 for name in names]
    origin = np.where(in_int8, INT8_ORIGIN, 0)
    couplings = Couplings(space, 1, genomes, exits, origin)
    shared = []
    for k in range(1, len(names)):
        kinds = [int(couplings.kinds(i, k)) for i in range(k)]
        shared.append(COUPLINGS[PREFIX if PREFIX in kinds else kinds[-1]])
    return tuple(shared)
