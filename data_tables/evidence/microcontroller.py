"""RAM and flash against what TensorFlow Lite Micro reports of its arena.

Networks and pairs are written as TensorFlow Lite files with random weights, and the interpreter
allocates each. Of its arena the "head" holds activations and what kernels compute in, the "tail"
what it keeps of the network: tensors, operators, and two numbers for each output channel. A pair
is one file: little's operators, then big's, on the one image, or from the exit on. The interpreter
runs on this machine, whose pointers are of eight bytes, with its reference kernels; nothing here
ran on a microcontroller.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from ...bench.cost import network_costs, pair_figure
from ...bench.coupling import INT8_ORIGIN, Couplings
from ...bench.errors import BigLittleError
from ...bench.graph import IMAGE, Graph, GraphBuilder, Node, simplified
from ...bench.precision import BYTES_PER_VALUE, FP32
from ...bench.spaces import SearchSpace, get_space, parse_networks
from ._page import Step, versions
from ._tflite import runtime, tflite_model

SPACE, N_CLASSES, ARENA_BYTES = "fbnet", 10, 8 * 2**20
#: From small to large, the last with grouped blocks, whose channels are shuffled.
NETWORKS = ("8888880880080088808888", "3200002020236000800000", "1105188500112340065801")
#: (little, big, what they share).
PAIRS = (
    ("8888880880080088808888", "3200002020236000800000", "sibling"),
    ("8888880880080088808888@12", "8888880880080088808888", "prefix"),
    ("3200002020236000800000@12", "3200002020236000800000", "prefix"),
)
_REPORTED = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")


def pair_graph(space: SearchSpace, little: str, big: str) -> tuple[Graph, tuple[int, int]]:
    """Two networks as one graph, little first, and the nodes of their logits.

    Args:
        space: search space of both.
        little: name of the little network; with an exit, of one whose trunk is big's where the
            architectures are the same.
        big: name of the big network, whole.
    """
    rows, _ = parse_networks(space, [little, big])
    cut = little.partition("@")[2]
    first, second = (
        simplified(space.graph(row, N_CLASSES, at)) for row, at in zip(rows, (cut, ""), strict=True)
    )
    n_shared = 0
    if cut and (rows[0] == rows[1]).all():
        builder, place = GraphBuilder(), next(e for e in space.exits if e.name == cut)
        space.trunk(builder, rows[0], place)
        n_shared = len(builder.graph())
    shift = len(first) - n_shared
    moved = [
        Node(
            node.operator,
            tuple(i if i == IMAGE or i < n_shared else i + shift for i in node.inputs),
        )
        for node in second[n_shared:]
    ]
    return (*first, *moved), (len(first) - 1, len(first) + len(moved) - 1)


def reported_bytes(model: bytes) -> dict[str, int]:
    """Bytes of the arena that the interpreter reports for a file: total, head and tail.

    Raises:
        BigLittleError: the interpreter reports no arena.
    """
    module = runtime()
    with tempfile.TemporaryFile() as log:
        before = os.dup(2)
        os.dup2(log.fileno(), 2)  # it prints there, and not by way of Python
        try:
            interpreter = module.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
            interpreter.print_allocations()
        finally:
            os.dup2(before, 2)
            os.close(before)
        log.seek(0)
        text = log.read().decode(errors="replace")
    parts = {name: int(n) for name, n in _REPORTED.findall(text)}
    if {*parts} != {"total", "head", "tail"}:
        raise BigLittleError(f"the interpreter reported no arena but {text[:200]!r}.")
    return parts


def _counted(space: SearchSpace, names: Sequence[str], precision: str) -> dict[str, float]:
    """RAM and flash of one network, or of a pair, in KiB."""
    rows, exits = parse_networks(space, names)
    none, words = np.full(len(names), np.nan), np.full(len(names), precision)
    costs = network_costs(
        space, rows, N_CLASSES, none, none, 0.0, {}, exits=exits, precisions=words
    )
    origin = np.full(len(names), 0 if precision == FP32 else INT8_ORIGIN)
    shared = None
    if len(names) > 1:
        shared = Couplings(space, N_CLASSES, rows, exits, origin).one(0, 1, costs)
    two, rate = (costs.one(0), costs.one(len(names) - 1)), 0.5 * (len(names) - 1)
    return {n: float(pair_figure(n, *two, rate, shared)) for n in ("ram_kib", "flash_kib")}


def _record(counted: dict[str, float], model: bytes) -> dict[str, Any]:
    parts = reported_bytes(model)
    reported = {f"{name}_kib": round(n / 1024, 3) for name, n in parts.items()}
    figures = {name: round(value, 3) for name, value in counted.items()}
    return {**figures, **reported, "file_kib": round(len(model) / 1024, 3)}


def _channels(graph: Graph) -> int:
    return sum(n.operator.out_channels for n in graph if n.operator.kind in ("conv", "linear"))


def measure(drawn: int = 60) -> dict[str, Any]:
    """What is counted and what is reported of networks and pairs; about a minute.

    Args:
        drawn: further networks in int8, drawn at random.
    """
    space, networks, pairs = get_space(SPACE), [], []
    for precision in BYTES_PER_VALUE:
        for name in NETWORKS:
            graph = simplified(space.graph(space.parse(name)[0], N_CLASSES))
            model = tflite_model(graph, precision)
            about = {"network": name, "precision": precision, "channels": _channels(graph)}
            networks.append({**about, **_record(_counted(space, [name], precision), model)})
        for little, big, coupling in PAIRS:
            graph, outputs = pair_graph(space, little, big)
            model = tflite_model(graph, precision, outputs)
            names = {"little": little, "big": big, "coupling": coupling, "precision": precision}
            pairs.append({**names, **_record(_counted(space, [little, big], precision), model)})
    differences = []
    for row in space.sample(np.random.default_rng(0), drawn):
        model = tflite_model(simplified(space.graph(row, N_CLASSES)), "int8")
        kib = _counted(space, space.format(row), "int8")["ram_kib"]
        differences.append(round(reported_bytes(model)["head"] / 1024 / kib - 1, 4))
    return {
        "tflite_micro": version("tflite-micro"),
        "networks": networks,
        "pairs": pairs,
        "drawn": differences,
    }


def _row(name: str, row: dict[str, Any]) -> str:
    cells = [
        name,
        row["precision"],
        f"{row['ram_kib']:.1f}",
        f"{row['head_kib']:.1f} ({100 * (row['head_kib'] / row['ram_kib'] - 1):+.1f} %)",
        f"{row['tail_kib']:.1f}",
        f"{row['flash_kib']:.0f}",
        f"{row['file_kib']:.0f} ({100 * (row['file_kib'] / row['flash_kib'] - 1):+.1f} %)",
    ]
    return f"| {' | '.join(cells)} |"


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [*figures["networks"], *figures["pairs"]]
    within = [row["head_kib"] / row["ram_kib"] - 1 for row in rows]
    tails = [row["tail_kib"] for row in figures["networks"]]
    each = [1024 * row["tail_kib"] / row["channels"] for row in figures["networks"]]
    drawn = np.array(figures["drawn"])
    more = {
        word: [
            100 * (row["file_kib"] / row["flash_kib"] - 1)
            for row in rows
            if row["precision"] == word
        ]
        for word in BYTES_PER_VALUE
    }
    lines = [
        "| network | | RAM counted, KiB | arena's head (difference) | arena's tail | flash counted "
        "| file (difference) |",
        "|---|---|---|---|---|---|---|",
        *(_row(f"`{row['network']}`", row) for row in figures["networks"]),
        *(
            _row(f"`{row['little']}`, `{row['big']}` ({row['coupling']})", row)
            for row in figures["pairs"]
        ),
        "",
        f"In {sum(abs(d) < 0.005 for d in within)} of {len(rows)} rows the arena's head is what "
        "is counted, to half a percent; the largest difference is "
        f"{100 * max(within, key=abs):+.1f} %. Of {len(drawn)} networks in int8 that were drawn at "
        f"random {int((np.abs(drawn) < 0.005).sum())} are as counted and "
        f"{int((drawn < -0.005).sum())} below; the largest difference is "
        f"{100 * drawn.max():+.1f} %. A plan may leave gaps between tensors of several sizes, so "
        "that what is alive at once is the least that any plan takes. "
        f"Beside it the interpreter keeps {min(tails):.0f} to {max(tails):.0f} KiB for a network, "
        f"{min(each):.1f} to {max(each):.1f} bytes for each output channel, which are not counted: "
        f"leave room for them. Files in int8 are {min(more['int8']):.0f} to "
        f"{max(more['int8']):.0f} % larger than the flash that is counted, for zero points, names "
        f"and shapes; in fp32 {min(more[FP32]):+.1f} to {max(more[FP32]):+.1f} %.",
        "",
        f"Counted figures are modelled. Reported by tflite-micro {figures['tflite_micro']} on "
        f"{versions(figures)}, with pointers of eight bytes and reference kernels; nothing ran on "
        "a microcontroller. Files are written from the networks' graphs with random weights, not "
        "by a converter. `python -m biglittle.data_tables.evidence microcontroller`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"microcontroller": page})
