"""The known part of a front, as a grid over the costs in which it is looked up.

A cell holds the most right answers of the known points that cost no more than the cell's lower
corner, so the lookup errs to the safe side.
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
        low: lowest value of each cost, shape (n_axes,).
        high: highest value of each cost, shape (n_axes,).
    """

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        self.cells = _CELLS.get(len(low), 24)
        extent = high - low
        self.low, self.scale = (
            low,
            np.where(extent > 0, self.cells / np.where(extent > 0, extent, 1), 0),
        )
        self.best = np.full((self.cells + 2,) * len(low), -1, np.int32)

    def update(self, costs: NDArray[np.float64], hits: NDArray[np.int64]) -> None:
        """Takes points in: costs (n, n_axes), hits (n,)."""
        cell = np.ceil((costs - self.low) * self.scale).astype(np.int64)
        cell = np.clip(cell, 0, self.cells + 1)
        flat = np.zeros(len(hits), np.int64)
        for index in cell.T:
            flat = flat * (self.cells + 2) + index
        np.maximum.at(self.best.ravel(), flat, hits.astype(np.int32))
        for axis in range(self.best.ndim):
            np.maximum.accumulate(self.best, axis=axis, out=self.best)

    def at(self, costs: Sequence[NDArray[np.float64]]) -> NDArray[np.int32]:
        """Right answers that a point with these costs must exceed, of the shape of the costs."""
        flat: NDArray[np.int32] | int = 0
        for axis, cost in enumerate(costs):
            cell = cost - self.low[axis]  # first, so that nothing is lost where costs hardly differ
            cell *= self.scale[axis]
            cell -= _SLACK
            index = cell.astype(np.int32)  # towards 0: what is cheaper than all is in cell 0
            flat = flat * (self.cells + 2) + index
        return np.asarray(self.best.ravel()[flat])
