"""Search spaces, one file each; ``get_space("fbnet")`` gives one by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import cast

from ..errors import ArchitectureError
from ..registry import Registry, instance_of
from ._exits import Exit, Exits
from ._layers import Genomes, Layer
from ._listed import GIVEN, UNBUILT, ListedSpace, listed_space
from ._names import canonical_name, network_names, parse_networks
from ._space import Architectures, SearchSpace

SPACES = Registry(
    "search space",
    __name__,
    Path(__file__).parent,
    "SPACE",
    "biglittle.spaces",
    instance_of(SearchSpace),
)


def get_space(name: str) -> SearchSpace:
    """The search space called ``name``, or one for images of another size, as in ``fbnet-64``.

    Raises:
        UnknownNameError: no search space has this name.
        ArchitectureError: the networks were given by name alone, or it has no images of that size.
    """
    if name == GIVEN:
        raise ArchitectureError(UNBUILT)
    base, _, size = name.rpartition("-")
    if base in SPACES.names() and size.isascii() and size.isdigit() and len(size) < 5:
        return _at_size(base, int(size))
    return cast(SearchSpace, SPACES.load(name))


def space_of(name: str, usual: SearchSpace) -> SearchSpace:
    """The space that a network's name or id is of; ``usual`` where that reads it, or none does.

    Args:
        name: name of a network, ``ARCHITECTURE`` or ``ARCHITECTURE@EXIT``.
        usual: search space that is tried first.
    """
    others = [other for key in SPACES.names() if (other := get_space(key)).hash != usual.hash]
    architecture = usual.split_name(name)[0]
    for space in (usual, *others):
        try:
            space.parse(architecture)
        except ArchitectureError:
            continue
        return space
    return usual


@lru_cache(maxsize=16)
def _at_size(base: str, size: int) -> SearchSpace:
    space = cast(SearchSpace, SPACES.load(base))
    if size == space.input_size:
        return space
    if space.at_size is None:
        raise ArchitectureError(
            f"space {base} takes images of {space.input_size} rows alone, and not of {size}."
        )
    return space.at_size(size)


__all__ = [
    "GIVEN",
    "SPACES",
    "UNBUILT",
    "Architectures",
    "Exit",
    "Exits",
    "Genomes",
    "Layer",
    "ListedSpace",
    "SearchSpace",
    "canonical_name",
    "get_space",
    "listed_space",
    "network_names",
    "parse_networks",
    "space_of",
]
