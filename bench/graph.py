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
        operator: what is computed.
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


def simplified(graph: Graph) -> Graph:
    """The graph without what does not matter: constants, what only they feed, and dead ends.

    Runtimes fold such nodes when a network is loaded. A sum with a constant stays only where both
    sides depend on the image. A graph whose output does not depend on the image becomes empty.
    """
    varies: list[bool] = []
    alias = {IMAGE: IMAGE}
    for index, node in enumerate(graph):
        live = [i for i in node.inputs if i == IMAGE or varies[i]]
        alias[index] = index
        if node.operator.kind == "zero" or not live:
            varies.append(False)
            continue
        varies.append(True)
        if node.operator.kind == "add" and len(live) == 1:
            alias[index] = alias[live[0]]
    if not graph or not varies[-1]:
        return ()
    needed, stack = set[int](), [alias[len(graph) - 1]]
    while stack:
        index = stack.pop()
        if index == IMAGE or index in needed:
            continue
        needed.add(index)
        stack += [alias[i] for i in graph[index].inputs if i == IMAGE or varies[i]]
    place = {IMAGE: IMAGE} | {old: new for new, old in enumerate(sorted(needed))}
    return tuple(
        replace(
            graph[old],
            inputs=tuple(place[alias[i]] for i in graph[old].inputs if i == IMAGE or varies[i]),
        )
        for old in sorted(needed)
    )


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
