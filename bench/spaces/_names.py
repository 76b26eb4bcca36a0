"""Networks by name: an architecture, perhaps the exit at which it is cut, and a precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchitectureError, UnknownNameError
from ..precision import FP32, PRECISIONS, split_precision, with_precision
from ._exits import Exits
from ._layers import Genomes
from ._listed import GIVEN
from ._space import SearchSpace


def parse_networks(
    space: SearchSpace,
    names: str | Sequence[str] | NDArray[np.str_],
    precisions: Sequence[str] = (FP32,),
) -> tuple[Genomes, Exits]:
    """Genomes (n, n_layers) and numbers of exits (n,) of networks by their names.

    Names are ``ARCHITECTURE[@EXIT][:PRECISION]``. The precision says nothing about layers or exits,
    so that whoever can answer for other ones than fp32 has to say so.

    Args:
        space: search space of the networks.
        names: one name or several.
        precisions: precisions that the networks may have.

    Raises:
        ArchitectureError: an architecture that is not of the space, an exit it does not have, or a
            precision that is unknown or not one of these.

    >>> from biglittle.bench.spaces import get_space
    >>> genomes, exits = parse_networks(get_space("nb201"), ["333333", "333333@4s"])
    >>> genomes.shape, exits.tolist()
    ((2, 6), [0, 2])
    """
    given = [str(n) for n in ([names] if isinstance(names, str) else names)]
    parts = [space.split_name(_plain(space, name, precisions)) for name in given]
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


def _plain(space: SearchSpace, name: str, precisions: Sequence[str]) -> str:
    """A name without its precision; one of a network that was given is a free text."""
    if ":" not in name or space.name == GIVEN:
        return name
    try:
        plain, precision = split_precision(name)
    except UnknownNameError as error:
        raise ArchitectureError(f"{name[:80]!r} does not name a network: {error}") from error
    if precision not in precisions:
        raise ArchitectureError(
            f"{name} is in {precision}, and what is asked is known in {', '.join(precisions)} "
            f"alone; name {plain}."
        )
    return plain


def canonical_name(space: SearchSpace, name: str) -> str:
    """The name of a network as this package writes it, whatever form its architecture was given in.

    Raises:
        ArchitectureError: an architecture that is not of the space, or an exit it does not have.
    """
    plain = network_names(space, *parse_networks(space, name, PRECISIONS))[0]
    return with_precision(plain, split_precision(name)[1]) if ":" in name else plain
