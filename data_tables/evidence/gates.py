"""Which gate routes best: gain over random escalation, and the share of the oracle's gain.

Pairs are drawn at random among those whose big network is
better than the little one on val; every gate escalates the same share of the test images.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.diagnostics import diagnose
from ...bench.gates import GATES, N_CODES, get_gate
from ..fbnet_cifar10.recipe import RECIPE
from ._page import Step

NAME = RECIPE.name
N_PAIRS, RATE, SEED = 200, 0.2, 0


def measure() -> dict[str, Any]:
    """Mean gain in accuracy over random by gate, and its standard error over pairs."""
    bench = Benchmark.load(NAME)
    table, val = bench.table, bench.accuracy("val")
    rng, rows = np.random.default_rng(SEED), bench.table.rows()
    pairs: list[tuple[int, int]] = []
    while len(pairs) < N_PAIRS:
        little, big = (int(i) for i in rng.choice(rows, 2, replace=False))
        if val[big] > val[little]:
            pairs.append((little, big))
    figures: dict[str, Any] = {}
    cuts = np.arange(N_CODES + 1)
    for gate in GATES.names():
        if not get_gate(gate).deployable:
            continue
        gains, possible = [], []
        for little, big in pairs:
            told = diagnose(table, little, big, gate, cuts, "test")
            at_random = np.interp(RATE, told.escalation_rate, told.random_accuracy)
            gains.append(np.interp(RATE, told.escalation_rate, told.accuracy) - at_random)
            possible.append(np.interp(RATE, *told.oracle_line(0)) - at_random)
        figures[gate] = {
            "gain": float(np.mean(gains)),
            "standard_error": float(np.std(gains, ddof=1) / np.sqrt(N_PAIRS)),
            "oracle_share": float(np.sum(gains) / np.sum(possible)),
        }
    better = float(np.mean([val[big] - val[little] for little, big in pairs]))
    return {"pairs": N_PAIRS, "escalation_rate": RATE, "seed": SEED, "gates": figures,
            "big_better_by": better}  # fmt: skip


def gates_section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| gate | gain over random escalation (points) | share of the oracle's gain |",
        "|---|---|---|",
    ]
    by_gain = sorted(figures["gates"].items(), key=lambda item: -item[1]["gain"])
    for gate, row in by_gain:
        gain, error = 100 * row["gain"], 100 * row["standard_error"]
        lines.append(f"| `{gate}` | {gain:.2f} ± {error:.2f} | {100 * row['oracle_share']:.1f} % |")
    lines += [
        "",
        f"{figures['pairs']} random pairs of the table (seed {figures['seed']}) whose big network "
        f"is better on val, by {100 * figures['big_better_by']:.1f} points on average; "
        f"{100 * figures['escalation_rate']:.0f} % of the test images escalated; ± is the standard "
        "error over pairs, which share networks and images.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"gates": gates_section})
