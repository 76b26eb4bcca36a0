"""One number for many objectives: what searchers do that can only follow one.

A candidate's points are set against the best values seen, in the direction of a weight vector; a
candidate is worth as much as its best point in that direction. Weights are drawn anew again and
again, so that in the end every part of the front has been aimed at.

Source: Knowles 2006, ParEGO (augmented Tchebycheff scalarisation, equation 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...bench.pareto import nondominated
from ..domain import Genes
from ..search import Scores

Array = NDArray[np.float64]
AUGMENTED = 0.05  # as in ParEGO
INFEASIBLE = 10.0  # beyond every feasible value
UNUSABLE = 1e6  # beyond every infeasible one


def draw_weights(rng: np.random.Generator, n: int, n_values: int) -> Array:
    """``n`` weight vectors drawn uniformly from the simplex, shape (n, n_values)."""
    return np.asarray(rng.dirichlet(np.ones(n_values), n))


class Scale:
    """The extent of the front seen so far, and the front itself."""

    def __init__(self) -> None:
        self.values: Array | None = None
        self.genes: Genes | None = None

    def update(self, scores: Scores) -> bool:
        """Takes points in; whether the front is another one now."""
        good = scores.feasible
        values, genes = scores.values[good], scores.genes[good]
        if not len(values):
            return False
        n_before = 0 if self.values is None else len(self.values)
        if self.values is not None and self.genes is not None:
            values = np.concatenate([self.values, values])
            genes = np.concatenate([self.genes, genes])
        front = nondominated(values)
        self.values, self.genes = values[front], genes[front]
        return bool((front >= n_before).any())

    def of(self, scores: Scores, weights: Array, n: int) -> Array:
        """What each of n candidates is worth in each direction, (n, n_weights); less is better.

        Args:
            scores: operating points of the candidates, several of one candidate in a row.
            weights: one direction a row, shape (n_weights, n_values).
            n: number of candidates that the points are of.
        """
        if self.values is None:
            low, high = np.zeros(weights.shape[1]), np.ones(weights.shape[1])
        else:
            low, high = self.values.min(axis=0), self.values.max(axis=0)
        span = np.where(high > low, high - low, np.maximum(np.abs(high), 1e-12))
        scaled = np.where(scores.usable[:, None], (scores.values - low) / span, 0.0)
        weighted = scaled[:, None, :] * weights[None]
        worth = weighted.max(axis=2) + AUGMENTED * weighted.sum(axis=2)
        beyond = np.maximum(scores.excess, 0.0).sum(axis=1)
        worth = np.where((beyond > 0)[:, None], INFEASIBLE + beyond[:, None], worth)
        worth = np.where(scores.usable[:, None], worth, UNUSABLE)
        starts = np.searchsorted(scores.owner, np.arange(n))
        return np.asarray(np.minimum.reduceat(worth, starts, axis=0))


def together(parts: list[Scores], sizes: list[int]) -> Scores:
    """Scores of several batches as one; candidates are numbered on."""
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    return Scores(
        genes=np.concatenate([p.genes for p in parts]),
        owner=np.concatenate([p.owner + o for p, o in zip(parts, offsets, strict=True)]),
        values=np.concatenate([p.values for p in parts]),
        excess=np.concatenate([p.excess for p in parts]),
        usable=np.concatenate([p.usable for p in parts]),
    )


def of_candidates(scores: Scores, which: NDArray[np.intp], n: int) -> Scores:
    """The points of some of n candidates, in the order of ``which``."""
    ends = np.searchsorted(scores.owner, np.arange(n + 1))
    rows = [np.arange(ends[i], ends[i + 1]) for i in which.tolist()]
    index = np.concatenate(rows)
    owner = np.repeat(np.arange(len(which)), [len(r) for r in rows])
    return Scores(
        scores.genes[index], owner, scores.values[index], scores.excess[index], scores.usable[index]
    )
