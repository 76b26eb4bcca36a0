"""What escalating to the dense teacher brings, by mean MACs, over the space's own big networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench import Benchmark, Front, OperatingPoint
from ...bench.bootstrap import LEVEL, paired_gain
from ..building.oracle import NAME
from ..flagship import RECIPE
from ._page import Step, versions
from .table import right_answers

DEVICE = "raspberry-pi-4"  # MACs are the same on every device
GATE = "margin"
BUDGETS = (10e6, 20e6, 30e6, 50e6, 80e6)


def measure() -> dict[str, Any]:
    """The best pair within each budget of mean MACs, among the space's own and with the teacher."""
    bench, objectives = Benchmark.load(RECIPE.name), ("error", "macs")
    fronts = {
        "own": bench.front(DEVICE, objectives, gates=(GATE,)),
        "teacher": bench.front(DEVICE, objectives, gates=(GATE,), big=NAME),
    }
    rows = []
    for budget in BUDGETS:
        points = {who: _best(front, budget) for who, front in fronts.items()}
        told = {who: {name: getattr(p, name) for name in _TOLD} for who, p in points.items()}
        teacher, own = (right_answers(bench, points[who]) for who in ("teacher", "own"))
        difference = dict(
            zip(("difference", "low", "high"), paired_gain(teacher, own), strict=True)
        )
        rows.append({"macs": budget, **told, **difference})
    row = bench.row(NAME)
    alone, macs = float(bench.accuracy("test")[row]), float(bench.table.macs[row])
    return {"rows": rows, "macs": macs, "accuracy": alone, "gate": GATE}


_TOLD = ("little", "big", "threshold", "accuracy", "escalation_rate", "macs")


def _best(front: Front, budget: float) -> OperatingPoint:
    """The point that is most accurate on val within a budget of MACs there, as test reports it."""
    inside = np.flatnonzero(front.chosen.macs <= budget)
    return front[int(inside[np.argmax(front.chosen.accuracy[inside])])]


def oracle_section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| mean MACs, at most | best pair of the space | its accuracy | with the teacher | "
        f"accuracy | difference ({LEVEL:.0%} interval) |",
        "|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        own, teacher = row["own"], row["teacher"]
        lines.append(
            f"| {row['macs'] / 1e6:.0f} M | `{own['little']}`, `{own['big']}` | "
            f"{own['accuracy']:.2%} | `{teacher['little']}`, {teacher['escalation_rate']:.1%} "
            f"escalated | {teacher['accuracy']:.2%} | {100 * row['difference']:+.2f} "
            f"({100 * row['low']:+.2f} to {100 * row['high']:+.2f}) |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Gate `{figures['gate']}`, pairs and thresholds chosen on val, told on test. The "
            f"teacher alone has {figures['accuracy']:.2%} at {figures['macs'] / 1e6:.0f} M MACs "
            f"({versions(figures)}).",
        ]
    )


STEP = Step(measure, {"oracle": oracle_section}, of_table=True)
