"""The gate optimised inside an evaluation against gate and cut as genes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....searchers.compare import compare, holm, wilcoxon
from ....searchers.judge import judge_called
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import BUDGET, DEVICE, SEEDS, TABLE, facts, told

GATE_SEARCHERS = ("nsga2", "random")
MODES = ("inside", "gene")


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """The gate optimised inside an evaluation against gate and cut as genes."""
    judge = judge_called("table", (DEVICE,), TABLE)
    out: dict[str, Any] = {"facts": facts()}
    for mode in MODES:
        settings = SearchSettings(budget=BUDGET, gate=mode)
        reference = judge.reference(settings)
        comparison = compare(
            judge.evaluator, GATE_SEARCHERS, settings, seeds, reference, told(f"gate {mode}")
        )
        out[mode] = comparison.as_dict()
    return out


def gate_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    lines = [
        "| searcher | gate and cut | after a quarter | at the end | 10 to 90 % of seeds | p |",
        "|---|---|---|---|---|---|",
    ]
    ends = {m: {n: np.array(s[m]["regret"][n])[:, -1] for n in GATE_SEARCHERS} for m in MODES}
    seconds = {m: {r["searcher"]: r["seconds"] for r in s[m]["table"]} for m in MODES}
    longer = {n: seconds["inside"][n] / max(seconds["gene"][n], 1e-9) for n in GATE_SEARCHERS}
    chance = holm({n: wilcoxon(*(ends[m][n] for m in MODES)) for n in GATE_SEARCHERS})
    for name in GATE_SEARCHERS:
        for mode, word in (("inside", "inside"), ("gene", "genes")):
            row = next(r for r in s[mode]["table"] if r["searcher"] == name)
            lines.append(
                f"| `{name}` | {word} | {100 * row['quarter']:.2f} % | {100 * row['median']:.3f} % "
                f"| {100 * row['low']:.3f} to {100 * row['high']:.3f} % | {chance[name]:.3f} |"
            )
    return f"""## What optimising the gate inside gains

An evaluation of a pair gives its whole curve under every gate, and all its non-dominated points
count; with gate and cut as genes an evaluation is one operating point. Equal numbers of evaluations
({s["inside"]["budget"]:,}), {s["inside"]["seeds"]} seeds, same table and device; median regret, and
p of the two ways being alike (Wilcoxon signed ranks over seeds, Holm-corrected):

{chr(10).join(lines)}

In a table a whole curve takes longer than a point: runs inside took {longer["nsga2"]:.1f}
(`nsga2`) and {longer["random"]:.1f} (`random`) times as long as those with genes. By the clock,
what inside has after a quarter of its evaluations compares with what genes have at the end. Where
an evaluation trains or measures, a curve costs nothing more, because it follows from what the two
networks answer."""


STEP = Step(measure, {"searchers/gate": gate_text}, of_table=True)
