"""Thresholds as genes, as in EDANAS, against the exact choice of each pair's threshold."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....bench import Benchmark
from ....bench.bootstrap import LEVEL
from ....bench.figures import get_figure
from ....searchers.algorithms import get_searcher
from ....searchers.chain_search import SEARCHERS as CHAIN_SEARCHERS
from ....searchers.chain_search import Chains, search
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
CHAIN_BUDGET = 200  # of a search over chains of exits, of which the table has about a thousand
STAGES = (3, 4)
CHAIN_LIMITS = (17.3e6, 30e6)  # of mean MACs, two of those of pairs
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
        "chain_budget": CHAIN_BUDGET,
        "chains": [row for n in STAGES for row in _chains(judge.bench, n, seeds)],
    }


def _chains(bench: Benchmark, n_stages: int, seeds: int) -> list[dict[str, Any]]:
    """What searches over networks with exits miss of the best chain within a limit."""
    chains = Chains(bench, DEVICE, n_stages, "macs", CHAIN_LIMITS)
    best = np.nanmax([chains.best(i) for i in range(len(chains))], axis=0)
    rows = []
    for limit, most in zip(CHAIN_LIMITS, best.tolist(), strict=True):
        gaps = {
            way: {
                name: [
                    most - search(chains, limit, way, name, CHAIN_BUDGET, seed).accuracy
                    for seed in range(seeds)
                ]
                for name in CHAIN_SEARCHERS
            }
            for way in MODES
        }
        sys.stderr.write(f"{n_stages} stages, at most {limit:g} MACs: {len(chains)} chains\n")
        row = {"stages": n_stages, "chains": len(chains), "figure": "macs", "limit": limit}
        rows.append({**row, "best": most, "gap": gaps})
    return rows


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


def _limit_table(rows: Sequence[Mapping[str, Any]], searchers: Sequence[str]) -> str:
    lines = [
        "| within | best there is (val) | searcher | genes | chosen exactly | difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        figure = get_figure(row["figure"])
        within = f"{figure.label} {figure.text(row['limit'])} {figure.shown_unit}"
        if "stages" in row:
            within = f"{row['stages']} stages ({row['chains']:,} chains), {within}"
        for name in searchers:
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

{_limit_table(s["limits"], SEARCHERS)}

EDANAS searches networks with several exits. The same for chains of three and four stages, an
architecture of the table at rising exits, the last stage perhaps whole, gated by the margin: every
chain and every combination of cuts was counted for the best there is. `evolution` mutates network,
exits and, as genes, all cuts; an evaluation with exact choice is of a chain with its best cuts
(`exact_cascades.py`). Its settings are those of 16 that serve genes best.
{s["chain_budget"]} evaluations:

{_limit_table(s["chains"], CHAIN_SEARCHERS)}

Source of thresholds as genes: Gambella and Roveri 2023 (EDANAS)."""


STEP = Step(measure, {"searchers/thresholds": thresholds_text}, of_table=True)
