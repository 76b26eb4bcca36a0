"""Graph networks on the first splits of the step ``surrogates/recipes``; they take longer."""

from __future__ import annotations

from typing import Any

from ....bench import Benchmark
from ....surrogates import (
    Recipe,
    fit_data,
)
from ....surrogates.report import split_report
from ....surrogates.summary import split_table
from .._page import Step
from ._common import TABLE, say

#: Judged on fewer splits: on a processor they take minutes each.
GRAPH_RECIPES = (Recipe("gnn"), Recipe(pairs="gnn"))
GRAPH_SEEDS = 1


def measure(seeds: int = GRAPH_SEEDS) -> dict[str, Any]:
    """The graph networks, on the first random splits of the step ``surrogates/recipes``."""
    data = fit_data(Benchmark.load(TABLE).table)
    report = split_report(data, "random", GRAPH_RECIPES, range(seeds), say)
    return {"seeds": seeds, "n_networks": len(data), "splits": {"random": report}}


def graphs_text(figures: dict[str, Any]) -> str:
    """The table of graph networks."""
    lines = [
        "## Graph networks on the shipped table",
        "",
        f"As above, on the first {figures['seeds']} of these splits alone. "
        "Step `surrogates/graphs`.",
        "",
        *split_table(figures, "random"),
    ]
    return "\n".join(lines)


STEP = Step(measure, {"surrogates/graphs": graphs_text}, of_table=True)
