"""Thresholds as genes, as in EDANAS, against the exact choice of each pair's threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....bench.bootstrap import LEVEL
from ....bench.figures import get_figure
from ....searchers.algorithms import get_searcher
from ....searchers.compare import compare
from ....searchers.judge import Judge, judge_called
from ....searchers.outcome import SearchOutcome
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import BUDGET, DEVICE, SEEDS, TABLE, facts, interval, told

SEARCHERS = ("nsga2", "random")
MODES = {"gene": "genes", "inside": "chosen exactly"}
OBJECTIVES = ("error", "macs")  # those of EDANAS
LIMITED_BUDGET = 500  # of a search under a limit
#: Limits under which the most accurate operating point is looked for: the mean MACs of a network
#: that EDANAS reports, the mean latency at which other steps compare, and a larger one of each.
LIMITS = (("macs", 17.3e6), ("macs", 30e6), ("latency_ms", 15.0), ("latency_ms", 20.0))
SAME = 5e-5  # accuracies this close are the same: half an image of val is 1e-4


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """What is missed with thresholds as genes, and where each pair's is chosen exactly."""
    judge = judge_called("table", (DEVICE,), TABLE)
    fronts: dict[str, Any] = {}
    for mode in MODES:
        settings = SearchSettings(objectives=OBJECTIVES, budget=BUDGET, gate=mode)
        reference, say = judge.reference(settings), told(f"thresholds {mode}")
        comparison = compare(judge.evaluator, SEARCHERS, settings, seeds, reference, say)
        quarter = len(comparison.at) // 4 - 1
        fronts[mode] = {
            name: {"quarter": regret[:, quarter].tolist(), "end": regret[:, -1].tolist()}
            for name, regret in comparison.regret.items()
        }
    return {
        "facts": facts(),
        "budget": BUDGET,
        "limited_budget": LIMITED_BUDGET,
        "seeds": seeds,
        "fronts": fronts,
        "limits": [_limited(judge, name, limit, seeds) for name, limit in LIMITS],
    }


def _limited(judge: Judge, figure: str, limit: float, seeds: int) -> dict[str, Any]:
    """What searches miss of the best accuracy within a limit, by way of choosing and searcher."""
    limits, objectives = {figure: limit}, ("error", figure)
    best = float(judge.bench.front(DEVICE, objectives, limits).chosen.accuracy.max())
    gaps: dict[str, dict[str, list[float]]] = {mode: {} for mode in MODES}
    for mode in MODES:
        say = told(f"at most {figure} {limit:g}, {mode}")
        for name in SEARCHERS:
            gaps[mode][name] = []
            for seed in range(seeds):
                settings = SearchSettings(
                    objectives=objectives,
                    limits=limits,
                    budget=LIMITED_BUDGET,
                    seed=seed,
                    soft="accuracy",
                    gate=mode,
                )
                outcome = get_searcher(name)(judge.evaluator, settings)
                gaps[mode][name].append(best - _accuracy(outcome))
                say(name, seed, outcome)
    return {"figure": figure, "limit": limit, "best": best, "gap": gaps}


def _accuracy(outcome: SearchOutcome) -> float:
    assert outcome.best is not None
    return float(outcome.best.accuracy[0])


def _front_table(s: Mapping[str, Any]) -> str:
    lines = [
        "| searcher | gate and threshold | after a quarter | at the end | 10 to 90 % of seeds |",
        "|---|---|---|---|---|",
    ]
    for name in SEARCHERS:
        for mode, word in MODES.items():
            run = s["fronts"][mode][name]
            low, high = np.quantile(run["end"], (0.1, 0.9))
            quarter, end = (100 * np.median(run[when]) for when in ("quarter", "end"))
            lines.append(
                f"| `{name}` | {word} | {quarter:.2f} % | {end:.3f} % | "
                f"{100 * low:.3f} to {100 * high:.3f} % |"
            )
    return "\n".join(lines)


def _limit_table(s: Mapping[str, Any]) -> str:
    lines = [
        "| within | best there is (val) | searcher | genes | chosen exactly | difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in s["limits"]:
        figure = get_figure(row["figure"])
        within = f"{figure.label} {figure.text(row['limit'])} {figure.shown_unit}"
        for name in SEARCHERS:
            gaps = {mode: np.array(row["gap"][mode][name]) for mode in MODES}
            cells = [
                f"{100 * gap.mean():.2f} ({(gap < SAME).sum()} of {len(gap)})"
                for gap in gaps.values()
            ]
            mean, low, high = interval(gaps["inside"] - gaps["gene"])
            cells.append(f"{100 * mean:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})")
            best = f"{100 * row['best']:.2f} %"
            lines.append(f"| {within} | {best} | `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def thresholds_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    return f"""## Thresholds as genes, as in EDANAS, or chosen exactly

EDANAS evolves the thresholds of the exits together with the network, so that an evaluation is of
one operating point: here `--gate-search gene`. What both networks said about each image gives every
threshold exactly, so that an evaluation can choose gate and threshold itself: `--gate-search
inside`. EDANAS's question, error against mean MACs: regret after {s["budget"]:,} evaluations in the
same table, {s["seeds"]} seeds, medians.

{_front_table(s)}

With one limit, and accuracy alone to maximise within it, the exact choice is one threshold of a
pair, as a gene is, and no curve counts. Points of accuracy on val that are missing after
{s["limited_budget"]:,} evaluations, mean of {s["seeds"]} seeds (in how many nothing is missing),
and the difference over the same seeds with its {100 * LEVEL:.0f} % interval (bootstrap over seeds):

{_limit_table(s)}

Source of thresholds as genes: Gambella and Roveri 2023 (EDANAS)."""


STEP = Step(measure, {"searchers/thresholds": thresholds_text})
