"""Every recipe of a surrogate on the random split of the shipped table."""

from __future__ import annotations

from typing import Any

from ....bench import Benchmark
from ....surrogates import (
    Recipe,
    fit_data,
)
from ....surrogates.report import BASELINES, split_report
from ....surrogates.summary import split_table
from .._page import Step
from ._common import SEEDS, TABLE, say

RECIPES = (
    Recipe(),
    Recipe(link="identity"),
    Recipe("gaussian_process", points="gaussian_process"),
    Recipe("gaussian_process", points="gaussian_process", link="identity"),
    Recipe("ensemble"),
    Recipe("xgboost"),
    Recipe(pairs="direct"),
    *BASELINES,
    Recipe("ridge", "item_response", "ridge", "identity"),
)


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Every recipe on the random split of the shipped table."""
    data = fit_data(Benchmark.load(TABLE).table)
    report = split_report(data, "random", RECIPES, range(seeds), say)
    return {"seeds": seeds, "n_networks": len(data), "splits": {"random": report}}


def recipes_text(data: dict[str, Any]) -> str:
    """The table of recipes."""
    lines = [
        "## Recipes on the shipped table",
        "",
        f"{data['n_networks']} networks, a fifth held out, {data['seeds']} random splits; pairs "
        "of two unseen networks; mean ± standard deviation over the splits. "
        "Step `surrogates/recipes`. The first one ships.",
        "",
        *split_table(data, "random"),
    ]
    return "\n".join(lines)


STEP = Step(measure, {"surrogates/recipes": recipes_text}, of_table=True)
