"""Networks as graphs of primitive operators: what feeds what, what is needless, what is alive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .operators import Operator

IMAGE = -1  # the index that stands for the network's input


@dataclass(frozen=True)
class Node:
    """One operator and where its inputs come from.

    Attributes:
        operator: the operator that is computed.
        inputs: index of the node behind each input, ``IMAGE`` for the image. A node stands after
            all its inputs; the last node of a graph is its output.
    """

    operator: Operator
    inputs: tuple[int, ...]


Graph = tuple[Node, ...]


class GraphBuilder:
    """Collects nodes; every method gives the index of what it added.

    >>> builder = GraphBuilder()
    >>> builder.chain([Operator("conv", 3, 8, 32, 32, 3), Operator("relu", 8, 8, 32, 32)], IMAGE)
    1
    """

    def __init__(self) -> None:
        self._nodes: list[Node] = []

    def node(self, operator: Operator, *inputs: int) -> int:
        """One operator on given inputs."""
        self._nodes.append(Node(operator, inputs))
        return len(self._nodes) - 1

    def chain(self, operators: Sequence[Operator], source: int) -> int:
        """Operators one after the other, from ``source``; an ``add`` adds what came from there."""
        at = source
        for op in operators:
            at = self.node(op, at, source) if op.kind == "add" else self.node(op, at)
        return at

    def graph(self) -> Graph:
        """What was collected."""
        return tuple(self._nodes)


def _reduced(graph: Graph, void: list[bool]) -> tuple[Graph, tuple[int, ...]]:
    """The graph without void nodes and dead ends, and the indices of what nothing reads."""
    alias = {IMAGE: IMAGE}
    for index, node in enumerate(graph):
        live = [i for i in node.inputs if i == IMAGE or not void[i]]
        lone = node.operator.kind == "add" and len(live) == 1
        alias[index] = alias[live[0]] if lone else index
    if not graph or void[-1]:
        return (), ()

    def inputs(index: int) -> tuple[int, ...]:
        # What takes a void node as its only input computes on a constant: it takes no node.
        return tuple(alias[i] for i in graph[index].inputs if i == IMAGE or not void[i])

    needed, stack = set[int](), [alias[len(graph) - 1]]
    while stack:
        index = stack.pop()
        if index != IMAGE and index not in needed:
            needed.add(index)
            stack += inputs(index)
    read = {i for k in range(len(graph)) if not void[k] and alias[k] == k for i in inputs(k)}
    unread = tuple(
        k for k in range(len(graph)) if alias[k] == k and not void[k] and k not in needed | read
    )
    place = {IMAGE: IMAGE} | {old: new for new, old in enumerate(sorted(needed))}
    nodes = tuple(
        replace(graph[old], inputs=tuple(place[i] for i in inputs(old))) for old in sorted(needed)
    )
    return nodes, unread


def simplified(graph: Graph) -> Graph:
    """The graph without what does not matter: constants, what only they feed, and dead ends.

    A sum stays only where both sides depend on the image. A graph whose output does not depend on
    the image becomes empty.
    """
    void: list[bool] = []
    for node in graph:
        varies = any(i == IMAGE or not void[i] for i in node.inputs)
        void.append(node.operator.kind == "zero" or not varies)
    return _reduced(graph, void)[0]


def lowered(graph: Graph) -> tuple[Graph, tuple[Operator, ...]]:
    """What a runtime executes of a graph as it was exported, and convolutions at dead ends.

    Sums with zeros are left out and so is what nothing reads, but operators on zeros are executed:
    runtimes fold them only when they are small. The convolutions are those that end in a batch norm
    which nothing reads, with what leads to them; some runtimes execute these too, where the
    exported network multiplies them by zero.
    """
    void: list[bool] = []
    for node in graph:
        sides = [i == IMAGE or not void[i] for i in node.inputs]
        void.append(
            node.operator.kind == "zero" or (node.operator.kind == "add" and not any(sides))
        )
    executed, unread = _reduced(graph, void)
    dangling: list[Operator] = []
    for end in unread:
        at = end
        if graph[end].operator.kind != "batch_norm":
            continue
        while at != IMAGE and graph[at].operator.kind in ("batch_norm", "relu"):
            at = graph[at].inputs[0]
        if at != IMAGE and graph[at].operator.kind == "conv":
            dangling.append(graph[at].operator)
    return executed, tuple(dangling)


def peak_elements(graph: Graph) -> int:
    """Largest number of activation elements alive at once while the nodes run in order.

    A node's inputs and its output are alive while it runs, and whatever later nodes still need.
    Batch norm, activations and sums overwrite an input that nothing else needs. An analytic
    model, not a measurement.
    """
    last = {i: k for k, node in enumerate(graph) for i in node.inputs}
    alive, peak = dict[int, int](), 0
    for index, node in enumerate(graph):
        ending = [i for i in set(node.inputs) if last[i] == index]
        reuses = node.operator.kind in ("batch_norm", "relu", "add") and ending
        entry = node.operator.in_size if IMAGE in node.inputs else 0
        own = 0 if reuses else node.operator.out_size
        peak = max(peak, sum(alive.values()) + own + entry)
        for i in ending:
            alive.pop(i, None)
        if index in last:  # a dead end is dropped at once
            alive[index] = node.operator.out_size
    return peak
