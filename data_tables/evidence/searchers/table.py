"""Every searcher on the table, the gate optimised inside an evaluation."""

from __future__ import annotations

from typing import Any

from ....searchers.algorithms import SEARCHERS
from ....searchers.compare import compare, markdown
from ....searchers.compare_plot import write_plot
from ....searchers.comparison_run import checked_names
from ....searchers.judge import judge_called
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import BUDGET, DEVICE, PICTURES, SEEDS, TABLE, facts, reached, told

#: What was aimed at: regret, and as a share of random's.
MOST_REGRET, OF_RANDOM = 0.05, 0.5


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Every searcher on the table, gate inside."""
    judge = judge_called("table", (DEVICE,), TABLE)
    settings = SearchSettings(budget=BUDGET)
    names = checked_names("all", judge.evaluator)
    comparison = compare(
        judge.evaluator, names, settings, seeds, judge.reference(settings), told("table")
    )
    write_plot(PICTURES / "table.svg", comparison, f"{TABLE}, {DEVICE}, {seeds} seeds")
    return {"facts": facts(), **comparison.as_dict()}


def table_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    rows = {row["searcher"]: row for row in s["table"]}
    ratio = rows["nsga2"]["median"] / max(rows["random"]["median"], 1e-12)
    networks, options = s["facts"]["networks"], f"--seeds {s['seeds']} --budget {s['budget']}"
    return f"""## The table, Raspberry Pi 4

{s["budget"]:,} evaluations, {s["seeds"]} seeds, error against mean latency, the gate optimised
inside. Regret is the share of the true front's hypervolume that is missing ({networks} networks,
{networks**2:,} pairs, {s["reference"]["n_points"]} points on the true front). `nsga2` is left with
{100 * rows["nsga2"]["median"]:.3f} %, {ratio:.2f} of what is left to `random`; aimed at: at most
{100 * MOST_REGRET:g} % and at most {OF_RANDOM:g} of `random`'s
({reached(rows["nsga2"]["median"] <= MOST_REGRET and ratio <= OF_RANDOM)}).

{markdown(s["table"])}

p: Wilcoxon signed ranks over seeds, two-sided, Holm-corrected within the column; * below 0.05.
`successive_halving` spends its budget on shares of the val images, and counts them as such.

![Regret against evaluations](figures/searchers/table.svg)

Lines are medians over seeds, bands hold 10 to 90 % of them. The comparison by itself:
`biglittle search --on table --compare all {options} --out out/all`."""


def about_text(s: dict[str, Any]) -> str:
    """Which table and which searchers the page is about."""
    names = ", ".join(f"`{n}`" for n in SEARCHERS.names())
    return (
        f"Table {s['facts']['table_sha256'][:12]} (SHA-256). Seconds per run are by the clock, "
        "partly beside other work, and say no more than the order of magnitude. Searchers: "
        f"{names}."
    )


def short_text(s: dict[str, Any]) -> str:
    """What the best searchers and ``random`` leave of the true front's hypervolume."""
    rows = {row["searcher"]: row for row in s["table"]}
    best = sorted(rows, key=lambda name: rows[name]["median"])[:3]
    shown = ", ".join(
        f"`{name}` {100 * rows[name]['median']:.2f} % ({100 * rows[name]['low']:.2f} to "
        f"{100 * rows[name]['high']:.2f} %)"
        for name in dict.fromkeys([*best, "nsga2", "random"])
    )
    return (
        f"In the table, after {s['budget']:,} evaluations, these miss of the hypervolume of the "
        f"true front (median of {s['seeds']} seeds, 10 to 90 % of them): {shown}."
    )


STEP = Step(
    measure,
    {"searchers/about": about_text, "searchers/table": table_text, "searchers": short_text},
    of_table=True,
)
