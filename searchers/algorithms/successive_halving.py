"""``successive_halving``: many candidates roughly, the better ones more carefully.

A bracket begins with many candidates at the evaluator's cheapest fidelity (fewer images, a lower
resolution), and as many times fewer as the next fidelity costs more go on to it, up to a full
evaluation. An evaluation costs its fidelity, so each rung of a bracket costs about the same. Only
full evaluations are reported. After the first bracket half of the candidates are mutations of the
front.

Where it departs from the source: which candidates go on is judged in directions drawn anew for
each of them (several objectives), and brackets all have one shape.

Source: Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter
Optimization (section 3); Li et al. 2018, Hyperband.
"""

from __future__ import annotations

import numpy as np

from ...bench.errors import ConstraintError
from ..domain import Genes
from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen
from ._scalar import Scale, draw_weights

BRACKET = 0.5  # of a population: full evaluations in a bracket


class SuccessiveHalving:
    """Brackets of rungs.

    Raises:
        ConstraintError: an evaluator that has no cheaper fidelity.
    """

    def __init__(self, problem: Problem) -> None:
        if len(problem.fidelities) < 2:
            raise ConstraintError(
                "successive_halving needs an evaluator that also answers roughly (fewer images, "
                "lower resolution), and this one only answers fully. Search on the table or the "
                "live supernet, or take another searcher."
            )
        self.problem, self.domain = problem, problem.domain
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.scale = Scale()
        self.final = max(1, round(BRACKET * problem.population))
        self.rung = 0
        self.going: Genes = self._fresh()

    def _fresh(self) -> Genes:
        n = round(self.final / self.problem.fidelities[0])
        front = self.scale.genes
        if front is None:
            return self.unseen.note(self.unseen.of(self.problem.first(self.rng, n)))
        near = self.unseen.draw(
            lambda k: self.domain.mutate(self.rng, front[self.rng.integers(0, len(front), k)]),
            n // 2,
        )
        far = self.unseen.draw(lambda k: self.domain.sample_sizes(self.rng, k), n - len(near))
        return np.concatenate([near, far])

    def ask(self, room: int) -> Batch:
        """The rows of the present rung."""
        return Batch(self.going, self.problem.fidelities[self.rung])

    def tell(self, batch: Batch, scores: Scores) -> None:
        """The better rows go up a rung; above the last one a new bracket begins."""
        fidelities = self.problem.fidelities
        if self.rung == len(fidelities) - 1:
            self.scale.update(scores)
            self.rung, self.going = 0, self._fresh()
            return
        n = len(batch.genes)
        rough = Scale()  # of this rung alone: rough and full figures do not compare
        rough.update(scores)
        share = fidelities[self.rung] / fidelities[self.rung + 1]
        wanted = max(1, round(n * share))
        weights = draw_weights(self.rng, wanted, self.problem.n_values)
        worth = rough.of(scores, weights, n)
        taken = np.zeros(n, bool)
        chosen = []
        for k in range(wanted):
            best = int(np.argmin(np.where(taken, np.inf, worth[:, k])))
            taken[best] = True
            chosen.append(best)
        self.rung, self.going = self.rung + 1, batch.genes[chosen]


SEARCHER = Searcher(SuccessiveHalving, "successive_halving")
