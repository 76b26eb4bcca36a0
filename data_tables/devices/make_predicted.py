"""Predicts the ``fbnet`` networks on devices where only other networks were measured.

An operator-level model is fitted on published whole-network measurements and applied to the
networks of the table; every figure is ``predicted`` and has an interval. What no measured network
of a device contains (depthwise convolutions on the Raspberry Pi 5) is borrowed from the block table
of the Raspberry Pi 4; devices on which both kinds of networks were measured say how wrong that is.

Run: ``python -m biglittle.data_tables.devices.make_predicted``. The reference data are looked for
in ``BIGLITTLE_REFERENCE_DATA``; writes one profile per device beside this script.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.device_document import FORMAT_2
from ...bench.graph import simplified
from ...bench.operator_features import NAMES, Array, chain_features, operator_features
from ...bench.operator_model import fit_sum
from ...bench.spaces import get_space
from ...surrogates.latency import latency_figures
from .. import reference
from ._maker import run, write
from .int8_factors import other_precisions

TABLE, N_CLASSES, DATE = "fbnet-cifar10", 10, "2026-11-21"
DIGITS = 4  # of a figure in milliseconds
#: CPUs with whole-network measurements of both spaces: their errors are the Pi 5's interval.
BOTH_SPACES = ("gold_6240", "silver_4114", "silver_4210r", "samsung_a50", "samsung_s7")
BORROWED = ("depthwise", "grouped", "shuffle", "linear")
CLASS = np.array([name.partition(".")[0] for name in NAMES])


@dataclass(frozen=True)
class Prediction:
    """What a profile needs to know of a fitted device.

    Attributes:
        coefficients: milliseconds of latency per unit of each feature in ``NAMES``.
        power_mw: median power of the measured networks, by which energy is modelled, or None.
        low: factor of the lower end of the latency interval.
        high: factor of the upper end.
        interval: what the interval is, in words.
        coverage: nominal coverage of the interval.
        macs: smallest and largest measured network, in MACs.
        fit: rows, errors, baselines, for the file.
    """

    coefficients: Array
    power_mw: float | None
    low: float
    high: float
    interval: str
    coverage: float
    macs: tuple[float, float]
    fit: dict[str, Any]


def _held_out(features: Array, figure: Array) -> dict[str, float]:
    """Errors on the fifth that the fit did not see, five times."""
    fold, predicted = np.arange(len(figure)) % 5, np.zeros(len(figure))
    for k in range(5):
        predicted[fold == k] = features[fold == k] @ fit_sum(features[fold != k], figure[fold != k])
    return latency_figures(predicted, figure)


def _range(features: Array) -> tuple[float, float]:
    """Smallest and largest MACs of networks."""
    macs = 1e6 * features[:, [name.endswith(".macs") for name in NAMES]].sum(axis=1)
    return float(macs.min()), float(macs.max())


def block_table(coefficients: Array) -> dict[str, Any]:
    """The model as a block table of ``fbnet``: it is additive over operators."""
    space = get_space("fbnet")
    blocks = [
        [
            float(chain_features(space.build_layer(ly, c)) @ coefficients)
            for c in range(len(space.choices))
        ]
        for ly in space.layers
    ]
    whole = operator_features([space.graph("8" * space.n_layers, N_CLASSES)])[0] @ coefficients
    skips = sum(row[space.choices.index("skip")] for row in blocks)
    return {
        "constant": round(float(whole - skips), 6),
        "blocks": [[round(v, 6) for v in row] for row in blocks],
    }


# ---- Raspberry Pi 5 ----------------------------------------------------------------------------
def _borrow(own: Array, pi4: Array, networks: Array) -> Array:
    """Coefficients with the classes that no cell has, from the Pi 4 by its pointwise cost."""
    shared = CLASS == "pointwise"
    ratio = np.median((networks[:, shared] @ own[shared]) / (networks[:, shared] @ pi4[shared]))
    out = own.copy()
    for kind in BORROWED:
        out[CLASS == kind] = pi4[CLASS == kind] * ratio
    return out


def raspberry_pi_5() -> Prediction:
    """Fitted on NAS-Bench-201 cells in ONNX Runtime; other operators borrowed from the Pi 4.

    The level of the prediction is the geometric mean of two: the sum over operators, and the Pi 4's
    block sums times the ratio of the two boards on the same cells.
    """
    root, cells, fbnet = reference.reference_folder(), get_space("nb201"), get_space("fbnet")
    named = reference.read_rows(root / "nb201" / "accuracy.csv.gz")
    timed = reference.read_rows(root / "nb201" / "latency_ms.csv.gz")
    place = {r["arch_str"]: i for i, r in enumerate(named)}
    own = reference.raspberry_pi_5("onnx", 1500, root)
    features, latency = operator_features(own.graphs), own.figures["latency_ms"]
    rows = reference.read_rows(root / "fbnet" / "latency_ms.csv.gz")[:600]
    networks = operator_features([fbnet.graph(r["arch"], 100) for r in rows])
    blocks = np.array([float(r["raspi4"]) for r in rows])
    pi4 = fit_sum(networks, blocks)

    def predicted(fitted: Array, measured: Array, pi4_cells: Array) -> Array:
        """Coefficients whose level is the geometric mean of both ways."""
        borrowed = _borrow(fitted, pi4, networks)
        scaled = blocks * np.median(measured / pi4_cells)
        return np.asarray(borrowed * np.sqrt(np.median(scaled / (networks @ borrowed))))

    pick = [int(i) for i in np.random.default_rng(0).permutation(len(named))[:900]]
    graphs = {i: cells.graph(named[i]["arch_str"], 10) for i in pick}
    pick = [i for i in pick if simplified(graphs[i])]
    elsewhere, pi4_there = (
        operator_features([graphs[i] for i in pick]),
        np.array([float(timed[i]["raspi4"]) for i in pick]),
    )
    ratios, devices = [], {}
    for device in BOTH_SPACES:
        measured = np.array([float(timed[i][device]) for i in pick])
        coefficients = predicted(fit_sum(elsewhere, measured), measured, pi4_there)
        truth = np.array([float(r[device]) for r in rows])
        ratio = truth / (networks @ coefficients)
        ratios.append(ratio)
        devices[device] = {
            "median_measured_over_predicted": float(np.median(ratio)),
            **latency_figures(networks @ coefficients, truth),
        }
    spread = np.concatenate(ratios)
    pi4_own = np.array([float(timed[place[n]]["raspi4"]) for n in own.names])
    final = predicted(fit_sum(features, latency), latency, pi4_own)
    # Energy: the cells' median power of the core rail, times latency.
    power = own.figures["energy_mj"] / latency
    return Prediction(
        coefficients=final,
        power_mw=1000 * float(np.median(power)),
        low=float(np.quantile(spread, 0.01)),
        high=float(np.quantile(spread, 0.99)),
        interval="from the 1st to the 99th percentile of measured over predicted on the five CPUs "
        f"where both spaces were measured ({', '.join(BOTH_SPACES)}), each predicted as this one",
        coverage=0.98,
        macs=_range(features),
        fit={
            "measured": "NAS-Bench-201 cells in ONNX Runtime, 1 thread, batch 1",
            "rows": len(latency),
            "cells_held_out": _held_out(features, latency),
            "energy_cells_held_out": _held_out(features, own.figures["energy_mj"]),
            "core_power_mw_quantiles_05_50_95": [
                round(float(1000 * v), 1) for v in np.quantile(power, (0.05, 0.5, 0.95))
            ],
            "fbnet_networks_on_other_cpus_predicted_this_way": devices,
        },
    )


# ---- Jetson Nano -------------------------------------------------------------------------------
def jetson_nano() -> Prediction:
    """Fitted on ConvNets under TensorRT; the interval is that of a split by size."""
    own = reference.jetson_nano(3000)
    features, latency = operator_features(own.graphs), own.figures["latency_ms"]
    order = np.argsort(own.figures["published_macs"])
    small, large = order[: len(order) // 5], order[len(order) // 5 :]
    ratio = latency[small] / (features[small] @ fit_sum(features[large], latency[large]))
    energy = own.figures["energy_mj"]
    return Prediction(
        coefficients=fit_sum(features, latency),
        # Of the smallest: power rises with the size of a network, ours are smaller still.
        power_mw=1000 * float(np.median(energy[small] / latency[small])),
        low=float(np.quantile(ratio, 0.01) / 1.5),
        high=float(np.quantile(ratio, 0.99) * 1.5),
        interval="measured over predicted for the smallest fifth of the networks, predicted from "
        "the others, 1st to 99th percentile, widened 1.5 times: below what was measured nothing is "
        "calibrated",
        coverage=0.98,
        macs=_range(features),
        fit={
            "measured": "ConvNets, plain and depthwise-separable, TensorRT, batch 1, power mode 0",
            "rows": len(latency),
            "macs_min": float(own.figures["published_macs"].min()),
            "held_out": _held_out(features, latency),
            "energy_held_out": _held_out(features, energy),
            "smallest_fifth_from_the_others": latency_figures(
                latency[small] / ratio, latency[small]
            ),
        },
    )


# ---- Jetson AGX Orin, CPU ----------------------------------------------------------------------
def jetson_agx_orin_cpu() -> Prediction:
    """Fitted on 38 MobileNets of MLPerf; the interval is what v2 says about v1, and folds."""
    own = reference.mobilenets("orin-tflite-v2.11.0-ruy")
    features, latency = operator_features(own.graphs), own.figures["latency_ms"]
    second = np.array([name.startswith("mobilenet-v2") for name in own.names])
    left_out = latency[~second] / (features[~second] @ fit_sum(features[second], latency[second]))
    return Prediction(
        coefficients=fit_sum(features, latency),
        power_mw=None,
        low=float(min(left_out.min(), 1 / left_out.max())),
        high=float(max(left_out.max(), 1 / left_out.min())),
        interval="the worst error on MobileNet v1 of a fit on MobileNet v2 alone, to both sides: "
        "our networks are another family too, and few networks were measured",
        coverage=0.9,
        macs=_range(features),
        fit={
            "measured": "MobileNet v1 and v2, TFLite 2.11 (ruy), single stream, mean latency",
            "rows": len(latency),
            "held_out": _held_out(features, latency),
            "mobilenet_v1_from_v2": latency_figures(latency[~second] / left_out, latency[~second]),
        },
    )


DEVICES: dict[str, dict[str, Any]] = {
    "raspberry-pi-5": {
        "make": raspberry_pi_5,
        "description": "Raspberry Pi 5, predicted from NAS-Bench-201 cells measured in ONNX "
        "Runtime; depthwise convolutions borrowed from the Raspberry Pi 4",
        "soc": "Broadcom BCM2712",
        "runtime": "ONNX Runtime CPU, as in the source",
        "threads": 1,
        "source": "roldebijvank/HW-NAS-Bench-360@a9b243e0 (Pi 5 cells); Li et al. 2021, "
        "HW-NAS-Bench, by way of HayeonLee/HELP@45f70eb9 (MIT) (Pi 4 blocks, other CPUs)",
        "notes": [
            "No depthwise or grouped convolution was measured on this board: their cost is the Pi "
            "4's, scaled by pointwise convolutions. Measure the anchors before relying on it.",
            "Energy is of the core rail only: no memory, no input or output, no supply. It is the "
            "cells' median core power times latency, never to be compared with wall energy.",
        ],
    },
    "jetson-nano": {
        "make": jetson_nano,
        "description": "EXTRAPOLATION. Jetson Nano with TensorRT: measured ConvNets begin at 100 M "
        "MACs, most fbnet networks lie below (12 to 161 M MACs)",
        "soc": "NVIDIA Tegra X1",
        "runtime": "TensorRT, as in the source",
        "threads": None,
        "source": "iCAS-Lab/NAS-Performance-Modeling@50e67092 (ConvNets on Jetson Nano, TensorRT)",
        "notes": [
            "An extrapolation: our networks lie below the measured range of 100 M MACs, and have "
            "several times as many layers as the ConvNets that were measured.",
            "Energy is of the board's 5 V rail: predicted latency times the median power of the "
            "smallest measured networks.",
        ],
    },
    "jetson-agx-orin-cpu": {
        "make": jetson_agx_orin_cpu,
        "description": "Jetson AGX Orin, CPU only (TFLite), predicted from 38 MobileNets of MLPerf "
        "Inference: few rows, so a wide interval",
        "soc": "NVIDIA Tegra Orin, 12 Cortex-A78AE",
        "runtime": "TFLite 2.11 (ruy), as in the source",
        "threads": None,
        "source": "MLPerf Inference, edge, single stream, orin-tflite-v2.11.0-ruy (Apache-2.0)",
        "notes": [
            "38 networks of two families, of which one predicts the other with the error in `fit`: "
            "ranks among our networks are better founded than milliseconds.",
            "The number of threads is not in the published rows; no energy of the CPU is.",
        ],
    },
}


def make_profile(device: str) -> dict[str, Any]:
    """The profile of one device as a JSON document."""
    facts, space = DEVICES[device], get_space("fbnet")
    prediction: Prediction = facts["make"]()
    architectures = sorted(Benchmark.load(TABLE).architectures)
    features = operator_features([space.graph(a, N_CLASSES) for a in architectures])
    latency = features @ prediction.coefficients
    networks = []
    for i, architecture in enumerate(architectures):
        row: dict[str, Any] = {
            "architecture": architecture,
            "latency_ms": round(float(latency[i]), DIGITS),
            "latency_ms_low": round(float(latency[i] * prediction.low), DIGITS),
            "latency_ms_high": round(float(latency[i] * prediction.high), DIGITS),
        }
        words = {"latency_ms": "predicted"}
        if prediction.power_mw is not None:
            row["energy_mj"] = round(float(latency[i]) * prediction.power_mw / 1000, DIGITS)
            words["energy_mj"] = "modelled"
        networks.append(row | {"provenance": words})
    others = other_precisions(device, reference.reference_folder())
    return {
        "format": FORMAT_2,
        "device": device,
        **{k: facts[k] for k in ("description", "soc", "runtime", "threads", "source", "notes")},
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": N_CLASSES,
        "precision": "fp32",
        "batch": 1,
        "author": "BigLittle maintainers",
        "date": DATE,
        "tool_version": None,
        "gate_latency_ms": None,
        "interval": {"coverage": prediction.coverage, "method": prediction.interval},
        "fit": prediction.fit,
        "model": {
            "kind": "blocks",
            "provenance": "predicted",
            "latency_ms": block_table(prediction.coefficients),
            "latency_low_factor": prediction.low,
            "latency_high_factor": prediction.high,
            "power_mw": prediction.power_mw,
            "operators": {
                "fitted_to": f"{prediction.fit['rows']} networks: {prediction.fit['measured']}",
                "macs_min": prediction.macs[0],
                "macs_max": prediction.macs[1],
                "coefficients_ms": {
                    name: float(f"{value:.7g}")
                    for name, value in zip(NAMES, prediction.coefficients.tolist(), strict=True)
                    if value > 0
                },
            },
        },
        "networks": networks,
        **({"other_precisions": others} if others else {}),
    }


def main() -> None:
    """Writes the profiles of all `DEVICES` beside those that ship."""
    for device in DEVICES:
        sys.stderr.write(f"{write(make_profile(device)).name}\n")


if __name__ == "__main__":
    run(main)
