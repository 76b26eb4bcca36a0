"""Published whole-network measurements as graphs of operators with one figure each.

Reads the folder of the reference data, which is not a part of the project; what a profile or a page
of it may hold is only what is computed from them. Every function says what it leaves out.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import DatasetError
from ..bench.graph import (
    IMAGE,
    Graph,
    GraphBuilder,
    simplified,
)
from ..bench.operators import Operator
from ..bench.spaces import get_space

Array = NDArray[np.float64]
#: (output channels, stride of the depthwise convolution) of MobileNet v1's blocks.
MOBILENET_V1 = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *(((512, 1),) * 5),
    *((1024, 2), (1024, 1)),
)
#: (expansion, output channels, blocks, stride of the first) of MobileNet v2's stages.
MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
#: Padding of the ConvNets on the Jetson Nano by kernel; their MACs are then as published.
CONVNET_PADDING = {1: 1, 2: 2, 3: 1, 4: 2, 5: 2}
CONVNET = re.compile(r"convnet_L(\d+)_F(\d+)_K([1-5])x\3_W(\d+)(_DWS)?")


def reference_folder() -> Path:
    """Where the reference data are looked for: ``BIGLITTLE_REFERENCE_DATA`` or ../shared/data."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("BIGLITTLE_REFERENCE_DATA") or default)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a gzipped CSV file.

    Raises:
        DatasetError: the file is not there.
    """
    if not path.is_file():
        raise DatasetError(
            f"published measurements {path.name} are not in {path.parent}; expected the folder of "
            "the reference data there, or its path in BIGLITTLE_REFERENCE_DATA."
        )
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Measured:
    """Networks and one measured figure of each.

    Attributes:
        names: what the source calls the networks.
        graphs: the operators of each network.
        figures: measured columns, each of shape (n,), named with their unit.
    """

    names: tuple[str, ...]
    graphs: tuple[Graph, ...]
    figures: dict[str, Array]


def _chosen(n: int, limit: int | None, seed: int = 0) -> Iterable[int]:
    if limit is None or limit >= n:
        return range(n)
    return (int(i) for i in np.random.default_rng(seed).permutation(n)[:limit])


# ---- NAS-Bench-201 -----------------------------------------------------------------------------
def nb201(device: str, limit: int | None = None, folder: Path | None = None) -> Measured:
    """Cells on one of the devices of HELP; cells whose output is constant are left out."""
    root, space = folder or reference_folder(), get_space("nb201")
    named = read_rows(root / "nb201" / "accuracy.csv.gz")
    rows = read_rows(root / "nb201" / "latency_ms.csv.gz")
    names, graphs, latency = [], [], []
    for i in _chosen(len(rows), limit):
        graph = space.graph(named[i]["arch_str"], 10)
        if simplified(graph):
            names.append(named[i]["arch_str"])
            graphs.append(graph)
            latency.append(float(rows[i][device]))
    return Measured(tuple(names), tuple(graphs), {"latency_ms": np.array(latency)})


def raspberry_pi_5(
    framework: str, limit: int | None = None, folder: Path | None = None
) -> Measured:
    """Cells on a Raspberry Pi 5 under ``litert``, ``onnx`` or ``torchmobile``, 100 classes.

    Only rows that were measured, none that were copied from an isomorphic cell; cells whose output
    is constant are left out. Energy is of the core rail alone.
    """
    root, space = folder or reference_folder(), get_space("nb201")
    named = read_rows(root / "nb201" / "accuracy.csv.gz")
    rows = [
        r
        for r in read_rows(root / "nb201" / "raspberry_pi_5.csv.gz")
        if r["framework"] == framework and r["arch_idx"] == r["rep_arch_idx"]
        if r["status"] == "ok" and r["lat_ms_median"] and r["energy_mj"]
    ]
    names, graphs, chosen = [], [], []
    for i in _chosen(len(rows), limit):
        name = named[int(rows[i]["arch_idx"])]["arch_str"]
        graph = space.graph(name, 100)
        if simplified(graph):
            names.append(name)
            graphs.append(graph)
            chosen.append(rows[i])
    figures = {
        "latency_ms": np.array([float(r["lat_ms_median"]) for r in chosen]),
        "energy_mj": np.array([float(r["energy_mj"]) for r in chosen]),
    }
    return Measured(tuple(names), tuple(graphs), figures)


# ---- ConvNets on the Jetson Nano ---------------------------------------------------------------
def convnet(name: str) -> Graph:
    """The graph of ``convnet_L8_F352_K3x3_W90[_DWS]``, names with one kernel.

    Raises:
        DatasetError: another kind of name.
    """
    parts = CONVNET.fullmatch(name)
    if parts is None:
        raise DatasetError(
            f"{name!r} is not the name of a ConvNet such as convnet_L8_F352_K3x3_W90."
        )
    layers, width, side = int(parts[1]), int(parts[2]), int(parts[4])
    kernel = int(parts[3])
    operators, channels = list[Operator](), 3
    for _ in range(layers):
        after = side + 2 * CONVNET_PADDING[kernel] - kernel + 1
        out = (after, after)
        if parts[5]:
            operators += [
                Operator("conv", channels, channels, side, side, kernel, 1, channels, output=out),
                Operator("conv", channels, width, after, after),
            ]
        else:
            operators.append(Operator("conv", channels, width, side, side, kernel, output=out))
        operators.append(Operator("relu", width, width, after, after))
        channels, side = width, after
    builder = GraphBuilder()
    at = builder.chain(operators, IMAGE)
    builder.node(Operator("linear", channels * side * side, 10, 1, 1), at)
    return builder.graph()


def jetson_nano(limit: int | None = None, folder: Path | None = None) -> Measured:
    """ConvNets on a Jetson Nano under TensorRT; energy is of the board's 5 V rail.

    Those with two kernels are left out: which layer has which is not published.
    """
    root = folder or reference_folder()
    rows = read_rows(root / "jetson" / "jetson_nano_tensorrt.csv.gz")
    rows = [r for r in rows if CONVNET.fullmatch(r["model"])]
    chosen = [rows[i] for i in _chosen(len(rows), limit)]
    figures = {
        "latency_ms": np.array([float(r["latency_ms"]) for r in chosen]),
        "energy_mj": np.array([float(r["board_energy_mj"]) for r in chosen]),
        "published_macs": np.array([float(r["macs"]) for r in chosen]),
    }
    names = tuple(r["model"] for r in chosen)
    return Measured(names, tuple(convnet(n) for n in names), figures)


# ---- MobileNets of MLPerf ----------------------------------------------------------------------
def _divisible(value: float) -> int:
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def mobilenet(version: int, width: float, side: int, n_classes: int = 1001) -> Graph:
    """MobileNet v1 or v2 of a width and an input size ("same" padding).

    Source: Howard et al. 2017, table 1; Sandler et al. 2018, table 2.
    """
    builder, at = GraphBuilder(), IMAGE

    def conv(
        at: int, cin: int, cout: int, side: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> tuple[int, int]:
        op = Operator("conv", cin, cout, side, side, kernel, stride, groups)
        after = op.out_height
        chain = (op, *(Operator(k, cout, cout, after, after) for k in ("batch_norm", "relu")))
        return builder.chain(chain, at), after

    if version == 1:
        channels = _divisible(32 * width)
        at, side = conv(at, 3, channels, side, 3, 2)
        for base, stride in MOBILENET_V1:
            out = _divisible(base * width)
            at, side = conv(at, channels, channels, side, 3, stride, channels)
            at, side = conv(at, channels, out, side)
            channels = out
    else:
        channels = _divisible(32 * width)
        at, side = conv(at, 3, channels, side, 3, 2)
        for expansion, base, blocks, first in MOBILENET_V2:
            out = _divisible(base * width)
            for block in range(blocks):
                start, stride, mid = at, first if block == 0 else 1, channels * expansion
                if expansion > 1:
                    at, side = conv(at, channels, mid, side)
                at, side = conv(at, mid, mid, side, 3, stride, mid)
                at, side = conv(at, mid, out, side)
                if stride == 1 and channels == out:
                    at = builder.node(Operator("add", out, out, side, side), at, start)
                channels = out
        last = _divisible(1280 * max(width, 1.0))
        at, side = conv(at, channels, last, side)
        channels = last
    at = builder.node(Operator("global_avg_pool", channels, channels, side, side), at)
    builder.node(Operator("linear", channels, n_classes, 1, 1), at)
    return builder.graph()


def mobilenets(system: str, folder: Path | None = None) -> Measured:
    """MobileNets v1 and v2 in float32 of one system of MLPerf Inference, single stream, mean ms."""
    root = folder or reference_folder()
    names, graphs, latency = [], [], []
    for row in read_rows(root / "mlperf" / "edge_single_stream.csv.gz"):
        pattern = r"mobilenet-v([12])-(\d\.\d+)-(\d+)(-non-quantized)?"
        parts = re.fullmatch(pattern, row["model"])
        if row["system"] == system and parts is not None:
            names.append(row["model"])
            graphs.append(mobilenet(int(parts[1]), float(parts[2]), int(parts[3])))
            latency.append(float(row["mean_ms"]))
    return Measured(tuple(names), tuple(graphs), {"latency_ms": np.array(latency)})


# ---- the project's own space -------------------------------------------------------------------
def fbnet(device: str, limit: int | None = None, folder: Path | None = None) -> Measured:
    """Networks of ``fbnet`` on one of the devices of HELP.

    Columns raspi4 and pixel3 are sums of a look-up table, not measurements of whole networks.
    """
    root, space = folder or reference_folder(), get_space("fbnet")
    rows = read_rows(root / "fbnet" / "latency_ms.csv.gz")
    chosen = [rows[i] for i in _chosen(len(rows), limit)]
    names = tuple(r["arch"] for r in chosen)
    graphs = tuple(space.graph(name, 100) for name in names)
    return Measured(names, graphs, {"latency_ms": np.array([float(r[device]) for r in chosen])})
