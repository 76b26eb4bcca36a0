"""What escalating to the dense teacher brings, by mean MACs, over the space's own big networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench import Benchmark, Gate, Pair
from ...bench.bootstrap import LEVEL, bootstrap_gain
from ...bench.exact_points import ExactPoints
from ..building.oracle import NAME
from ..flagship import RECIPE
from ._page import Step, versions

DEVICE = "raspberry-pi-4"  # MACs are the same on every device
GATE = "margin"
BUDGETS = (10e6, 20e6, 30e6, 50e6, 80e6)


def measure() -> dict[str, Any]:
    """The best pair within each budget of mean MACs, among the space's own and with the teacher."""
    bench = Benchmark.load(RECIPE.name)
    exact, table = ExactPoints(bench.table), bench.table
    chosen = bench.front(DEVICE, ("error", "macs"), gates=(GATE,)).chosen
    littles = [str(name) for name in table.names[table.rows(exits=True)]]
    curves = [bench.curve(Pair(name, NAME), GATE, DEVICE, "val") for name in littles]
    rows = []
    for budget in BUDGETS:
        inside = np.flatnonzero(chosen.macs <= budget)
        own = int(inside[np.argmax(chosen.accuracy[inside])])
        pairs = {
            "own": (str(chosen.little[own]), str(chosen.big[own]), float(chosen.threshold[own])),
            "teacher": _best(littles, curves, budget),
        }
        told = {who: _reported(bench, *pair) for who, pair in pairs.items()}
        right = [_right(exact, *pairs[who]) for who in ("teacher", "own")]
        gained, lost = (int((a & ~b).sum()) for a, b in (right, right[::-1]))
        low, high = bootstrap_gain(gained, lost, len(right[0]))
        difference = {"difference": (gained - lost) / len(right[0]), "low": low, "high": high}
        rows.append({"macs": budget, **told, **difference})
    row = table.network_row(NAME)
    alone = float(bench.accuracy("test")[row])
    return {"rows": rows, "macs": float(table.macs[row]), "accuracy": alone, "gate": GATE}


def _best(littles: list[str], curves: list[Any], budget: float) -> tuple[str, str, float]:
    """Little network, teacher and threshold that are most accurate on val within a budget."""
    best, out = -1.0, ("", "", 0.0)
    for name, curve in zip(littles, curves, strict=True):
        inside = np.flatnonzero(curve.macs <= budget)
        if not len(inside):
            continue
        at = int(inside[np.argmax(curve.accuracy[inside])])
        if curve.accuracy[at] > best:
            best, out = float(curve.accuracy[at]), (name, NAME, float(curve.threshold[at]))
    return out


def _reported(bench: Benchmark, little: str, big: str, threshold: float) -> dict[str, Any]:
    point = bench.query((little, big), (GATE, threshold), DEVICE)
    return {
        "little": little,
        "big": big,
        "threshold": threshold,
        "accuracy": point.accuracy,
        "escalation_rate": point.escalation_rate,
        "macs": point.macs,
    }


def _right(exact: ExactPoints, little: str, big: str, threshold: float) -> Any:
    """Whether a pair is right about each test image, shape (n_images,)."""
    table = exact.table
    rows = table.pair_rows(Pair(little, big))
    correct = table.predictions("test").correct
    escalated = table.codes_of(GATE, "test", [rows[0]])[0] < Gate(GATE, threshold).cut(
        table.n_classes
    )
    return np.where(escalated, correct[rows[1]], correct[rows[0]])


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
