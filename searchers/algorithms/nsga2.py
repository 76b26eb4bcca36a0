"""``nsga2``: NSGA-II over the two networks, the gate and its cut together.

One individual is an integer genome [little | big | gate | cut]. A network's gene is the index of a
choice among those allowed; the cut is the stored confidence code below which the big network is
asked. Limits are constraints (relative violation), so an infeasible individual loses to a feasible
one and among infeasible ones the smaller violation wins.

Where it departs from the textbook: half of the first population has a share of cheapest choices,
drawn anew for each network, because uniform sampling never sees a small network; no candidate is
evaluated twice in a run; the front returned is over everything evaluated, not over the last
population.

Source: Deb et al. 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II (selection
and survival as in pymoo, Blank and Deb 2020; binary tournament, rank and crowding).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.sampling import Sampling
from pymoo.core.termination import NoTermination

from ...bench import Candidates, Evaluator
from ...bench.gates import N_CODES
from ..search import CountingEvaluator, OnProgress, SearchOutcome, SearchSettings

Rows = NDArray[np.int64]

SWAP_WHOLE = 0.25  # of matings: a good little network should meet other big ones, unbroken
CUT_STEP = 16.0  # codes; a sixteenth of the range, so neighbouring cuts are tried often
CUT_MUTATION = 0.5  # of children: one evaluation of another cut of the same pair is a cheap step


class _PairProblem(Problem):  # type: ignore[misc]
    """Integer genomes on one side, a counting evaluator on the other."""

    def __init__(self, counting: CountingEvaluator) -> None:
        evaluator = counting.evaluator
        self.allowed = evaluator.space.allowed(evaluator.choices)
        self.n_layers = evaluator.space.n_layers
        self.counting = counting
        self.seen: set[bytes] = set()
        upper = np.full(2 * self.n_layers + 2, len(self.allowed) - 1, np.int64)
        upper[-2:] = len(evaluator.gates) - 1, N_CODES
        super().__init__(
            n_var=len(upper),
            n_obj=len(counting.settings.objectives),
            n_ieq_constr=1 + len(counting.settings.limits),
            xl=np.zeros_like(upper),
            xu=upper,
            vtype=int,
        )

    def cheapest(self) -> int:
        """The gene of the allowed choice with the fewest MACs over all layers."""
        whole = np.repeat(self.allowed[:, None], self.n_layers, axis=1)
        return int(np.argmin(self.counting.evaluator.space.macs(whole, n_classes=1)))

    def candidates(self, x: Rows) -> Candidates:
        """What the genomes of shape (n, 2 * n_layers + 2) stand for."""
        cut = self.n_layers
        return Candidates(
            self.allowed[x[:, :cut]], self.allowed[x[:, cut : 2 * cut]], x[:, -2], x[:, -1]
        )

    def _evaluate(self, x: Rows, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        x = np.asarray(x, np.int64)
        scores = self.counting.evaluate(self.candidates(x))
        self.seen.update(_keys(x))
        # pymoo would carry a NaN into its sorting; such a candidate is infeasible beyond all others
        out["F"] = np.where(scores.usable[:, None], scores.values, 0.0)
        missing = np.where(scores.usable, 0.0, 1e9)
        out["G"] = np.column_stack([missing, np.where(scores.usable[:, None], scores.excess, 0.0)])


class _MixedSizes(Sampling):  # type: ignore[misc]
    """Half uniform; in the other half each network has its own share of cheapest choices."""

    def _do(
        self, problem: _PairProblem, n: int, *args: Any, random_state: Any = None, **kwargs: Any
    ) -> Rows:
        rng: np.random.Generator = random_state
        x = rng.integers(0, problem.xu + 1, size=(n, problem.n_var))
        for start in (0, problem.n_layers):
            genes = x[n // 2 :, start : start + problem.n_layers]
            share = rng.random((len(genes), 1))
            genes[rng.random(genes.shape) < share] = problem.cheapest()
        return x


class _PairCrossover(Crossover):  # type: ignore[misc]
    """Uniform, two-point or whole exchange of each network; gate and cut travel together."""

    def __init__(self) -> None:
        super().__init__(n_parents=2, n_offsprings=2, prob=0.9)

    def _do(
        self, problem: _PairProblem, x: Rows, *args: Any, random_state: Any = None, **kwargs: Any
    ) -> Rows:
        rng: np.random.Generator = random_state
        n, layers = x.shape[1], problem.n_layers
        swap = np.zeros(x.shape[1:], bool)
        for start in (0, layers):
            uniform = rng.random((n, layers)) < 0.5
            ends = np.sort(rng.integers(0, layers + 1, size=(n, 2)), axis=1)
            at = np.arange(layers)
            two_point = (at >= ends[:, :1]) & (at < ends[:, 1:])
            whole = np.broadcast_to(rng.random((n, 1)) < 0.5, (n, layers))
            kind = rng.random((n, 1))
            mixed = np.where(kind < (1 + SWAP_WHOLE) / 2, uniform, two_point)
            swap[:, start : start + layers] = np.where(kind < SWAP_WHOLE, whole, mixed)
        swap[:, 2 * layers :] = rng.random((n, 1)) < 0.5
        return np.stack([np.where(swap, x[1], x[0]), np.where(swap, x[0], x[1])])


class _PairMutation(Mutation):  # type: ignore[misc]
    """Each gene is replaced with probability 1 / n; the cut also takes a gaussian step."""

    def _do(
        self, problem: _PairProblem, x: Rows, *args: Any, random_state: Any = None, **kwargs: Any
    ) -> Rows:
        rng: np.random.Generator = random_state
        options = problem.xu + 1
        # an offset of 1 .. options - 1 modulo options is another value, each equally likely
        offset = rng.integers(1, np.maximum(options, 2), size=x.shape)
        hit = rng.random(x.shape) < 1.0 / problem.n_var
        out: Rows = np.where(hit, (x + offset) % options, x)
        step = np.rint(rng.normal(0.0, CUT_STEP, len(x))).astype(np.int64)
        step *= rng.random(len(x)) < CUT_MUTATION
        out[:, -1] = np.clip(out[:, -1] + step, 0, N_CODES)
        return out


class _Unseen(DuplicateElimination):  # type: ignore[misc]
    """Drops what was evaluated before in this run and what occurs twice among the children."""

    def __init__(self, seen: set[bytes]) -> None:
        super().__init__()
        self.seen = seen

    def _do(self, pop: Any, other: Any, is_duplicate: NDArray[np.bool_]) -> NDArray[np.bool_]:
        keys = _keys(pop.get("X"))
        if other is not None:
            known = set(_keys(other.get("X")))
            is_duplicate[:] = [key in known for key in keys]
            return is_duplicate
        batch: set[bytes] = set()
        for i, key in enumerate(keys):
            is_duplicate[i] = key in self.seen or key in batch
            batch.add(key)
        return is_duplicate


def _keys(x: Rows) -> list[bytes]:
    return [row.tobytes() for row in np.ascontiguousarray(x, dtype=np.int64)]


def search(
    evaluator: Evaluator, settings: SearchSettings, on_progress: OnProgress | None = None
) -> SearchOutcome:
    """The front over everything NSGA-II evaluates within the budget.

    The last generation is trimmed to the budget. The run ends earlier only where the operators
    find no candidate that was not evaluated yet (a space smaller than the budget).

    Raises:
        ConstraintError: nothing that was evaluated meets the limits.
    """
    counting = CountingEvaluator(evaluator, settings, on_progress)
    problem = _PairProblem(counting)
    algorithm = NSGA2(
        pop_size=settings.population,
        sampling=_MixedSizes(),
        crossover=_PairCrossover(),
        mutation=_PairMutation(),
        eliminate_duplicates=_Unseen(problem.seen),
    )
    algorithm.setup(problem, seed=settings.seed, termination=NoTermination(), verbose=False)
    while counting.remaining:
        children = algorithm.ask()
        if children is None or not len(children):
            break
        children = children[: counting.remaining]
        algorithm.evaluator.eval(problem, children)
        algorithm.tell(infills=children)
    return counting.outcome()


SEARCHER = search
