"""Networks by name: an architecture, and perhaps the exit at which it is cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._exits import Exits
from ._layers import Genomes
from ._space import SearchSpace


def parse_networks(
    space: SearchSpace, names: str | Sequence[str] | NDArray[np.str_]
) -> tuple[Genomes, Exits]:
    """Genomes (n, n_layers) and numbers of exits (n,) of networks named ``ARCHITECTURE[@EXIT]``.

    Args:
        space: search space of the networks.
        names: one name or several.

    Raises:
        ArchitectureError: an architecture that is not of the space, or an exit it does not have.

    >>> from biglittle.bench.spaces import get_space
    >>> genomes, exits = parse_networks(get_space("nb201"), ["333333", "333333@4s"])
    >>> genomes.shape, exits.tolist()
    ((2, 6), [0, 2])
    """
    parts = [space.split_name(str(n)) for n in ([names] if isinstance(names, str) else names)]
    genomes = space.parse([architecture for architecture, _ in parts])
    return genomes, space.exit_numbers([cut for _, cut in parts])


def network_names(space: SearchSpace, genomes: Genomes, exits: Exits) -> list[str]:
    """Names of networks, ``ARCHITECTURE[@EXIT]``; the inverse of `parse_networks`.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,).
    """
    cuts = space.exit_names(exits)
    ids = space.format(genomes)
    return [f"{a}@{cut}" if cut else a for a, cut in zip(ids, cuts, strict=True)]


def canonical_name(space: SearchSpace, name: str) -> str:
    """The name of a network as this package writes it, whatever form its architecture was given in.

    Raises:
        ArchitectureError: an architecture that is not of the space, or an exit it does not have.
    """
    return network_names(space, *parse_networks(space, name))[0]
