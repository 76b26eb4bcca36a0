"""Networks of which nothing is known but their names: the space of a table of anybody's models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArchitectureError, UnknownNameError
from ._exits import Exits
from ._layers import Genomes, Layer
from ._space import Architectures, SearchSpace

#: What a table calls the space of networks that were given by name alone.
GIVEN = "given"
#: What is said to whoever wants to build, train or measure one of them.
UNBUILT = (
    "these networks are known by their answers alone: nobody said what they are built of, so that "
    "they cannot be drawn, counted, trained or measured here; query, front, cascade, explore and "
    "search --on table are answered."
)
_BASE = 256  # a genome is bytes: a place in the list is written with as many as it needs
_MOST = _BASE**2


@dataclass(frozen=True)
class ListedSpace(SearchSpace):
    """A list of named networks, in which an id is a free text and a genome a place in the list.

    There are no layers to count, so whoever asks for MACs, parameters or a graph gets an error.

    Attributes:
        members: names of the networks, each once.

    >>> space = listed_space(["mobilenet v2", "resnet-50"])
    >>> space.parse("resnet-50").tolist(), space.format([[0]])
    ([[1]], ['mobilenet v2'])
    """

    members: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the names, in their order."""
        return hashlib.sha256(repr((self.name, self.members)).encode()).hexdigest()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.members)}

    def parse(self, architectures: str | Sequence[str]) -> Genomes:
        """Genomes, shape (n, n_layers) uint8, of one name or a sequence of names.

        Raises:
            UnknownNameError: a network that is not in the list; names the nearest.
        """
        ids = [architectures] if isinstance(architectures, str) else list(architectures)
        unknown = next((name for name in ids if name not in self._places), None)
        if unknown is not None:
            raise UnknownNameError("network", str(unknown), self.members)
        places = np.array([self._places[name] for name in ids], np.int64)
        digits = [places // _BASE**k % _BASE for k in range(self.n_layers)]
        return np.stack(digits[::-1], axis=1).astype(np.uint8)

    def format(self, genomes: ArrayLike) -> list[str]:
        """Names of genomes of shape (n, n_layers); the inverse of ``parse``."""
        return [self.members[place] for place in self.sizes(np.atleast_2d(genomes)) - 1]

    def split_name(self, name: str) -> tuple[str, str]:
        """The name itself, and no exit: an ``@`` is a letter like any other here."""
        return name, ""

    def sizes(self, genomes: Architectures, exits: Exits | None = None) -> NDArray[np.int64]:
        """What networks are ordered by: their place in the list, from 1 on, shape (n,)."""
        rows = self.genomes(genomes).astype(np.int64)
        return np.asarray(rows @ _BASE ** np.arange(self.n_layers)[::-1] + 1)

    def _unknown(self, *_: Any, **__: Any) -> NoReturn:
        raise ArchitectureError(UNBUILT)

    graph = trunk = operators = macs = params = peak_activation = _unknown
    trunk_macs = trunk_params = nested_params = arena = int8_bytes = trunk_int8_bytes = _unknown


def listed_space(names: Sequence[str]) -> ListedSpace:
    """The space of networks that are known by name.

    Args:
        names: names of the networks, each once; the cheaper ones first, so that neighbours in the
            list cost about the same.

    Raises:
        ArchitectureError: no name, too many, or one that is there twice or is not a line of text.
    """
    if not 1 <= len(names) <= _MOST:
        raise ArchitectureError(f"{len(names)} networks; expected 1 to {_MOST:,}.")
    seen: set[str] = set()
    for name in names:
        check_name(name)
        if name in seen:
            raise ArchitectureError(
                f"two networks are called {name!r}; give each a name of its own."
            )
        seen.add(name)
    n_layers = 1 if len(names) <= _BASE else 2
    places = tuple(str(i) for i in range(min(len(names), _BASE)))
    layers = tuple(Layer(i, 1, 1, 1, 1) for i in range(n_layers))
    return ListedSpace(
        name=GIVEN,
        choices=places,
        layers=layers,
        stem=(),
        head=(),
        n_features=1,
        build_layer=lambda layer, choice: (),
        source="names that came with answers",
        members=tuple(str(name) for name in names),
    )


def check_name(name: object) -> None:
    """Nothing, if something serves as the name of a network: one short line of text.

    Raises:
        ArchitectureError: it is empty, too long, or has characters that cannot be printed.
    """
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise ArchitectureError(
            f"{name!r} is not the name of a network; expected a text that is not empty and has no "
            "blanks at its ends."
        )
    if len(name) > 200 or not name.isprintable():
        raise ArchitectureError(
            f"{name[:60]!r} is not the name of a network; expected one line of at most 200 "
            "printable characters."
        )
