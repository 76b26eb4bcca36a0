"""The exact choice of a cascade's cuts: the best within limits, and the non-dominated ones.

Every combination of cuts is counted (``cascade_counts.py``), so nothing is estimated and no
combination is left out. Costs follow from the shares that reach each stage (``cost.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from .cascade_counts import Block, CascadeCounts
from .cost import NetworkCosts, SharedCosts, cascade_figure
from .front_grid import Grid
from .pareto import nondominated

_BY_HITS = ("error", "accuracy")
_COMPACT = 4096  # points in the pool from which the dominated are dropped


@dataclass(frozen=True)
class CascadeQuestion:
    """One cascade without its cuts: what it answers, and what it costs.

    Attributes:
        counts: counts of its answers at every choice of cuts.
        networks: costs of its networks as plain numbers, one entry a stage.
        shared: costs that each stage after the first shares with those before it.
    """

    counts: CascadeCounts
    networks: Sequence[NetworkCosts]
    shared: Sequence[SharedCosts | None]

    def figure(self, name: str, block: Block) -> NDArray[np.float64]:
        """A figure at every choice of cuts of a block, minimised, one axis a gate."""
        if name in _BY_HITS:
            return -block.hits.astype(np.float64)
        reach = [reached / self.counts.n_images for reached in block.reached]
        return np.broadcast_to(self._cost(name, reach), block.hits.shape)

    def ends(self, name: str) -> list[float]:
        """Values of a cost that hold all it can be: it is affine between their shares."""
        shares = combinations_with_replacement((1.0, 1e-9, 0.0), len(self.networks) - 1)
        return [float(self._cost(name, reach)) for reach in shares]

    def _cost(self, name: str, reach: Sequence[NDArray[np.float64] | float]) -> NDArray[np.float64]:
        return cascade_figure(name, self.networks, reach, self.shared)

    def within(self, limits: Mapping[str, float], block: Block) -> NDArray[np.bool_]:
        """Which choices of cuts respect every limit, of the shape of the block's hits."""
        ok = np.ones(block.hits.shape, np.bool_)
        for name, limit in limits.items():
            if name == "accuracy":
                ok &= block.hits / self.counts.n_images >= limit
            elif name == "error":
                ok &= 1.0 - block.hits / self.counts.n_images <= limit
            else:
                ok &= self.figure(name, block) <= limit
        return ok

    def cuts(self, block: Block, flat: int) -> tuple[int, ...]:
        """The cuts of one choice of a block, given by its index in the flattened hits."""
        at = np.unravel_index(flat, block.hits.shape)
        first = (at[0] + block.start, *at[1:])
        return tuple(int(cuts[i]) for cuts, i in zip(self.counts.cuts, first, strict=True))


def best_cuts(
    question: CascadeQuestion, order: Sequence[str], limits: Mapping[str, float]
) -> tuple[int, ...] | None:
    """The cuts with the best figures within limits; None where no cuts meet the limits.

    Args:
        question: the cascade whose cuts are chosen.
        order: names of figures, each of which decides where those before it are equal; where all
            are, the lowest cuts are taken.
        limits: largest value by name of a figure (for accuracy: smallest).
    """
    best: list[float] | None = None
    cuts: tuple[int, ...] | None = None
    for block in question.counts.blocks():
        first = question.figure(order[0], block)
        ok = first < np.inf if best is None else first <= best[0]
        if not ok.any():
            continue
        ok &= question.within(limits, block)
        flat = np.flatnonzero(ok)
        for name in order:
            if len(flat):
                values = question.figure(name, block).ravel()[flat]
                flat = flat[values == values.min()]
        if len(flat):
            at = int(flat[0])
            values_there = [float(question.figure(n, block).ravel()[at]) for n in order]
            if best is None or values_there < best:
                best, cuts = values_there, question.cuts(block, at)
    return cuts


def best_value(questions: Sequence[CascadeQuestion], name: str) -> float:
    """The best value of a figure over all cuts of some cascades, whatever their other figures."""
    low = min(float(q.figure(name, block).min()) for q in questions for block in q.counts.blocks())
    n = questions[0].counts.n_images
    return {"accuracy": -low / n, "error": 1.0 + low / n}.get(name, low)


def front_cuts(
    questions: Sequence[CascadeQuestion],
    objectives: Sequence[str],
    limits: Mapping[str, float],
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[list[tuple[int, tuple[int, ...]]], int]:
    """The non-dominated choices of cascades and cuts, and how many were compared.

    Each is the index of its cascade and its cuts; they are sorted by the first objective.

    Args:
        questions: the cascades that are compared, on the same images and device.
        objectives: names of figures in which they are compared.
        limits: largest value by name of a figure (for accuracy: smallest).
        on_progress: called with the cascades that are done and their number.
    """
    axes = [name for name in objectives if name not in _BY_HITS]
    ends = [np.array([v for q in questions for v in q.ends(name)]) for name in axes]
    grid = Grid(np.array([e.min() for e in ends]), np.array([e.max() for e in ends]))
    by_hits, n_points = len(axes) < len(objectives), 0
    where: list[tuple[int, tuple[int, ...]]] = []
    values = np.zeros((0, len(objectives)))
    for index, question in enumerate(questions):
        for block in question.counts.blocks():
            n_points += block.hits.size
            costs = [question.figure(name, block) for name in axes]
            most = grid.at(costs)
            ok = block.hits > most if by_hits else most < 0
            if limits and ok.any():
                ok = ok & question.within(limits, block)
            flat = np.flatnonzero(ok)
            if not len(flat):
                continue
            fresh = np.stack([question.figure(n, block).ravel()[flat] for n in objectives], axis=1)
            chosen = nondominated(fresh)
            flat, fresh = flat[chosen], fresh[chosen]
            hits = block.hits.ravel()[flat] if by_hits else np.zeros(len(flat), np.int32)
            columns = [i for i, name in enumerate(objectives) if name in axes]
            grid.update(fresh[:, columns], hits.astype(np.int64))
            where += [(index, question.cuts(block, int(at))) for at in flat]
            values = np.concatenate([values, fresh])
            if len(where) > _COMPACT:
                keep = nondominated(values)
                where, values = [where[i] for i in keep], values[keep]
        if on_progress is not None:
            on_progress(index + 1, len(questions))
    return [where[i] for i in nondominated(values)], n_points
