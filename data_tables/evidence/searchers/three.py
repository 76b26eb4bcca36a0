"""Three objectives at once: error, mean latency and peak memory."""

from __future__ import annotations

from typing import Any

from ....searchers.compare import compare, markdown
from ....searchers.judge import judge_called
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import BUDGET, DEVICE, SEEDS, TABLE, facts, told

THREE = ("error", "latency_ms", "peak_memory_mib")


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Three objectives."""
    judge = judge_called("table", (DEVICE,), TABLE)
    settings = SearchSettings(objectives=THREE, budget=BUDGET)
    names = ("nsga2", "nsga3", "random")
    comparison = compare(
        judge.evaluator, names, settings, seeds, judge.reference(settings), told("three")
    )
    return {"facts": facts(), **comparison.as_dict()}


def three_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    return f"""## Three objectives

Error, mean latency and peak memory; {s["budget"]:,} evaluations, {s["seeds"]} seeds, same table and
device.

{markdown(s["table"])}"""


STEP = Step(measure, {"searchers/three": three_text}, of_table=True)
