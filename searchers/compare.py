"""Searchers side by side: any-time regret over seeds, medians, and whether differences are luck.

Regret is the share of a reference front's hypervolume that is missing. Where the true front is
known (a table, a published table) it is the true regret; where it is not (a surrogate, a live
supernet), the front of everything all runs found stands in, and every report says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Evaluator
from ..bench.errors import ConstraintError
from ..bench.hypervolume import Reference, hypervolume, reference_of
from ..bench.pareto import nondominated
from .algorithms import get_searcher
from .outcome import SearchOutcome, Snapshot
from .settings import SearchSettings

Array = NDArray[np.float64]
STEPS = 20  # places along the budget at which regrets are taken
BAND = (0.1, 0.9)  # quantiles over seeds
LEVEL = 0.05

OnRun = Callable[[str, int, SearchOutcome], None]


@dataclass(frozen=True)
class Run:
    """What a comparison keeps of one search.

    Attributes:
        history: the front after each batch.
        seconds: wall-clock time of the search.
    """

    history: tuple[Snapshot, ...]
    seconds: float

    @classmethod
    def of(cls, outcome: SearchOutcome) -> Run:
        """The part of a search's outcome that is compared."""
        return cls(outcome.history, outcome.seconds_total)


@dataclass(frozen=True)
class Comparison:
    """Regrets of searchers over seeds.

    Attributes:
        at: budgets at which regrets are taken, shape (n_steps,).
        regret: missing share of the hypervolume by searcher, shape (n_seeds, n_steps).
        seconds: wall-clock time of each run by searcher, shape (n_seeds,).
        exact: whether the reference is the true front.
        reference: the box and the hypervolume.
        settings: settings of the runs; the seed is that of the first.
        fronts: the front of each run by searcher, shape (n_front, n_objectives) each.
    """

    at: NDArray[np.int64]
    regret: Mapping[str, Array]
    seconds: Mapping[str, Array]
    exact: bool
    reference: Reference
    settings: SearchSettings
    fronts: Mapping[str, Sequence[Array]]

    @property
    def n_seeds(self) -> int:
        """Runs of each searcher."""
        return len(next(iter(self.regret.values())))

    def final(self, name: str) -> Array:
        """Regret at the end of the budget, shape (n_seeds,)."""
        return self.regret[name][:, -1]

    def ranked(self) -> list[str]:
        """Searchers by median regret at the end, the best first."""
        return sorted(self.regret, key=lambda name: (float(np.median(self.final(name))), name))

    def rows(self) -> list[dict[str, Any]]:
        """The table as plain JSON: medians, spread, Holm-corrected p-values; the best first."""
        ranked = self.ranked()
        best = {n: wilcoxon(self.final(n), self.final(ranked[0])) for n in ranked[1:]}
        plain = {
            n: wilcoxon(self.final(n), self.final("random"))
            for n in ranked
            if n != "random" and "random" in self.regret
        }
        best, plain = holm(best), holm(plain)
        out = []
        for name in ranked:
            final = self.final(name)
            low, high = np.quantile(final, BAND)
            out.append(
                {
                    "searcher": name,
                    "median": float(np.median(final)),
                    "low": float(low),
                    "high": float(high),
                    "quarter": float(np.median(self.regret[name][:, len(self.at) // 4 - 1])),
                    "p_random": plain.get(name),
                    "p_best": best.get(name),
                    "seconds": float(np.median(self.seconds[name])),
                }
            )
        return out

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON."""
        return {
            "objectives": list(self.settings.objectives),
            "limits": dict(self.settings.limits),
            "budget": self.settings.budget,
            "population": self.settings.population,
            "gate": self.settings.gate,
            "seeds": self.n_seeds,
            "first_seed": self.settings.seed,
            "exact": self.exact,
            "reference": self.reference.as_dict(),
            "at": self.at.tolist(),
            "regret": {n: np.round(r, 6).tolist() for n, r in self.regret.items()},
            "table": self.rows(),
        }


def compare(
    evaluator: Evaluator,
    names: Sequence[str],
    settings: SearchSettings,
    n_seeds: int = 10,
    reference: Reference | None = None,
    on_run: OnRun | None = None,
) -> Comparison:
    """Regrets of searchers at equal budget, every one under the same seeds.

    Args:
        evaluator: what all of them search.
        names: keys of searchers, each once.
        settings: objectives, limits, budget and the first seed; a soft score cannot be compared.
        n_seeds: number of runs of each searcher.
        reference: the true front's box; None: that of everything all runs found.
        on_run: called after every run with searcher, number of the run and outcome.

    Raises:
        ConstraintError: fewer than one seed, a searcher twice, none, or a soft score.
        UnknownNameError: there is no searcher of that name.
    """
    runs = {}
    for name, run in runs_of(names, settings, n_seeds):
        outcome = get_searcher(name)(evaluator, replace(settings, seed=settings.seed + run))
        runs[name, run] = Run.of(outcome)
        if on_run is not None:
            on_run(name, run, outcome)
    return compared(runs, settings, reference)


def runs_of(names: Sequence[str], settings: SearchSettings, n_seeds: int) -> list[tuple[str, int]]:
    """The runs of a comparison: every searcher with the number of each seed.

    Raises:
        ConstraintError: fewer than one seed, a searcher twice, none, or a soft score.
        UnknownNameError: there is no searcher of that name.
    """
    if n_seeds < 1 or not names or len(set(names)) < len(names) or settings.soft:
        raise ConstraintError(
            f"cannot compare {list(names)} over {n_seeds} seeds"
            f"{' under a soft score' if settings.soft else ''}; expected different searchers, at "
            "least one seed, and two or three objectives."
        )
    for name in names:
        get_searcher(name)
    return list(itertools.product(names, range(n_seeds)))


def compared(
    runs: Mapping[tuple[str, int], Run], settings: SearchSettings, reference: Reference | None
) -> Comparison:
    """Regrets of runs that were made.

    Args:
        runs: by searcher and number of the run, in the order of `runs_of`.
        settings: those of the runs.
        reference: the true front's box; None: that of everything all runs found.
    """
    exact = reference is not None
    if reference is None:
        values = np.concatenate([run.history[-1].values for run in runs.values()])
        reference = reference_of(values[nondominated(values)], settings.objectives)
    at = np.unique(np.rint(np.linspace(0, settings.budget, STEPS + 1)[1:]).astype(np.int64))
    of: dict[str, list[Run]] = {}
    for (name, _), run in runs.items():
        of.setdefault(name, []).append(run)
    return Comparison(
        at=at,
        regret={
            n: np.array([regrets(r.history, at, reference) for r in rs]) for n, rs in of.items()
        },
        seconds={n: np.array([r.seconds for r in rs]) for n, rs in of.items()},
        exact=exact,
        reference=reference,
        settings=settings,
        fronts={n: [r.history[-1].values for r in rs] for n, rs in of.items()},
    )


def regrets(history: Sequence[Snapshot], at: NDArray[np.int64], reference: Reference) -> Array:
    """Regret of one run at some budgets, shape (n_steps,); 1 before its first front.

    Args:
        history: the front after each batch.
        at: budgets at which regret is taken, rising, shape (n_steps,).
        reference: box and hypervolume to be held against.
    """
    ends = [snapshot.n_evaluations for snapshot in history]
    out, volumes = np.ones(len(at)), {-1: 0.0}
    for i, budget in enumerate(at.tolist()):
        last = int(np.searchsorted(ends, budget, side="right")) - 1
        if last not in volumes:
            values = history[last].values
            volumes[last] = hypervolume(values, reference.utopian, reference.nadir)
        out[i] = 1.0 - volumes[last] / reference.hypervolume
    return out


def table_reference(bench: Benchmark, device: str, settings: SearchSettings) -> Reference | None:
    """The true front's box of a table, or None where it has none."""
    if not settings.limits and settings.couplings is None:
        return bench.reference(device, settings.objectives)
    from .summary import front_values

    front = bench.front(device, settings.objectives, settings.limits, couplings=settings.couplings)
    return reference_of(front_values(front.chosen, settings.objectives), settings.objectives)


def wilcoxon(one: Array, other: Array) -> float:
    """Two-sided p-value that paired values differ; 1 where all of them are equal or there is one.

    Source: Wilcoxon 1945 (signed ranks), by scipy; zero differences as in Pratt 1959.
    """
    from scipy.stats import wilcoxon as signed_ranks  # type: ignore[import-untyped]

    if len(one) < 2 or np.allclose(one, other, rtol=0, atol=1e-12):
        return 1.0
    return float(signed_ranks(one, other, zero_method="pratt").pvalue)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """P-values corrected for having looked at all of them.

    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    out, worst = {}, 0.0
    for i, name in enumerate(sorted(p, key=lambda n: p[n])):
        worst = max(worst, min(1.0, round((len(p) - i) * p[name], 12)))
        out[name] = worst
    return out


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of a comparison as Markdown; regrets in percent."""
    lines = [
        "| searcher | median regret | 10 to 90 % of seeds | after a quarter | differs from random "
        "(p) | from the best (p) | s per run |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        lines.append(
            f"| `{r['searcher']}` | {100 * r['median']:.3f} % | {100 * r['low']:.3f} to "
            f"{100 * r['high']:.3f} % | {100 * r['quarter']:.2f} % | {_p(r['p_random'])} | "
            f"{_p(r['p_best'])} | {r['seconds']:.1f} |"
        )
    return "\n".join(lines)


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}{' *' if value < LEVEL else ''}"
