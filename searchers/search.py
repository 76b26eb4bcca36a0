"""What every searcher shares: its settings, its budget, its archive and what it returns.

A searcher is a function ``search(evaluator, settings, on_progress) -> SearchOutcome``. It wraps the
evaluator in a `CountingEvaluator`, which counts, times, keeps the archive and knows the limits, so
that the searcher holds nothing but its own idea.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bench import BigLittleError, Candidates, Evaluator, Points
from ..bench.errors import ConstraintError
from ..bench.gates import N_CODES
from ..bench.limits import check_limits, unreachable, within
from ..bench.objective import get_objective
from ..bench.pareto import nondominated
from ..bench.points import concatenate

#: Costs by which a single network can be compared with a pair.
SINGLE_COSTS = ("latency_ms", "energy_mj", "macs", "peak_memory_mib")


@dataclass(frozen=True)
class SearchSettings:
    """What is asked of a search.

    Attributes:
        objectives: two or three figures of an operating point.
        limits: largest value by figure (for accuracy: smallest).
        budget: candidates that may be evaluated; each one counts.
        seed: of the searcher's random numbers; the same seed gives the same front.
        population: candidates evaluated together, and the population of an evolutionary searcher.

    Raises:
        ConstraintError: a number that cannot be searched with, or objectives that are no two.
        UnknownNameError: an objective or limited figure that does not exist.

    >>> SearchSettings(budget=1000, population=50, limits={"latency_ms": 20}).limits
    {'latency_ms': 20.0}
    """

    objectives: tuple[str, ...] = ("error", "latency_ms")
    limits: Mapping[str, float] = field(default_factory=dict)
    budget: int = 20_000
    seed: int = 0
    population: int = 200

    def __post_init__(self) -> None:
        object.__setattr__(self, "objectives", tuple(self.objectives))
        object.__setattr__(self, "limits", check_limits(self.limits))
        for name in self.objectives:
            get_objective(name)
        different = {"error" if o == "accuracy" else o for o in self.objectives}
        if not 2 <= len(different) == len(self.objectives) <= 3:
            raise ConstraintError(
                f"a search needs two or three different objectives, got {list(self.objectives)} "
                "(error and accuracy are the same one)."
            )
        _at_least("budget", self.budget, 1)
        _at_least("population", self.population, 2)
        _at_least("seed", self.seed, 0)
        for name in ("budget", "population", "seed"):  # numpy's integers are no JSON
            object.__setattr__(self, name, int(getattr(self, name)))
        if self.budget < self.population:
            raise ConstraintError(
                f"a budget of {self.budget} evaluations is smaller than one population of "
                f"{self.population}; raise the budget or lower the population."
            )


def _at_least(name: str, value: Any, least: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise ConstraintError(f"{name} {value!r} is not usable; expected an integer >= {least}.")


@dataclass(frozen=True)
class Progress:
    """How far a search is, for a progress bar.

    Attributes:
        n_evaluations: candidates evaluated so far.
        budget: candidates that will be.
        n_front: operating points of the front so far.
        duration_s: since the search began.
    """

    n_evaluations: int
    budget: int
    n_front: int
    duration_s: float


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Snapshot:
    """The front as it was after some evaluations.

    Attributes:
        n_evaluations: candidates evaluated until then.
        values: of the front, shape (n_front, n_objectives), everything minimised.
    """

    n_evaluations: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What a searcher learns about a batch of n candidates.

    Attributes:
        values: shape (n, n_objectives), everything minimised; NaN where there is no figure.
        excess: by how much each limit is exceeded, as a share of the limit, shape (n, n_limits);
            0 or less where it is met.
        usable: whether every objective and limited figure has a value, shape (n,). What is not
            usable may not be ranked.
        points: the operating points.
    """

    values: NDArray[np.float64]
    excess: NDArray[np.float64]
    usable: NDArray[np.bool_]
    points: Points

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Usable and within every limit, shape (n,)."""
        return self.usable & (self.excess <= 0).all(axis=1)


@dataclass(frozen=True)
class SingleNetworks:
    """Networks that answer alone, without gate or partner, arrays of shape (n,).

    A row whose architecture is the empty string, with NaN figures, stands for "there is none".

    Attributes:
        architecture: ids.
        accuracy: fractions.
        latency_ms: of every input alike.
        energy_mj: of one input.
        macs: of one input.
        peak_memory_mib: weights and largest activations.
        provenance: how each figure came about, by field.
    """

    architecture: NDArray[np.str_]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    peak_memory_mib: NDArray[np.float64]
    provenance: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.architecture)

    def records(self) -> list[dict[str, Any] | None]:
        """Every network as plain JSON; None for a row that stands for "there is none"."""
        names = ("accuracy", *SINGLE_COSTS)
        out: list[dict[str, Any] | None] = []
        for i, architecture in enumerate(self.architecture):
            values = {n: float(getattr(self, n)[i]) for n in names}
            record = {n: None if np.isnan(v) else v for n, v in values.items()}
            named = {"architecture": str(architecture), **record}
            out.append({**named, "provenance": dict(self.provenance)} if architecture else None)
        return out


@dataclass(frozen=True)
class SearchOutcome:
    """What a search returns.

    Attributes:
        front: non-dominated over everything evaluated that meets the limits.
        singles: of all networks seen as little or big, those that are the most accurate for
            their latency, energy, MACs or memory. They are a by-product: a search for single
            networks alone may find better ones.
        history: the front after each batch, to draw any-time curves.
        n_evaluations: candidates evaluated.
        n_infeasible: of these, beyond a limit.
        n_unusable: of these, without one of the figures asked for.
        n_networks: distinct networks among them.
        seconds_total: wall-clock time of the whole search.
        seconds_evaluating: of that, inside the evaluator.
        settings: what was asked.
    """

    front: Points
    singles: SingleNetworks
    history: tuple[Snapshot, ...]
    n_evaluations: int
    n_infeasible: int
    n_unusable: int
    n_networks: int
    seconds_total: float
    seconds_evaluating: float
    settings: SearchSettings

    @property
    def seconds_overhead(self) -> float:
        """The searcher's own time: everything outside the evaluator."""
        return self.seconds_total - self.seconds_evaluating


