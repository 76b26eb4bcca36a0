"""How much faster boards run networks in int8, from published pairs of the same network.

MLPerf Inference has MobileNets in fp32 and quantised, by runtime and version; ncnn's benchmark has
eight networks. FBNet's blocks are those of MobileNet v2, so that its ratios count where there are
some: the factor of a board is the geometric mean of its runtimes' medians, and the interval holds
nine in ten of all its ratios. Where only ncnn was run, the factor is that of its two networks with
depthwise convolutions and the interval goes from the smallest to the largest of all its networks.

Run: ``python -m biglittle.data_tables.devices.int8_factors`` writes the factors into the profiles
that ship, and leaves the rest of them as it is; the scripts that make these profiles do the same.
The reference data are looked for in ``BIGLITTLE_REFERENCE_DATA``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.device import SHIPPED, read_document
from ...bench.documents import read_json
from ..reference import read_rows, reference_folder
from ._maker import run, write

#: MLPerf's systems of a board, by what their names begin with.
MLPERF = {"raspberry-pi-4": "rpi4", "jetson-agx-orin-cpu": "orin"}
#: ncnn's boards, by what their names begin with; one thread.
NCNN = {"raspberry-pi-5": "Raspberry Pi 5 Broadcom BCM2712, Cortex-A76"}
#: The machine of the build, whose own ratios the step ``int8_latency`` of the evidence has.
MACHINE = "amd-epyc-f25-m17"
MEASURED = SHIPPED.parent / "evidence" / "figures" / "int8_latency.json"
#: Families of networks whose names begin so; the first one has the blocks of FBNet.
FAMILIES = ("mobilenet-v2", "mobilenet-v1", "efficientnet")
_FORMS = re.compile(r"(?P<name>.+?)(?P<form>-non-quantized|-quantized|_uint8)?")
FEWEST = 5  # networks of a runtime, for its median to count
COVERAGE, DIGITS = 0.9, 4


def mlperf_ratios(prefix: str, folder: Path) -> dict[str, dict[str, float]]:
    """Latency in int8 over that in fp32, by system and network, of systems that begin so.

    Args:
        prefix: begins the name of the systems, such as ``rpi4``.
        folder: folder of the reference data.
    """
    took: dict[tuple[str, str], dict[bool, float]] = {}
    for row in read_rows(folder / "mlperf" / "edge_single_stream.csv.gz"):
        parts = _FORMS.fullmatch(row["model"])
        if parts is None or not re.match(rf"{prefix}(coral)?\W", row["system"]):
            continue
        small = parts["form"] in ("-quantized", "_uint8")
        took.setdefault((row["system"], parts["name"]), {})[small] = float(row["mean_ms"])
    out: dict[str, dict[str, float]] = {}
    for (system, name), both in took.items():
        if len(both) == 2:
            out.setdefault(system, {})[name] = both[True] / both[False]
    return out


def ncnn_ratios(prefix: str, folder: Path) -> dict[str, float]:
    """Latency in int8 over that in fp32 by network, on one thread of a board's processor.

    Args:
        prefix: begins the name of the board.
        folder: folder of the reference data.
    """
    rows = [
        row
        for row in read_rows(folder / "ncnn" / "benchncnn.csv.gz")
        if row["device"].startswith(prefix) and (row["threads"], row["gpu"]) == ("1", "-1")
    ]
    took = {row["model"]: float(row["avg_ms"]) for row in rows}
    pairs = [name for name in took if f"{name}_int8" in took]
    return {name: took[f"{name}_int8"] / took[name] for name in pairs}


def by_family(ratios: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Median ratio of each family by system, for systems with networks enough of it."""
    out: dict[str, Any] = {}
    for system, own in sorted(ratios.items()):
        for family in FAMILIES:
            some = [r for name, r in own.items() if name.startswith(family)]
            if len(some) >= FEWEST:
                out.setdefault(system, {})[family] = round(float(np.median(some)), DIGITS)
    return out


def other_precisions(device: str, folder: Path) -> list[dict[str, Any]]:
    """What the profile of a device says of int8; empty where nothing was published.

    Args:
        device: name of the profile.
        folder: folder of the reference data.
    """
    if device in MLPERF:
        ratios = mlperf_ratios(MLPERF[device], folder)
        family = FAMILIES[0]
        used = {s: m[family] for s, m in by_family(ratios).items() if family in m}
        every = [r for s in used for n, r in ratios[s].items() if n.startswith(family)]
        factor = float(np.exp(np.mean(np.log(list(used.values())))))
        low, high = np.quantile(every, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        coverage = COVERAGE
        source = (
            f"MLPerf Inference, edge, single stream (Apache-2.0): {len(every)} pairs of quantised "
            f"and fp32 {family} under {', '.join(used)}; geometric mean of the runtimes' medians"
        )
    elif device in NCNN:
        own = ncnn_ratios(NCNN[device], folder)
        separable = [r for name, r in own.items() if name.startswith("mobilenet")]
        factor = float(np.exp(np.mean(np.log(separable))))
        low, high, n = min(own.values()), max(own.values()), len(own)
        coverage = round((n - 1) / (n + 1), DIGITS)
        source = (
            f"ncnn's benchmark (Tencent/ncnn@a4d2ea1d), one thread: geometric mean of "
            f"{len(separable)} networks with depthwise convolutions, interval of all {n} "
            f"({', '.join(sorted(own))}); another runtime than that of the profile"
        )
    elif device == MACHINE and MEASURED.exists():
        ran = read_json(MEASURED, dict[str, Any])["machines"][MACHINE]
        factor, low, high = (ran["ratio"][key] for key in ("median", "low", "high"))
        n, coverage = len(ran["networks"]), COVERAGE
        source = (
            f"measured here: {n} networks of the table run in both precisions in turn, median and "
            f"nine in ten; the machine was busy (load average {ran['load_average']})"
        )
    else:
        return []
    return [
        {
            "precision": "int8",
            "latency_factor": round(factor, DIGITS),
            "latency_factor_low": round(min(float(low), factor), DIGITS),
            "latency_factor_high": round(max(float(high), factor), DIGITS),
            "coverage": coverage,
            "source": source,
        }
    ]


def main() -> None:
    """Writes the factors into the profiles that ship."""
    folder = reference_folder()
    for device in sorted({*MLPERF, *NCNN, MACHINE}):
        document = read_document(SHIPPED / f"{device}.json")
        document["other_precisions"] = other_precisions(device, folder)
        if not document["other_precisions"]:
            continue
        (factor,) = document["other_precisions"]
        text = f"{factor['latency_factor']} {factor['source']}"
        sys.stderr.write(f"{write(document).name}: {text}\n")


if __name__ == "__main__":
    run(main)
