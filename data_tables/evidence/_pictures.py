"""The card's two pictures: accuracy against latency, and inherited against trained accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark, Curve, Pair
from ...bench.gates import stored_metrics
from ...bench.recommend import alone
from ...searchers.table_singles import best_table_single, table_singles
from ..flagship import RECIPE
from ._small_png import make_small
from .trust import twins

DEVICE = RECIPE.design.device
FRONT_PICTURE, TRUST_PICTURE = "front.png", "trust.png"
LATENCIES_MS = (11, 14, 18, 23, 29)
SHOWN_POINTS = 7.0  # of accuracy below the best, in the close view
COLOURS = {
    "inherited": "#1f77b4",
    "finetuned": "#ff7f0e",
    "standalone": "#d62728",
    "independent": "#9467bd",
    "distilled": "#2ca02c",
    "joint": "#e377c2",
    "gated": "#8c564b",
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
    """Networks and the exact front of inherited pairs: all of them, and where a pair pays.

    The first plot has the whole range. The second has the best points of accuracy, where pairs
    gain on single networks, with the curves of the best co-trained pairs: what is half a point
    there does not show on a range of fifty.
    """
    plt, table = _pyplot(), bench.table
    points = bench.front(DEVICE).points
    best = best_table_single(bench, points, DEVICE)
    figure, (whole, close) = plt.subplots(
        1, 2, figsize=(10.5, 4.6), dpi=130, gridspec_kw={"width_ratios": (1, 1.55)}
    )
    test, latency = bench.accuracy("test"), bench.costs(DEVICE).latency_ms
    for axes in (whole, close):
        for training in ("inherited", "finetuned", "standalone"):
            rows = table.rows(training)
            if len(rows):
                axes.scatter(
                    latency[rows], 100 * test[rows], s=9 if training == "inherited" else 22,
                    c="#bbbbbb" if training == "inherited" else COLOURS[training],
                    label=f"a network, {training}",
                )  # fmt: skip
        order = np.argsort(points.latency_ms)
        axes.step(
            points.latency_ms[order], 100 * best.accuracy[order], where="post", color="#222222",
            lw=1.4, label="best inherited network within that latency (chosen on val)",
        )  # fmt: skip
        pairs = points.take(np.flatnonzero(alone(points) == ""))
        axes.scatter(
            pairs.latency_ms, 100 * pairs.accuracy, s=13, c=COLOURS["inherited"], zorder=3,
            label="a pair on the exact front (chosen on val)",
        )  # fmt: skip
        axes.grid(alpha=0.25)
        axes.set_xlabel("mean latency on Raspberry Pi 4 (ms), block-sum; predicted at exits")
    drawn: set[str] = set()
    for curve in best_curves(bench, table.cotrained()):
        training = curve.pair.training
        close.plot(
            curve.latency_ms, 100 * curve.accuracy, lw=1.1, alpha=0.85, color=COLOURS[training],
            label=None if training in drawn else f"best co-trained pairs, {training}",
        )  # fmt: skip
        drawn.add(training)
    whole.set_ylabel("CIFAR-10 test accuracy (%), measured")
    singles = table_singles(bench, DEVICE, "test")
    whole.set_xlim(right=float(np.quantile(singles.latency_ms, 0.97)))
    top = 100 * float(np.max(points.accuracy))
    close.set_ylim(top - SHOWN_POINTS, top + 0.7)
    inside = points.latency_ms[100 * points.accuracy >= top - SHOWN_POINTS]
    close.set_xlim(float(inside.min()) - 0.3, float(inside.max()) + 0.7)
    whole.set_title("all networks of the table", fontsize=9)
    close.set_title("where pairs pay", fontsize=9)
    close.legend(loc="lower right", fontsize=7)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    make_small(path)


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
        cut = np.array(["@" in name for name in twin.architecture])
        for some, marker, label in ((~cut, "o", training), (cut, "^", f"{training}, an exit")):
            if some.any():
                axes.scatter(
                    *(100 * twin.inherited[some], 100 * twin.trained[some]),
                    s=22, c=COLOURS[training], marker=marker, label=label,
                )  # fmt: skip
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
    make_small(path)
    return True
