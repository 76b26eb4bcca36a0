"""Single networks of NAS-Bench-201, whose published tables do not ship.

They are looked for in ``BIGLITTLE_REFERENCE_DATA``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....bench.hypervolume import hypervolume
from ....searchers.compare import Comparison, compare, markdown
from ....searchers.compare_plot import write_plot
from ....searchers.comparison_run import checked_names
from ....searchers.judge import judge_called
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import PICTURES, SEEDS, TABLE, facts, reached, told

NB201_BUDGET, LEAST_SHARE = 500, 0.95  # aimed at: that share of the exact hypervolume
USEFUL_ERROR = 0.2  # cells worse than this are of no use, and most of the box lies beyond it


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Single networks of NAS-Bench-201: validation accuracy against the latency of a Pi 4."""
    judge = judge_called("nb201", ("raspi4",), TABLE)
    settings = SearchSettings(budget=NB201_BUDGET)
    reference = judge.reference(settings)
    assert reference is not None
    names = checked_names("all", judge.evaluator)
    comparison = compare(judge.evaluator, names, settings, seeds, reference, told("nb201"))
    write_plot(
        PICTURES / "nb201.svg", comparison, f"NAS-Bench-201, CIFAR-10, raspi4, {seeds} seeds"
    )
    return {"facts": facts(), **comparison.as_dict(), "useful": _useful(comparison, judge)}


def _useful(comparison: Comparison, judge: Any) -> dict[str, Any]:
    """Shares of the exact hypervolume that count only cells of at most `USEFUL_ERROR`."""
    every = judge.evaluator
    values = np.stack([1.0 - every.accuracy, every.latency_ms], axis=1)
    nadir = (USEFUL_ERROR, comparison.reference.nadir[1])
    whole = hypervolume(values, comparison.reference.utopian, nadir)
    share = {
        name: [hypervolume(f, comparison.reference.utopian, nadir) / whole for f in fronts]
        for name, fronts in comparison.fronts.items()
    }
    return {"error_max": USEFUL_ERROR, "share": share}


def nb201_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    useful = s["useful"]
    shares = sorted(useful["share"].items(), key=lambda item: -float(np.median(item[1])))
    whole = {row["searcher"]: 1 - row["median"] for row in s["table"]}
    lines = [
        "| searcher | exact hypervolume reached | counting useful cells alone |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {100 * whole[name]:.2f} % | {100 * float(np.median(values)):.2f} % |"
        for name, values in shares
    ]
    return f"""## NAS-Bench-201

CIFAR-10 validation accuracy against the measured latency of a Raspberry Pi 4, single networks;
{s["budget"]} evaluations of 15,625 cells, {s["seeds"]} seeds, medians; the true front has
{s["reference"]["n_points"]} members. Most of the box belongs to cells that answer little better
than chance, so that `random` comes close as well; the last column counts only cells with an error
of at most {100 * useful["error_max"]:.0f} %. `nsga2` reaches {100 * whole["nsga2"]:.2f} % of the
exact hypervolume, `random` {100 * whole["random"]:.2f} %; aimed at: at least
{100 * LEAST_SHARE:g} % ({reached(whole["nsga2"] >= LEAST_SHARE)}).

{chr(10).join(lines)}

{markdown(s["table"])}

![Regret against evaluations](figures/searchers/nb201.svg)

The comparison by itself: `biglittle search --on nb201 --device raspi4 --compare all --seeds
{s["seeds"]} --budget {s["budget"]} --out out/nb201`.

Sources of the data: Dong and Yang 2020; Lee et al. 2021 (HELP); Li et al. 2021 (HW-NAS-Bench)."""


STEP = Step(measure, {"searchers/nb201": nb201_text})
