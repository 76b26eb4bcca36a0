"""The exact front over all pairs, gates and thresholds, without looking at every point.

One little network at a time. For each cut of its gate and each big network the number of right
answers is bounded from what the two networks are right about together: of the escalated images
that little had right, big cannot have right more than the two share, and of those little had wrong
no more than big has right and little wrong. A point whose bound is dominated by a known point is
dominated itself, so it is never counted. What is left is counted in three steps: first a few cuts,
whose counts bound those between them (moving the cut over k images moves the count by at most k),
then more, then the rest. Nothing is estimated: a point is dropped only when it is proven dominated.
The known front is looked up in a grid over the costs (``front_grid.py``).
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, SharedCosts, pair_figure
from .front_grid import Grid
from .gates import N_CODES
from .pareto import nondominated
from .tally import Tally, below_cut, below_each, count_both, of_outcomes, pack_bits

_ROUND = 16  # littles that look at the same known front, so that threads change nothing
_STRIDES = (16, 4, 1)  # every 16th cut is counted first, then every 4th, then the rest
_COLUMNS = ("little", "big", "gate", "cut", "hits")


@dataclass(frozen=True)
class FrontRows:
    """Non-dominated points as indices, all of shape (n,), sorted by the first objective.

    Attributes:
        little: index of the little network among those looked at.
        big: index of the big network among those looked at.
        gate: index of the gate among those looked at.
        cut: code below which answers are escalated, 0 to 256.
        hits: number of images answered right.
        n_points: number of operating points that were compared.
        n_counted: number of those whose right answers were counted.
        n_littles: little networks that were done; fewer than there are after an interrupt.
    """

    little: NDArray[np.intp]
    big: NDArray[np.intp]
    gate: NDArray[np.intp]
    cut: NDArray[np.int64]
    hits: NDArray[np.int64]
    n_points: int
    n_counted: int
    n_littles: int


class FrontInterrupted(KeyboardInterrupt):
    """An interrupt while a front was worked out.

    Attributes:
        front: front of the little networks that were done: ``FrontRows`` from ``exact_front``, a
            ``Front`` from ``Benchmark.front``.
    """

    def __init__(self, front: Any) -> None:
        super().__init__("interrupted; the front so far is in .front")
        self.front = front


@dataclass(frozen=True)
class Question:
    """What a front is asked of.

    Attributes:
        tally: who of n networks is right about which image.
        gates: rules that decide, one entry a gate: a function that gives the codes (n_images,) of a
            network, or for a pairwise gate its codes by [little is right, big is right], (2, 2).
        costs: costs of the same networks; no NaN in what ``objectives`` and ``limits`` need.
        objectives: names of figures; "error" and "accuracy" are the same.
        limits: largest value by name (for accuracy: smallest).
        cuts: cuts to look at, rising, both ends included.
        shared: gives what one little network shares with all networks under a gate, both by index,
            as a pair that was measured end to end does; None: nothing anywhere.
    """

    tally: Tally
    gates: Sequence[Callable[[int], NDArray[np.uint8]] | NDArray[np.uint8]]
    costs: NetworkCosts
    objectives: Sequence[str]
    limits: dict[str, float] = field(default_factory=dict)
    cuts: NDArray[np.int64] = field(default_factory=lambda: np.arange(N_CODES + 1))
    shared: Callable[[int, int], SharedCosts | None] | None = None

    @property
    def axes(self) -> list[str]:
        """The objectives that are costs."""
        return [o for o in self.objectives if o not in ("error", "accuracy")]

    @property
    def by_accuracy(self) -> bool:
        """Whether right answers count."""
        return len(self.axes) < len(self.objectives)

    @property
    def fewest_hits(self) -> int:
        """Right answers below which the limits on accuracy or error are not met."""
        n, least = self.tally.n_images, 0.0
        if "accuracy" in self.limits:
            least = max(least, self.limits["accuracy"])
        if "error" in self.limits:
            least = max(least, 1.0 - self.limits["error"])
        hits = np.arange(n + 1)
        return int(np.searchsorted(hits / n, least - 1e-12))


@dataclass(frozen=True)
class _Batch:
    """Points that may be on the front: columns as in ``FrontRows``, costs (n, n_axes)."""

    little: NDArray[np.intp]
    big: NDArray[np.intp]
    gate: NDArray[np.intp]
    cut: NDArray[np.int64]
    hits: NDArray[np.int64]
    costs: NDArray[np.float64]

    def take(self, index: NDArray[np.intp]) -> _Batch:
        return _Batch(*(getattr(self, c)[index] for c in (*_COLUMNS, "costs")))


def _joined(parts: Sequence[_Batch]) -> _Batch:
    return _Batch(*(np.concatenate([getattr(p, c) for p in parts]) for c in (*_COLUMNS, "costs")))


@functools.cache
def _brackets(n_cuts: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """At which step each cut is counted, and the nearest cuts below and above counted before it."""
    cut = np.arange(n_cuts)
    level = np.full(n_cuts, len(_STRIDES) - 1)
    below, above = cut.copy(), cut.copy()
    for step in range(len(_STRIDES) - 1, 0, -1):
        wide = _STRIDES[step - 1]
        finer = cut % wide != 0
        mine = finer & (level == step)
        below[mine] = cut[mine] // wide * wide
        above[mine] = np.minimum(below[mine] + wide, n_cuts - 1)
        level[~finer] = step - 1
    level[-1] = 0
    below[-1] = above[-1] = n_cuts - 1
    return level, below, above


class _Search:
    def __init__(self, question: Question) -> None:
        self.question = question
        self.tally, self.costs = question.tally, question.costs
        self.n = len(self.tally.correct)
        self.axes = question.axes
        self.cost_limits = {
            k: v for k, v in question.limits.items() if k not in ("error", "accuracy")
        }
        self.fewest = question.fewest_hits
        # Nothing is escalated, next to nothing, all: between them every cost is a straight line.
        some = np.array([[0.0], [1e-9], [1.0]] if question.shared else [[0.0], [1.0]])
        gates = range(len(question.gates) if question.shared else 1)
        ends = np.array([self._costs(i, some, g) for i in range(self.n) for g in gates])
        ends = ends.reshape(self.n * len(gates), len(self.axes), len(some) * self.n)
        self.grid = Grid(ends.min(axis=(0, 2)), ends.max(axis=(0, 2)))
        self.pool: _Batch | None = None
        self.compact = 4096
        self.n_counted = 0
        self.take_in([self._alone(i) for i in range(self.n)])

    def _alone(self, network: int) -> _Batch:
        """A network by itself, as a point of the first gate: what all else is measured against."""
        rate, own = np.zeros((1, 1)), np.array([network])
        hits = self.tally.right[own]
        good = self._allowed(network, rate, 0)[0, own] & (hits >= self.fewest)
        costs = [c[0, own] for c in self._costs(network, rate, 0)]
        batch = self._batch(network, 0, self.question.cuts[:1], own, hits, costs)
        return batch.take(np.flatnonzero(good))

    def _costs(
        self, little: int, rate: NDArray[np.float64], gate: int
    ) -> list[NDArray[np.float64]]:
        """Each cost of one little with every big at some rates, each (n_rates, n_networks)."""
        first, shared = self.costs.take([little]), self._shared(little, gate)
        shape = np.broadcast_shapes(rate.shape, (1, self.n))
        return [
            np.broadcast_to(pair_figure(name, first, self.costs, rate, shared), shape)
            for name in self.axes
        ]

    def _allowed(self, little: int, rate: NDArray[np.float64], gate: int) -> NDArray[np.bool_]:
        shape = np.broadcast_shapes(rate.shape, (1, self.n))
        ok, first = np.ones(shape, bool), self.costs.take([little])
        shared = self._shared(little, gate)
        for name, limit in self.cost_limits.items():
            ok &= pair_figure(name, first, self.costs, rate, shared) <= limit
        return ok

    def _shared(self, little: int, gate: int) -> SharedCosts | None:
        return None if self.question.shared is None else self.question.shared(little, gate)

    def _batch(
        self,
        little: int,
        gate: int,
        cut: NDArray[np.int64],
        big: NDArray[np.intp],
        hits: NDArray[np.int64],
        costs: list[NDArray[np.float64]],
    ) -> _Batch:
        matrix = np.stack(costs, axis=1) if costs else np.zeros((len(cut), 0))
        same = np.full(len(cut), little, np.intp)
        return _Batch(same, big, np.full(len(cut), gate, np.intp), cut, hits, matrix)

    def pairwise(self, little: int, gate: int, codes: NDArray[np.uint8]) -> tuple[_Batch, int]:
        """All points of a gate that knows who is right: the counts of each outcome say it all."""
        tally, n = self.tally, self.tally.n_images
        both, own = tally.both_right[little], int(tally.right[little])
        only_big = tally.right - both
        cuts = self.question.cuts
        cuts = cuts[np.unique(np.searchsorted(np.sort(codes.ravel()), cuts), return_index=True)[1]]
        goes = (codes[:, :, None] < cuts)[..., None]
        escalated, hits = of_outcomes(goes, both, own - both, only_big, n)
        rate = escalated / n
        costs = self._costs(little, rate, gate)
        good = self._allowed(little, rate, gate) & (hits >= self.fewest)
        row, big = np.nonzero(good & self._open(hits, costs))
        picked = [c[row, big] for c in costs]
        return self._batch(little, gate, cuts[row], big, hits[row, big], picked), hits.size

    def _open(
        self, hits: NDArray[np.int64] | NDArray[np.int32], costs: list[NDArray[np.float64]]
    ) -> NDArray[np.bool_]:
        """Points that no known point is proven to dominate."""
        if not self.question.by_accuracy:
            return np.asarray(self.grid.at(costs) < 0)
        return np.asarray(hits > self.grid.at(costs))

    def gated(self, little: int, gate: int, codes: NDArray[np.uint8]) -> tuple[_Batch, int]:
        """Points of one little network under one gate that may be on the front."""
        tally, n = self.tally, self.tally.n_images
        escalated = below_cut(codes)[self.question.cuts]
        fresh = np.flatnonzero(np.concatenate([[True], np.diff(escalated) > 0]))
        cuts, escalated = self.question.cuts[fresh], escalated[fresh]
        right = below_cut(codes, tally.correct[little])[cuts]
        kept_right = (tally.right[little] - right).astype(np.int32)
        rate = (escalated / n)[:, None]
        costs, shared = self._costs(little, rate, gate), tally.both_right[little].astype(np.int32)
        gain = tally.right.astype(np.int32) - shared
        bound = np.minimum(right.astype(np.int32)[:, None], shared)
        bound += np.minimum((escalated - right).astype(np.int32)[:, None], gain)
        total = bound + kept_right[:, None]
        wanted = self._open(total, costs) & (total >= self.fewest)
        if self.cost_limits:
            wanted &= self._allowed(little, rate, gate)
        row, big = np.nonzero(wanted)
        if not len(row):
            return self._batch(little, gate, row, big, row, [c[row, big] for c in costs]), 0
        masks = pack_bits(below_each(np.broadcast_to(codes, (len(cuts), n)), cuts))
        limit, flat_costs = bound.ravel(), [np.ravel(c) for c in costs]
        parts = []
        level, below, above = _brackets(len(cuts))
        step = (escalated - escalated[below]).astype(np.int32)
        level_of = level[row]
        for each in range(len(_STRIDES)):
            chosen = np.flatnonzero(level_of == each)
            r, b = row[chosen], big[chosen]
            at = r * self.n + b
            if each:
                moved = limit[below[r] * self.n + b] + step[r]
                tight = np.minimum(moved, limit[above[r] * self.n + b])
                tight = np.minimum(tight, limit[at])
                limit[at] = tight
                total = tight + kept_right[r]
                still = self._open(total, [c[at] for c in flat_costs]) & (total >= self.fewest)
                still = np.flatnonzero(still)
                r, b, at = r[still], b[still], at[still]
            limit[at] = count_both(masks, r, tally.bits, b)
            parts.append((r, b, at))
        row, big, at = (np.concatenate(p) for p in zip(*parts, strict=True))
        hits = (limit[at] + kept_right[row]).astype(np.int64)
        picked = [c[at] for c in flat_costs]
        good = np.flatnonzero(self._open(hits, picked) & (hits >= self.fewest))
        batch = self._batch(little, gate, cuts[row], big, hits, picked)
        return batch.take(good), len(row)

    def look(self, little: int) -> tuple[list[_Batch], int]:
        """What one little network adds, and how many points were counted for it."""
        batches, counted = [], 0
        for gate, codes in enumerate(self.question.gates):
            batch, n = (
                self.gated(little, gate, codes(little))
                if callable(codes)
                else self.pairwise(little, gate, codes)
            )
            batches.append(batch)
            counted += n
        return batches, counted

    def values(self, batch: _Batch) -> NDArray[np.float64]:
        """The objectives of points, minimised, shape (n, n_objectives)."""
        columns, axes = [], iter(batch.costs.T)
        for name in self.question.objectives:
            columns.append(
                -batch.hits.astype(float) if name in ("error", "accuracy") else next(axes)
            )
        return np.stack(columns, axis=1)

    def take_in(self, batches: list[_Batch]) -> None:
        """Adds points to the pool and to the grid; drops the dominated now and then."""
        parts = [b for b in batches if len(b.cut)]
        if not parts:
            return
        fresh = _joined(parts)
        fresh = fresh.take(nondominated(self.values(fresh)))
        hits = fresh.hits if self.question.by_accuracy else np.zeros_like(fresh.hits)
        self.grid.update(fresh.costs, hits)
        self.pool = fresh if self.pool is None else _joined([self.pool, fresh])
        if len(self.pool.cut) > self.compact:
            self.pool = self.pool.take(nondominated(self.values(self.pool)))
            self.compact = max(self.compact, 2 * len(self.pool.cut))

    def result(self, n_littles: int) -> FrontRows:
        """The front of what was taken in."""
        rows: dict[str, NDArray[np.int64]] = {c: np.zeros(0, np.int64) for c in _COLUMNS}
        if self.pool is not None:
            pool = self.pool.take(nondominated(self.values(self.pool)))
            rows = {c: getattr(pool, c) for c in _COLUMNS}
        n_points = self.n * n_littles * len(self.question.cuts) * len(self.question.gates)
        return FrontRows(**rows, n_points=n_points, n_counted=self.n_counted, n_littles=n_littles)


def exact_front(
    question: Question,
    threads: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> FrontRows:
    """The front of every pair of n networks under every gate and cut, exact to the last image.

    Args:
        question: the networks, gates, costs, objectives and limits.
        threads: number that look at little networks side by side; the answer does not depend on it.
        on_progress: called with (littles done, littles).

    Raises:
        FrontInterrupted: on an interrupt; carries the ``FrontRows`` of the littles done.
    """
    search, done = _Search(question), 0
    n = search.n
    _ = search.tally.bits, search.tally.right, search.tally.both_right  # before threads share them
    order = np.random.default_rng(0).permutation(n)  # a good front early prunes more
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        try:
            for start in range(0, n, _ROUND):
                littles = order[start : start + _ROUND].tolist()
                for batches, counted in list(pool.map(search.look, littles)):
                    search.take_in(batches)
                    search.n_counted += counted
                done += len(littles)
                if on_progress is not None:
                    on_progress(done, n)
        except KeyboardInterrupt:
            raise FrontInterrupted(search.result(done)) from None
    return search.result(done)
