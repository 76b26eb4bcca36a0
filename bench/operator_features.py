"""What a network's operators do, added up by class: the features of latency and energy models.

Counts, multiply-accumulates, traffic, weights and rooflines of dense, pointwise, grouped and
depthwise convolutions, of linear layers and of everything else. The sums are additive over parts of
a network, and so is any model that is linear in them.

Source: sums over operators as in Cai et al. 2019, "ProxylessNAS"; the roofline of Williams et al.
2009.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, GraphBuilder, lowered
from .operators import Operator
from .spaces import Exits, Genomes, SearchSpace
from .trunk_costs import BYTES_PER_VALUE

Array = NDArray[np.float64]
#: MACs per byte at which a roofline bends: small, middle and large cores.
RIDGES = (0.5, 2.0, 8.0)
WEIGHTED = ("dense", "pointwise", "grouped", "depthwise", "linear")
OTHERS = ("add", "pool", "shuffle", "elementwise")
#: A convolution that nothing reads, left in by runtimes that multiply its output by zero.
DANGLING = "dangling"
_OF_WEIGHTED = ("count", "macs", "lanes", "traffic", "weights", *(f"roof{r:g}" for r in RIDGES))
NAMES = (
    "networks",
    *(f"{kind}.{what}" for kind in WEIGHTED for what in _OF_WEIGHTED),
    *(f"{kind}.{what}" for kind in OTHERS for what in ("count", "traffic")),
    *(f"{DANGLING}.{what}" for what in ("count", "macs", "traffic")),
)
_INDEX = {name: i for i, name in enumerate(NAMES)}


def operator_class(op: Operator) -> str | None:
    """The class whose sums an operator adds to; None for what runtimes fuse or fold."""
    if op.kind == "linear":
        return "linear"
    if op.kind == "conv":
        if op.groups > 1:
            return "depthwise" if op.groups == op.in_channels else "grouped"
        return "pointwise" if op.taps == 1 else "dense"
    if op.kind in ("avg_pool", "max_pool", "global_avg_pool"):
        return "pool"
    if op.kind in ("batch_norm", "zero"):
        return None
    if op.kind == "channel_shuffle":
        return "shuffle"
    return "add" if op.kind == "add" else "elementwise"


@lru_cache(maxsize=65536)
def _terms(op: Operator, dangling: bool) -> tuple[tuple[int, float], ...]:
    kind = operator_class(op)
    if kind is None:
        return ()
    traffic = (op.in_size + op.out_size) * BYTES_PER_VALUE / 1e6
    macs = op.macs / 1e6
    if dangling:
        given = {"count": 1.0, "macs": macs, "traffic": traffic}
        return tuple((_INDEX[f"{DANGLING}.{k}"], v) for k, v in given.items())
    given = {"count": 1.0, "traffic": traffic}
    if kind in WEIGHTED:
        weights = op.params * BYTES_PER_VALUE / 1e6
        # MACs on few input channels fill vector lanes badly.
        given |= {"macs": macs, "weights": weights}
        given["lanes"] = macs * op.groups / max(op.in_channels, 1)
        given |= {f"roof{r:g}": max(macs, r * (traffic + weights)) for r in RIDGES}
    return tuple((_INDEX[f"{kind}.{k}"], v) for k, v in given.items())


def _counted(graph: Graph) -> Counter[tuple[Operator, bool]]:
    executed, dangling = lowered(graph)
    counts: Counter[tuple[Operator, bool]] = Counter()
    for node in executed:
        op = node.operator
        fused = op.kind in ("relu", "activation") and all(
            i >= 0 and executed[i].operator.kind in ("batch_norm", "conv", "linear")
            for i in node.inputs
        )
        if not fused:
            counts[op, False] += 1
    for op in dangling:
        counts[op, True] += 1
    return counts


def operator_features(graphs: Sequence[Graph]) -> Array:
    """Sums over the operators of each network, shape (n, len(NAMES)), columns as ``NAMES``.

    MACs in millions, traffic and weights in 1e6 bytes of float32. Batch norms, and activations
    right after what they are fused with, count nothing.

    Args:
        graphs: graphs of the networks, n of them.
    """
    out = np.zeros((len(graphs), len(NAMES)))
    for row, graph in zip(out, graphs, strict=True):
        row[0] = 1.0
        for (op, dangling), times in _counted(graph).items():
            for column, value in _terms(op, dangling):
                row[column] += times * value
    return out


def chain_features(operators: Sequence[Operator]) -> Array:
    """The same for a part of a network whose operators follow one another, shape (len(NAMES),).

    An ``add`` adds what came into the part. The constant per network is not in it.
    """
    builder = GraphBuilder()
    if not operators:
        return np.zeros(len(NAMES))
    builder.chain(operators, -1)
    row: Array = operator_features([builder.graph()])[0]
    row[0] = 0.0
    return row


def layer_features(space: SearchSpace, n_classes: int) -> tuple[Array, Array]:
    """What all networks of a chain share, (len(NAMES),), and what each choice adds at each layer.

    The second has shape (n_layers, n_choices, len(NAMES)).

    Args:
        space: a search space whose layers follow one another.
        n_classes: number of classes of the classifier.
    """
    k = len(space.choices)
    layers = np.array(
        [[chain_features(space.build_layer(ly, c)) for c in range(k)] for ly in space.layers]
    )
    first: Array = operator_features([space.graph(space.digits[0] * space.n_layers, n_classes)])[0]
    return first - layers[:, 0].sum(axis=0), layers


def end_features(space: SearchSpace, n_classes: int) -> Array:
    """What head and classifier add by number of the exit, 0 of whole networks, (n_exits + 1, k).

    Args:
        space: search space of the networks.
        n_classes: number of classes of the classifier.
    """
    ends = [(*space.head, space.classifier(n_classes))]
    ends += [(*cut.operators, cut.classifier(n_classes)) for cut in space.exits]
    return np.array([chain_features(end) for end in ends])


def trunk_features(space: SearchSpace, genomes: Genomes, exits: Exits) -> Array:
    """Sums over stem and layers before each exit, shape (n, len(NAMES)), each trunk counted once.

    The constant per network is in them: what runs on behind an exit is no further network.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits, shape (n,); of whole networks, 0, all layers count.
    """
    both = np.column_stack([np.atleast_2d(genomes), exits])
    unique, where = np.unique(both, axis=0, return_inverse=True)
    graphs = []
    for row in unique:
        builder = GraphBuilder()
        space.trunk(builder, row[:-1], space.exits[row[-1] - 1] if row[-1] else None)
        graphs.append(builder.graph())
    return operator_features(graphs)[where.ravel()]


def network_features(
    space: SearchSpace, genomes: Genomes, n_classes: int, exits: Exits | None = None
) -> Array:
    """``operator_features`` of networks of a space, shape (n, len(NAMES)).

    In a chain they are looked up by layer and choice, in a space of cells taken from each graph.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        n_classes: number of classes of the classifier.
        exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
    """
    rows = np.atleast_2d(genomes)
    if exits is not None and exits.any():
        names = space.exit_names(exits)
        return operator_features(
            [space.graph(row, n_classes, cut) for row, cut in zip(rows, names, strict=True)]
        )
    if space.build_body is not None:
        return operator_features([space.graph(row, n_classes) for row in rows])
    constant, layers = layer_features(space, n_classes)
    return np.asarray(constant + layers[np.arange(space.n_layers), rows].sum(axis=1))
