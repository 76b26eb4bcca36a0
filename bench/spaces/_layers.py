"""The searchable positions of a space, and what builds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..graph import GraphBuilder
from ..operators import Operator

#: Choices of architectures, uint8: shape (n, n_layers), or (n_layers,) of one.
Genomes = NDArray[np.uint8]


class LayerBuilder(Protocol):
    """Lists the operators of one choice at one layer."""

    def __call__(self, layer: Layer, choice: int) -> tuple[Operator, ...]: ...


class BodyBuilder(Protocol):
    """Adds everything between stem and head to a graph, for spaces that are not a chain.

    With ``after`` it stops behind that cell, where an exit stands.
    """

    def __call__(
        self, builder: GraphBuilder, source: int, genome: Genomes, after: int | None = None
    ) -> int: ...


class SliceTest(Protocol):
    """Says whether one choice of a layer uses a slice of another's weights, if elastic."""

    def __call__(self, layer: Layer, little: int, big: int) -> bool: ...


class EndsBuilder(Protocol):
    """Gives stem, head without the classifier, and the features that reach the classifier."""

    def __call__(
        self, genome: Genomes
    ) -> tuple[tuple[Operator, ...], tuple[Operator, ...], int]: ...


class LayerInContext(Protocol):
    """Lists the operators of one layer of a network, whose other choices it depends on."""

    def __call__(self, genome: Genomes, layer: int) -> tuple[Operator, ...]: ...


@dataclass(frozen=True)
class Context:
    """What a network is made of where a layer depends on its neighbours' choices.

    Attributes:
        ends: gives the stem and the head of a network.
        layer: lists the operators of one of its layers.
    """

    ends: EndsBuilder
    layer: LayerInContext


@dataclass(frozen=True)
class Layer:
    """One searchable position: the shapes around it.

    Attributes:
        index: position in the chain, from 0.
        in_channels: channels that come in.
        out_channels: channels that go out.
        height: rows (and columns) of the input.
        stride: step of its window, 1 or 2.
    """

    index: int
    in_channels: int
    out_channels: int
    height: int
    stride: int

    @property
    def identity(self) -> bool:
        """Whether input and output have one shape, so that a skip is free."""
        return self.stride == 1 and self.in_channels == self.out_channels
