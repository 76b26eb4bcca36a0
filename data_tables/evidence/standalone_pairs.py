"""Static cascades of networks that were trained alone, against one of them and against the table.

Any two networks of the table that were trained from scratch, each by itself, are a cascade that
shares nothing; the table has their answers. Within each limit of mean latency the pair, the
threshold and the single network that are the most accurate on val are told on test.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ...bench import Benchmark, Gate, Pair
from ...bench.bootstrap import LEVEL, paired_gain
from ...bench.precision import FP32
from ..flagship import RECIPE
from ._page import Step, on_device
from .table import best_within, right_answers, right_of_rows

TRAINING, GATE = "standalone", "margin"
LIMITS_MS = (5.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0)


def measure() -> dict[str, Any]:
    """The best single network, static cascade and inherited pair within each limit."""
    bench, device = Benchmark.load(RECIPE.name), RECIPE.design.device
    rows = bench.table.rows(TRAINING, exits=True)
    names = [str(bench.table.names[row]) for row in rows]
    latency, accuracy = bench.costs(device).latency_ms, bench.accuracy("val")
    curves = [
        bench.curve(Pair(little, big, TRAINING), GATE, device, "val")
        for little, big in itertools.permutations(names, 2)
    ]
    front = bench.front(device, gates=(GATE,))
    told = []
    for limit in LIMITS_MS:
        fitting = rows[latency[rows] <= limit]
        pairs = [
            (float(curve.accuracy[i]), float(curve.threshold[i]), curve.pair)
            for curve in curves
            if (i := best_within(curve.accuracy, curve.latency_ms, limit)) is not None
        ]
        place = best_within(front.chosen.accuracy, front.chosen.latency_ms, limit)
        if not len(fitting) or not pairs or place is None:
            continue
        single = int(fitting[np.argmax(accuracy[fitting])])
        _, threshold, pair = max(pairs, key=lambda entry: entry[0])
        inherited = front[place]
        point = bench.query(pair, Gate(GATE, threshold), device)
        right = {
            "single": bench.table.predictions("test").correct[single],
            "pair": right_of_rows(bench, bench.table.pair_rows(pair), Gate(GATE, threshold)),
            "inherited": right_answers(bench, inherited),
        }
        told.append(
            {
                "limit_ms": limit,
                "single": str(bench.table.names[single]),
                "pair": [pair.little, pair.big],
                "threshold": threshold,
                "escalation_rate": point.escalation_rate,
                "latency_ms": point.latency_ms,
                "accuracy": {who: float(r.mean()) for who, r in right.items()},
                "over_single": list(paired_gain(right["pair"], right["single"])),
                "over_inherited": list(paired_gain(right["pair"], right["inherited"])),
            }
        )
    return {"device": device, "networks": names, "rows": told}


def standalone_section(figures: dict[str, Any]) -> str:
    """The figures as a Markdown table."""

    def gain(ends: list[float]) -> str:
        value, low, high = (100 * end for end in ends)
        return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"

    lines = [
        "| mean latency, at most | the best of them alone | accuracy | the best two of them | "
        "accuracy | over one of them | over the best pair of inherited weights |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        little, big = row["pair"]
        lines.append(
            f"| {row['limit_ms']:.0f} ms | `{row['single']}` | {row['accuracy']['single']:.2%} | "
            f"`{little}`, `{big}`, {row['escalation_rate']:.1%} escalated | "
            f"{row['accuracy']['pair']:.2%} | {gain(row['over_single'])} | "
            f"{gain(row['over_inherited'])} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Of {len(figures['networks'])} networks that were trained alone ({on_device(figures)};"
            f" exits predicted), gate `{GATE}`, all chosen on val and told on test; points with "
            f"{LEVEL:.0%} intervals over images.",
        ]
    )


STEP = Step(measure, {"standalone_pairs": standalone_section}, of_table=True, rows=(FP32, TRAINING))