class Searcher(Protocol):
    """Looks for the front of an evaluator within a budget."""

    def __call__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None = None,
    ) -> SearchOutcome:
        """The front found; raises ConstraintError where nothing meets the limits."""
        ...


def uniform_candidates(evaluator: Evaluator, rng: np.random.Generator, n: int) -> Candidates:
    """``n`` candidates drawn uniformly: both networks, the gate and the cut."""
    return Candidates(
        little=evaluator.space.sample(rng, n, evaluator.choices),
        big=evaluator.space.sample(rng, n, evaluator.choices),
        gate=rng.integers(0, len(evaluator.gates), n),
        cut=rng.integers(0, N_CODES + 1, n),
    )


class CountingEvaluator:
    """An evaluator with a budget, a clock, an archive and limits. One serves one search.

    Example::

        counting = CountingEvaluator(evaluator, settings)
        while counting.remaining:
            scores = counting.evaluate(next_candidates(counting.remaining))
        return counting.outcome()
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.settings = settings
        self._objectives = [get_objective(name) for name in settings.objectives]
        self._on_progress = on_progress
        self._began = time.perf_counter()
        self._evaluating = 0.0
        self._counts = {"evaluated": 0, "infeasible": 0, "unusable": 0}
        self._networks: dict[bytes, None] = {}
        self._front: Points | None = None
        self._history: list[Snapshot] = []
        self._best: dict[str, float] = {}

    @property
    def remaining(self) -> int:
        """Evaluations left in the budget."""
        return self.settings.budget - self._counts["evaluated"]

    def evaluate(self, candidates: Candidates) -> Scores:
        """Scores of the candidates, which are counted, archived and set against the limits.

        Raises:
            BigLittleError: the evaluator returned another number of points than it was given, or
                figures of another provenance than before.
        """
        n = len(candidates)
        assert 0 < n <= self.remaining, f"{n} candidates, {self.remaining} left in the budget"
        began = time.perf_counter()
        points = self.evaluator.evaluate(candidates)
        self._evaluating += time.perf_counter() - began
        if len(points) != n:
            raise BigLittleError(
                f"the evaluator returned {len(points)} operating points for {n} candidates; "
                "expected one each, in their order."
            )
        for genomes in (candidates.little, candidates.big):
            rows = np.ascontiguousarray(genomes, np.uint8)
            self._networks.update(dict.fromkeys(row.tobytes() for row in rows))
        scores = self._score(points)
        self._counts["evaluated"] += n
        self._counts["unusable"] += int((~scores.usable).sum())
        self._counts["infeasible"] += int((scores.usable & ~scores.feasible).sum())
        self._archive(scores)
        if self._on_progress is not None:
            n_front = 0 if self._front is None else len(self._front)
            done, since = self._counts["evaluated"], time.perf_counter() - self._began
            self._on_progress(Progress(done, self.settings.budget, n_front, since))
        return scores

    def _matrix(self, points: Points) -> NDArray[np.float64]:
        return np.stack([o.minimised(points.figure(o.name)) for o in self._objectives], axis=1)

    def _score(self, points: Points) -> Scores:
        values = self._matrix(points)
        excess = np.zeros((len(points), len(self.settings.limits)))
        for column, (name, limit) in enumerate(self.settings.limits.items()):
            objective, figure = get_objective(name), points.figure(name)
            signed = objective.minimised(figure - limit)
            excess[:, column] = signed / (abs(limit) or 1.0)
            finite = figure[np.isfinite(figure)]
            if len(finite):
                value = float(finite[np.argmin(objective.minimised(finite))])
                pick = max if objective.direction == "max" else min
                self._best[name] = pick(self._best.get(name, value), value)
        usable = np.isfinite(np.concatenate([values, excess], axis=1)).all(axis=1)
        values = np.where(usable[:, None], values, np.nan)
        return Scores(values, excess, usable, points)

    def _archive(self, scores: Scores) -> None:
        pool = scores.points.take(np.flatnonzero(scores.feasible))
        if self._front is not None:
            if dict(pool.provenance) != dict(self._front.provenance):
                raise BigLittleError(
                    "the evaluator changed the provenance of its figures during the search, from "
                    f"{dict(self._front.provenance)} to {dict(pool.provenance)}."
                )
            pool = concatenate([self._front, pool])
        values = self._matrix(pool)
        kept = nondominated(values)
        self._front = pool.take(kept)
        self._history.append(Snapshot(self._counts["evaluated"], values[kept]))

    def outcome(self) -> SearchOutcome:
        """The outcome of the search that ends now.

        Raises:
            ConstraintError: nothing evaluated meets the limits (says what the best reachable is),
                or no candidate has the figures asked for.
        """
        n = self._counts["evaluated"]
        assert self._front is not None, "outcome before the first evaluation"
        if not len(self._front):
            wanted = sorted({*self.settings.objectives, *self.settings.limits})
            if self._counts["unusable"] == n:
                raise ConstraintError(
                    f"none of the {n} candidates evaluated has all of the figures "
                    f"{', '.join(wanted)}; ask for figures that this device has."
                )
            raise unreachable(self.settings.limits, self._best, f"of the {n} evaluated")
        assert within(self._front, self.settings.limits).all()
        singles = self._singles()
        return SearchOutcome(
            front=self._front,
            singles=singles,
            history=tuple(self._history),
            n_evaluations=n,
            n_infeasible=self._counts["infeasible"],
            n_unusable=self._counts["unusable"],
            n_networks=len(self._networks),
            seconds_total=time.perf_counter() - self._began,
            seconds_evaluating=self._evaluating,
            settings=self.settings,
        )

    def _singles(self) -> SingleNetworks:
        space = self.evaluator.space
        genomes = np.frombuffer(b"".join(self._networks), np.uint8).reshape(-1, space.n_layers)
        began = time.perf_counter()
        figures = self.evaluator.networks(genomes)
        self._evaluating += time.perf_counter() - began
        costs = figures.costs
        columns = {
            "latency_ms": costs.latency_ms,
            "energy_mj": costs.energy_mj,
            "macs": costs.macs,
            "peak_memory_mib": costs.weights_mib + costs.activation_mib,
        }
        error = 1.0 - figures.accuracy
        steps = [nondominated(np.stack([error, c], axis=1)) for c in columns.values()]
        kept = np.unique(np.concatenate(steps))
        analytic = {"macs": "modelled", "peak_memory_mib": "modelled"}
        return SingleNetworks(
            architecture=np.array(space.format(genomes[kept]) if len(kept) else [], np.str_),
            accuracy=figures.accuracy[kept],
            **{name: np.asarray(c, np.float64)[kept] for name, c in columns.items()},
            provenance={"accuracy": figures.provenance, **analytic, **costs.provenance},
        )
