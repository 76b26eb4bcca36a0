"""What ``biglittle search`` wires together: a searcher by name, warm starts, what it answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..bench import Benchmark, Candidates, Evaluator, Front
from ..bench.errors import BigLittleError, ConstraintError, UnknownNameError
from ..bench.evaluator import FidelityEvaluator
from ..bench.recommend import Recommendation
from .answer import answers, exact_front, surrogate_half_widths, table_answers
from .judge import EVALUATORS, Judge, candidates_of
from .outcome import SearchOutcome
from .search import Searcher
from .settings import SearchSettings
from .with_weights import BUDGETS as WEIGHTS_BUDGETS
from .with_weights import WithWeights

#: Evaluations where none are asked for: what a minute or so allows.
BUDGETS = {"surrogate": 20_000, "table": 2_000, "live": 100, "nb201": 500}
COMPARED_BUDGET = 2_000  # at most, of each of many runs


def default_budget(name: str, compared: bool, searcher: str = "") -> int:
    """Evaluations of a search on an evaluator, where none are asked for.

    Raises:
        UnknownNameError: there is no evaluator of that name.
    """
    if name not in EVALUATORS:
        raise UnknownNameError("evaluator", name, EVALUATORS)
    if compared:
        return min(BUDGETS[name], COMPARED_BUDGET)
    return WEIGHTS_BUDGETS.get(searcher, BUDGETS[name])


def searcher_called(name: str, judge: Judge) -> Searcher | WithWeights:
    """The searcher called ``name``, for what is searched.

    Raises:
        UnknownNameError: there is no searcher of that name.
        ConstraintError: one that needs the weights of a supernet, and there are none, or they are
            trained on.
    """
    from .algorithms import COMMANDS, get_searcher

    if name not in COMMANDS:
        return get_searcher(name)
    if judge.weights is None or judge.sources.get("training_passes"):
        raise ConstraintError(
            f"{name} searches in the weights of a supernet as they are: add --on live, without "
            f"--epochs. More settings: biglittle {name} --help."
        )
    return WithWeights(name, judge.weights, judge.given)


def checked_names(text: str, evaluator: Evaluator) -> tuple[str, ...]:
    """Names of searchers from a comma-separated list; ``all`` are all that suit the evaluator.

    Raises:
        BigLittleError: the list names no searcher at all.
    """
    from .algorithms import SEARCHERS

    names = tuple(part.strip().replace("-", "_") for part in text.split(",") if part.strip())
    if not names:
        raise BigLittleError("name the searchers to compare, for example nsga2,random.")
    if names != ("all",):
        return names
    rough = isinstance(evaluator, FidelityEvaluator)
    return tuple(n for n in SEARCHERS.names() if rough or n != "successive_halving")


def warm_start(judge: Judge, bench: Benchmark, settings: SearchSettings) -> Candidates:
    """The table's exact front on the judge's first device, to begin a search with.

    Raises:
        ConstraintError: the device has no column in the table, or nothing there meets the limits.
    """
    if judge.name == "nb201":
        raise ConstraintError("the table's front is of another space than NAS-Bench-201.")
    device = judge.devices[0]
    points = bench.front(device, settings.objectives).chosen
    points = points.take(np.flatnonzero(np.isin(points.gate, np.array(judge.evaluator.gates))))
    return candidates_of(points, judge.evaluator, bench.table.n_classes)


def shown(judge: Judge, outcome: SearchOutcome) -> SearchOutcome:
    """The outcome as it is reported: its points on test, where there is one."""
    if judge.reported is None:
        return outcome
    best = None if outcome.best is None else judge.reported(outcome.best)
    return replace(outcome, front=judge.reported(outcome.front), best=best)


def answered(
    judge: Judge, outcome: SearchOutcome
) -> tuple[tuple[Recommendation, ...], Front | None]:
    """What to use at each budget, and the table's exact front to the same question, if any.

    Args:
        judge: the evaluator that was searched, with its devices and its table.
        outcome: the outcome as it was searched, before it is shown on test.
    """
    settings, front = outcome.settings, outcome.front
    alone, device = len(judge.devices) == 1, (judge.given or judge.devices)[0]
    if judge.name == "table" and alone:
        limits, objectives = settings.limits, settings.objectives
        return table_answers(judge.bench, front, device, limits, objectives), None
    exact = None
    if judge.name == "surrogate" and alone:
        exact = exact_front(judge.bench, device, settings)
    widths = surrogate_half_widths(judge.evaluator)
    measured = None if exact is None else (judge.bench, exact)
    return answers(front, outcome.singles, settings, widths, measured), exact
