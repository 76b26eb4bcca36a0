"""What a second board of the same kind is worth to a pair: in turn, and both at once.

The points of the shipped table's exact front for a Raspberry Pi 4, on two of them with a link as it
is stated: the same accuracy and escalation rate, other latencies and energies. Everything here is
modelled from the boards' own block sums and wall power.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.platform import EXAMPLE, parse_platform
from ...bench.platform_costs import (
    AT_ONCE,
    FEATURES,
    IN_TURN,
    INPUT,
    NOTHING,
    Mapping,
    PairsOnPlatform,
)
from ..flagship import RECIPE
from ._page import Step, versions

TABLE, DEVICE = RECIPE.name, "raspberry-pi-4"
LINK = {"latency_ms": 0.3, "bandwidth_mbit_s": 900.0}
LEAST_RATE = 0.01  # of a point whose pair is a pair at all
WAYS = {
    "in turn, input sent": Mapping(0, 1, IN_TURN, INPUT),
    "in turn, features sent": Mapping(0, 1, IN_TURN, FEATURES),
    "at once": Mapping(0, 1, AT_ONCE, INPUT),
}
COSTS = ("latency_ms", "latency_worst_ms", "energy_mj")


def measure() -> dict[str, Any]:
    """Prices a front on two boards; seconds once the front is known."""
    bench = Benchmark.load(TABLE)
    points = bench.front(DEVICE).points
    pairs = points.take(np.flatnonzero(points.escalation_rate >= LEAST_RATE))
    both = {"first": {"device": DEVICE}, "second": {"device": DEVICE}}
    platform = parse_platform({**EXAMPLE, **both, "link": LINK}, "two boards")
    coupling = np.asarray(pairs.coupling)
    priced = PairsOnPlatform(
        platform,
        pairs.little.tolist(),
        pairs.big.tolist(),
        pairs.escalation_rate,
        coupling == "prefix",
    )
    one = priced.under(Mapping(0, 0, IN_TURN, NOTHING))
    rows = {}
    for name, way in WAYS.items():
        two = priced.under(way)
        there = ~np.isnan(two.latency_ms)
        ratios = {c: getattr(two, c)[there] / getattr(one, c)[there] for c in COSTS}
        rows[name] = {
            "points": int(there.sum()),
            **{
                c: [round(float(q), 4) for q in np.quantile(r, [0.05, 0.5, 0.95])]
                for c, r in ratios.items()
            },
        }
    rate = [round(float(q), 4) for q in np.quantile(pairs.escalation_rate, [0.05, 0.5, 0.95])]
    return {
        "device": DEVICE,
        "link": LINK,
        "points": len(pairs),
        "escalation_rate": rate,
        "ways": rows,
    }


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| second board | points | mean latency | worst latency | energy |",
        "|---|---|---|---|---|",
    ]
    for name, row in figures["ways"].items():
        cells = [f"{row[c][1]:.2f} ({row[c][0]:.2f} to {row[c][2]:.2f})" for c in COSTS]
        lines.append(f"| {name} | {row['points']} | {' | '.join(cells)} |")
    low, middle, high = figures["escalation_rate"]
    link = figures["link"]
    lines += [
        "",
        f"Over both networks on one board while the other waits: median, and from the 5th to the "
        f"95th percentile, over the {figures['points']} points of the exact front for "
        f"`{figures['device']}` that escalate {LEAST_RATE:.0%} and more ({100 * middle:.0f} % in "
        f"the median, {100 * low:.0f} to {100 * high:.0f}). Link {link['latency_ms']} ms and "
        f"{link['bandwidth_mbit_s']:.0f} Mbit/s, as stated. All modelled. {versions(figures)}; "
        "`python -m biglittle.data_tables.evidence two_devices`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"two_devices": page}, of_table=True)
