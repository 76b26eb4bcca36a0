"""Activations of a network in one arena: which tensors are alive while its operators run in order.

The schedule, as a microcontroller's runtime has it:

- Operators run one after the other, in the order of the graph. While one runs, its inputs and its
  output are alive; a tensor is alive from the operator that writes it to the last one that reads
  it, and the image from the start to its last reader. A block's input is so kept for the sum.
- A batch norm or ReLU is part of the operator before it, where nothing else reads that one's
  output. Every other operator, sums and shuffles of channels too, writes a tensor of its own.
- Nothing is padded or aligned, and no operator needs memory of its own to compute in.

Where the image has to stay for a network that runs later, or features at an exit for the rest of
their network, they are alive all along: the largest sum is therefore told without the image as well
as with it.

Source of the planner that such a runtime runs: David et al. 2021, "TensorFlow Lite Micro", section
4.4.2; it also pads tensors to 16 bytes, which is not done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .graph import IMAGE, Graph, GraphBuilder, simplified
from .operators import Operator

_FUSED = ("batch_norm", "relu")


@dataclass(frozen=True)
class Step:
    """One operator with what is fused into it.

    Attributes:
        inputs: steps whose outputs it reads, each once; ``IMAGE`` for the image.
        out_size: elements of the tensor that it writes.
    """

    inputs: tuple[int, ...]
    out_size: int


@dataclass(frozen=True)
class Peaks:
    """Elements that are alive at once while a graph runs.

    Attributes:
        image: elements of the image that it reads; 0 where it reads none.
        reading: the most that are alive, the image included, up to its last reader.
        others: the most that are alive at any time, the image left out.
    """

    image: int
    reading: int
    others: int

    @property
    def most(self) -> int:
        """The most that are alive at any time."""
        return max(self.reading, self.others)

    @property
    def kept(self) -> int:
        """The most that are alive at any time where the image is alive to the end."""
        return self.others + self.image


def steps(graph: Graph) -> tuple[Step, ...]:
    """What is run of a graph, one after the other: its operators with what is fused into them."""
    readers = [0] * len(graph)
    for node in graph:
        for i in {*node.inputs} - {IMAGE}:
            readers[i] += 1
    place, made = {IMAGE: IMAGE}, list[Step]()
    for index, node in enumerate(graph):
        before = node.inputs[0] if len(node.inputs) == 1 else IMAGE
        if node.operator.kind in _FUSED and before != IMAGE and readers[before] == 1:
            place[index] = place[before]
            continue
        inputs = dict.fromkeys(place[i] for i in node.inputs)
        place[index] = len(made)
        made.append(Step(tuple(inputs), node.operator.out_size))
    return tuple(made)


def peaks(graph: Graph) -> Peaks:
    """The most elements that are alive while a graph runs; constants in it are left out."""
    needed = simplified(graph)
    image = max((n.operator.in_size for n in needed if IMAGE in n.inputs), default=0)
    order = steps(needed)
    last = {i: k for k, step in enumerate(order) for i in step.inputs}
    alive, reading, others = dict[int, int](), image, 0
    for index, step in enumerate(order):
        alive[index] = step.out_size
        most = sum(alive.values())
        others = max(others, most)
        if index <= last.get(IMAGE, -1):
            reading = max(reading, most + image)
        for i in step.inputs:
            if last[i] == index:
                alive.pop(i, None)
    return Peaks(image, reading, others)


def chain_peaks(operators: Sequence[Operator]) -> Peaks:
    """The same of operators one after the other; of none, such as a ``skip``, nothing is alive."""
    builder = GraphBuilder()
    builder.chain(operators, IMAGE)
    return peaks(builder.graph())
