"""The card's two pictures: accuracy against latency, and inherited against trained accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark, Curve, Pair
from ...bench.gates import stored_metrics
from ...searchers.table_singles import best_table_single, table_singles
from ..fbnet_cifar10.recipe import RECIPE
from .trust import twins

DEVICE = RECIPE.design.device
FRONT_PICTURE, TRUST_PICTURE = "front.png", "trust.png"
LATENCIES_MS = (11, 14, 18, 23, 29)
COLOURS = {
    "inherited": "#1f77b4",
    "finetuned": "#ff7f0e",
    "standalone": "#d62728",
    "independent": "#9467bd",
    "distilled": "#2ca02c",
    "joint": "#e377c2",
}


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def best_curves(
    bench: Benchmark, candidates: Sequence[Pair], limits: Sequence[float] = LATENCIES_MS
) -> list[Curve]:
    """On test, the curves of the pairs that are best on val within some mean latency each."""
    on_val = {
        (pair, gate): bench.curve(pair, gate, DEVICE, "val")
        for pair in candidates
        for gate in stored_metrics()
    }
    chosen: dict[tuple[Pair, str], None] = {}
    for limit in limits:
        reached = {
            key: curve.accuracy[curve.latency_ms <= limit].max(initial=0.0)
            for key, curve in on_val.items()
        }
        best = max(reached, key=lambda key: reached[key], default=None)
        if best is not None and reached[best] > 0:
            chosen.setdefault(best)
    return [bench.curve(pair, gate, DEVICE, "test") for pair, gate in chosen]


def front_picture(bench: Benchmark, path: Path) -> None:
    """Networks of every training, the exact front of inherited pairs, the best pairs' curves."""
    plt, table = _pyplot(), bench.table
    test, latency = bench.accuracy("test"), bench.costs(DEVICE).latency_ms
    figure, axes = plt.subplots(figsize=(8, 4.8), dpi=130)
    for training in ("inherited", "finetuned", "standalone"):
        rows = table.rows(training)
        if len(rows):
            axes.scatter(
                latency[rows], 100 * test[rows], s=12 if training == "inherited" else 26,
                c="#aaaaaa" if training == "inherited" else COLOURS[training],
                label=f"a network, {training}",
            )  # fmt: skip
    points = bench.front(DEVICE).points
    order = np.argsort(points.latency_ms)
    best = best_table_single(bench, points, DEVICE)
    axes.step(
        points.latency_ms[order], 100 * best.accuracy[order], where="post", color="#555555", lw=1.2,
        label="best inherited network within that latency (chosen on val)",
    )  # fmt: skip
    axes.scatter(
        points.latency_ms, 100 * points.accuracy, s=9, c=COLOURS["inherited"],
        label="exact front of inherited pairs (chosen on val)",
    )  # fmt: skip
    pairs = {Pair(str(a), str(b)) for a, b in zip(points.little, points.big, strict=True)}
    ordered = sorted(pairs, key=lambda p: (p.little, p.big))
    drawn: set[str] = set()
    for curve in best_curves(bench, ordered) + best_curves(bench, table.cotrained()):
        training = curve.pair.training
        axes.plot(
            curve.latency_ms, 100 * curve.accuracy, lw=1.0, alpha=0.8, color=COLOURS[training],
            label=None if training in drawn else f"curves of the best pairs, {training}",
        )  # fmt: skip
        drawn.add(training)
    singles = table_singles(bench, DEVICE, "test")
    axes.set_xlim(right=float(np.quantile(singles.latency_ms, 0.97)))
    axes.set_xlabel("mean latency on Raspberry Pi 4 (ms), block-sum: added up, not measured")
    axes.set_ylabel("CIFAR-10 test accuracy (%), measured")
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", fontsize=7)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def trust_picture(bench: Benchmark, path: Path) -> bool:
    """Inherited against trained accuracy of the same networks; False where there are none."""
    trained = {t: twins(bench.table, t) for t in ("finetuned", "standalone")}
    trained = {t: twin for t, twin in trained.items() if twin.architecture}
    if not trained:
        return False
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(5, 4.6), dpi=130)
    both = []
    for training, twin in trained.items():
        axes.scatter(
            100 * twin.inherited, 100 * twin.trained, s=22, c=COLOURS[training], label=training
        )
        both += [*twin.inherited, *twin.trained]
    ends = [100 * min(both) - 1, 100 * max(both) + 1]
    axes.plot(ends, ends, color="#777777", lw=0.8, ls="--", label="equal")
    axes.set_xlabel("test accuracy with inherited weights (%)")
    axes.set_ylabel("test accuracy after training (%)")
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left", fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    return True
