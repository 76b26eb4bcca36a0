"""A search for networks and their accelerator together: one candidate is a pair on an accelerator.

Any searcher moves in the rows of `CoDomain` and is told what they are worth by a `CoEvaluator`. Of
every pair all operating points count, as in any search in which the gate is optimised inside an
evaluation.

Source: Fu et al. 2021, "Auto-NBA: Efficient and Effective Search Over the Joint Space of Networks,
Bitwidths, and Accelerators" (one search over both); Deb et al. 2002 (NSGA-II, the default).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..bench import Points
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.pareto import nondominated
from .algorithms import get_searcher
from .co_domain import CoDomain
from .co_evaluator import AREA, OBJECTIVES
from .counting import Scores
from .domain import Domain, Genes
from .search import Batch, Problem

Array = NDArray[np.float64]
PENDING = 20_000  # points of batches that wait to be set against the front


@dataclass(frozen=True)
class CoSettings:
    """What is asked of a co-search.

    Attributes:
        objectives: two to four of `OBJECTIVES`, all minimised.
        area_mm2: most area of an accelerator; None: any.
        evaluations: pairs on accelerators that may be evaluated.
        seed: seed of the search; the same one gives the same front.
        population: number of candidates that are evaluated together.
        searcher: name of the algorithm.
        couplings: the only couplings that pairs may have; None: all that there are.

    Raises:
        ConstraintError: a number, or a number of objectives, that cannot be searched with.
        UnknownNameError: an objective that there is not.
    """

    objectives: tuple[str, ...] = ("error", "latency_ms", "energy_mj", AREA)
    area_mm2: float | None = None
    evaluations: int = 20_000
    seed: int = 0
    population: int = 200
    searcher: str = "nsga2"
    couplings: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise UnknownNameError("objective of a co-search", name, OBJECTIVES)
        if not 2 <= len(set(self.objectives)) == len(self.objectives) <= 4:
            raise ConstraintError(
                f"a co-search needs two to four different objectives, got {list(self.objectives)}."
            )
        for name, least in (("evaluations", 1), ("seed", 0), ("population", 2)):
            if getattr(self, name) < least:
                raise ConstraintError(
                    f"{name} {getattr(self, name)} is not usable; expected at least {least}."
                )
        if self.area_mm2 is not None and not self.area_mm2 > 0:
            raise ConstraintError(
                f"an area of at most {self.area_mm2:g} mm2 is not usable; expected more than 0."
            )


class CoJudge(Protocol):
    """What says what pairs on accelerators are worth; a `CoEvaluator` is one."""

    @property
    def domain(self) -> CoDomain[Any]:
        """Candidates, and the moves among them."""
        ...

    @property
    def seconds_tables(self) -> float:
        """Time that the tables of blocks took."""
        ...

    def values(self, x: Genes, objectives: Sequence[str]) -> tuple[Genes, NDArray[np.intp], Array]:
        """Operating points of rows at which escalating more pays, as of a `CoEvaluator`."""
        ...

    def points(self, x: Genes) -> Points:
        """Operating points of rows with gate and cut, as they are reported."""
        ...


@dataclass(frozen=True)
class CoOutcome:
    """What a co-search found.

    Attributes:
        points: operating points of the front, by the first objective.
        genes: rows of the domain that the points are of, with gate and cut.
        places: accelerator of each point by its place in the space, shape (n,).
        areas_mm2: area of each point's accelerator, modelled, shape (n,).
        values: objectives of each point as they were searched, shape (n, n_objectives).
        evaluations: number of pairs on accelerators that were evaluated.
        seconds: time of the search, with that of the tables of blocks.
        seconds_tables: time of the tables of blocks alone.
    """

    points: Points
    genes: Genes
    places: NDArray[np.intp]
    areas_mm2: Array
    values: Array
    evaluations: int
    seconds: float
    seconds_tables: float


def co_search(
    evaluator: CoJudge,
    settings: CoSettings,
    on_progress: Callable[[int, int], None] | None = None,
) -> CoOutcome:
    """The front that a searcher finds over pairs and accelerators.

    Args:
        evaluator: answers rows of its domain.
        settings: objectives, evaluations, seed and searcher; the limit of area and the couplings
            are those of the evaluator.
        on_progress: called after every batch with evaluations done, and of how many.

    Raises:
        ConstraintError: nothing that was evaluated fits, or the searcher asked for nothing.
        UnknownNameError: there is no such searcher.
    """
    from threadpoolctl import threadpool_limits

    began = time.perf_counter()
    domain, objectives = evaluator.domain, settings.objectives
    problem = Problem(
        domain=cast(Domain, domain),  # searchers use what the two have in common
        n_values=len(objectives),
        n_limits=0,
        population=min(settings.population, max(2, settings.evaluations)),
        seed=settings.seed,
        fidelities=(1.0,),
        warm=np.zeros((0, domain.n_genes), np.int64),
    )
    archive = _Archive(domain.n_genes, len(objectives))
    spent = 0
    with threadpool_limits(limits=1, user_api="blas"):
        strategy = get_searcher(settings.searcher).start(problem)
        while spent < settings.evaluations:
            batch = strategy.ask(settings.evaluations - spent)
            x = batch.genes[: settings.evaluations - spent]
            if not len(x):
                break
            genes, owner, values = evaluator.values(x, objectives)
            usable = np.asarray(np.isfinite(values).all(axis=1))
            scores = Scores(genes, owner, values, np.zeros((len(genes), 0)), usable)
            strategy.tell(Batch(x), scores)
            archive.add(genes[usable], values[usable])
            spent += len(x)
            if on_progress is not None:
                on_progress(spent, settings.evaluations)
    genes, values = archive.front()
    if not len(genes):
        raise ConstraintError(
            f"none of the {spent} pairs that were evaluated fits on its accelerator; allow more "
            "area or larger buffers, or evaluate more."
        )
    points, places = evaluator.points(genes), domain.places(genes)
    return CoOutcome(
        points=points,
        genes=genes,
        places=places,
        areas_mm2=np.asarray(domain.accelerators.areas_mm2[places]),
        values=values,
        evaluations=spent,
        seconds=time.perf_counter() - began + evaluator.seconds_tables,
        seconds_tables=evaluator.seconds_tables,
    )


class _Archive:
    """Points that no other point beats; batches wait until there are enough of them to compare."""

    def __init__(self, n_genes: int, n_values: int) -> None:
        self._genes = [np.zeros((0, n_genes), np.int64)]
        self._values = [np.zeros((0, n_values))]

    def add(self, genes: Genes, values: Array) -> None:
        """Takes the points of a batch in."""
        best = nondominated(values)
        self._genes.append(genes[best])
        self._values.append(values[best])
        if sum(map(len, self._values)) > PENDING + 2 * len(self._values[0]):
            self.front()

    def front(self) -> tuple[Genes, Array]:
        """Genes and values of the front so far, by the first objective."""
        genes, values = np.concatenate(self._genes), np.concatenate(self._values)
        best = nondominated(values)
        self._genes, self._values = [genes[best]], [values[best]]
        return self._genes[0], self._values[0]
