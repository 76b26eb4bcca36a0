"""What escalating to the dense teacher brings over the space's own big networks.

By mean MACs, and by mean latency on the devices where the teacher's can be predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...bench import Benchmark, Front, OperatingPoint
from ...bench.bootstrap import LEVEL, paired_gain
from ...bench.datasets import get_dataset
from ...bench.precision import FP32
from ...bench.rows import EXTERNAL
from ...cotrain.teacher import Teacher
from ..building.oracle import NAME, predictions
from ..flagship import RECIPE
from ._page import Step, versions
from .table import best_within, right_answers

DEVICE = "raspberry-pi-4"  # MACs are the same on every device
GATE = "margin"
BUDGETS = (10e6, 20e6, 30e6, 50e6, 80e6)
SHARES = (0.25, 0.5, 0.75)  # of the teacher's own latency: budgets of mean latency


def measure() -> dict[str, Any]:
    """The best pair within each budget, among the space's own and with the teacher."""
    bench = Benchmark.load(RECIPE.name)
    row = bench.row(NAME)
    alone, macs = float(bench.accuracy("test")[row]), float(bench.table.macs[row])
    devices = []
    dataset = get_dataset(bench.table.dataset)
    for device, told in predictions(Teacher(dataset.n_classes), dataset, bench.devices).items():
        budgets = [share * told.latency_ms for share in SHARES]
        devices.append(
            {
                "device": device,
                "latency_ms": told.latency_ms,
                "interval_ms": [told.latency_low_ms, told.latency_high_ms],
                "coverage": told.coverage,
                "rows": _compared(bench, device, "latency_ms", budgets),
            }
        )
    return {
        "rows": _compared(bench, DEVICE, "macs", BUDGETS),
        "devices": devices,
        "macs": macs,
        "accuracy": alone,
        "gate": GATE,
    }


def _compared(
    bench: Benchmark, device: str, cost: str, budgets: Sequence[float]
) -> list[dict[str, Any]]:
    """The most accurate pairs within budgets of a mean cost, with the teacher and without it."""
    fronts = {
        "own": bench.front(device, ("error", cost), gates=(GATE,)),
        "teacher": bench.front(device, ("error", cost), gates=(GATE,), big=NAME),
    }
    rows = []
    for budget in budgets:
        points = {who: p for who, f in fronts.items() if (p := _best(f, cost, budget)) is not None}
        if len(points) < len(fronts):
            continue  # nothing is so cheap
        told = {w: {name: getattr(p, name) for name in (*_TOLD, cost)} for w, p in points.items()}
        teacher, own = (right_answers(bench, points[who]) for who in ("teacher", "own"))
        gain = zip(("difference", "low", "high"), paired_gain(teacher, own), strict=True)
        row: dict[str, Any] = {cost: budget, **told}
        rows.append(row | dict(gain))
    return rows


_TOLD = ("little", "big", "threshold", "accuracy", "escalation_rate")


def _best(front: Front, cost: str, budget: float) -> OperatingPoint | None:
    """The point that is most accurate on val within a budget there, as test reports it."""
    place = best_within(front.chosen.accuracy, getattr(front.chosen, cost), budget)
    return None if place is None else front[place]


def _pair_text(row: dict[str, Any]) -> str:
    """The rest of a line about the best pairs within a budget."""
    own, teacher = row["own"], row["teacher"]
    return (
        f"`{own['little']}`, `{own['big']}` | "
        f"{own['accuracy']:.2%} | `{teacher['little']}`, {teacher['escalation_rate']:.1%} "
        f"escalated | {teacher['accuracy']:.2%} | {100 * row['difference']:+.2f} "
        f"({100 * row['low']:+.2f} to {100 * row['high']:+.2f}) |"
    )


_HEAD = (
    f"best pair of the space | its accuracy | with the teacher | accuracy | difference "
    f"({LEVEL:.0%} interval) |"
)


def oracle_section(figures: dict[str, Any]) -> str:
    """The figures by MACs as Markdown."""
    lines = [f"| mean MACs, at most | {_HEAD}", "|---|---|---|---|---|---|"]
    lines += [f"| {row['macs'] / 1e6:.0f} M | {_pair_text(row)}" for row in figures["rows"]]
    return "\n".join(
        [
            *lines,
            "",
            f"Gate `{figures['gate']}`, pairs and thresholds chosen on val, told on test. The "
            f"teacher alone has {figures['accuracy']:.2%} at {figures['macs'] / 1e6:.0f} M MACs "
            f"({versions(figures)}).",
        ]
    )


def latency_section(figures: dict[str, Any]) -> str:
    """The figures by predicted latency as Markdown."""
    lines = [f"| device | mean latency, at most | {_HEAD}", "|---|---|---|---|---|---|---|"]
    for of in figures["devices"]:
        lines += [
            f"| `{of['device']}` | {row['latency_ms']:.2f} ms | {_pair_text(row)}"
            for row in of["rows"]
        ]
    alone = ", ".join(
        f"{of['latency_ms']:.2f} ms on `{of['device']}` ({of['interval_ms'][0]:.2f} to "
        f"{of['interval_ms'][1]:.2f}, {of['coverage']:.0%} interval)"
        for of in figures["devices"]
    )
    return "\n".join(
        [
            *lines,
            "",
            f"All latencies are predicted; those of the teacher by the operator models of the "
            f"devices: {alone}. Their error is not in the intervals of the differences, which are "
            "over images.",
        ]
    )


STEP = Step(
    measure,
    {"oracle": oracle_section, "oracle_latency": latency_section},
    of_table=True,
    rows=(FP32, EXTERNAL),
)
