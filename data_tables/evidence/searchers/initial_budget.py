"""NSGA-II with and without budgets of its first population, as EEEA-Net has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench import Evaluator
from ....bench.bootstrap import LEVEL
from ....bench.spaces import Genomes
from ....searchers.compare import compare
from ....searchers.domain import Domain
from ....searchers.judge import Judge, judge_called
from ....searchers.outcome import SearchOutcome
from ....searchers.settings import SearchSettings
from .._page import Step
from ._common import BUDGET, DEVICE, TABLE, facts, interval, told

SEARCHER = "nsga2"
SEEDS = 30  # a tenth of a point of regret is what there is to see
#: Budgets, each as the share of the networks there are that keep it.
BUDGETS = (("params", 0.5), ("params", 0.25), ("macs", 0.5), ("macs", 0.25))


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Regret of nsga2 in the table with budgets of the first population, and without."""
    judge = judge_called("table", (DEVICE,), TABLE)
    return {"facts": facts(), **with_and_without(judge, BUDGET, seeds)}


def with_and_without(
    judge: Judge, budget: int, seeds: int, budgets: Sequence[tuple[str, float]] = BUDGETS
) -> dict[str, Any]:
    """Regrets of searches that begin with all networks and with those within a budget.

    Args:
        judge: what is searched; its true front is known, and so are its networks.
        budget: evaluations of each search.
        seeds: searches of each kind.
        budgets: figure of each budget, and the share of the networks that keep it.
    """
    evaluator = judge.evaluator
    listed = Domain.of(evaluator, inside=True).listed
    assert listed is not None
    runs = [_run(judge, None, None, {}, budget, seeds)]
    for figure, share in budgets:
        most = float(np.quantile(_figure(evaluator, figure, listed), share, method="lower"))
        reached = float((_figure(evaluator, figure, listed) <= most).mean())
        initial = {f"budget_{figure}": most}
        runs.append(_run(judge, figure, reached, initial, budget, seeds))
    return {"budget": budget, "seeds": seeds, "runs": runs}


def _run(
    judge: Judge,
    figure: str | None,
    share: float | None,
    initial: Mapping[str, float],
    budget: int,
    seeds: int,
) -> dict[str, Any]:
    settings = SearchSettings(
        budget=budget,
        budget_params=initial.get("budget_params"),
        budget_macs=initial.get("budget_macs"),
    )
    evaluated: list[float] = []
    say = told(f"first population: {initial or 'of all sizes'}")

    def ended(name: str, run: int, outcome: SearchOutcome) -> None:
        evaluated.append(_mean_macs(judge.evaluator, outcome))
        say(name, run, outcome)

    reference = judge.reference(settings)
    comparison = compare(judge.evaluator, (SEARCHER,), settings, seeds, reference, ended)
    regret = comparison.regret[SEARCHER]
    return {
        "figure": figure,
        "share": share,
        "most": next(iter(initial.values()), None),
        "evaluated_macs": evaluated,
        "quarter": regret[:, len(comparison.at) // 4 - 1].tolist(),
        "end": regret[:, -1].tolist(),
    }


def _figure(evaluator: Evaluator, name: str, genomes: Genomes) -> NDArray[np.int64]:
    of = evaluator.space.params if name == "params" else evaluator.space.macs
    return of(genomes, evaluator.n_classes)


def _mean_macs(evaluator: Evaluator, outcome: SearchOutcome) -> float:
    """Mean MACs of the networks of all candidates that a search evaluated."""
    assert outcome.log is not None
    genes = np.concatenate([batch.genes for batch in outcome.log.batches])
    networks = np.concatenate(Domain.of(evaluator, inside=True).networks(genes))
    return float(_figure(evaluator, "macs", networks).mean())


def _name(run: Mapping[str, Any]) -> str:
    if run["most"] is None:
        return "of all sizes"
    word = {"params": "parameters", "macs": "MACs"}[run["figure"]]
    return f"at most {run['most'] / 1e6:.2f} M {word} ({100 * run['share']:.0f} % of them)"


def table_of(s: Mapping[str, Any]) -> str:
    """Regrets with and without, their differences, and what was evaluated, as Markdown."""
    plain = s["runs"][0]
    lines = [
        "| networks of the first population | regret after a quarter | at the end | difference "
        "after a quarter | at the end | mean MACs evaluated |",
        "|---|---|---|---|---|---|",
    ]
    for run in s["runs"]:
        cells = [f"{100 * np.median(run[when]):.3f} %" for when in ("quarter", "end")]
        for when in ("quarter", "end"):
            mean, low, high = _difference(run, plain, when)
            text = f"{100 * mean:+.3f} ({100 * low:+.3f} to {100 * high:+.3f})"
            cells.append("-" if run is plain else text)
        macs = f"{np.mean(run['evaluated_macs']) / 1e6:.1f} M"
        lines.append(f"| {_name(run)} | {' | '.join(cells)} | {macs} |")
    return "\n".join(lines)


def verdict(s: Mapping[str, Any]) -> str:
    """Which differences are clear of 0 at the end, and how many MACs fewer were evaluated."""
    plain, *others = s["runs"]
    ends = [_difference(run, plain, "end") for run in others]
    lower = sum(high < 0 for _, _, high in ends)
    higher = sum(low > 0 for _, low, _ in ends)
    usual = np.mean(plain["evaluated_macs"])
    saved = [100 * (np.mean(run["evaluated_macs"]) / usual - 1) for run in others]
    return (
        f"At the end regret is clearly lower under {lower} and clearly higher under {higher} of "
        f"the {len(others)} budgets (interval clear of 0). The mean MACs of the networks that were "
        f"evaluated change by {min(saved):+.0f} to {max(saved):+.0f} %: what the filter saves "
        "where an evaluation is a training."
    )


def _difference(
    run: Mapping[str, Any], plain: Mapping[str, Any], when: str
) -> tuple[float, float, float]:
    return interval(np.array(run[when]) - np.array(plain[when]))


def budget_text(s: dict[str, Any]) -> str:
    """The comparison as a section of the page."""
    return f"""## What budgets of the first population change

EEEA-Net draws a network of the first population again that has too many parameters
(`--budget-params`, `--budget-macs`); evolution may leave the budget. `{SEARCHER}` with and without,
{s["budget"]:,} evaluations, {s["seeds"]} seeds, error against mean latency in the same table.
Medians of the regret; differences from a first population of all sizes in points of regret, mean
over the same seeds with its {100 * LEVEL:.0f} % interval (bootstrap over seeds).

{table_of(s)}

{verdict(s)}

Source of the filter: Termritthikun et al. 2021 (EEEA-Net)."""


STEP = Step(measure, {"searchers/initial_budget": budget_text}, of_table=True)
