"""What all comparisons of searchers share: the table, its device, and how runs are told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench import Benchmark
from ....bench.bootstrap import LEVEL, N_BOOTSTRAP
from ....searchers.outcome import SearchOutcome
from ...flagship import RECIPE
from .._page import FIGURES, conditions

TABLE, DEVICE = RECIPE.name, RECIPE.design.device
PICTURES = FIGURES / "searchers"
BUDGET, SEEDS = 2_000, 10


def told(label: str) -> Callable[[str, int, SearchOutcome], None]:
    """Tells of each run on stderr."""

    def tell(name: str, run: int, outcome: SearchOutcome) -> None:
        sys.stderr.write(f"{label}: {name} seed {run}, {outcome.seconds_total:.1f} s\n")

    return tell


def facts() -> dict[str, Any]:
    """The table that was searched, hardware and versions."""
    bench = Benchmark.load(TABLE)
    return {
        "table": bench.table.name,
        "table_sha256": bench.table.sha256,
        "networks": len(bench.architectures),
        **conditions(),
    }


def reached(yes: bool) -> str:
    """Whether what was aimed at was reached, in words."""
    return "reached" if yes else "not reached"


def interval(differences: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean of differences and the ends of its interval, resampled over seeds.

    Args:
        differences: one a seed, shape (n_seeds,).

    Source: Efron and Tibshirani 1993, percentile bootstrap.
    """
    rng = np.random.default_rng(0)
    drawn = rng.choice(differences, (N_BOOTSTRAP, len(differences))).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(differences.mean()), float(low), float(high)
