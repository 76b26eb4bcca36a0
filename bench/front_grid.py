"""The known part of a front, as a grid over the costs in which it is looked up.

A cell holds the most right answers of the known points that cost no more than the cell's lower
corner, so the lookup errs to the safe side: it sees a point only where it costs less. Along a cost
in which all points are alike it sees those that cost the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Cells along each cost axis of the grid, by the number of costs: about as many in all.
_CELLS = {0: 1, 1: 4096, 2: 320, 3: 48}
_SLACK = 1e-3  # of a cell; far more than rounding


class Grid:
    """The most right answers known at no higher costs, by cell.

    Args:
        low: lowest value of each cost, shape (n_axes,); what costs less is never looked up.
        high: highest value of each cost, shape (n_axes,); points that cost more are not entered.

    Attributes:
        strict: whether a point that is seen costs less than what it is looked up for, in one cost
            at least and more in none.
    """

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        self.cells = _CELLS.get(len(low), 24)
        differs = high > low
        self.low, self.strict = low, bool(differs.any())
        self.scale = np.where(differs, self.cells / np.where(differs, high - low, 1), 1)
        self.slack = np.where(differs, _SLACK, 0.0)
        self.best = np.full((self.cells + 3,) * len(low), -1, np.int32)

    def update(self, costs: NDArray[np.float64], hits: NDArray[np.int64]) -> None:
        """Takes points in: costs (n, n_axes), hits (n,)."""
        cell = np.ceil((costs - self.low) * self.scale) + 1
        here = (cell <= self.cells + 2).all(axis=1)
        flat = np.zeros(int(here.sum()), np.int64)
        for index in np.maximum(cell[here], 1).astype(np.int64).T:
            flat = flat * (self.cells + 3) + index
        np.maximum.at(self.best.ravel(), flat, hits[here].astype(np.int32))
        for axis in range(self.best.ndim):
            np.maximum.accumulate(self.best, axis=axis, out=self.best)

    def at(self, costs: Sequence[NDArray[np.float64]]) -> NDArray[np.int32]:
        """Right answers that a point with these costs must exceed, of the shape of the costs."""
        flat: NDArray[np.int32] | int = 0
        for axis, cost in enumerate(costs):
            cell = cost - self.low[axis]  # first, so that nothing is lost where costs hardly differ
            cell *= self.scale[axis]
            cell += 1 - self.slack[axis]
            # Cell 0 is never filled; it is also that of NaN, which no point dominates.
            np.fmin(np.fmax(cell, 0, out=cell), self.cells + 2, out=cell)
            index = cell.astype(np.int32)
            flat = flat * (self.cells + 3) + index
        return np.asarray(self.best.ravel()[flat])
