"""``predictor``: fit on what was seen, rank a large pool, evaluate the top, again and again.

The model is an ensemble of ridge regressions on resampled evaluations (features: one-hot choices
and MACs of both networks). In each round it learns what candidates are worth in a few directions
drawn anew; of a pool of mutations and crossings of the front and of random rows, those that it
thinks best are evaluated, its doubt counting in their favour.

Where it departs from the sources: a linear ensemble in numpy instead of graph networks, which needs
no extra and costs milliseconds; several directions instead of one accuracy.

Source: White, Neiswanger and Savani 2021, BANANAS (algorithm 1); Dudziak et al. 2020, BRP-NAS
(section 4, iterative data selection).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..domain import Genes
from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen
from ._scalar import Scale, draw_weights, together

Array = NDArray[np.float64]
MEMBERS = 3  # of the ensemble
DIRECTIONS = 8  # per round
POOL = 1000  # rows that are ranked per round
RIDGE = 1.0  # features are standardised, so one strength suits all
DOUBT = 0.5  # standard deviations of the ensemble that are given the benefit
WORST = 3.0  # worths beyond this say "bad" and no more, so that outliers do not bend the fit
MOST_SEEN = 800  # evaluations a fit looks at, the latest ones


class Ensemble:
    """Ridge regressions on resampled rows.

    Args:
        features: one row an evaluated candidate, shape (n, n_features).
        targets: worth of each candidate in each direction, shape (n, n_targets).
        rng: draws the rows that each regression is fitted on.
    """

    def __init__(self, features: Array, targets: Array, rng: np.random.Generator) -> None:
        self.mean, self.scale = features.mean(axis=0), features.std(axis=0)
        self.scale = np.where(self.scale > 1e-9, self.scale, np.inf)  # constant: no say
        self.offset = targets.mean(axis=0)
        x, y = self._scaled(features), targets - self.offset
        self.weights = []
        for _ in range(MEMBERS):
            rows = rng.integers(0, len(x), len(x))
            gram = x[rows].T @ x[rows]
            gram[np.diag_indices_from(gram)] += RIDGE * np.sqrt(len(x))
            self.weights.append(np.linalg.solve(gram, x[rows].T @ y[rows]))

    def _scaled(self, features: Array) -> Array:
        return np.asarray((features - self.mean) / self.scale)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation over the members, each (n, n_targets)."""
        predictions = np.stack([self._scaled(features) @ w for w in self.weights]) + self.offset
        return predictions.mean(axis=0), predictions.std(axis=0)


class PredictorSearch:
    """Rounds of fitting, ranking and evaluating."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.domain = problem, problem.domain
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.scale = Scale()
        self.genes: list[Genes] = []
        self.scores: list[Scores] = []

    def ask(self, room: int) -> Batch:
        """A first population, then the most promising of a pool."""
        n = min(room, self.problem.population)
        if not self.genes:
            return Batch(self.unseen.note(self.unseen.of(self.problem.first(self.rng, n))))
        pool = self.unseen.of(self._pool(POOL))
        if len(pool) <= n or self.scale.genes is None:
            return Batch(self.unseen.draw(lambda k: self.domain.sample(self.rng, k), n))
        worth = self._predicted(pool)
        chosen: list[int] = []
        taken = np.zeros(len(pool), bool)
        for i in range(n):
            column = np.where(taken, np.inf, worth[:, i % worth.shape[1]])
            best = int(np.argmin(column))
            taken[best] = True
            chosen.append(best)
        return Batch(self.unseen.note(pool[chosen]))

    def _pool(self, n: int) -> Genes:
        parts = [self.domain.sample(self.rng, n // 4)]
        front = self.scale.genes
        if front is not None:
            some = [front[self.rng.integers(0, len(front), n // 2)] for _ in range(3)]
            parts += [
                self.domain.mutate(self.rng, some[0]),
                self.domain.cross(self.rng, *some[1:])[0],
            ]
        return np.concatenate(parts)

    def _predicted(self, pool: Genes) -> Array:
        sizes = [len(g) for g in self.genes]
        genes = np.concatenate(self.genes)
        scores = together(self.scores, sizes)
        weights = draw_weights(self.rng, DIRECTIONS, self.problem.n_values)
        worth = np.minimum(self.scale.of(scores, weights, len(genes)), WORST)
        late = slice(-MOST_SEEN, None)
        model = Ensemble(self.domain.features(genes[late]), worth[late], self.rng)
        mean, doubt = model.predict(self.domain.features(pool))
        return mean - DOUBT * doubt

    def tell(self, batch: Batch, scores: Scores) -> None:
        """Keeps what was seen."""
        self.scale.update(scores)
        self.genes.append(batch.genes)
        self.scores.append(scores)


SEARCHER = Searcher(PredictorSearch, "predictor")
