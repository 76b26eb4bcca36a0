"""One search as ``biglittle search`` does it: run, answered, written and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..bench import Benchmark, Candidates, Front
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.evaluator import SweepingEvaluator
from ..bench.recommend import Recommendation, marks
from ..bench.runners import runner_of
from .answer import (
    answers,
    exact_front,
    on_test,
    score_answer,
    surrogate_half_widths,
    table_answers,
)
from .console import print_answers, print_front, print_outcome
from .front_files import front_json, resolved_config, write_results
from .front_question import TOGETHER, latency_warning, with_exits
from .judge import EVALUATORS, Judge, candidates_of
from .next_steps import missing_extras, next_steps
from .outcome import SearchOutcome
from .pages.curves import PairCurve
from .pages.view_rows import SingleGroup
from .pair_curves import Key, predicted_curves, table_curves
from .report import FrontPage, write_report
from .search import Searcher
from .settings import SearchSettings
from .singles import SingleNetworks
from .summary import best_single
from .table_singles import table_single_group, table_singles
from .with_weights import BUDGETS as WEIGHTS_BUDGETS
from .with_weights import WithWeights

#: Evaluations where none are asked for: what a minute or so allows.
BUDGETS = {"surrogate": 20_000, "table": 2_000, "live": 100, "nb201": 500}
COMPARED_BUDGET = 2_000  # at most, of each of many runs
#: What a search writes into its folder.
FILES = ("report.html", "front.csv", "front.json", "config.toml")


@dataclass(frozen=True)
class SearchReport:
    """What a search came to.

    Attributes:
        judge: what was searched, and on which devices.
        searcher: name of the algorithm.
        outcome: the front as it is reported.
        answers: which pair to use at each budget.
        exact: the table's front to the same question; None where no table answers it.
        singles: the best single network at each point's latency; None for a front shown on test,
            with which singles that were seen on val are not comparable.
        config: all that is needed to repeat the search.
    """

    judge: Judge
    searcher: str
    outcome: SearchOutcome
    answers: Sequence[Recommendation]
    exact: Front | None
    singles: SingleNetworks | None
    config: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The content of ``front.json``."""
        outcome = self.outcome
        return front_json(self.config, outcome.front, self.singles, outcome.best, self.answers)

    def write(self, folder: Path) -> None:
        """Writes the page and the files of `FILES` into a folder.

        Raises:
            BigLittleError: a file cannot be written.
        """
        write_results(folder, self.outcome, dict(self.config), self.singles, self.answers)
        write_report(folder / "report.html", self.page())

    def page(self) -> FrontPage:
        """What ``report.html`` shows: the front, what stands beside it, and its curves."""
        judge, outcome = self.judge, self.outcome
        device, given = TOGETHER.join(judge.devices), judge.given or judge.devices
        exact = None if self.exact is None else self.exact.points
        singles, exact_singles = SingleGroup(device, outcome.singles), None
        curves: dict[Key, PairCurve] = {}
        if judge.name == "table":
            singles = table_single_group(judge.bench, given, device)
            curves = table_curves(judge.bench, {device: outcome.front}, {device: given})
        elif isinstance(judge.evaluator, SweepingEvaluator):
            curves = predicted_curves(judge.evaluator, outcome.front, device)
        if exact is not None:
            curves = {**table_curves(judge.bench, {device: exact}, {device: given}), **curves}
            exact_singles = table_single_group(judge.bench, given, device, "measured")
        n_classes = judge.evaluator.n_classes
        return FrontPage(
            outcome.front,
            self.config,
            n_classes,
            self.answers,
            singles,
            exact,
            curves,
            exact_singles,
        )

    def print(
        self, console: Console, top: int, folder: Path | None, command: Sequence[str] = ()
    ) -> None:
        """Prints the answer, the front, and how to go on.

        Args:
            console: where it is printed.
            top: rows of the front at most.
            folder: where the files lie; None: they were not written.
            command: arguments of the search, for the command that repeats it.
        """
        outcome, why = self.outcome, marks(self.answers)
        print_answers(self.answers, console, latency_warning(self.config))
        latency = dict(self.config.get("sources") or {}).get("latency", "")
        says = f"{self.judge.says} {latency}".strip()
        print_outcome(outcome, self.searcher, self.judge.devices, says, console)
        figures = outcome.settings.figures
        print_front(outcome.front, self.singles, console, top, figures, why)
        if folder is not None:
            console.print(f"\nWritten: {folder}/{', '.join(FILES)}")
        chosen, answers = outcome.front, self.answers
        if outcome.best is not None:
            chosen, answers = outcome.best, ()
        if steps := next_steps(self.judge, chosen, folder, command, answers):
            console.print("\nHow to go on:")
            for step in steps:
                console.print(f"  {step}", soft_wrap=True)
            if missing := missing_extras():
                console.print(missing, soft_wrap=True, markup=False)


