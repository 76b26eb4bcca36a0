"""Recovers the Raspberry Pi 4 block table of the ``fbnet`` space from published latencies.

The published column is a sum of block latencies measured on a real Raspberry Pi 4 (HW-NAS-Bench),
so a one-hot additive fit recovers the blocks exactly, up to one constant per layer: every block is
given relative to ``skip`` at its layer, and what all-skip costs is the constant. The load power is
the wall power of MLPerf Inference v2.1 on a Raspberry Pi 4 running TFLite.

Run: ``python -m biglittle.data_tables.devices.make_raspberry_pi_4``. The reference data are looked
for in ``BIGLITTLE_REFERENCE_DATA``: ``fbnet/latency_ms.csv.gz`` and
``mlperf/edge_single_stream.csv.gz``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.device_document import FORMAT
from ...bench.spaces import SearchSpace, get_space
from ..reference import read_rows, reference_folder
from ._maker import run, write
from .int8_factors import other_precisions

DEVICE = "raspberry-pi-4"
HELD_OUT = 1000  # rows that the fit never sees
POWER_SYSTEM = "rpi4-tflite-v2.7.1-ruy"  # a bare Raspberry Pi 4: no fan, no accelerator
N_CLASSES = 100  # the published figures are of networks with 100 classes


def fit_blocks(
    space: SearchSpace, architectures: list[str], latency_ms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Block table relative to skip, shape (n_layers, n_choices), and the all-skip constant."""
    genomes = space.parse(architectures)
    one_hot = space.encode(genomes).astype(np.float64)
    design = np.hstack([one_hot, np.ones((len(one_hot), 1))])
    solution, *_ = np.linalg.lstsq(design, latency_ms, rcond=None)
    table = solution[:-1].reshape(space.n_layers, len(space.choices))
    skip = table[:, [space.choices.index("skip")]]
    return table - skip, float(solution[-1] + skip.sum())


def make_profile(reference: Path) -> dict[str, Any]:
    """The profile as a JSON document, with the error on held-out rows in it."""
    space = get_space("fbnet")
    rows = read_rows(reference / "fbnet" / "latency_ms.csv.gz")
    architectures = [r["arch"] for r in rows]
    latency = np.array([float(r["raspi4"]) for r in rows])
    order = np.random.default_rng(0).permutation(len(rows))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    table, constant = fit_blocks(space, [architectures[i] for i in train], latency[train])
    genomes = space.parse([architectures[i] for i in test])
    predicted = table[np.arange(space.n_layers), genomes].sum(axis=1) + constant
    power = [
        r
        for r in read_rows(reference / "mlperf" / "edge_single_stream.csv.gz")
        if r["system"] == POWER_SYSTEM and r["wall_power_w"]
    ]
    return {
        "format": FORMAT,
        "device": DEVICE,
        "description": "Raspberry Pi 4, block latencies of HW-NAS-Bench added up; energy is "
        "latency times the published wall power under load",
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": N_CLASSES,
        "runtime": "as published (HW-NAS-Bench, Raspberry Pi 4 CPU)",
        "precision": "fp32",
        "batch": 1,
        "source": "Li et al. 2021, HW-NAS-Bench (MIT), by way of HayeonLee/HELP@45f70eb9 (MIT): "
        "5,000 architectures, column raspi4",
        "gate_latency_ms": None,
        "load_power": {
            "power_mw": round(1000 * float(np.mean([float(r["wall_power_w"]) for r in power])), 1),
            "idle_power_mw": round(
                1000 * float(np.mean([float(r["pretest_power_w"]) for r in power])), 1
            ),
            "rail": "wall, supply included",
            "source": f"MLPerf Inference {power[0]['version']}, edge, {power[0]['submitter']}, "
            f"{POWER_SYSTEM}, {power[0]['model']} (Apache-2.0)",
        },
        "fit": {
            "rows_train": len(train),
            "rows_held_out": len(test),
            "held_out_max_abs_error_ms": float(np.abs(predicted - latency[test]).max()),
            "latency_ms_min": constant,
            "latency_ms_max": float(table.max(axis=1).sum() + constant),
        },
        "block_table": {
            "constant_ms": constant,
            "latency_ms": np.maximum(np.round(table, 9), 0.0).tolist(),
        },
        "other_precisions": other_precisions(DEVICE, reference),
    }


def main() -> None:
    """Writes the profile beside those that ship."""
    profile = make_profile(reference_folder())
    sys.stderr.write(f"{write(profile).name}: {json.dumps(profile['fit'])}\n")


if __name__ == "__main__":
    run(main)
