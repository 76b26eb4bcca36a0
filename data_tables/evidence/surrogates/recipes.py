"""Every recipe of a surrogate on the random split of the shipped table."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Every recipe on the random split of the shipped table.

    On a table with exits those that describe whole networks alone are left out, and named.
    """
    data = fit_data(Benchmark.load(TABLE).table)
    blind = [r for r in RECIPES if data.exits is not None and r.knows_no_exits]
    recipes = [r for r in RECIPES if r not in blind]
    report = split_report(data, "random", recipes, range(seeds), say)
    return {
        "seeds": seeds,
        "n_networks": len(data),
        "left_out": [str(recipe) for recipe in blind],
        "splits": {"random": report},
    }


def recipes_text(data: dict[str, Any]) -> str:
    """The table of recipes."""
    lines = [
        "## Recipes on the shipped table",
        "",
        f"{data['n_networks']} networks, a fifth held out, {data['seeds']} random splits; pairs "
        "of two unseen networks; mean ± standard deviation over the splits. "
        f"{_left_out(data.get('left_out', []))}Step `surrogates/recipes`. The first one ships.",
        "",
        *split_table(data, "random"),
    ]
    return "\n".join(lines)


def _left_out(recipes: Sequence[str]) -> str:
    """A sentence about recipes that cannot be fitted on such a table; "" where all can."""
    if not recipes:
        return ""
    names = ", ".join(f"`{name}`" for name in recipes)
    return f"Left out, since they describe whole networks alone: {names}. "


STEP = Step(measure, {"surrogates/recipes": recipes_text}, of_table=True)