def run_search(
    judge: Judge,
    searcher: str,
    settings: SearchSettings,
    warm: bool = False,
    checkpoint: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SearchReport:
    """Runs one search and answers it.

    Args:
        judge: what is searched, and on which devices.
        searcher: name of the algorithm.
        settings: objectives, limits, budget and seed.
        warm: whether it begins with the exact front of the judge's table.
        checkpoint: log of all evaluations, from which an interrupted search goes on.
        on_progress: told how many evaluations are done, and of how many.

    Raises:
        BigLittleError: no such searcher, one that does not suit what is searched, or nothing meets
            the limits.
    """
    find = searcher_called(searcher, judge)
    begin = warm_start(judge, judge.bench, settings) if warm else None

    def move(progress: Any) -> None:
        if on_progress is not None:
            on_progress(progress.n_evaluations, progress.budget)

    outcome = find(judge.evaluator, settings, move, checkpoint, begin)
    answers, exact = answered(judge, outcome)
    outcome, sources = shown(judge, outcome), judge.sources
    if judge.name != "nb201":
        devices = dict(zip(judge.devices, judge.given or judge.devices, strict=True))
        sources = with_exits(sources, judge.bench, devices, outcome.front)
    return SearchReport(
        judge=judge,
        searcher=searcher,
        outcome=outcome,
        answers=answers,
        exact=exact,
        singles=None if judge.reported else best_single(outcome.front, outcome.singles),
        config=resolved_config(searcher, judge.evaluator, settings, sources),
    )


def check_alone(compare: str, warm: bool, checkpoint: Path | None) -> None:
    """Refuses a comparison with what is for one search alone.

    Raises:
        ConstraintError: a comparison that is to begin with something.
    """
    if compare and (warm or checkpoint is not None):
        raise ConstraintError(
            "--checkpoint and --warm-start are for one search; a comparison starts every run "
            "from nothing. Leave them out, or leave out --compare."
        )


def check_shared(compare: str, workers: int, runner: str) -> None:
    """Refuses to share one search among workers, and a place where nothing can run.

    Raises:
        ConstraintError: several workers or another runner without a comparison.
        UnknownNameError: there is no runner of that name.
    """
    runner_of(runner)
    if not compare and (workers, runner) != (1, "local"):
        raise ConstraintError(
            f"--workers {workers} --runner {runner} share the runs of a comparison; one search "
            "asks batch after batch. Leave them out, or add --compare nsga2,random."
        )


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


def warm_start(judge: Judge, bench: Benchmark, settings: SearchSettings) -> Candidates:
    """The table's exact front on the judge's first device, to begin a search with.

    Raises:
        ConstraintError: the device has no column in the table, or nothing there meets the limits.
    """
    if judge.name == "nb201":
        raise ConstraintError("the table's front is of another space than NAS-Bench-201.")
    device = judge.devices[0]
    points = bench.front(device, settings.objectives, couplings=settings.couplings).chosen
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
    devices, of_table = judge.given or judge.devices, judge.name == "table"
    widths = surrogate_half_widths(judge.evaluator)
    if outcome.best is not None and len(outcome.best):
        singles = table_singles(judge.bench, devices, "val") if of_table else outcome.singles
        answer = score_answer(outcome.best, front, singles, widths)
        return (on_test(answer, judge.bench, devices) if of_table else answer,), None
    if of_table:
        limits, objectives = settings.limits, settings.objectives
        return table_answers(judge.bench, front, devices, limits, objectives), None
    exact = None
    if judge.name == "surrogate" and len(devices) == 1:
        exact = exact_front(judge.bench, devices[0], settings)
    measured = None if exact is None else (judge.bench, exact)
    return answers(front, outcome.singles, settings, widths, measured), exact
