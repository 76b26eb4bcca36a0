"""The distinct blocks of a search space, each as a graph of its own that a runtime can be timed on.

A block of one choice at one layer is the same as at any other layer of its shape, so that a space
of 22 layers and 9 choices has some hundred. Stem, head and the heads of exits are measured as well:
they are what a table's constant stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..bench.errors import ProfileError
from ..bench.operators import Operator
from ..bench.spaces import SearchSpace
from .onnx_graph import INPUT, GraphWriter
from .onnx_network import write_operators

if TYPE_CHECKING:
    import onnx

STEM, HEAD, EXIT = "stem", "head", "exit"


@dataclass(frozen=True)
class Block:
    """One block of a space, wherever it stands.

    Attributes:
        name: ``LAYER.CHOICE`` of the first place where it stands, layers counted from 0, as in
            ``3.k5_e6``; or ``stem``, ``head``, ``exit.12s``.
        operators: the operators it is made of, in order; the classifier is part of a head.
        places: every (layer, choice) where it stands; none of stem and heads.
    """

    name: str
    operators: tuple[Operator, ...]
    places: tuple[tuple[int, int], ...] = ()

    @property
    def params(self) -> int:
        """Trained weights of the block."""
        return sum(op.params for op in self.operators)


def distinct_blocks(space: SearchSpace, n_classes: int) -> tuple[Block, ...]:
    """The blocks of a space, in the order of its layers; stem and heads come last.

    A choice that leaves its layer's input as it is has no operator, and is not a block.

    Args:
        space: search space whose layers follow one another.
        n_classes: number of classes of the classifiers behind the heads.

    Raises:
        ProfileError: the networks of the space are not a sum over layers.

    >>> from biglittle.bench.spaces import get_space
    >>> len(distinct_blocks(get_space("fbnet"), 10))
    124
    """
    if space.build_body is not None:
        raise ProfileError(
            f"networks of space {space.name!r} are graphs and not layers in a row, so that they "
            "have no blocks to add up; measure whole networks: biglittle profile --space "
            f"{space.name} --networks anchors."
        )
    places: dict[tuple[Operator, ...], list[tuple[int, int]]] = {}
    for layer in space.layers:
        for choice in range(len(space.choices)):
            if operators := space.build_layer(layer, choice):
                places.setdefault(operators, []).append((layer.index, choice))
    blocks = [
        Block(f"{at[0][0]}.{space.choices[at[0][1]]}", operators, tuple(at))
        for operators, at in places.items()
    ]
    blocks.append(Block(STEM, space.stem))
    blocks.append(Block(HEAD, (*space.head, space.classifier(n_classes))))
    for cut in space.exits:
        blocks.append(Block(f"{EXIT}.{cut.name}", (*cut.operators, cut.classifier(n_classes))))
    return tuple(blocks)


def block_model(name: str, operators: Sequence[Operator]) -> onnx.ModelProto:
    """A block as an ONNX model of its own, with random weights and batch norms folded.

    Args:
        name: name of the block, which the graph is called by.
        operators: the operators it is made of, in order.

    Raises:
        ProfileError: an operator without ONNX form.
        MissingExtraError: ``onnx`` is not installed.
    """
    graph, first, last = GraphWriter(), operators[0], operators[-1]
    features = write_operators(graph, operators, "block", INPUT)
    shape: tuple[int, ...] = (1, last.out_channels)
    if last.kind not in ("global_avg_pool", "linear"):
        shape = (*shape, last.out_height, last.out_width)
    images = graph.value(INPUT, (1, first.in_channels, first.height, first.width))
    return graph.model([images], [graph.value(features, shape)], f"block {name}")
