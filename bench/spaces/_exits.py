"""Where a network can be cut short, and what stands there: exits of a search space.

An exit head turns the features after one of the layers into what a classifier takes. A network cut
at an exit is named ``ARCHITECTURE@EXIT``; its exit's name begins with the number of the last layer
that is run, counted from 0 as the digits of an id are.

Source: Teerapittayanon et al. 2016, "BranchyNet" (exits after some layers); heads of depthwise
separable convolutions as in Howard et al. 2017, "MobileNets" (section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..operators import Operator

#: Numbers of exits, uint8, shape (n,): 0 for a whole network, k for the k-th exit of the space.
Exits = NDArray[np.uint8]


@dataclass(frozen=True)
class Exit:
    """One place where a network can be cut, with one head.

    Attributes:
        name: what stands behind the ``@`` of a network's name.
        after: last layer that is run, counted from 0; in a space of cells, the last cell.
        operators: operators of the exit head, without the classifier.
        n_features: features that reach the exit's classifier.
    """

    name: str
    after: int
    operators: tuple[Operator, ...]
    n_features: int

    @property
    def features(self) -> int:
        """Elements of the features that the trunk hands over, which a prefix pair keeps alive."""
        return self.operators[0].in_size

    def classifier(self, n_classes: int) -> Operator:
        """The linear layer behind the head."""
        return Operator("linear", self.n_features, n_classes, 1, 1)


def separable_head(
    channels: int, size: int, widths: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[Operator, ...]:
    """Depthwise separable convolutions and a global average: the operators of an exit head.

    Args:
        channels: channels of the features that come in.
        size: rows (and columns) of these features.
        widths: channels after each separable convolution.
        strides: step of each depthwise convolution, 1 or 2.
    """
    operators: list[Operator] = []
    for width, stride in zip(widths, strides, strict=True):
        after = -(-size // stride)
        operators += [
            Operator("conv", channels, channels, size, size, 3, stride, channels),
            Operator("batch_norm", channels, channels, after, after),
            Operator("relu", channels, channels, after, after),
            Operator("conv", channels, width, after, after),
            Operator("batch_norm", width, width, after, after),
            Operator("relu", width, width, after, after),
        ]
        channels, size = width, after
    return (*operators, Operator("global_avg_pool", channels, channels, size, size))
