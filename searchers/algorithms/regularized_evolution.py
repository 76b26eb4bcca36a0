"""``regularized_evolution``: tournament among the young, the oldest die.

A child is a mutation of the best of a random sample of the population; the oldest member leaves,
however good it is, which keeps one lucky evaluation from ruling for ever.

Where it departs from the source: what is best is judged in a direction drawn anew for every child
(several objectives instead of one), and children come in batches, so that evaluators can answer
many at once.

Source: Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search
(algorithm 1).
"""

from __future__ import annotations

import numpy as np

from ..domain import Genes
from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen
from ._scalar import Scale, draw_weights, of_candidates, together

SAMPLE = 10  # of the population, per child; the source uses a quarter of a population of 100
CHILDREN = 0.2  # of the population, per batch


class RegularizedEvolution:
    """A population that is a queue."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.domain = problem, problem.domain
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.scale = Scale()
        self.genes: Genes | None = None
        self.scores: Scores | None = None

    def ask(self, room: int) -> Batch:
        """The first population, then mutations of winners."""
        if self.genes is None:
            n = min(room, self.problem.population)
            first = self.problem.first(self.rng, n)
            warm = self.unseen.note(self.unseen.of(first))
            more = self.problem.uniform(self.rng, n - len(warm), self.unseen)
            return Batch(np.concatenate([warm, more]))
        n = min(room, max(1, round(CHILDREN * self.problem.population)))
        return Batch(self.unseen.draw(self._children, n))

    def _children(self, n: int) -> Genes:
        assert self.genes is not None
        assert self.scores is not None
        weights = draw_weights(self.rng, n, self.problem.n_values)
        worth = self.scale.of(self.scores, weights, len(self.genes))
        size = (n, min(SAMPLE, len(self.genes)))
        sample = self.rng.integers(0, len(self.genes), size)
        won = sample[np.arange(n), np.argmin(worth[sample, np.arange(n)[:, None]], axis=1)]
        return self.domain.mutate(self.rng, self.genes[won])

    def tell(self, batch: Batch, scores: Scores) -> None:
        """The children join, the oldest leave."""
        self.scale.update(scores)
        if self.genes is None or self.scores is None:
            self.genes, self.scores = batch.genes, scores
            return
        whole = together([self.scores, scores], [len(self.genes), len(batch.genes)])
        genes = np.concatenate([self.genes, batch.genes])
        young = np.arange(max(0, len(genes) - self.problem.population), len(genes))
        self.genes, self.scores = genes[young], of_candidates(whole, young, len(genes))


SEARCHER = Searcher(RegularizedEvolution, "regularized_evolution")
