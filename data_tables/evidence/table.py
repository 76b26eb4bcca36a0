"""What the table holds, and the best pair against the best single network at equal latency."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ...bench import Benchmark, Gate
from ...bench.agreement import spearman
from .. import table_recipe
from ..flagship import RECIPE
from ._page import OfTable, Step, on_device, versions
from ._uncached import nothing_kept

LATENCIES_MS = (10, 12, 15, 20, 25, 30)


def at_equal_latency(bench: Benchmark, device: str) -> list[dict[str, Any]]:
    """Best pair and best single network within some latencies: chosen on val, shown on test."""
    front = bench.front(device)
    inherited = bench.table.rows(exits=True)
    costs = bench.costs(device).take(inherited)
    val, test = bench.accuracy("val")[inherited], bench.accuracy("test")[inherited]
    on_val = bench.reported(front.points, device, "val")
    rows = []
    for limit in LATENCIES_MS:
        within = np.flatnonzero(on_val.latency_ms <= limit)
        alone = np.flatnonzero(costs.latency_ms <= limit)
        if not len(within) or not len(alone):
            continue
        pick = within[np.argmax(on_val.accuracy[within])]
        single = alone[np.argmax(val[alone])]
        point = front.points[int(pick)]
        pair, alone_right = paired_answers(bench, point, int(inherited[single]))
        low, high = bootstrap_difference(pair, alone_right)
        rows.append(
            {
                "latency_ms_max": limit,
                "pair_accuracy": point.accuracy,
                "pair_latency_ms": point.latency_ms,
                "pair_latency_p95_ms": point.latency_p95_ms,
                "escalation_rate": point.escalation_rate,
                "single_accuracy": float(test[single]),
                "single_latency_ms": float(costs.latency_ms[single]),
                "difference_low": low,
                "difference_high": high,
            }
        )
    return rows


def paired_answers(
    bench: Benchmark, point: Any, single: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Whether pair and single network are right on each test image, two arrays (n_images,)."""
    return right_answers(bench, point), bench.table.predictions("test").correct[single]


def right_answers(bench: Benchmark, point: Any) -> np.ndarray[Any, Any]:
    """Whether a pair is right on each test image under its gate, shape (n_images,)."""
    rows = bench.row(point.little), bench.row(point.big)
    return right_of_rows(bench, rows, Gate(point.gate, point.threshold))


def right_of_rows(bench: Benchmark, rows: tuple[int, int], gate: Gate) -> np.ndarray[Any, Any]:
    """The same of a pair by the rows of its little and its big network."""
    test, (little, big) = bench.table.predictions("test"), rows
    escalated = test.codes[gate.metric][little] < gate.cut(bench.table.n_classes)
    return np.asarray(np.where(escalated, test.correct[big], test.correct[little]))


def best_within(
    accuracy: np.ndarray[Any, Any], cost: np.ndarray[Any, Any], limit: float
) -> int | None:
    """Place of the most accurate point within a limit; None where nothing is so cheap."""
    inside = np.flatnonzero(cost <= limit)
    return int(inside[np.argmax(accuracy[inside])]) if len(inside) else None


def bootstrap_difference(
    pair: np.ndarray[Any, Any], single: np.ndarray[Any, Any], rounds: int = 2000
) -> tuple[float, float]:
    """95 % interval of the difference in accuracy, resampling images (the same for both)."""
    gain = pair.astype(np.int64) - single.astype(np.int64)
    rng = np.random.default_rng(0)
    n = len(gain)
    counts = rng.multinomial(n, [np.mean(gain == v) for v in (-1, 0, 1)], rounds)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / n, [0.025, 0.975])
    return float(low), float(high)


def measure(table: OfTable = RECIPE.name) -> dict[str, Any]:
    """What a table holds."""
    device, bench = table_recipe(table).design.device, Benchmark.load(table)
    rows = bench.table.rows()
    val, test = bench.accuracy("val")[rows], bench.accuracy("test")[rows]
    costs, best = bench.costs(device).take(rows), int(np.argmax(val))
    with nothing_kept():
        began = time.perf_counter()
        front = bench.front(device)
        seconds = time.perf_counter() - began
    rank = spearman(costs.macs, test)
    return {
        "table_name": table,
        "device": device,
        "networks": len(rows),
        "cut": len(bench.table.rows(exits=True)) - len(rows),
        "pairs": len(bench.table.rows(exits=True)) ** 2,
        "size_mib": bench.table.path.stat().st_size / 2**20,
        "val_accuracy": [float(v) for v in (val.min(), np.median(val), val.max())],
        "test_accuracy": [float(v) for v in (test.min(), np.median(test), test.max())],
        "best_on_val": {
            "architecture": bench.architectures[best],
            "val_accuracy": float(val[best]),
            "test_accuracy": float(test[best]),
            "latency_ms": float(costs.latency_ms[best]),
        },
        "latency_ms": [float(costs.latency_ms.min()), float(costs.latency_ms.max())],
        "macs_test_spearman": rank,
        "front_points": len(front),
        "front_seconds": seconds,
        "at_equal_latency": at_equal_latency(bench, device),
        "info": bench.info(),
    }


def table_text(t: dict[str, Any]) -> str:
    """The table's figures as Markdown."""
    best, (low, _, high), on = t["best_on_val"], t["test_accuracy"], on_device(t)
    lines = [
        f"- {t['networks']} whole networks with inherited weights and {t['cut']} that are cut at "
        f"exits, so {t['pairs']:,} pairs; {t['info']['precisions'].get('int8', 0)} of them in int8 "
        f"too; {t['size_mib']:.1f} MiB.",
        f"- Test accuracy of whole networks {100 * low:.1f} to {100 * high:.1f} %; the best on val "
        f"has {100 * best['val_accuracy']:.2f} % there and {100 * best['test_accuracy']:.2f} % on "
        f"test, at {best['latency_ms']:.1f} ms ({on}).",
        f"- Latency {t['latency_ms'][0]:.1f} to {t['latency_ms'][1]:.1f} ms ({on}). "
        f"MACs alone rank test accuracy with Spearman {t['macs_test_spearman']:.3f}.",
        f"- The exact front over all pairs, {len(t['info']['quantisation'])} gates and 257 "
        f"thresholds takes {t['front_seconds']:.1f} s and has {t['front_points']} points "
        f"({versions(t)}).",
        "- A confidence is stored in one byte; worst rounding error: "
        + ", ".join(
            f"`{name}` {q['worst_rounding_error']:.4f} {q['unit']}"
            for name, q in t["info"]["quantisation"].items()
        )
        + ".",
        "",
        "Best pair against best single network, both whole or cut at exits, within a mean latency "
        f"({on}; predicted where an exit is asked), chosen and limited on val, shown "
        "on test (measured accuracy, one supernet, one seed; interval: 95 % bootstrap over "
        "images):",
        "",
        "| at most | pair | its p95 | escalated | single network | difference (points) |",
        "|---|---|---|---|---|---|",
    ]
    for r in t["at_equal_latency"]:
        gain = 100 * (r["pair_accuracy"] - r["single_accuracy"])
        lines.append(
            f"| {r['latency_ms_max']} ms | {100 * r['pair_accuracy']:.2f} % | "
            f"{r['pair_latency_p95_ms']:.1f} ms | {100 * r['escalation_rate']:.1f} % | "
            f"{100 * r['single_accuracy']:.2f} % | {gain:+.2f} "
            f"({100 * r['difference_low']:+.2f} to {100 * r['difference_high']:+.2f}) |"
        )
    return "\n".join(lines)


STEP = Step(measure, {"table": table_text}, of_table=True)
