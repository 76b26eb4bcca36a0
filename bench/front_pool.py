"""Points that may be on a front, as columns, and the pool that keeps the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .front_grid import Grid
from .pareto import nondominated


@dataclass(frozen=True)
class Batch:
    """Points that may be on a front, all columns of shape (n,) but ``costs``.

    Attributes:
        little: index of the little network among those looked at.
        big: index of the big network among those looked at.
        gate: index of the gate among those looked at.
        cut: code below which answers are escalated.
        hits: number of images answered right.
        rank: of points that are equal in all objectives the one of the lowest rank is reported.
        costs: the objectives that are costs, shape (n, n_axes).
    """

    little: NDArray[np.intp]
    big: NDArray[np.intp]
    gate: NDArray[np.intp]
    cut: NDArray[np.int64]
    hits: NDArray[np.int64]
    rank: NDArray[np.int64]
    costs: NDArray[np.float64]

    def take(self, index: NDArray[np.intp]) -> Batch:
        """The points at ``index``."""
        return Batch(*(getattr(self, f.name)[index] for f in fields(self)))


def joined(parts: Sequence[Batch]) -> Batch:
    """The points of several batches, one after the other."""
    return Batch(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Batch)))


class Pool:
    """The points taken in so far that no other dominates, also as a grid to look them up.

    Args:
        objectives: names of figures; "error" and "accuracy" are the same.
        low: lowest value of each cost, shape (n_axes,).
        high: highest value of each cost, shape (n_axes,).
    """

    def __init__(
        self, objectives: Sequence[str], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> None:
        self._by_hits = [name in ("error", "accuracy") for name in objectives]
        self._by_accuracy = any(self._by_hits)
        self._grid = Grid(low, high)
        self._points: Batch | None = None
        self._compact = 4096

    def best(self, costs: Sequence[NDArray[np.float64]]) -> NDArray[np.int32]:
        """Most right answers at lower costs than these, as far as is known; -1: none is known."""
        return self._grid.at(costs)

    def open(
        self, hits: NDArray[np.int64] | NDArray[np.int32], costs: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.bool_]:
        """Points that no point taken in is proven to dominate, of the shape of ``hits``.

        Args:
            hits: right answers, or a number that they do not exceed.
            costs: each cost, or a number that it does not fall below, of the shape of ``hits``.
        """
        best = self._grid.at(costs)
        if not self._by_accuracy:
            return np.broadcast_to(best < 0, hits.shape)
        return np.asarray(hits > best if self._grid.strict else hits >= best)

    def take_in(self, batches: Sequence[Batch]) -> None:
        """Adds points; drops the dominated now and then."""
        parts = [b for b in batches if len(b.cut)]
        if not parts:
            return
        fresh = self._front(joined(parts))
        hits = fresh.hits if self._by_accuracy else np.zeros_like(fresh.hits)
        self._grid.update(fresh.costs, hits)
        self._points = fresh if self._points is None else joined([self._points, fresh])
        if len(self._points.cut) > self._compact:
            self._points = self._front(self._points)
            self._compact = max(self._compact, 2 * len(self._points.cut))

    def front(self) -> Batch | None:
        """The non-dominated points, sorted by the first objective; None: nothing was taken in."""
        return None if self._points is None else self._front(self._points)

    def _front(self, points: Batch) -> Batch:
        points = points.take(np.argsort(points.rank, kind="stable"))
        axes = iter(points.costs.T)
        values = [-points.hits.astype(float) if h else next(axes) for h in self._by_hits]
        return points.take(nondominated(np.stack(values, axis=1)))
