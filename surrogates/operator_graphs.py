"""Networks and pairs as padded graphs of operators: what a graph network sees.

Nodes are operators that compute (convolutions, sums, pools, the classifier); batch norms,
activations and shuffles are passed through, because they go with the convolution before them. A
pair is both graphs side by side; what joins them is the gate, which the model keeps as a node of
its own that hears from every operator of both and answers to all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..bench import get_space
from ..bench.operators import Operator
from .networks import Networks

Floats = NDArray[np.float32]

PASSED = ("batch_norm", "relu", "activation", "channel_shuffle")
KINDS = ("dense", "pointwise", "grouped", "depthwise", "add", "pool", "linear", "other")
NUMBERS = (
    *("log_in", "log_out", "log_rows", "log_macs", "log_params"),
    *("kernel", "stride", "position"),
)
N_FEATURES = len(KINDS) + len(NUMBERS)
GLOBALS = ("log_macs", "log_params", "operators")


def _kind(op: Operator) -> str:
    if op.kind == "conv":
        if op.groups > 1:
            return "depthwise" if op.groups == op.in_channels else "grouped"
        return "pointwise" if op.taps == 1 else "dense"
    if op.kind in ("add", "linear"):
        return op.kind
    return "pool" if "pool" in op.kind else "other"


def _row(op: Operator, position: float) -> list[float]:
    onehot = [float(_kind(op) == kind) for kind in KINDS]
    logs = [np.log(x) / 4 for x in (op.in_channels, op.out_channels, op.height)]
    costs = [np.log1p(op.macs) / 16, np.log1p(op.params) / 12]
    return [*onehot, *logs, *costs, op.kernel / 5, op.stride - 1.0, position]


@lru_cache(maxsize=100_000)
def _graph(space: str, architecture: str, n_classes: int) -> tuple[Floats, NDArray[np.intp]]:
    """Node features (n, k) and edges (2, m), source above target, of one network."""
    nodes = get_space(space).graph(architecture, n_classes)
    place: dict[int, int] = {-1: -1}
    operators: list[Operator] = []
    edges: set[tuple[int, int]] = set()
    for index, node in enumerate(nodes):
        sources = [place[i] for i in node.inputs]
        if node.operator.kind in PASSED and len(sources) == 1:
            place[index] = sources[0]
            continue
        place[index] = len(operators)
        edges |= {(s, len(operators)) for s in sources if s >= 0}
        operators.append(node.operator)
    rows = [_row(op, i / len(operators)) for i, op in enumerate(operators)]
    ends = np.array(sorted(edges), np.intp).reshape(-1, 2).T
    return np.array(rows, np.float32), ends


@dataclass(frozen=True)
class Graphs:
    """A batch of networks or pairs, padded to one number of nodes.

    Attributes:
        nodes: features of the operators, shape (b, n, N_FEATURES); 0 beyond a graph's nodes.
        adjacency: 1 where a node (row) reads another (column), shape (b, n, n).
        little: share of each node in little's mean, shape (b, n, 1); sums to 1.
        big: share of each node in big's mean, shape (b, n, 1); all 0 for single networks.
        whole: figures of both networks as a whole, shape (b, 2 * len(GLOBALS)).
    """

    nodes: Floats
    adjacency: Floats
    little: Floats
    big: Floats
    whole: Floats

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def named(self) -> dict[str, Floats]:
        """The arrays by the names that the ONNX model knows."""
        return {
            "nodes": self.nodes,
            "adjacency": self.adjacency,
            "little": self.little,
            "big": self.big,
            "whole": self.whole,
        }


def _whole(networks: Networks, count: NDArray[np.intp]) -> Floats:
    params = networks.space.params(networks.genomes, networks.n_classes)
    columns = [networks.log_macs / 16, np.log(params) / 14, count / 100]
    return np.stack(columns, axis=1).astype(np.float32)


def graphs(
    networks: Networks, little: NDArray[np.intp], big: NDArray[np.intp] | None = None
) -> Graphs:
    """Single networks, or pairs of them, as padded graphs.

    Args:
        networks: networks, each of them once.
        little: row of each single network, or of each pair's little one, shape (b,).
        big: row of each pair's big network, shape (b,); None for single networks.
    """
    ids = networks.space.format(networks.genomes)
    operators = [_graph(networks.space.name, a, networks.n_classes) for a in ids]
    sides = [little] if big is None else [little, big]
    count = np.array([len(rows) for rows, _ in operators])
    size = int(max((sum(count[s[i]] for s in sides) for i in range(len(little))), default=1))
    shape = (len(little), size)
    nodes = np.zeros((*shape, N_FEATURES), np.float32)
    adjacency = np.zeros((*shape, size), np.float32)
    shares = [np.zeros((*shape, 1), np.float32) for _ in range(2)]
    for i in range(len(little)):
        start = 0
        for side, share in zip(sides, shares, strict=False):
            rows, edges = operators[side[i]]
            end = start + len(rows)
            nodes[i, start:end] = rows
            adjacency[i, start + edges[1], start + edges[0]] = 1.0
            share[i, start:end] = 1 / len(rows)
            start = end
    whole = _whole(networks, count)
    second = np.zeros_like(whole[little]) if big is None else whole[big]
    both = np.concatenate([whole[little], second], axis=1)
    return Graphs(nodes, adjacency, shares[0], shares[1], both)
