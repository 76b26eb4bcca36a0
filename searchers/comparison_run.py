"""Searchers side by side as ``biglittle search --compare`` does it: run, written and shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ..bench import Evaluator
from ..bench.errors import BigLittleError
from ..bench.evaluator import FidelityEvaluator
from ..bench.figures import counted
from ..bench.runners import run_in_order
from .compare import Comparison, compared, markdown, runs_of
from .compare_work import SearchWork
from .comparison_page import comparison_html
from .front_files import write_files
from .judge import Judge
from .settings import SearchSettings

#: What a comparison writes into its folder.
FILES = ("compare.html", "compare.svg", "compare.md", "compare.json")


@dataclass(frozen=True)
class ComparisonReport:
    """What a comparison of searchers came to.

    Attributes:
        judge: what all searchers searched.
        comparison: the searchers' regrets over seeds.
    """

    judge: Judge
    comparison: Comparison

    def document(self) -> dict[str, Any]:
        """The comparison as plain JSON, with what its figures rest on."""
        return {"sources": dict(self.judge.sources), **self.comparison.as_dict()}

    def table(self) -> str:
        """The medians and their differences as a Markdown table."""
        return markdown(self.comparison.rows())

    def write(self, folder: Path) -> None:
        """Writes the files of `FILES` into a folder.

        Raises:
            BigLittleError: a file cannot be written.
        """
        from .compare_plot import write_plot

        judge, comparison = self.judge, self.comparison
        title = f"{'+'.join(judge.devices)}, {judge.name}, {comparison.n_seeds} seeds"
        write_plot(folder / "compare.svg", comparison, title)
        document = json.dumps(self.document(), indent=1) + "\n"
        texts = {"compare.json": document, "compare.md": self.table() + "\n"}
        write_files(folder, {**texts, "compare.html": comparison_html(comparison, title)})

    def print(self, console: Console, folder: Path | None) -> None:
        """Prints the table.

        Args:
            console: where it is printed.
            folder: where the files lie; None: they were not written.
        """
        comparison = self.comparison
        whose = "the true front" if comparison.exact else "the front of all runs together"
        console.print(
            f"Regret against {whose} after {counted(comparison.settings.budget, 'evaluation')}, "
            f"{comparison.n_seeds} seeds; p: Wilcoxon signed ranks, Holm-corrected "
            "(* below 0.05).\n"
        )
        console.print(self.table(), soft_wrap=True)
        if folder is not None:
            console.print(f"\nWritten: {folder}/{', '.join(FILES)}")


def run_comparison(
    judge: Judge,
    names: str,
    settings: SearchSettings,
    n_seeds: int,
    on_progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
    on: str = "local",
) -> ComparisonReport:
    """Runs searchers at equal budget under the same seeds; regrets do not depend on where.

    Args:
        judge: what all of them search.
        names: searchers separated by commas, or ``all``.
        settings: objectives, limits, budget and the first seed.
        n_seeds: runs of each searcher.
        on_progress: told how many runs are done, and of how many.
        workers: processes of this machine that share the runs.
        on: where they run: ``local``, or ``ray`` and perhaps the address of its cluster.

    Raises:
        BigLittleError: no such searcher, one named twice, or a soft score.
    """
    searchers = checked_names(names, judge.evaluator)
    jobs = runs_of(searchers, settings, n_seeds)
    work = SearchWork.of(judge, settings, searchers)
    reference = judge.reference(settings)
    runs = dict(zip(jobs, run_in_order(work, jobs, workers, on, on_progress), strict=True))
    return ComparisonReport(judge, compared(runs, settings, reference))


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
