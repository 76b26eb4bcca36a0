"""The ``nb201`` space: NAS-Bench-201 cells, 5 choices on 6 edges, 15,625 architectures.

An id has one digit per edge, in the order of the published string
``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`` (edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3); the string itself is
read as well. Every node of a cell is the sum of its incoming edges. The network: convolution 3x3
to 16 channels, three stages of five cells with 16, 32 and 64 channels at 32x32, 16x16 and 8x8, a
residual block of stride 2 before the second and the third, then batch norm, ReLU, average, linear.

Source: Dong and Yang 2020, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search" (section 2.1; convolutions are ReLU-convolution-batch norm, without bias).
"""

from __future__ import annotations

from itertools import pairwise

from ..graph import GraphBuilder
from ..operators import Operator
from ._exits import Exit, separable_head
from ._layers import Genomes, Layer
from ._space import SearchSpace

CHOICES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source node, target node)
N_NODES, CELLS_PER_STAGE = 4, 5
INPUT_CHANNELS, INPUT_SIZE = 3, 32
STAGES = ((16, 32), (32, 16), (64, 8))  # channels, rows


def _relu_conv_bn(
    cin: int, cout: int, size: int, kernel: int, stride: int = 1
) -> tuple[Operator, ...]:
    after = size // stride
    return (
        Operator("relu", cin, cin, size, size),
        Operator("conv", cin, cout, size, size, kernel, stride),
        Operator("batch_norm", cout, cout, after, after),
    )


def edge_operators(choice: int, channels: int, size: int) -> tuple[Operator, ...]:
    """What one edge of one cell computes; nothing for ``none`` and ``skip_connect``."""
    name = CHOICES[choice]
    if name == "avg_pool_3x3":
        return (Operator("avg_pool", channels, channels, size, size, 3),)
    if name in ("nor_conv_1x1", "nor_conv_3x3"):
        return _relu_conv_bn(channels, channels, size, int(name[-1]))
    return ()


def _reduction(
    cin: int, cout: int, size: int
) -> tuple[tuple[Operator, ...], tuple[Operator, ...], Operator]:
    """The residual block of stride 2: its main path, its shortcut, and their sum."""
    half = size // 2
    main = (*_relu_conv_bn(cin, cout, size, 3, 2), *_relu_conv_bn(cout, cout, half, 3))
    shortcut = (
        Operator("avg_pool", cin, cin, size, size, 2, 2),
        Operator("conv", cin, cout, half, half),
    )
    return main, shortcut, Operator("add", cout, cout, half, half)


_REDUCTIONS = tuple(
    _reduction(before, after, size) for (before, size), (after, _) in pairwise(STAGES)
)


def build_layer(layer: Layer, choice: int) -> tuple[Operator, ...]:
    """The operators of ``choice`` on one edge, in all cells of the network."""
    return tuple(
        op
        for channels, size in STAGES
        for _ in range(CELLS_PER_STAGE)
        for op in edge_operators(choice, channels, size)
    )


def _cell(builder: GraphBuilder, source: int, genome: Genomes, channels: int, size: int) -> int:
    nodes = [source]
    for target in range(1, N_NODES):
        total: int | None = None
        for (begin, end), choice in zip(EDGES, genome, strict=True):
            if end != target or CHOICES[choice] == "none":
                continue
            at = builder.chain(edge_operators(int(choice), channels, size), nodes[begin])
            if total is not None:
                at = builder.node(Operator("add", channels, channels, size, size), total, at)
            total = at
        if total is None:
            total = builder.node(Operator("zero", channels, channels, size, size), nodes[0])
        nodes.append(total)
    return nodes[-1]


def build_body(
    builder: GraphBuilder, source: int, genome: Genomes, after: int | None = None
) -> int:
    """Adds the cells and the residual blocks between stages; the index of the last node.

    Args:
        builder: graph to which the nodes are added.
        source: index of the node that feeds the first cell.
        genome: choices of the six edges, shape (6,).
        after: last cell to add, counted from 0; None: all of them.
    """
    at, cell = source, 0
    for stage, (channels, size) in enumerate(STAGES):
        if stage:
            main, shortcut, add = _REDUCTIONS[stage - 1]
            at = builder.node(add, builder.chain(main, at), builder.chain(shortcut, at))
        for _ in range(CELLS_PER_STAGE):
            at = _cell(builder, at, genome, channels, size)
            if cell == after:
                return at
            cell += 1
    return at


def _exits() -> tuple[Exit, ...]:
    """An exit head and a small one after the last cell of the first two stages.

    What a cell gives is the input of the next one's ReLU, so that a head begins with its own batch
    norm and ReLU, as the network's own head does.
    """
    out: list[Exit] = []
    for stage, (channels, size) in enumerate(STAGES[:-1], 1):
        after = stage * CELLS_PER_STAGE - 1
        first = (
            Operator("batch_norm", channels, channels, size, size),
            Operator("relu", channels, channels, size, size),
        )
        for suffix, widths, strides in (("", (64, 128), (2, 2)), ("s", (64,), (2,))):
            head = (*first, *separable_head(channels, size, widths, strides))
            out.append(Exit(f"{after}{suffix}", after, head, widths[-1]))
    return tuple(out)


def read_name(name: str) -> str | None:
    """The id of a published string, or None where ``name`` is any other text."""
    parts = [part for node in name.split("+") for part in node.strip("|").split("|")]
    operators = [part.partition("~")[0] for part in parts]
    if len(parts) != len(EDGES) or any(op not in CHOICES for op in operators):
        return None
    digits = "".join(str(CHOICES.index(op)) for op in operators)
    return digits if write_name(digits) == name else None


def write_name(architecture: str) -> str:
    """The published string of an id."""
    nodes: list[str] = []
    for target in range(1, N_NODES):
        edges = [
            f"{CHOICES[int(digit)]}~{begin}"
            for digit, (begin, end) in zip(architecture, EDGES, strict=True)
            if end == target
        ]
        nodes.append("|" + "|".join(edges) + "|")
    return "+".join(nodes)


_CHANNELS, _SIZE = STAGES[0]
_LAST_CHANNELS, _LAST_SIZE = STAGES[-1]

SPACE = SearchSpace(
    name="nb201",
    choices=CHOICES,
    layers=tuple(Layer(i, _CHANNELS, _CHANNELS, _SIZE, 1) for i in range(len(EDGES))),
    stem=(
        Operator("conv", INPUT_CHANNELS, _CHANNELS, INPUT_SIZE, INPUT_SIZE, 3),
        Operator("batch_norm", _CHANNELS, _CHANNELS, _SIZE, _SIZE),
    ),
    head=(
        Operator("batch_norm", _LAST_CHANNELS, _LAST_CHANNELS, _LAST_SIZE, _LAST_SIZE),
        Operator("relu", _LAST_CHANNELS, _LAST_CHANNELS, _LAST_SIZE, _LAST_SIZE),
        Operator("global_avg_pool", _LAST_CHANNELS, _LAST_CHANNELS, _LAST_SIZE, _LAST_SIZE),
    ),
    n_features=_LAST_CHANNELS,
    build_layer=build_layer,
    source="Dong and Yang 2020 (NAS-Bench-201)",
    between=tuple(op for main, cut, add in _REDUCTIONS for op in (*main, *cut, add)),
    build_body=build_body,
    read_name=read_name,
    write_name=write_name,
    edges=EDGES,
    exits=_exits(),
)
