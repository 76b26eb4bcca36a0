"""Judges the operator-level model on published measurements.

The reference data are looked for in ``BIGLITTLE_REFERENCE_DATA``. 900 networks to fit on, 900
others to judge, one thread, no tuning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.operator_features import NAMES, Array, operator_features
from ...bench.operator_model import OperatorModel
from ...bench.spaces import get_space
from ...surrogates.latency import latency_figures
from ...surrogates.operator_model import fit_operator_model
from .. import reference
from ._page import Step

ROWS, TRAIN, COVERAGE = 1900, 900, 0.9
SETS: dict[str, Callable[[], reference.Measured]] = {
    "Pi 4, NB201": lambda: reference.nb201("raspi4", ROWS),
    "Pi 5 ONNX Runtime, NB201": lambda: reference.raspberry_pi_5("onnx", ROWS),
    "Jetson Nano TensorRT, ConvNets": lambda: reference.jetson_nano(ROWS),
}
CELLS, BY_SIZE = "NB201", "the smaller half from the larger"
Rows = NDArray[np.int64]
Figures = dict[str, float]
MACS = np.array([name.endswith(".macs") for name in NAMES])


def _least_squares(train: Array, figure: Array, test: Array, ridge: float) -> Array:
    """Ridge regression of relative errors, columns scaled; floored at a tenth of the smallest."""
    scale = np.abs(train).max(axis=0) + 1e-12
    left = np.hstack([train / scale, np.ones((len(train), 1))]) / figure[:, None]
    right = np.hstack([test / scale, np.ones((len(test), 1))])
    gram = left.T @ left + ridge * len(figure) * np.eye(left.shape[1])
    solution = np.linalg.solve(gram, left.T @ np.ones(len(figure)))
    return np.asarray(np.maximum(right @ solution, figure.min() / 10))


def judge_choices(measured: reference.Measured, figure: Array, train: Rows, test: Rows) -> Figures:
    """The baseline that adds up choices: one column per edge and choice of a cell."""
    space = get_space("nb201")
    encoded = space.encode(space.parse(list(measured.names)))
    columns = np.hstack([encoded.reshape(len(figure), -1), np.ones((len(figure), 1))])
    # Ordinary least squares: by relative errors, cells without any convolution outweigh all others.
    solution, *_ = np.linalg.lstsq(columns[train], figure[train], rcond=None)
    floor = figure[train].min() / 10
    return latency_figures(np.maximum(columns[test] @ solution, floor), figure[test])


def judge(features: Array, figure: Array, train: Rows, test: Rows) -> dict[str, Figures]:
    """Figures of the model and of trivial baselines on ``test``, fitted on ``train``."""
    x, y, z, truth = features[train], figure[train], features[test], figure[test]
    macs = features[:, MACS].sum(axis=1, keepdims=True)
    out = {
        "MACs only": latency_figures(_least_squares(macs[train], y, macs[test], 1e-9), truth),
        "ridge": latency_figures(_least_squares(x, y, z, 1e-6), truth),
    }
    for name, trees in (("operators", False), ("operators + trees", True)):
        model: OperatorModel = fit_operator_model(x, y, coverage=COVERAGE, trees=trees)
        low, high = model.interval(z)
        out[name] = {
            **latency_figures(model.predict(z), truth),
            "coverage": float(((low <= truth) & (truth <= high)).mean()),
        }
    return out


def evaluate() -> dict[str, Any]:
    """Figures by data set, figure and split."""
    document: dict[str, Any] = {"coverage_nominal": COVERAGE, "sets": {}}
    for name, load in SETS.items():
        measured = load()
        features = operator_features(measured.graphs)
        macs = features[:, MACS].sum(axis=1)
        n = len(macs)
        by_size = np.argsort(-macs, kind="stable").astype(np.int64)
        drawn = np.random.default_rng(0).permutation(n).astype(np.int64)
        for column in ("latency_ms", "energy_mj"):
            if column in measured.figures:
                figure = measured.figures[column]
                judged: dict[str, dict[str, Figures]] = {}
                document["sets"][f"{name}, {column}"] = judged
                for split, rows in (("random", drawn), (BY_SIZE, by_size)):
                    cut = TRAIN if split == "random" else n // 2
                    judged[split] = {}
                    if CELLS in name:
                        judged[split]["choices"] = judge_choices(
                            measured, figure, rows[:cut], rows[cut:]
                        )
                    judged[split] |= judge(features, figure, rows[:cut], rows[cut:])
    return document


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"Held-out networks, {TRAIN} to fit on (by size: the larger half); interval nominally "
        f"{figures['coverage_nominal']:.0%}. `choices` adds up one term per edge and choice of a "
        "cell, `MACs only` is a line, `ridge` has the same features as `operators` without a sign.",
        "",
        "| measured | split | model | MAPE | within 10 % | Spearman | inside interval |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, splits in figures["sets"].items():
        for split, models in splits.items():
            for model, f in models.items():
                inside = f"{100 * f['coverage']:.0f} %" if "coverage" in f else ""
                lines.append(
                    f"| {name} | {split} | {model} | {100 * f['mape']:.1f} % | "
                    f"{100 * f['share_within_10_percent']:.1f} % | {f['spearman']:.3f} | {inside} |"
                )
    return "\n".join(lines)


STEP = Step(evaluate, {"operator_model": table})
