"""Budgets of the first population where a candidate is one network, as in EEEA-Net.

The published tables do not ship; they are looked for in ``BIGLITTLE_REFERENCE_DATA``.
"""

from __future__ import annotations

from typing import Any

from ....bench.bootstrap import LEVEL
from ....searchers.judge import judge_called
from .._page import Step
from ._common import TABLE, facts
from .initial_budget import SEARCHER, SEEDS, table_of, verdict, with_and_without

NB201_BUDGET = 500
#: MACs rise with the parameters here: budgets on MACs would be the same ones.
BUDGETS = (("params", 0.75), ("params", 0.5), ("params", 0.25))


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Regret of nsga2 on NAS-Bench-201 with budgets of the first population, and without."""
    judge = judge_called("nb201", ("raspi4",), TABLE)
    return {"facts": facts(), **with_and_without(judge, NB201_BUDGET, seeds, BUDGETS)}


def nb201_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    return f"""### The same on NAS-Bench-201

Single networks, as in the source of the filter: CIFAR-10 validation accuracy against the measured
latency of a Raspberry Pi 4; `{SEARCHER}`, {s["budget"]} evaluations, {s["seeds"]} seeds;
differences with their {100 * LEVEL:.0f} % interval, as above. Cells have the same order by
parameters and by MACs, so that budgets on MACs would be the same ones.

{table_of(s)}

{verdict(s)}"""


STEP = Step(measure, {"searchers/initial_budget_nb201": nb201_text})
