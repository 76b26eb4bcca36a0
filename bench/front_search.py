"""Looks at one little network after the other for points that the known front does not dominate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .footprint import FIGURES as ON_MICROCONTROLLERS
from .front_bounds import LittlePoints
from .front_costs import PairCosts
from .front_pool import Batch, Pool
from .front_question import Question
from .tally import of_outcomes

Index = NDArray[np.intp]


class FrontSearch:
    """The front so far, and what each little network adds to it.

    Args:
        question: the networks, gates, costs, objectives and limits.

    Attributes:
        question: what it was made for.
        n: number of networks that are littles and bigs.
        pool: the front so far; at first the networks alone.
        order: the littles in the order that prunes most: those first whose own right answers are
            least behind those of networks that cost less, shape (n,).
    """

    def __init__(self, question: Question) -> None:
        self.question, tally = question, question.tally
        figures = {*question.axes, *question.cost_limits}
        parts = question.costs.footprint if figures & {*ON_MICROCONTROLLERS} else None
        # The trunk is in what pairs share; what nobody asks for would be carried along for nothing.
        self._costs = replace(question.costs, trunk=None, footprint=parts)
        self.n = len(tally.correct)
        _ = tally.bits, tally.right, tally.both_right  # before threads share them
        shuffled = np.random.default_rng(0).permutation(self.n)
        self._rank = np.argsort(shuffled)  # of equal points no network is preferred for its name
        ends, n_axes = np.array([[0.0], [1.0]]), len(question.axes)
        own, low, high = (np.zeros((self.n, n_axes)) for _ in range(3))
        for i in range(self.n):
            for axis, values in enumerate(self._pairs(i, None).at(ends)):
                own[i, axis], low[i, axis], high[i, axis] = values[0, i], values.min(), values.max()
        self.pool = Pool(question.objectives, low.min(axis=0), high.max(axis=0))
        self.pool.take_in([self._alone(i) for i in range(self.n)])
        behind = self.pool.best(list(own.T)) - tally.right
        self.order = np.lexsort((self._rank, np.broadcast_to(behind, self.n)))

    def _pairs(self, little: int, gate: int | None) -> PairCosts:
        question, shared = self.question, None
        if gate is not None and question.shared is not None:
            shared = question.shared(little, gate)
        axes, limits = question.axes, question.cost_limits
        return PairCosts(self._costs.take([little]), self._costs, shared, axes, limits)

    def _alone(self, network: int) -> Batch:
        """A network by itself, as a point of the first gate: what all else is measured against.

        Where it may be paired with some bigs alone, it stands with the first of them; none where
        there is none.
        """
        own, rate = np.array([network]), np.zeros(1)
        alone, hits = self._pairs(network, None).some(own), self.question.tally.right[own]
        good = alone.allowed(rate) & (hits >= self.question.fewest_hits)
        cut, rank = self.question.cuts[:1], own - self.n
        bigs, big = self.question.bigs(network), own
        if bigs is not None and not bigs[network]:
            big, good = np.array([int(bigs.argmax())]), good & bigs.any()
        batch = self._batch(network, 0, cut, big, hits, rank, alone.at(rate))
        return batch.take(np.flatnonzero(good))

    def _batch(
        self,
        little: int,
        gate: Index | int,
        cut: NDArray[np.int64],
        big: Index,
        hits: NDArray[np.int64],
        rank: NDArray[np.int64],
        costs: list[NDArray[np.float64]],
    ) -> Batch:
        matrix = np.stack(costs, axis=1) if costs else np.zeros((len(cut), 0))
        same = np.full(len(cut), little, np.intp)
        return Batch(same, big, np.broadcast_to(gate, len(cut)), cut, hits, rank, matrix)

    def _ranks(
        self, little: int, gate: Index | int, step: Index | int, row: Index, big: Index
    ) -> NDArray[np.int64]:
        """Which of equal points is reported: that of the first little, gate, step, cut and big."""
        first = (self._rank[little] * len(self.question.gates) + gate) * 3
        rank = ((first + step) * (len(self.question.cuts) + 1) + row) * self.n + big
        return np.asarray(rank)

    def look(self, little: int) -> tuple[list[Batch], int]:
        """What one little network adds, and how many points were counted for it."""
        batches, counted = [], 0
        # Gates under which it shares the same are looked at together.
        alike: dict[int, tuple[PairCosts, list[int], list[NDArray[np.uint8]]]] = {}
        for gate, codes in enumerate(self.question.gates):
            pairs = self._pairs(little, gate)
            if callable(codes):
                _, gates, rows = alike.setdefault(id(pairs.shared), (pairs, [], []))
                gates.append(gate)
                rows.append(codes(little))
                continue
            batch, n = self._pairwise(little, gate, codes, pairs)
            batches.append(batch)
            counted += n
        for pairs, gates, rows in alike.values():
            batch, n = self._gated(little, gates, rows, pairs)
            batches.append(batch)
            counted += n
        return batches, counted

    def _gated(
        self, little: int, gates: list[int], codes: list[NDArray[np.uint8]], pairs: PairCosts
    ) -> tuple[Batch, int]:
        """Points of gates that look at the little network alone."""
        points = LittlePoints(self.question, little, gates, codes, pairs, self.pool)
        row, big, hits, costs = points.candidates()
        gate, total = points.gate[row], hits.astype(np.int64)
        rank = self._ranks(little, gate, points.step(row), points.place[row], big)
        batch = self._batch(little, gate, points.cut[row], big, total, rank, costs)
        return batch, points.n_counted

    def _pairwise(
        self, little: int, gate: int, codes: NDArray[np.uint8], pairs: PairCosts
    ) -> tuple[Batch, int]:
        """Points of a gate that knows who is right: the counts of each outcome say it all."""
        tally, n, cuts = self.question.tally, self.question.tally.n_images, self.question.cuts
        both, own = tally.both_right[little], int(tally.right[little])
        only_big = tally.right - both
        cuts = cuts[np.unique(np.searchsorted(np.sort(codes.ravel()), cuts), return_index=True)[1]]
        goes = (codes[:, :, None] < cuts)[..., None]
        escalated, hits = of_outcomes(goes, both, own - both, only_big, n)
        rate = escalated / n
        costs = pairs.at(rate)
        good = self.pool.open(hits, costs) & pairs.allowed(rate)
        if (bigs := self.question.bigs(little)) is not None:
            good &= bigs
        row, big = np.nonzero(good & (hits >= self.question.fewest_hits))
        picked, rank = [c[row, big] for c in costs], self._ranks(little, gate, 0, row, big)
        batch = self._batch(little, gate, cuts[row], big, hits[row, big], rank, picked)
        return batch, hits.size
