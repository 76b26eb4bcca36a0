"""How long the main job takes: ``nsga2`` on the surrogate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ....searchers.algorithms import get_searcher
from ....searchers.judge import judge_called
from .._page import Step, versions
from ._common import DEVICE, TABLE, facts, reached

SPEED_BUDGET, SPEED_RUNS = 20_000, 3
MOST_SECONDS = 20.0  # aimed at, at the most


def measure(seeds: int = SPEED_RUNS) -> dict[str, Any]:
    """Seconds of the main job: nsga2 on the surrogate."""
    judge = judge_called("surrogate", (DEVICE,), TABLE)
    outcomes, cpu_s = [], []
    for seed in range(seeds):
        began = time.process_time()
        outcomes.append(get_searcher("nsga2").run(judge.evaluator, SPEED_BUDGET, seed))
        cpu_s.append(time.process_time() - began)
    return {
        "facts": facts(),
        "cpu_s": cpu_s,
        "budget": SPEED_BUDGET,
        "seconds_total": [o.seconds_total for o in outcomes],
        "seconds_evaluating": [o.seconds_evaluating for o in outcomes],
    }


def speed_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    total, inside = np.array(s["seconds_total"]), np.array(s["seconds_evaluating"])
    outside, facts = 100 * (1 - inside / total), s["facts"]
    return f"""## Speed

{s["budget"]:,} evaluations of `nsga2` on the surrogate, whole curves, take
{total.min():.1f} to {total.max():.1f} s ({len(total)} seeds, median {np.median(total):.1f} s; aimed
at: at most {MOST_SECONDS:g} s, {reached(bool(np.median(total) <= MOST_SECONDS))} by the median),
of which
{outside.min():.0f} to {outside.max():.0f} % are spent outside the evaluator. In CPU time it is
{min(s["cpu_s"]):.1f} to {max(s["cpu_s"]):.1f} s.
{facts["cores"]} cores of {facts["cpu"]}, Python {facts["python"]}, NumPy {facts["numpy"]}."""


def short_text(s: dict[str, Any]) -> str:
    """The same in one sentence."""
    total, inside = np.array(s["seconds_total"]), np.array(s["seconds_evaluating"])
    return (
        f"{s['budget']:,} evaluations of `nsga2` on the surrogate take {np.median(total):.1f} s "
        f"(median of {len(total)} seeds), of which {100 * np.median(1 - inside / total):.0f} % are "
        f"spent outside the evaluator ({versions({'conditions': s['facts']})})."
    )


STEP = Step(measure, {"searchers/speed": speed_text, "searchers_speed": short_text}, of_table=True)
