"""pymoo's evolutionary algorithms on the candidates of this package.

One individual is an operating point: the genes of a pair and its gate and cut. Where the gate is
optimised inside, a pair that was evaluated comes back as several individuals, one for each of its
operating points that no other of its points dominates, and all of them compete for survival.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.sampling import Sampling
from pymoo.core.termination import NoTermination

from ...bench.pareto import nondominated
from ..domain import Genes
from ..search import Batch, Scores
from ..unseen import Moves, Unseen

MISSING = 1e9  # a violation beyond all others: pymoo would carry a NaN into its sorting
MATED = 0.9  # of children come from two parents
MOST_POINTS = 12  # individuals of one pair: more would fill a population with few pairs


class Question(Protocol):
    """What a genetic algorithm has to know before it starts; a `Problem` is one."""

    @property
    def domain(self) -> Moves:
        """Candidates as rows, and the moves among them."""
        ...

    @property
    def n_values(self) -> int:
        """Number of figures to minimise."""
        ...

    @property
    def n_limits(self) -> int:
        """Number of limits to meet."""
        ...

    @property
    def population(self) -> int:
        """Candidates to ask for at once."""
        ...

    @property
    def seed(self) -> int:
        """Seed of its random numbers."""
        ...

    def first(self, rng: np.random.Generator, n: int) -> Genes:
        """Rows to begin with."""
        ...


class _Sampling(Sampling):  # type: ignore[misc]
    """The warm rows, then networks of all sizes."""

    def __init__(self, problem: Question) -> None:
        super().__init__()
        self.problem = problem

    def _do(self, _: Any, n: int, *args: Any, random_state: Any = None, **kwargs: Any) -> Genes:
        return self.problem.first(random_state, n)


class _Crossover(Crossover):  # type: ignore[misc]
    def __init__(self, domain: Moves) -> None:
        super().__init__(n_parents=2, n_offsprings=2, prob=MATED)
        self.domain = domain

    def _do(self, _: Any, x: Genes, *args: Any, random_state: Any = None, **kwargs: Any) -> Genes:
        return np.stack(self.domain.cross(random_state, x[0], x[1]))


class _Mutation(Mutation):  # type: ignore[misc]
    def __init__(self, domain: Moves) -> None:
        super().__init__()
        self.domain = domain

    def _do(self, _: Any, x: Genes, *args: Any, random_state: Any = None, **kwargs: Any) -> Genes:
        return self.domain.mutate(random_state, x)


class _NewOnly(DuplicateElimination):  # type: ignore[misc]
    """Drops what was evaluated before in this run and what occurs twice among the children."""

    def __init__(self, unseen: Unseen) -> None:
        super().__init__()
        self.unseen = unseen

    def _do(self, pop: Any, other: Any, is_duplicate: NDArray[np.bool_]) -> NDArray[np.bool_]:
        keys = self.unseen.domain.keys(np.asarray(pop.get("X"), np.int64))
        if other is not None:
            others = set(self.unseen.domain.keys(np.asarray(other.get("X"), np.int64)))
            is_duplicate[:] = [key in others for key in keys]
            return is_duplicate
        batch: set[bytes] = set()
        for i, key in enumerate(keys):
            is_duplicate[i] = key in self.unseen.seen or key in batch
            batch.add(key)
        return is_duplicate


class PymooStrategy:
    """A genetic algorithm of pymoo, asked and told.

    Args:
        problem: domain, figures and limits of the search, population and seed.
        algorithm: a class of pymoo's.
        options: further options of that class, beside population, sampling and operators.
    """

    def __init__(self, problem: Question, algorithm: Any, **options: Any) -> None:
        self.unseen = Unseen(problem.domain)
        self.population = problem.population
        self.algorithm = algorithm(
            pop_size=problem.population,
            sampling=_Sampling(problem),
            crossover=_Crossover(problem.domain),
            mutation=_Mutation(problem.domain),
            eliminate_duplicates=_NewOnly(self.unseen),
            **options,
        )
        top = problem.domain.options - 1
        shell = PymooProblem(
            n_var=problem.domain.n_genes,
            n_obj=problem.n_values,
            n_ieq_constr=1 + problem.n_limits,
            xl=np.zeros_like(top),
            xu=top,
            vtype=int,
        )
        self.algorithm.setup(shell, seed=problem.seed, termination=NoTermination(), verbose=False)

    def ask(self, room: int) -> Batch:
        """The children of the next generation, trimmed to the budget."""
        children = self.algorithm.ask()
        if children is None or not len(children):
            return Batch(np.zeros((0, self.unseen.domain.n_genes), np.int64))
        rows = np.asarray(children.get("X"), np.int64)[:room]
        return Batch(self.unseen.note(rows))

    def tell(self, batch: Batch, scores: Scores) -> None:
        """Survival among the population and every operating point the batch gave."""
        rows = _spread(scores.owner, len(batch.genes))
        good = scores.feasible[rows]
        rows = rows[could_survive(scores.values[rows], good, self.population)]
        usable = scores.usable[rows]
        violation = np.where(usable[:, None], scores.excess[rows], 0.0)
        self.algorithm.tell(
            infills=Population.new(
                X=scores.genes[rows],
                F=np.where(usable[:, None], scores.values[rows], 0.0),
                G=np.column_stack([np.where(usable, 0.0, MISSING), violation]),
            )
        )


def could_survive(
    values: NDArray[np.float64], feasible: NDArray[np.bool_], population: int
) -> NDArray[np.intp]:
    """Rows that a survival by non-dominated ranks may keep, in their order.

    Fronts are peeled off until they hold a population: no row behind them can be among the first
    ones of any larger set. pymoo takes some 50 microseconds a row, and of all points of all curves
    nine in ten are behind.

    Args:
        values: shape (n, n_values), everything minimised.
        feasible: shape (n,); where fewer are feasible than a population, all rows stay.
        population: number of rows that survive a generation.
    """
    left = np.flatnonzero(feasible)
    if len(left) <= population:
        return np.arange(len(values))
    if values.shape[1] == 1:
        order = left[np.argsort(values[left, 0], kind="stable")]
        return np.sort(order[:population])
    fronts: list[NDArray[np.intp]] = []
    while sum(map(len, fronts)) < population:
        front = nondominated(values[left])
        fronts.append(left[front])
        left = np.delete(left, front)
    return np.sort(np.concatenate(fronts))


def _spread(owner: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """At most `MOST_POINTS` points of each candidate, evenly spread along its curve."""
    ends = np.searchsorted(owner, np.arange(n + 1))
    rows = []
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        places = np.linspace(start, end - 1, min(end - start, MOST_POINTS))
        rows.append(np.unique(np.rint(places).astype(np.intp)))
    return np.concatenate(rows)
