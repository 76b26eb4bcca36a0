"""Search spaces, one file each; ``get_space("fbnet")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..errors import ArchitectureError
from ..registry import Registry
from ._exits import Exit, Exits
from ._layers import Genomes, Layer
from ._listed import GIVEN, UNBUILT, ListedSpace, listed_space
from ._names import canonical_name, network_names, parse_networks
from ._space import Architectures, SearchSpace

SPACES = Registry("search space", __name__, Path(__file__).parent, "SPACE")


def get_space(name: str) -> SearchSpace:
    """The search space called ``name``.

    Raises:
        UnknownNameError: no search space has this name.
        ArchitectureError: the networks were given by name alone.
    """
    if name == GIVEN:
        raise ArchitectureError(UNBUILT)
    return cast(SearchSpace, SPACES.load(name))


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
]
